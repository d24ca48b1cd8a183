"""Compile every kernel before somebody waits for it: ``python -m core.warm_up`` (part of ``make run``).

numba keeps what it compiled on disk, so that this takes seconds once and a fraction of one afterwards.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from core.analyses.gates import gates
from core.analyses.link import link_report
from core.analyses.neighbours import StoreLinks
from core.analyses.seed_gates import seed_candidates
from core.analyses.splits import merges, splits
from core.analyses.unseen import never_together, seen_by_then
from core.labels import Labels
from core.sources.planted import plant
from core.sources.structures import Planting
from core.statistics.chance import row_maxima
from core.statistics.characteristic import characteristic_tokens, token_frequency
from core.statistics.nulls import draw, layout_of, row_map
from core.statistics.pairs import whole_pair
from core.statistics.top import top_of_product
from core.store import Store
from core.values import DATA_FREE, MEASURES, Feature

WIDE = 65_537
"""The first d_sae whose features need 32 bits: kernels are compiled for both widths."""


def compile_kernels() -> float:
    """Ask a tiny store of each index width everything that runs a kernel; returns the seconds it took."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for d_sae in (4, WIDE):
            dense = np.zeros((20, d_sae))
            dense[:, :4] = np.random.default_rng(0).random((20, 4))
            parts = {"decoder": dense[:2].T, "encoder": dense[:2], "threshold": dense[0]}
            weights = {key: {name: part.astype(np.float32) for name, part in parts.items()} for key in "01"}
            ask_everything(plant(Path(folder) / f"{d_sae}.h5", {"0": dense, "1": dense}, weights=weights))
            ask_structures(Path(folder) / f"structures-{d_sae}.h5", max(16, d_sae))
    return time.perf_counter() - began


def ask_structures(path: Path, width: int) -> None:
    """Gates of each kind, a split and a merge, at both activity rules."""
    planting = Planting(sites=2, width=width, tokens=4000, spread=0.1)
    for kind in ("or", "and", "and_not"):
        planting.gate(kind, site=1)
    planting.split(0)
    planting.merge(1)
    store, _ = planting.build(path)
    for activity in (0.0, 0.2):
        for analysis in (gates, splits, merges, seed_candidates):
            analysis(store, "0", "1", activity)


def ask_everything(store: Store) -> None:
    """One question of each kind to the first two sites."""
    first, second = store.sites[0].key, store.sites[1].key
    links = StoreLinks(store)
    for activity in (0.0, 0.2):
        for measure in MEASURES:
            links.neighbours(Feature(first, 0), second, measure, 1, activity=activity)
        whole_pair(store, first, second, activity, threads=2)
        link_report(store, Feature(first, 0), Feature(second, 1), activity)
        row_map(store, first, second, draw(layout_of(store), "document"), activity)
    for measure in DATA_FREE:
        links.neighbours(Feature(first, 0), second, measure, 1)
    top_of_product(2, 2, 1, lambda rows: np.eye(2, dtype=np.float32)[rows])
    row_maxima(store, first, second)
    characteristic_tokens(store, first, token_frequency(store))
    seen_by_then(store, first, second)
    never_together(store, Labels.beside(store), first, second)


if __name__ == "__main__":
    print(f"kernels compiled in {compile_kernels():.1f} s", file=sys.stderr)
