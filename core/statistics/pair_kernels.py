"""The loops of a whole pair of sites: rows of pair counts, and what is kept of them (see `pairs`).

A cell is 16 bytes, Σxy as float64 and two counts in one int64 (low half: active together at r = 0, high half: under the
activity rule), so that one memory access serves all three. The two views `sums` and `counts` of `cells` are the same
memory. A feature that was met for the first time goes onto the list `touched`, so that neither clearing nor reading
the accumulator costs anything that grows with d_sae.
"""

from __future__ import annotations

import numpy as np

from core.kernels import kernel

RULE = np.int64(1) << 32
LOW = RULE - 1

PEARSON, COSINE, JACCARD, SUFFICIENCY, NECESSITY, INFORMATION = range(6)
"""Places of the measures in every table here; `pairs` asserts that they are those of MEASURES."""

ACTIVE, TOTAL, MEAN, DEVIATION, ROOT, ENTROPY = range(6)
"""Columns of a margins table [d_sae, 6]: n_i, Σx, Σx/n, √(n σ²), √Σx², and T(n_i) + T(n − n_i) with T(c) = c ln c."""


@kernel
def accumulate(  # type: ignore[no-untyped-def]
    positions, x, floor, starts, stops, features, values, floors, sums, counts, touched
):
    """Add one feature's row into the cells; returns (fault of `rows.FAULTS`, how many features were touched).

    Position p meets the target's entries starts[p]..stops[p] − 1.
    `floors` (float32 [d_sae], empty at r = 0) are rounded down: for a float32 y, y > r · max is the same as y > that.
    """
    n_positions, nnz, d_sae = min(len(starts), len(stops)), len(features), len(touched) - 1
    rule = len(floors) > 0
    n_touched = 0
    for i in range(len(positions)):
        p = positions[i]
        if p >= n_positions:
            return 1, n_touched
        start, stop = starts[p], stops[p]
        if start < 0 or stop < start or stop > nnz:
            return 2, n_touched
        value = np.float64(x[i])
        step = np.int64(1)
        if rule and x[i] > floor:
            step += RULE
        for e in range(np.uint64(start), np.uint64(stop)):
            f = features[e]
            if f >= d_sae:
                return 3, n_touched
            cell = np.uint64(f) * np.uint64(2)
            count = counts[cell + np.uint64(1)]
            touched[n_touched] = f
            n_touched += count == 0
            sums[cell] += value * np.float64(values[e])
            if rule:
                counts[cell + np.uint64(1)] = count + (step if values[e] > floors[f] else np.int64(1))
            else:
                counts[cell + np.uint64(1)] = count + 1
    return 0, n_touched


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
def place(values, ties, ids, extra, line, value, tie, identity, more):  # type: ignore[no-untyped-def]
    """Insert into line `line` of lists [lines, k] sorted by (value, larger tie, smaller identity), best first."""
    p = values.shape[1] - 1
    while p > 0 and beats(value, tie, identity, values, ties, ids, line, p - 1):
        values[line, p], ties[line, p] = values[line, p - 1], ties[line, p - 1]
        ids[line, p], extra[line, p] = ids[line, p - 1], extra[line, p - 1]
        p -= 1
    values[line, p], ties[line, p], ids[line, p], extra[line, p] = value, tie, identity, more


@kernel
def beats(value, tie, identity, values, ties, ids, line, p):  # type: ignore[no-untyped-def]
    """Whether an entry comes before the one at place `p` of a line."""
    if value != values[line, p]:
        return value > values[line, p]
    if tie != ties[line, p]:
        return tie > ties[line, p]
    return identity < ids[line, p]


@kernel
def fill_xlogx(table):  # type: ignore[no-untyped-def]
    """c ln c for c = 0..len−1: mutual information then costs four look-ups in place of four logarithms."""
    table[0] = 0.0
    for c in range(1, len(table)):
        table[c] = c * np.log(np.float64(c))


@kernel
def rows_of_pair(  # type: ignore[no-untyped-def]
    first, last, n, rule, floor_measures, floor,
    row_starts, row_stops, positions, x, x_floors, source_margins,
    starts, stops, features, values, y_floors, target_margins,
    table, sums, counts, touched,
    row_values, row_ties, row_ids, row_slots,
    limits, columns, column_tags,
    histograms, scales, found, keep,
    out_source, out_target, out_both, out_sum, state,
):  # fmt: skip
    """Rows first..last−1: counts, measures, histograms, best of each row and column, links above the floor.

    Stops early before a row for which the output might not have room: ``state`` = (next row, links written, fault,
    pairs active together). A fault also stops it.
    """
    size = np.float64(n)
    written, together = state[1], state[3]
    all_entropy = size * np.log(size) if n > 0 else 0.0
    last_place = row_values.shape[1] - 1
    top_bin = histograms.shape[1] - 1
    for i in range(first, last):
        begin, end = row_starts[i], row_stops[i]
        state[0] = i
        if begin < 0 or end < begin or end > len(positions):
            state[2] = 4
            return
        if begin == end:
            continue
        if written + len(touched) > len(out_source):
            state[1], state[3] = written, together
            return
        row_floor = x_floors[i] if rule else np.float32(0)
        fault, n_touched = accumulate(
            positions[begin:end], x[begin:end], row_floor, starts, stops, features, values, y_floors,
            sums, counts, touched,
        )  # fmt: skip
        if fault:
            state[2] = fault
            return
        a, x_total = np.int64(source_margins[i, ACTIVE]), source_margins[i, TOTAL]
        x_deviation, x_root = source_margins[i, DEVIATION], source_margins[i, ROOT]
        x_entropy = source_margins[i, ENTROPY]
        for s in range(n_touched):
            j = touched[s]
            cell = np.uint64(j) * np.uint64(2)
            xy, both = sums[cell], counts[cell + np.uint64(1)]
            if rule:
                both >>= 32
            b = np.int64(target_margins[j, ACTIVE])
            c = np.float64(both)
            together_entropy = all_entropy - x_entropy - target_margins[j, ENTROPY]
            for count in (both, a - both, b - both, n - a - b + both):
                # Damaged margins could make a cell negative: it counts as an empty one.
                if 0 < count < len(table):
                    together_entropy += table[count]
                elif count > 0:
                    together_entropy += count * np.log(np.float64(count))
            found[s, 0] = (xy - x_total * target_margins[j, MEAN]) / (x_deviation * target_margins[j, DEVIATION])
            found[s, 1] = xy / (x_root * target_margins[j, ROOT])
            found[s, 2] = c / (a + b - both)
            found[s, 3] = c / a
            found[s, 4] = c / b
            found[s, 5] = together_entropy / size
            keep[s] = False
            together += both > 0
        for m in range(6):
            above = floor if floor_measures >> m & 1 else np.inf
            shift, scale = (1.0 if m == PEARSON else 0.0), scales[m]
            worst, worst_tie, worst_id = -np.inf, np.int64(-1), np.int64(0)
            row_values[m, :] = -np.inf
            for s in range(n_touched):
                v = found[s, m]
                if v != v:  # NaN is in no list and no bin
                    continue
                j = touched[s]
                both = counts[np.uint64(j) * np.uint64(2) + np.uint64(1)]
                if rule:
                    both >>= 32
                if both > 0:
                    histograms[m, min(max(np.int64((v + shift) * scale), 0), top_bin)] += 1
                if v >= above:
                    keep[s] = True
                if v > worst or (v == worst and (both > worst_tie or (both == worst_tie and j < worst_id))):
                    place(row_values, row_ties, row_ids, row_slots, m, v, both, j, s)
                    worst, worst_tie = row_values[m, last_place], np.int64(row_ties[m, last_place])
                    worst_id = np.int64(row_ids[m, last_place])
                # A worker meets the rows in rising order, so that of equals the one that is there stays.
                line = j * 6 + m
                if v > limits[line, 0] or (v == limits[line, 0] and both > limits[line, 1]):
                    tag = both << 32 | (LOW - i)
                    place_entry(columns, column_tags, line, v, tag, sums[np.uint64(j) * np.uint64(2)])
                    limits[line, 0] = columns[line, last_place, 0]
                    limits[line, 1] = column_tags[line, last_place, 2] >> 32
        for m in range(6):
            for r in range(row_values.shape[1]):
                if row_values[m, r] == -np.inf:
                    break
                keep[row_slots[m, r]] = True
        for s in range(n_touched):
            j = touched[s]
            cell = np.uint64(j) * np.uint64(2)
            if keep[s]:
                packed = counts[cell + np.uint64(1)]
                out_source[written], out_target[written] = i, j
                out_both[written], out_sum[written] = (packed >> 32 if rule else packed), sums[cell]
                written += 1
            sums[cell] = 0.0
            counts[cell + np.uint64(1)] = 0
    state[0], state[1], state[3] = last, written, together


@kernel
def place_entry(entries, tags, line, value, tag, total):  # type: ignore[no-untyped-def]
    """Insert (value, Σxy, tag) into line `line` of lists [lines, k, 3], best first; the last entry drops out.

    The tag is n_both above 2^32 − 1 − index, so that one comparison settles ties. `tags` is `entries` seen as int64: an
    entry lies in 24 neighbouring bytes, since these lists are far larger than any cache.
    """
    p = entries.shape[1] - 1
    while p > 0 and (
        value > entries[line, p - 1, 0] or (value == entries[line, p - 1, 0] and tag > tags[line, p - 1, 2])
    ):
        entries[line, p, 0], entries[line, p, 1] = entries[line, p - 1, 0], entries[line, p - 1, 1]
        tags[line, p, 2] = tags[line, p - 1, 2]
        p -= 1
    entries[line, p, 0], entries[line, p, 1] = value, total
    tags[line, p, 2] = tag


@kernel
def merge_columns(entries, tags, others, other_tags):  # type: ignore[no-untyped-def]
    """Fold another worker's best of each column [d_sae · 6, k, 3] into these; the order of workers does not matter."""
    last = entries.shape[1] - 1
    for line in range(entries.shape[0]):
        for r in range(entries.shape[1]):
            value, tag = others[line, r, 0], other_tags[line, r, 2]
            worst = entries[line, last, 0]
            if value == -np.inf or value < worst or (value == worst and tag < tags[line, last, 2]):
                break
            place_entry(entries, tags, line, value, tag, others[line, r, 1])
