"""One feature against a whole site: the pair counts of a row, from the memory-mapped store.

For each position where the feature is active, that position's (feature, value) pairs are added into an accumulator of
d_sae cells. The work is the number of activations met, Σ_t L0(t) over the feature's positions, and never d_sae².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.kernels import frozen, kernel
from core.statistics.faults import damaged
from core.statistics.margins import Margins, feature_margins, floor_of, floors, margins
from core.store import Store
from core.values import Feature, PairCounts


@dataclass(frozen=True, slots=True)
class RowMap:
    """Other rows of the target than its own: what a null pairs the source's positions with, activations uncopied.

    Beside position p of the source stand the entries starts[p]..stops[p] − 1 of the target's by-token arrays; equal
    bounds are an empty row. `n` and the margins are those of the positions that take part, and every measure is
    computed from them. Rows may repeat or be left out; bounds are checked as those of a store are.
    """

    starts: np.ndarray  # int64 [n_positions]
    stops: np.ndarray  # int64 [n_positions]
    n: int  # positions that take part
    source: Margins  # of the site whose positions are walked, arrays [d_sae]
    target: Margins  # of the site whose rows are taken, arrays [d_sae]


@kernel
def _row_against_site(  # type: ignore[no-untyped-def]
    positions, x, x_floor, starts, stops, features, values, y_floor, cells
):
    """Add the row into `cells` [d_sae, 2] = (n_both, Σxy); returns a code of `faults.FAULTS`, 0 when sound.

    Position p meets the entries starts[p]..stops[p] − 1 (ordinarily offsets[:-1] and offsets[1:]). The two cells of a
    feature lie side by side, so that one memory access serves both. Both are float64: counts stay exact up to 2^53.
    `y_floor` is empty where every activation counts (r = 0).
    """
    n_positions = min(len(starts), len(stops))
    nnz = len(features)
    d_sae = len(cells)
    rule = len(y_floor) > 0
    before = np.int64(-1)
    for i in range(len(positions)):
        p = np.int64(positions[i])
        if p <= before or p >= n_positions:
            return 1
        before = p
        start, stop = starts[p], stops[p]
        if start < 0 or stop < start or stop > nnz:
            return 2
        value = np.float64(x[i])
        fires = value > x_floor
        last = np.int64(-1)
        for e in range(np.uint64(start), np.uint64(stop)):
            f = features[e]
            if np.int64(f) <= last or f >= d_sae:
                return 3
            last = np.int64(f)
            y = np.float64(values[e])
            cells[f, 1] += value * y
            if rule:
                if fires and y > y_floor[f]:
                    cells[f, 0] += 1.0
            else:
                cells[f, 0] += 1.0
    return 0


@kernel
def _row_against_row(p, x, x_floor, q, y, y_floor, n_positions):  # type: ignore[no-untyped-def]
    """(fault, n_both, Σxy) of two rows, the sum in the same order as `_row_against_site`, so that the bits agree."""
    for row in (p, q):
        before = np.int64(-1)
        for i in range(len(row)):
            here = np.int64(row[i])
            if here <= before or here >= n_positions:
                return 1, 0, 0.0
            before = here
    i, j, both, total = 0, 0, 0, 0.0
    while i < len(p) and j < len(q):
        if p[i] < q[j]:
            i += 1
        elif p[i] > q[j]:
            j += 1
        else:
            a, b = np.float64(x[i]), np.float64(y[j])
            total += a * b
            if a > x_floor and b > y_floor:
                both += 1
            i += 1
            j += 1
    return 0, both, total


def pair_counts(
    store: Store, feature: Feature, to: str, activity: float = 0.0, rows: RowMap | None = None
) -> PairCounts:
    """Pair counts of `feature` with every feature of site `to`: arrays [d_sae of `to`], or scalars of `feature`.

    x belongs to the source and y to the target, and the source is always the earlier site, whichever way one asks:
    where `to` comes after, `feature` is the source of all pairs; where `to` comes before, the source of pair j is
    feature j of `to`, and `feature` is the target. Within one site the smaller index is the source; the entry of
    `feature` with itself is there too, and means nothing.

    Counts follow the activity rule x > r · max_i with r = `activity`, the sums do not; a feature's maximum is over the
    whole store. With `rows`, the positions of `feature` meet those rows of `to`, and n and margins are theirs.
    Raises `UnknownSite`, `UnknownFeature`, `BadArgument` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b})
    ...     down = pair_counts(store, Feature("0", 0), "1")
    ...     up = pair_counts(store, Feature("1", 0), "0")
    >>> down.n_source, down.n_target.tolist(), down.n_both.tolist(), down.sum_xy.tolist()
    (2, [2], [2], [10.0])
    >>> up.n_source.tolist(), up.n_target, up.n_both.tolist()
    ([2, 1], 2, [2, 0])
    """
    feature = store.feature(feature)
    n = store.n if rows is None else rows.n
    if rows is None:
        mine, theirs = feature_margins(store, feature, activity), margins(store, to, activity)
    else:
        mine, theirs = _one_of(rows.source, feature.index), rows.target
    n_both, sum_xy = _against_site(store, feature, to, activity, rows)
    if np.any(n_both > np.minimum(theirs.active, mine.active)):
        damaged(store, 5, to)
    here, there = store.site(feature.key).position, store.site(to).position
    if here == there:
        first = np.arange(len(n_both)) < feature.index  # the other feature is the source
        source, target = _either(first, theirs, mine), _either(~first, theirs, mine)
    else:
        source, target = (mine, theirs) if here < there else (theirs, mine)
    return _assemble(n, source, target, n_both, sum_xy)


def two_feature_counts(store: Store, a: Feature, b: Feature, activity: float = 0.0) -> PairCounts:
    """Pair counts (scalars) of two features, the source by forward order; bit-equal to those of `pair_counts`."""
    source, target = store.order(store.feature(a), store.feature(b))
    (p, x), (q, y) = (frozen(*store.row(f)) for f in (source, target))
    floors = floor_of(store, source, activity), floor_of(store, target, activity)
    fault, both, sum_xy = _row_against_row(p, x, floors[0], q, y, floors[1], store.n_positions)
    if fault or not np.isfinite(sum_xy):
        damaged(store, fault or 6, f"{source} or {target}")
    first, second = (feature_margins(store, f, activity) for f in (source, target))
    return _assemble(store.n, first, second, int(both), float(sum_xy))


def row_bounds(store: Store, to: str, rows: RowMap | None) -> tuple[np.ndarray, ...]:
    """(starts, stops) of the rows of a site that the positions meet: its own, or those of `rows`; read-only views."""
    if rows is not None:
        return frozen(np.ascontiguousarray(rows.starts, np.int64), np.ascontiguousarray(rows.stops, np.int64))
    offsets = store.by_token(to).offsets
    return frozen(offsets[:-1], offsets[1:])


def _against_site(
    store: Store, feature: Feature, to: str, activity: float, rows: RowMap | None
) -> tuple[np.ndarray, np.ndarray]:
    """(n_both int64, Σxy float64) of one feature with every feature of a site, both [d_sae]."""
    positions, x = frozen(*store.row(feature))
    theirs = store.by_token(to)
    sparse = (*row_bounds(store, to, rows), *frozen(theirs.indices, theirs.values))
    limits = floors(store, to, activity) if activity else np.empty(0)
    cells = np.zeros((store.site(to).d_sae, 2))
    fault = _row_against_site(positions, x, floor_of(store, feature, activity), *sparse, limits, cells)
    if fault:
        damaged(store, fault, feature if fault == 1 else to)
    if not np.isfinite(cells[:, 1]).all():
        damaged(store, 6, f"{feature} or of site {to}")
    return cells[:, 0].astype(np.int64), cells[:, 1].copy()


def _either(choose: np.ndarray, a: Margins, b: Margins) -> Margins:
    return Margins(*(np.where(choose, getattr(a, f), getattr(b, f)) for f in Margins.__dataclass_fields__))


def _one_of(site: Margins, index: int) -> Margins:
    return Margins(int(site.active[index]), float(site.total[index]), float(site.squares[index]))


def _assemble(n: int, source: Margins, target: Margins, n_both: Any, sum_xy: Any) -> PairCounts:
    return PairCounts(
        n=n,
        n_source=source.active,
        n_target=target.active,
        n_both=n_both,
        sum_x=source.total,
        sum_xx=source.squares,
        sum_y=target.total,
        sum_yy=target.squares,
        sum_xy=sum_xy,
    )
