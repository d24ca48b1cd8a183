"""A planted store with chains to follow, for the Evolution page and its browser tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.labels import labels_path, write_labels
from core.sources.planted import plant
from core.values import Feature, Label


def planted_chains(path: Path) -> None:
    """Four sites; feature i of a site passes on to feature i of the next, 0 also to 1, and noise follows nothing."""
    rng = np.random.default_rng(5)
    base = (rng.random((4000, 6)) < 0.04) * rng.lognormal(size=(4000, 6))
    sites = {}
    for site in range(4):
        dense = base * (rng.random(base.shape) < 1 - 0.04 * site)
        if site:
            dense[:, 1] = np.maximum(dense[:, 1], dense[:, 0] * (rng.random(4000) < 0.8))
        noise = (rng.random((4000, 4)) < 0.02) * rng.lognormal(size=(4000, 4))
        sites[str(site)] = np.hstack([dense, noise])
    store = plant(path, sites)
    write_labels(
        labels_path(store.path),
        [(Feature("1", 0), Label("the first", "test")), (Feature("2", 0), Label("its heir", "test"))],
    )
