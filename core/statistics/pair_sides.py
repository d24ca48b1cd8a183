"""One site's arrays as the loops over a whole pair take them, in the order that suits them (see `pairs`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.kernels import frozen
from core.statistics.faults import damaged
from core.statistics.margins import Margins, all_positive, floors, margins
from core.statistics.measures import noise_share
from core.statistics.pair_kernels import ACTIVE
from core.statistics.pair_rows import renumber
from core.statistics.rows import RowMap, row_bounds
from core.store import Store

MOST_RENUMBERED = 512 << 20  # bytes of the target's features; beyond that they stay as they are
TABLE_ENTRIES = 1 << 23  # of c ln c; larger counts take a logarithm
DENSEST_ROWS, DENSEST_COLUMNS = 16, 512  # that come before the rarest


@dataclass(slots=True)
class Side:
    """One site's arrays as the kernels take them."""

    starts: np.ndarray  # of each feature's row of the source, of the target's row beside each position
    stops: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    floors: np.ndarray  # float32 [d_sae], empty at r = 0
    margins: np.ndarray  # float64 [d_sae, 6], columns as in pair_kernels
    d_sae: int


def source_side(store: Store, key: str, activity: float, table: np.ndarray, rows: RowMap | None = None) -> Side:
    """The source's rows, by feature; raises `StoreDamaged` where the summary contradicts them."""
    found = store.by_feature(key)
    of = margins(store, key, activity) if rows is None else rows.source
    return _side(store, key, activity, frozen(found.offsets[:-1], found.offsets[1:]), found, of, table, rows)


def target_side(store: Store, key: str, activity: float, table: np.ndarray, rows: RowMap | None = None) -> Side:
    """The target's rows, by token, or those of `rows`; raises `StoreDamaged` where the summary contradicts them."""
    of = margins(store, key, activity) if rows is None else rows.target
    return _side(store, key, activity, row_bounds(store, key, rows), store.by_token(key), of, table, rows)


def _side(
    store: Store, key: str, activity: float, bounds: tuple[np.ndarray, ...], rows: Any, of: Margins,
    table: np.ndarray, instead: RowMap | None,
) -> Side:  # fmt: skip
    if not np.array_equal(np.diff(store.by_feature(key).offsets), store.summary(key).active):
        damaged(store, 5, key)
    if not all_positive(*frozen(rows.values)):
        damaged(store, 6, f"site {key}")
    limits = rounded_down(floors(store, key, activity)) if activity else np.empty(0, np.float32)
    n = store.n if instead is None else instead.n
    starts, stops, indices, values = *bounds, *frozen(rows.indices, rows.values)
    return Side(starts, stops, indices, values, limits, margins_table(n, of, table), len(of.active))


# ---- in which order


def by_density(of: Side) -> tuple[Side, np.ndarray]:
    """The target with its features in another order, and their true indices in that order, int64 [d_sae].

    The densest first, then from the rarest on: what is met often lies together, and the lists' limits rise early.
    """
    if of.indices.nbytes > MOST_RENUMBERED:
        return of, np.arange(of.d_sae)
    order = densest_then_rarest(of.margins[:, ACTIVE], DENSEST_COLUMNS)
    rank = np.empty(of.d_sae, of.indices.dtype)
    rank[order] = np.arange(of.d_sae)
    indices = np.empty_like(of.indices)
    renumber(of.indices, *frozen(rank), indices)
    floors = of.floors[order] if len(of.floors) else of.floors
    return replace(of, indices=frozen(indices)[0], floors=floors, margins=of.margins[order]), order


def row_order(of: Side) -> np.ndarray:
    """The order in which the source's rows are gone through, int64 [d_sae].

    The densest have most of the best by necessity, the rarest those by sufficiency: with both of them first, the
    columns' limits rise early, and fewer pairs have to be written down.
    """
    return densest_then_rarest(of.stops - of.starts, DENSEST_ROWS)


def densest_then_rarest(active: np.ndarray, densest: int) -> np.ndarray:
    """The `densest` features, the densest first, then the others from the rarest on; int64 [d_sae].

    >>> densest_then_rarest(np.array([2, 9, 5, 1]), densest=1).tolist()
    [1, 3, 0, 2]
    """
    order = np.argsort(-active, kind="stable")
    return np.concatenate([order[:densest], order[densest:][::-1]]).astype(np.int64)


# ---- what each feature brings


def rounded_down(limits: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each of `limits`.

    >>> bool(rounded_down(np.array([0.1]))[0] <= 0.1)
    True
    """
    nearest = limits.astype(np.float32)
    return np.where(nearest > limits, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def margins_table(n: int, of: Margins, table: np.ndarray) -> np.ndarray:
    """What each feature brings to its measures, float64 [d_sae, 6] (columns: see `pair_kernels`)."""
    active, total, squares = (np.asarray(part) for part in (of.active, of.total, of.squares))
    with np.errstate(divide="ignore", invalid="ignore"):
        vary = 1 - (total / squares) * (total / n)
        deviation = np.where(vary > noise_share(n), np.sqrt(squares * vary), np.nan)
        entropy = xlogx(active, table) + xlogx(n - active, table)
        return np.stack([active, total / n, deviation, np.sqrt(squares), entropy, total], axis=1)


def xlogx(counts: np.ndarray, table: np.ndarray) -> np.ndarray:
    """c ln c, from the table as far as it goes, so that the kernel's terms cancel exactly."""
    small = (counts >= 0) & (counts < len(table))
    large = counts * np.log(np.maximum(counts, 1))
    return np.where(small, table[np.where(small, counts, 0)], large)
