"""Pairs of features measured in tiles: the six measures, their histograms, and what is worth keeping (see `pairs`).

A tile is small enough for the nearest cache, and its measures are loops over contiguous arrays that the compiler turns
into vector instructions. A pair is worth keeping where a measure reaches its floor, the least of the row's best, or
the least of its column's best.
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

TILE = 256  # pairs measured at once
BOTH, SUM, THEIRS, MEANS, DEVIATIONS, ROOTS, VALUES = range(7)
"""Rows of a tile's scratch [VALUES + 6, TILE + 40]: what is known of each pair, then its six measures."""


@kernel
def fill_xlogx(table):  # type: ignore[no-untyped-def]
    """c ln c for c = 0..len−1: mutual information then costs four look-ups in place of four logarithms."""
    table[0] = 0.0
    for c in range(1, len(table)):
        table[c] = c * np.log(np.float64(c))


@kernel
def look_up(met, n, source, target_margins, table, ids, limits, scratch, tile_limits):  # type: ignore[no-untyped-def]
    """Fetch the target's margins and limits of a tile's pairs, and their mutual information from c ln c."""
    size, most = np.float64(n), np.int64(len(table) - 1)
    a = np.int64(source[ACTIVE])
    for s in range(met):
        j = np.uint64(ids[s])
        for m in range(6):
            tile_limits[m, s] = limits[np.uint64(8) * j + np.uint64(m)]
        scratch[THEIRS, s] = target_margins[j, ACTIVE]
        scratch[MEANS, s] = target_margins[j, MEAN]
        scratch[DEVIATIONS, s] = target_margins[j, DEVIATION]
        scratch[ROOTS, s] = target_margins[j, ROOT]
        both, b = np.int64(scratch[BOTH, s]), np.int64(target_margins[j, ACTIVE])
        total = source[ENTROPY] - target_margins[j, ENTROPY]
        # Damaged margins could make a cell negative: it counts as an empty one.
        if n <= most:
            for count in (both, a - both, b - both, n - a - b + both):
                total += table[np.uint64(min(max(count, 0), most))]
        else:
            for count in (both, a - both, b - both, n - a - b + both):
                if 0 < count <= most:
                    total += table[count]
                elif count > 0:
                    total += count * np.log(np.float64(count))
        scratch[VALUES + INFORMATION, s] = total / size


@kernel
def pearson_tile(met, total, deviation, sums, means, deviations, out):  # type: ignore[no-untyped-def]
    for s in range(met):
        out[s] = (sums[s] - total * means[s]) / (deviation * deviations[s])


@kernel
def quotient_tile(met, scale, numerators, denominators, out):  # type: ignore[no-untyped-def]
    for s in range(met):
        out[s] = numerators[s] / (scale * denominators[s])


@kernel
def share_tile(met, whole, numerators, out):  # type: ignore[no-untyped-def]
    for s in range(met):
        out[s] = numerators[s] / whole


@kernel
def jaccard_tile(met, a, both, b, out):  # type: ignore[no-untyped-def]
    for s in range(met):
        out[s] = both[s] / (a + b[s] - both[s])


@kernel
def bin_tile(met, both, values, shift, scale, top, out):  # type: ignore[no-untyped-def]
    """Place of each value in its histogram; NaN, and pairs that the rule does not find together, go to the last one."""
    for s in range(met):
        place = np.int32((values[s] + shift) * scale)
        place = min(max(place, np.int32(0)), np.int32(top - 1))
        out[s] = place if values[s] == values[s] and both[s] > 0 else np.int32(top)


@kernel
def measured(  # type: ignore[no-untyped-def]
    met, i, n, source, target_margins, table, floors, names, ids,
    scratch, tile_limits, bins, hits, words_of_hits, kept, is_kept, n_kept,
    row_values, row_ties, row_ids, row_places, limits, records, record_tags, histograms, scales, state,
):  # fmt: skip
    """Measure a tile's pairs and hand each to where it belongs; returns how many of the row are above a floor."""
    look_up(met, n, source, target_margins, table, ids, limits, scratch, tile_limits)
    both, sums, b = scratch[BOTH], scratch[SUM], scratch[THEIRS]
    pearson_tile(
        met, source[TOTAL], source[DEVIATION], sums, scratch[MEANS], scratch[DEVIATIONS], scratch[VALUES + PEARSON]
    )
    quotient_tile(met, source[ROOT], sums, scratch[ROOTS], scratch[VALUES + COSINE])
    jaccard_tile(met, source[ACTIVE], both, b, scratch[VALUES + JACCARD])
    share_tile(met, source[ACTIVE], both, scratch[VALUES + SUFFICIENCY])
    quotient_tile(met, 1.0, both, b, scratch[VALUES + NECESSITY])
    top = histograms.shape[2] - 1
    for m in range(6):
        bin_tile(met, both, scratch[VALUES + m], 1.0 if m == PEARSON else 0.0, scales[m], top, bins[m])
    together = 0
    for s in range(met):
        together += both[s] > 0
        for m in range(6):
            histograms[s & 1, m, bins[m, s]] += 1  # two of each, since adding to the same place twice must wait
    state[3] += together
    last = row_values.shape[1] - 1
    used = state[4]
    for m in range(6):
        values = scratch[VALUES + m]
        above, row_limit = floors[m], row_values[m, last]
        mark_notable(met, min(above, row_limit), values, tile_limits[m], hits)
        for s in notable(met, hits, words_of_hits, bins[m]):
            v, j = values[s], np.uint64(ids[s])
            if v >= tile_limits[m, s]:
                records[used, 0], records[used, 1] = v, sums[s]
                record_tags[used, 2] = np.int64(both[s]) << 32 | (LOW - i)
                record_tags[used, 3] = np.int64(j) * 6 + m
                used += 1
            if v >= above and not is_kept[j]:
                is_kept[j] = True
                kept[n_kept] = j
                n_kept += 1
            if v >= row_limit:
                name, tie = names[j], np.int64(both[s])
                if beats(v, tie, name, row_values, row_ties, row_ids, m, last):
                    place(row_values, row_ties, row_ids, row_places, m, v, tie, name, j)
                    row_limit = row_values[m, last]
    state[4] = used
    return n_kept


@kernel
def mark_notable(met, least, values, limits, hits):  # type: ignore[no-untyped-def]
    """Mark the pairs that reach `least` or their column's limit."""
    for s in range(met):
        hits[s] = np.uint8((values[s] >= least) | (values[s] >= np.float64(limits[s])))
    for s in range(met, (met + 7) // 8 * 8):
        hits[s] = 0


@kernel
def notable(met, hits, words, places):  # type: ignore[no-untyped-def]
    """The places of the marked pairs; eight marks, seen as a word, are passed over at once."""
    found = 0
    for w in range((met + 7) // 8):
        if words[w] != 0:
            for s in range(8 * w, 8 * w + 8):
                places[found] = s
                found += int(hits[s])
    return places[:found]


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
