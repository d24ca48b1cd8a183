"""A planted store with chains to follow, for the Evolution page and its browser tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.labels import labels_path, write_labels
from core.sources.planted import plant
from core.values import Feature, Label


def planted_chains(path: Path, *, weights: bool = False, spaces_differ: bool = False) -> None:
    """Four sites; feature i of a site passes on to feature i of the next, 0 also to 1, and noise follows nothing.

    With weights, directions of features 0 to 5 stay alike from site to site, all but that of 2, and those of noise do
    not; where `spaces_differ` the last site has another width.
    """
    rng = np.random.default_rng(5)
    base = (rng.random((4000, 6)) < 0.04) * rng.lognormal(size=(4000, 6))
    sites = {}
    for site in range(4):
        dense = base * (rng.random(base.shape) < 1 - 0.04 * site)
        if site:
            dense[:, 1] = np.maximum(dense[:, 1], dense[:, 0] * (rng.random(4000) < 0.8))
        noise = (rng.random((4000, 4)) < 0.02) * rng.lognormal(size=(4000, 4))
        sites[str(site)] = np.hstack([dense, noise])
    store = plant(path, sites, weights=directions(rng, spaces_differ) if weights else None)
    write_labels(
        labels_path(store.path),
        [(Feature("1", 0), Label("the first", "test")), (Feature("2", 0), Label("its heir", "test"))],
    )


def directions(rng: np.random.Generator, spaces_differ: bool) -> dict[str, dict[str, np.ndarray]]:
    """Decoders, encoders and thresholds of the four sites."""
    base, found = rng.standard_normal((10, 24)), {}
    for site in range(4):
        new = rng.standard_normal((10, 24))
        decoder = np.where(np.isin(np.arange(10), (0, 1, 3, 4, 5))[:, None], base + 0.4 * new, new)
        decoder /= np.linalg.norm(decoder, axis=1)[:, None]
        width = 12 if spaces_differ and site == 3 else 24
        parts = {"decoder": decoder[:, :width], "encoder": 0.5 * decoder.T[:width], "threshold": np.ones(10)}
        found[str(site)] = {name: part.astype(np.float32) for name, part in parts.items()}
    return found
