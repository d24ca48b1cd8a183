"""Some rows of a pair of sites, and of each only its best match and its links above a floor: what nulls are asked for.

The sums are those of a whole pair (`pair_rows`); what a draw of a null has no use for is left out: lists of the best of
rows and columns, histograms, and features that are not alive. Nor are all rows asked where that is much work: every
so-manieth source in the order of how often they are active stands for those beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np

from core.errors import BadArgument, Cancelled
from core.kernels import kernel
from core.statistics import pair_kernels as kernels
from core.statistics.best_alive import alive
from core.statistics.faults import damaged
from core.statistics.measures import COMPILED
from core.statistics.pair_kernels import (
    ACTIVE,
    DEVIATION,
    ENTROPY,
    INFORMATION,
    MEAN,
    ROOT,
    TOTAL,
)
from core.statistics.pair_rows import accumulate
from core.statistics.pair_sides import TABLE_ENTRIES, Side, source_side, target_side
from core.statistics.pair_workers import aligned
from core.statistics.pairs import MOST_LINKS, chunk_bounds
from core.statistics.rows import RowMap
from core.store import Store
from core.values import MIN_ACTIVE

CHUNKS = 64
MARKS = 8  # of cells, a byte each, in a word: none is looked at where the word is 0
SLACK = 1e-9
"""Rounding by which a link may fall short here: whoever measures it exactly decides."""

MOST_PRODUCTS = 1e8
"""Products of activations of a draw, half a second of two cores; where there are more, fewer sources are asked."""
FEWEST_SOURCES = 1000
"""That are asked whatever it costs: the error of a share of the links is then some percent of itself."""


@dataclass(frozen=True, slots=True)
class RowLinks:
    """The links of some rows, in the order of the rows, arrays [links]; and the best match of each row."""

    sources: np.ndarray  # int32
    targets: np.ndarray  # int32
    n_both: np.ndarray  # int64, by the activity rule
    sum_xy: np.ndarray  # float64
    best: (
        np.ndarray
    )  # float64 [rows, 6], the largest value with an alive target; 0: nothing positive, NaN: not asked for


def sources_asked(active: np.ndarray, step: int, seed: int = 0) -> np.ndarray:
    """Every `step`-th alive source in the order of how often they are active, from a random one on; rising indices.

    Each alive source is asked with the same probability, each range of densities is there in its proportion, and
    successive seeds ask others.

    >>> [sources_asked(np.array([10, 5, 30, 20, 40]), step=2, seed=seed).tolist() for seed in range(2)]
    [[0, 2], [3, 4]]
    """
    order = np.argsort(active, kind="stable")[np.count_nonzero(np.asarray(active) < MIN_ACTIVE) :]
    first = np.random.default_rng(step).permutation(step)[seed % step]
    return np.sort(order[first::step])


def step_of(sources: int, products: float) -> int:
    """Every how-manieth source a draw asks, where all `sources` alive ones are `products` of activations.

    >>> step_of(20_000, 1e7), step_of(20_000, 4e8), step_of(20_000, 1e12), step_of(500, 1e12)
    (1, 4, 20, 1)
    """
    return max(1, min(int(np.ceil(products / MOST_PRODUCTS)), sources // FEWEST_SOURCES))


def rows_above(
    store: Store,
    source: str,
    target: str,
    chosen: np.ndarray,
    lowest: Mapping[str, float],
    activity: float = 0.0,
    least: int = 1,
    *,
    rows: RowMap | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RowLinks:
    """Links of the sources `chosen` (int64 [rows]) with alive targets, and the best match of each.

    A link has `least` common tokens or more by the rule, and reaches what `lowest` asks of a measure (all but for
    SLACK); best matches are by the measures that are named there, whatever the common tokens. Raises `StoreDamaged`,
    `Cancelled` and, for more than MOST_LINKS, `BadArgument`.
    """
    n = store.n if rows is None else rows.n
    table = np.empty(min(n + 1, TABLE_ENTRIES))
    kernels.fill_xlogx(table)
    a, b = source_side(store, source, activity, table, rows), target_side(store, target, activity, table, rows)
    floors = np.array([lowest.get(name, np.inf) for name in COMPILED])
    floors -= SLACK * np.abs(floors, where=np.isfinite(floors), out=np.zeros(len(COMPILED)))
    living, best = alive(store, target), np.tile(np.where(floors < np.inf, 0.0, np.nan), (len(chosen), 1))
    lengths = np.maximum((a.stops - a.starts)[chosen], 0)
    bounds = chunk_bounds(np.append(0, np.cumsum(lengths)), CHUNKS).tolist() if len(chosen) else []
    done = count(1)

    def ask(part: tuple[int, int]) -> list[tuple[np.ndarray, ...]]:
        if cancelled():
            raise Cancelled(f"the pair {source}, {target} was stopped", "start it again; nothing was kept")
        found, fault = _chunk(
            chosen[slice(*part)], n, activity > 0, floors, a, b, table, living, least, best[slice(*part)]
        )
        if fault:
            damaged(store, fault, source if fault in (1, 4) else target)
        progress(next(done) / (len(bounds) - 1))
        return found

    blocks: list[tuple[np.ndarray, ...]] = []
    many = 0
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for part in pool.map(ask, pairwise(bounds)):  # added up here: in the threads, sums might get lost
            blocks += part
            many += sum(len(block[0]) for block in part)
            if many > MOST_LINKS:
                raise BadArgument(f"there are more than {MOST_LINKS:,} links", "ask for more common tokens (min_both)")
    nothing = tuple(np.zeros(0, kind) for kind in (np.int32, np.int32, np.int64, np.float64))
    links = [np.concatenate(parts) for parts in zip(nothing, *blocks, strict=True)]
    return RowLinks(links[0], links[1], links[2], links[3], best)


def _chunk(
    chosen: np.ndarray, n: int, rule: bool, floors: np.ndarray, a: Side, b: Side, table: np.ndarray,
    living: np.ndarray, least: int, best: np.ndarray,
) -> tuple[list[tuple[np.ndarray, ...]], int]:  # fmt: skip
    """One range of rows, in as many calls as its links need; and a fault of `faults.FAULTS`, 0 when sound."""
    words = np.zeros(-(-b.d_sae // MARKS), np.uint64)
    cells = aligned(2 * MARKS * len(words))
    room = max(2 * b.d_sae, 1 << 14)
    out = tuple(np.empty(room, kind) for kind in (np.int32, np.int32, np.int64, np.float64))
    blocks: list[tuple[np.ndarray, ...]] = []
    row, fault, many = 0, 0, 0
    while row < len(chosen) and not fault and many <= MOST_LINKS:  # who adds the ranges up refuses more
        state = np.array([row, 0, 0])
        _rows_above(
            chosen, n, rule, floors, max(least, 1), a.starts, a.stops, a.indices, a.values, a.floors, a.margins,
            b.starts, b.stops, b.indices, b.values, b.floors, b.margins, b.d_sae, table, living,
            cells, cells.view(np.int64), words, words.view(np.uint8), best, *out, state,
        )  # fmt: skip
        row, written, fault = (int(v) for v in state)
        many += written
        blocks.append(tuple(part[:written].copy() for part in out))
    return blocks, fault


@kernel
def _rows_above(  # type: ignore[no-untyped-def]
    chosen, n, rule, floors, least, row_starts, row_stops, positions, x, x_floors, source_margins,
    starts, stops, features, values, y_floors, margins, d_sae, table, living,
    sums, counts, words, marks, best, out_source, out_target, out_both, out_sum, state,
):  # fmt: skip
    """Rows chosen[state[0]..]: stops early where the output might not have room. ``state`` = (row, written, fault)."""
    for r in range(state[0], len(chosen)):
        state[0] = r
        if state[1] + d_sae > len(out_source):
            return
        i = chosen[r]
        begin, end = row_starts[i], row_stops[i]
        if begin < 0 or end < begin or end > len(positions):
            state[2] = 4
            return
        state[2] = accumulate(
            positions[begin:end], x[begin:end], x_floors[i] if rule else np.float32(0),
            starts, stops, features, values, y_floors, d_sae, sums, counts, marks,
        )  # fmt: skip
        if state[2]:
            return
        finish_row(
            r, i, n, rule, floors, least, source_margins, margins, table, living, sums, counts, words, marks, best,
            out_source, out_target, out_both, out_sum, state,
        )  # fmt: skip
    state[0] = len(chosen)


@kernel
def finish_row(  # type: ignore[no-untyped-def]
    r, i, n, rule, floors, least, source_margins, margins, table, living, sums, counts, words, marks, best,
    out_source, out_target, out_both, out_sum, state,
):  # fmt: skip
    """Compare what the cells hold with the floors and the best so far, write the links, and clear the cells."""
    active, total = source_margins[i, ACTIVE], source_margins[i, TOTAL]
    deviation, root, entropy = source_margins[i, DEVIATION], source_margins[i, ROOT], source_margins[i, ENTROPY]
    # A measure that is not asked for has the bar at infinity. Products in place of quotients: most pairs stop here.
    bars = np.where(floors < np.inf, np.minimum(best[r], floors), np.inf)
    informed, written = floors[INFORMATION] < np.inf, state[1]
    for w in range(len(words)):
        if words[w] == 0:
            continue
        for j in range(MARKS * w, MARKS * w + MARKS):
            if marks[j] == 0:
                continue
            met, xy = counts[2 * j + 1], sums[2 * j]
            sums[2 * j], counts[2 * j + 1] = 0.0, 0
            if not living[j]:
                continue
            both = np.float64(met >> 32 if rule else met)
            theirs, found = margins[j, ACTIVE], False
            # In the order of the measures: what is divided, and by what.
            tops = (
                xy - total * margins[j, MEAN], xy, both, both, both,
                information(both, active, theirs, n, table) - entropy - margins[j, ENTROPY] if informed else 0.0,
            )  # fmt: skip
            unders = (
                deviation * margins[j, DEVIATION], root * margins[j, ROOT], active + theirs - both, active, theirs,
                np.float64(n),
            )  # fmt: skip
            for m in range(6):
                if tops[m] >= bars[m] * unders[m]:
                    v = tops[m] / unders[m]
                    found |= v >= floors[m]
                    if v > best[r, m]:
                        best[r, m] = v
                        bars[m] = min(v, floors[m])
            if found and both >= least:
                out_source[written], out_target[written], out_both[written], out_sum[written] = i, j, both, xy
                written += 1
        words[w] = 0
    state[1] = written


@kernel
def information(both, a, b, n, table):  # type: ignore[no-untyped-def]
    """T(n) + Σ T over the four cells with T(c) = c ln c: n times what mutual information is, and the margins' share."""
    total = 0.0
    for c in (np.float64(n), both, a - both, b - both, n - a - b + both):
        if 0 <= c < len(table):
            total += table[np.int64(c)]
        elif c > 0:
            total += c * np.log(c)
    return total
