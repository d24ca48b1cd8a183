"""Pairs of features measured in tiles: the six measures, their histograms, and what is worth keeping (see `pairs`).

A tile is small enough for the nearest cache, and its measures are loops over contiguous arrays that the compiler turns
into vector instructions. A pair is worth keeping where a measure reaches its floor, the least of the row's best, or
the least of its column's best.
"""

from __future__ import annotations

import numpy as np

from core.kernels import kernel, prefetch
from core.statistics.marks import marked

RULE = np.int64(1) << 32
LOW = RULE - 1

PEARSON, COSINE, JACCARD, SUFFICIENCY, NECESSITY, INFORMATION = range(6)
"""Places of the measures in every table here; `pairs` asserts that they are those of MEASURES."""

ACTIVE, MEAN, DEVIATION, ROOT, ENTROPY, TOTAL = range(6)
"""Columns of a margins table [d_sae, 6]: n_i, Σx/n, √(n σ²), √Σx², T(n_i) + T(n − n_i) with T(c) = c ln c, and Σx."""

LINE, LIMITS = 8, 10
"""A target's line of the cache: LINE float64, the margins without Σx first; seen as float32, limits from LIMITS on."""

AHEAD = 64  # targets whose lines are fetched beforehand
TILE = 256  # pairs measured at once
BOTH, SUM, THEIRS, MEANS, DEVIATIONS, ROOTS, VALUES = range(7)
"""Rows of a tile's scratch [VALUES + 6, TILE]: what is known of each pair, then its six measures."""


@kernel
def fill_xlogx(table):  # type: ignore[no-untyped-def]
    """c ln c for c = 0..len−1: mutual information then costs four look-ups in place of four logarithms."""
    table[0] = 0.0
    for c in range(1, len(table)):
        table[c] = c * np.log(np.float64(c))


@kernel
def look_up(first, met, n, source, lines, limits, table, ids, scratch, tile_limits):  # type: ignore[no-untyped-def]
    """Fetch the target's margins and limits of a tile's pairs, and their mutual information from c ln c.

    Returns a fault of `faults.FAULTS` where counts contradict the margins, 0 when sound.
    """
    size, whole = np.float64(n), n < len(table)
    a = np.int64(source[ACTIVE])
    for s in range(met):
        line = np.uint64(LINE) * np.uint64(ids[first + s])
        prefetch(lines, np.int64(LINE) * np.int64(ids[first + s + AHEAD]))
        for m in range(6):
            tile_limits[m, s] = limits[np.uint64(2) * line + np.uint64(LIMITS + m)]
        theirs = lines[line + np.uint64(ACTIVE)]
        scratch[THEIRS, s] = theirs
        scratch[MEANS, s] = lines[line + np.uint64(MEAN)]
        scratch[DEVIATIONS, s] = lines[line + np.uint64(DEVIATION)]
        scratch[ROOTS, s] = lines[line + np.uint64(ROOT)]
        both, b = np.int64(scratch[BOTH, s]), np.int64(theirs)
        neither = n - a - b + both
        if both > a or both > b or neither < 0:
            return 5
        total = source[ENTROPY] - lines[line + np.uint64(ENTROPY)]
        if whole:
            total += table[np.uint64(both)]
            total += table[np.uint64(a - both)]
            total += table[np.uint64(b - both)]
            total += table[np.uint64(neither)]
        else:
            for count in (both, a - both, b - both, neither):
                if count < len(table):
                    total += table[count]
                else:
                    total += count * np.log(np.float64(count))
        scratch[VALUES + INFORMATION, s] = total
    divide_tile(met, scratch[VALUES + INFORMATION], size)
    return 0


@kernel
def divide_tile(met, values, whole):  # type: ignore[no-untyped-def]
    for s in range(met):
        values[s] /= whole


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
    begin, met, i, n, source, lines, line_limits, table, floors, names, ids,
    scratch, tile_limits, bins, hits, words_of_hits, listed, places, kept, is_kept, n_kept,
    row_values, row_tags, top, records, record_tags, histograms, scales, state,
):  # fmt: skip
    """Measure a tile's pairs and hand each to where it belongs; returns how many of the row are above a floor."""
    state[2] = look_up(begin, met, n, source, lines, line_limits, table, ids, scratch, tile_limits)
    if state[2]:
        return n_kept
    both, sums, b = scratch[BOTH], scratch[SUM], scratch[THEIRS]
    pearson_tile(
        met, source[TOTAL], source[DEVIATION], sums, scratch[MEANS], scratch[DEVIATIONS], scratch[VALUES + PEARSON]
    )
    quotient_tile(met, source[ROOT], sums, scratch[ROOTS], scratch[VALUES + COSINE])
    jaccard_tile(met, source[ACTIVE], both, b, scratch[VALUES + JACCARD])
    share_tile(met, source[ACTIVE], both, scratch[VALUES + SUFFICIENCY])
    quotient_tile(met, 1.0, both, b, scratch[VALUES + NECESSITY])
    state[3] += count_tile(met, source[ACTIVE], scratch, scales, bins, histograms, hits, words_of_hits, listed, places)

    w = worst(row_values, top)
    mark_notable(
        met, min(floors[0], w[0]), scratch[VALUES], tile_limits[0], min(floors[1], w[1]), scratch[VALUES + 1],
        tile_limits[1], min(floors[2], w[2]), scratch[VALUES + 2], tile_limits[2], np.uint8(0), hits,
    )  # fmt: skip
    mark_notable(
        met, min(floors[3], w[3]), scratch[VALUES + 3], tile_limits[3], min(floors[4], w[4]), scratch[VALUES + 4],
        tile_limits[4], min(floors[5], w[5]), scratch[VALUES + 5], tile_limits[5], np.uint8(1), hits,
    )  # fmt: skip
    used = state[4]
    for s in places[: marked(met, words_of_hits, listed, places)]:
        j = np.uint64(ids[begin + s])
        count = np.int64(both[s]) << 32
        tag = count | (LOW - names[j])
        for m in range(6):
            v = scratch[VALUES + m, s]
            if v >= tile_limits[m, s]:
                records[used, 0], records[used, 1] = v, sums[s]
                record_tags[used, 2] = count | (LOW - i)
                record_tags[used, 3] = np.int64(j) * 6 + m
                used += 1
            if v >= floors[m] and not is_kept[j]:
                is_kept[j] = True
                kept[n_kept] = j
                n_kept += 1
            # An insertion, written out: a call with arrays would cost as much as all that it does.
            first = np.uint64(m * top)
            p = np.uint64(m * top + top - 1)
            if v > row_values[p] or (v == row_values[p] and tag > row_tags[p]):
                while p > first:
                    before = p - np.uint64(1)
                    if v < row_values[before] or (v == row_values[before] and tag < row_tags[before]):
                        break
                    row_values[p], row_tags[p] = row_values[before], row_tags[before]
                    p = before
                row_values[p], row_tags[p] = v, tag
    state[4] = used
    return n_kept


@kernel
def worst(row_values, top):  # type: ignore[no-untyped-def]
    """The least of the row's best by each measure."""
    return (
        row_values[top - 1], row_values[2 * top - 1], row_values[3 * top - 1],
        row_values[4 * top - 1], row_values[5 * top - 1], row_values[6 * top - 1],
    )  # fmt: skip


@kernel
def count_tile(met, active, scratch, scales, bins, histograms, hits, words, listed, places):  # type: ignore[no-untyped-def]
    """Add a tile to the histograms [2, 6, bins + 1]; returns how many pairs are active together.

    Nearly all values of Pearson lie in the two bins about 0, most by other measures in the first one, and most of
    sufficiency where a single common position of a feature that is active on `active` puts them: those are counted at
    once, and only the rest is put into its places one by one.
    """
    top = histograms.shape[2] - 1
    both = scratch[BOTH]
    middle = np.int32(top // 2)
    for m in range(6):
        bin_tile(met, both, scratch[VALUES + m], 1.0 if m == PEARSON else 0.0, scales[m], top, bins[m])
    for m in range(6):
        high = middle if m == PEARSON else np.int32(0)
        if m == SUFFICIENCY:
            high = min(max(np.int32(scales[m] / active), np.int32(0)), np.int32(top - 1))
        low = high - np.int32(m == PEARSON)
        mark_others(met, bins[m], low, high, hits)
        others = marked(met, words, listed, places)
        for q in range(np.uint64(others)):  # two histograms, since adding to the same place twice must wait
            histograms[q & np.uint64(1), m, np.uint64(bins[m, places[q]])] += 1
        below = count_of(met, bins[m], low) if m == PEARSON else 0
        histograms[0, m, low] += below
        histograms[0, m, high] += met - others - below
    together = 0
    for s in range(met):
        together += both[s] > 0
    return together


@kernel
def mark_others(met, bins, low, high, hits):  # type: ignore[no-untyped-def]
    """Mark the pairs whose place is neither of two."""
    for s in range(met):
        hits[s] = np.uint8((bins[s] != low) & (bins[s] != high))
    for s in range(met, (met + 63) // 64 * 64):
        hits[s] = 0


@kernel
def count_of(met, bins, low):  # type: ignore[no-untyped-def]
    found = 0
    for s in range(met):
        found += bins[s] == low
    return found


@kernel
def mark_notable(met, least_a, a, limits_a, least_b, b, limits_b, least_c, c, limits_c, more, hits):  # type: ignore[no-untyped-def]
    """Mark the pairs of which one of three measures reaches what it has to: the least of the row, or of its column.

    Those marked before stay so where `more` is 1. Three at a time: with more arrays the loop stays a scalar one.
    """
    for s in range(met):
        found = (a[s] >= least_a) | (a[s] >= np.float64(limits_a[s]))
        found |= (b[s] >= least_b) | (b[s] >= np.float64(limits_b[s]))
        found |= (c[s] >= least_c) | (c[s] >= np.float64(limits_c[s]))
        hits[s] = np.uint8(found) | (hits[s] & more)
    for s in range(met, (met + 63) // 64 * 64):
        hits[s] = 0
