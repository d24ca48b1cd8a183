"""The loop over the rows of a pair of sites: sums of each row, measured in tiles, and its links (see `pairs`).

A cell is 16 bytes, Σxy as float64 and two counts in one int64 (low half: active together at r = 0, high half: under the
activity rule), so that one memory access serves all three. The two views `sums` and `counts` of `cells` are the same
memory. Each cell has a mark of a byte, eight of which are read as one word: neither clearing nor reading the
accumulator costs much that grows with d_sae.
"""

from __future__ import annotations

import numpy as np

from core.kernels import kernel, prefetch, uncounted
from core.statistics.marks import marked
from core.statistics.pair_kernels import BOTH, ENTROPY, LOW, RULE, SUM, TILE, measured

AHEAD = 4  # how many of the target's rows are fetched beforehand


@kernel
def accumulate(  # type: ignore[no-untyped-def]
    positions, x, floor, starts, stops, features, values, floors, d_sae, sums, counts, marks
):
    """Add one feature's row into the cells and mark them; returns a fault of `faults.FAULTS`, 0 when sound.

    Position p meets the target's entries starts[p]..stops[p] − 1.
    `floors` (float32 [d_sae], empty at r = 0) are rounded down: for a float32 y, y > r · max is the same as y > that.
    """
    n_positions, nnz = min(len(starts), len(stops)), len(features)
    rule = len(floors) > 0
    for i in range(len(positions)):
        p = positions[i]
        if p >= n_positions:
            return 1
        if i + AHEAD < len(positions) and positions[i + AHEAD] < n_positions:
            # The next rows lie anywhere in memory: waiting for them is what this loop would do for half of its time.
            q = positions[i + AHEAD]
            for e in range(starts[q], min(stops[q], starts[q] + 256), 16):
                prefetch(features, e)
                prefetch(values, e)
            if i + 2 * AHEAD < len(positions):
                prefetch(starts, np.int64(positions[i + 2 * AHEAD]))
                prefetch(stops, np.int64(positions[i + 2 * AHEAD]))
        start, stop = starts[p], stops[p]
        if start < 0 or stop < start or stop > nnz:
            return 2
        value = np.float64(x[i])
        step = np.int64(1)
        if rule and x[i] > floor:
            step += RULE
        for e in range(np.uint64(start), np.uint64(stop)):
            f = features[e]
            if f >= d_sae:
                return 3
            cell = np.uint64(f) * np.uint64(2)
            marks[np.uint64(f)] = 1
            sums[cell] += value * np.float64(values[e])
            if rule:
                counts[cell + np.uint64(1)] += step if values[e] > floors[f] else np.int64(1)
            else:
                counts[cell + np.uint64(1)] += 1
    return 0


@kernel
def bare_rows(  # type: ignore[no-untyped-def]
    first, last, row_starts, row_stops, positions, x, starts, stops, features, values, sums, counts
):
    """Only n_both and Σxy of rows first..last−1, cleared and forgotten: what the engine is measured against."""
    check = 0.0
    for i in range(first, last):
        sums[:] = 0
        for r in range(np.uint64(row_starts[i]), np.uint64(row_stops[i])):
            p = positions[r]
            value = np.float64(x[r])
            for e in range(np.uint64(starts[p]), np.uint64(stops[p])):
                cell = np.uint64(features[e]) * np.uint64(2)
                sums[cell] += value * np.float64(values[e])
                counts[cell + np.uint64(1)] += 1
        check += sums[0]
    return check


@kernel
def renumber(features, rank, out):  # type: ignore[no-untyped-def]
    """Features by their rank; what is out of bounds stays so."""
    for e in range(len(features)):
        f = features[e]
        out[e] = rank[f] if f < len(rank) else f


@kernel
def rows_of_pair(  # type: ignore[no-untyped-def]
    first, last, order, n, rule, floors, d_sae,
    row_starts, row_stops, positions, x, x_floors, source_margins,
    starts, stops, features, values, y_floors, lines, limits, names,
    table, sums, counts, marks, words, listed, ids,
    scratch, tile_limits, bins, hits, words_of_hits, places, kept, is_kept,
    row_values, row_tags, top, ranks,
    records, record_tags, room, histograms, scales,
    out_source, out_target, out_both, out_sum, state,
):  # fmt: skip
    """Rows order[first..last−1]: counts, measures, histograms, best of each, links above `floors` [6], records.

    Stops early before a row for which the output or the records might not have room: ``state`` = (next place, links
    written, fault, pairs active together, records). A fault also stops it.
    """
    (
        floors, row_starts, row_stops, positions, x, starts, stops, features, values, y_floors, lines, limits, names,
        table, sums, counts, marks, words, listed, ids, scratch, tile_limits, bins, hits, words_of_hits, places, kept,
        is_kept, row_values, row_tags, ranks, records, record_tags, histograms, scales,
        out_source, out_target, out_both, out_sum, state,
    ) = uncounted((
        floors, row_starts, row_stops, positions, x, starts, stops, features, values, y_floors, lines, limits, names,
        table, sums, counts, marks, words, listed, ids, scratch, tile_limits, bins, hits, words_of_hits, places, kept,
        is_kept, row_values, row_tags, ranks, records, record_tags, histograms, scales,
        out_source, out_target, out_both, out_sum, state,
    ))  # fmt: skip
    size = np.float64(n)
    all_entropy = size * np.log(size) if n > 0 else 0.0
    source = np.zeros(6)
    for at in range(first, last):
        i = order[at]
        begin, end = row_starts[i], row_stops[i]
        state[0] = at
        if begin < 0 or end < begin or end > len(positions):
            state[2] = 4
            return
        if begin == end:
            continue
        if state[1] + d_sae > len(out_source) or state[4] + 6 * d_sae > room:
            return
        state[2] = accumulate(
            positions[begin:end], x[begin:end], x_floors[i] if rule else np.float32(0),
            starts, stops, features, values, y_floors, d_sae, sums, counts, marks,
        )  # fmt: skip
        if state[2]:
            return
        source[:] = source_margins[i]
        source[ENTROPY] = all_entropy - source[ENTROPY]
        row_values[:] = -np.inf
        n_kept, met = 0, marked(d_sae, words, listed, ids)
        for first in range(0, met, TILE):
            size_of_tile = min(TILE, met - first)
            read_cells(first, size_of_tile, rule, sums, counts, ids, scratch)
            n_kept = measured(
                first, size_of_tile, i, n, source, lines, limits, table, floors, names, ids,
                scratch, tile_limits, bins, hits, words_of_hits, listed, places, kept, is_kept, n_kept,
                row_values, row_tags, top, records, record_tags, histograms, scales, state,
            )  # fmt: skip
            if state[2]:
                return
        finish_row(
            i, rule, met, ids, n_kept, kept, is_kept, row_values, row_tags, ranks, sums, counts, marks, names,
            out_source, out_target, out_both, out_sum, state,
        )  # fmt: skip
    state[0] = last


@kernel
def read_cells(first, met, rule, sums, counts, ids, scratch):  # type: ignore[no-untyped-def]
    """What the cells ids[first : first + met] hold."""
    for s in range(met):
        cell = np.uint64(2) * np.uint64(ids[first + s])
        count = counts[cell + np.uint64(1)]
        scratch[BOTH, s] = np.float64(count >> 32 if rule else count)
        scratch[SUM, s] = sums[cell]


@kernel
def finish_row(  # type: ignore[no-untyped-def]
    i, rule, met, ids, n_kept, kept, is_kept, row_values, row_tags, ranks, sums, counts, marks, names,
    out_source, out_target, out_both, out_sum, state,
):  # fmt: skip
    """Write the row's links and clear its cells."""
    for p in range(len(row_values)):
        if row_values[p] > -np.inf:
            j = ranks[LOW - (row_tags[p] & LOW)]
            if not is_kept[j]:
                is_kept[j] = True
                kept[n_kept] = j
                n_kept += 1
    written = state[1]
    for k in range(n_kept):
        j = kept[k]
        is_kept[j] = False
        packed = counts[2 * j + 1]
        out_source[written], out_target[written] = i, names[j]
        out_both[written], out_sum[written] = (packed >> 32 if rule else packed), sums[2 * j]
        written += 1
    state[1] = written
    for e in range(met):
        cell = np.uint64(2) * np.uint64(ids[e])
        sums[cell] = sums[cell + np.uint64(1)] = 0.0
        marks[np.uint64(ids[e])] = 0
