"""The feature graph of a store, and those of two halves of its documents.

A link counts where

- the measure reaches the floor;
- both features are active together on `min_both` tokens (fewer are too little data);
- it says more than chance: (v − v₀) / (1 − v₀) ≥ floor / 2, v₀ being the measure under independence. Sparse features
  always pass; two features that are each on for a third of the text have a Jaccard of 0.2 for no reason.

By a measure of weights a link counts where the measure reaches the floor and both features are ever active: there are
no tokens to ask, and so no halves of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from core.analyses.feature_graph import Block, FeatureGraph, assemble, check_floor
from core.errors import Cancelled
from core.results import pair_links
from core.statistics.data_free import links_above
from core.statistics.margins import Margins, margins
from core.statistics.measures import BOUNDED, measure_function
from core.statistics.nulls import layout_of, margins_within
from core.statistics.pairs import FLOOR, TOP, PairLinks, in_order, whole_pair
from core.statistics.rows import RowMap
from core.store import Store
from core.values import DATA_FREE, MIN_ACTIVE, PairCounts

Report = Callable[[str, float], None]
"""`report(what, share)`: what is being computed, and how much of all of it is done."""


def site_pairs(store: Store, every: bool = False) -> list[tuple[str, str]]:
    """Adjacent sites, or all pairs of them."""
    keys = [site.key for site in store.sites]
    return [(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :]] if every else list(pairwise(keys))


def store_graph(
    store: Store,
    measure: str = "jaccard",
    floor: float = 0.1,
    activity: float = 0.0,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    min_both: int = MIN_ACTIVE,
    report: Report = lambda what, share: None,
    **running: Any,
) -> FeatureGraph:
    """The graph of a store's links between `pairs` of sites (adjacent ones unless told); pairs are kept on disk.

    `running` are the options of `whole_pair` and `pair_links`. Raises `UnknownSite`, `BadArgument`, `StoreDamaged`, and
    by a measure of weights `SpacesDiffer` and `NothingRecorded`.

    >>> import tempfile, pathlib
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=2, width=16, tokens=5_000)
    >>> _ = planting.community((0, 1), size=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     graph = store_graph(planting.build(pathlib.Path(folder) / "c.h5")[0])
    >>> len(graph.features), len(graph.weight)
    (4, 4)
    """
    check_floor(measure, floor)
    chosen = [in_order(store, *pair) for pair in (site_pairs(store) if pairs is None else pairs)]
    if measure in DATA_FREE:
        return _by_weights(store, measure, floor, chosen, report, running.get("cancelled", lambda: False))
    kept = pair_settings(measure, floor)
    blocks = []
    for done, (a, b) in enumerate(chosen):
        progress = _part(report, f"links of sites {a} and {b}", done, len(chosen))
        found, _ = pair_links(store, a, b, activity, *kept, progress=progress, **running)
        sides = margins(store, a, activity), margins(store, b, activity)
        blocks.append(_block(store, found, counts_of(found, store.n, *sides), measure, floor, min_both))
    return assemble([site.key for site in store.sites], blocks)


def _by_weights(
    store: Store,
    measure: str,
    floor: float,
    pairs: Sequence[tuple[str, str]],
    report: Report,
    cancelled: Callable[[], bool],
) -> FeatureGraph:
    blocks: list[Block] = []
    for done, (a, b) in enumerate(pairs):
        if cancelled():
            raise Cancelled("links of weights were stopped", "ask again")
        i, j, values = links_above(store, measure, a, b, max(floor, np.nextafter(0, 1)))
        blocks.append((store.site(a).position, store.site(b).position, i, j, values))
        report(f"links of sites {a} and {b}", (done + 1) / len(pairs))
    return assemble([site.key for site in store.sites], blocks)


def pair_settings(measure: str, floor: float) -> tuple[int, float, tuple[str, ...]]:
    """(top, floor, measures of the floor) of kept pairs that hold all these links: the usual ones where they do.

    >>> pair_settings("jaccard", 0.2), pair_settings("jaccard", 0.05)
    ((16, 0.1, ('pearson', 'cosine', 'jaccard')), (16, 0.05, ('jaccard',)))
    """
    return (TOP, FLOOR, tuple(BOUNDED)) if measure in BOUNDED and floor >= FLOOR else (TOP, floor, (measure,))


def half_graphs(
    store: Store,
    measure: str = "jaccard",
    floor: float = 0.1,
    activity: float = 0.0,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    min_both: int = MIN_ACTIVE,
    seed: int = 42,
    report: Report = lambda what, share: None,
    **running: Any,
) -> tuple[FeatureGraph, ...]:
    """The graphs of two random halves of the documents, each link recomputed there; none for a single document.

    None either for a measure of weights, which asks no documents.
    The activity rule's maximum stays that of the whole store (DESIGN 1); `min_both` is halved.
    """
    check_floor(measure, floor)
    chosen = [in_order(store, *pair) for pair in (site_pairs(store) if pairs is None else pairs)]
    halves = () if measure in DATA_FREE else document_halves(store, seed)
    graphs = []
    for half, positions in enumerate(halves):
        blocks = []
        for done, (a, b) in enumerate(chosen):
            what = f"links of sites {a} and {b} on half {half + 1} of the documents"
            progress = _part(report, what, half * len(chosen) + done, len(halves) * len(chosen))
            rows = rows_within(store, a, b, positions, activity)
            found = whole_pair(store, a, b, activity, 1, floor, (measure,), rows=rows, progress=progress, **running)
            counts = counts_of(found, rows.n, rows.source, rows.target)
            blocks.append(_block(store, found, counts, measure, floor, -(-min_both // 2)))
        graphs.append(assemble([site.key for site in store.sites], blocks))
    return tuple(graphs)


def document_halves(store: Store, seed: int = 42) -> tuple[np.ndarray, ...]:
    """Counted positions, int64, of two halves of the documents, dealt at random; () for a single document."""
    layout = layout_of(store)
    documents = int(layout.document.max(initial=-1)) + 1
    if documents < 2:
        return ()
    second = np.zeros(documents, bool)
    second[np.random.default_rng(seed).permutation(documents)[documents // 2 :]] = True
    sequence = np.searchsorted(layout.offsets, layout.positions, side="right") - 1
    there = second[layout.document[sequence]]
    return layout.positions[~there], layout.positions[there]


def rows_within(store: Store, source: str, target: str, positions: np.ndarray, activity: float = 0.0) -> RowMap:
    """A pair restricted to some of the counted positions: rows of the others are empty, n and margins are theirs."""
    offsets = np.asarray(store.by_token(target).offsets)
    starts, stops = np.zeros(store.n_positions, np.int64), np.zeros(store.n_positions, np.int64)
    starts[positions], stops[positions] = offsets[positions], offsets[positions + 1]
    mine, theirs = (margins_within(store, key, positions, activity) for key in (source, target))
    return RowMap(starts, stops, len(positions), mine, theirs)


def counts_of(found: PairLinks, n: int, source: Margins, target: Margins) -> PairCounts:
    """Pair counts of all links of a pair over n positions with these margins."""
    i, j = found.sources, found.targets
    return PairCounts(
        n, source.active[i], target.active[j], found.n_both, source.total[i], source.squares[i], target.total[j],
        target.squares[j], found.sum_xy,
    )  # fmt: skip


def _block(store: Store, found: PairLinks, counts: PairCounts, measure: str, floor: float, min_both: int) -> Block:
    """The links of a pair that count (see the top of this file)."""
    function = measure_function(measure)
    value = np.asarray(function(counts), np.float64)
    n = max(counts.n, 1)
    by_chance = np.asarray(counts.n_source * (counts.n_target / n), np.int64)
    alone = replace(counts, n_both=by_chance, sum_xy=counts.sum_x * (counts.sum_y / n))
    chance = np.nan_to_num(np.asarray(function(alone), np.float64)).clip(0, 1 - 1e-9)
    keep = (value >= floor) & (value > 0) & (counts.n_both >= min_both)
    keep &= (value - chance) / (1 - chance) >= floor / 2
    places = store.site(found.source).position, store.site(found.target).position
    return *places, found.sources[keep], found.targets[keep], value[keep]


def _part(report: Report, what: str, done: int, of: int) -> Callable[[float], None]:
    return lambda share: report(what, (done + share) / of)
