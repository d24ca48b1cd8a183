"""The best of each column, shared by all threads.

Rows come from several threads in any order. A thread writes the pairs that might be among the best of their column
as records, and merges them when it has many: sorted by list, so that lists far larger than any cache are gone through
once and in order. `limits` are what a pair must reach; those of an earlier moment let more through, never less, so
that threads read them without a lock and the result does not depend on when they do.
"""

from __future__ import annotations

import numpy as np

from core.kernels import kernel, prefetch
from core.statistics.pair_kernels import LIMITS, LINE, LOW, marked

AHEAD = 8  # records whose lists are fetched beforehand


@kernel
def merge_records(records, record_tags, used, entries, tags, limits, order, begins):  # type: ignore[no-untyped-def]
    """Fold records [used, 4] = (value, Σxy, tag, line) into the lists [lines, k, 3] and raise their limits.

    The tag is n_both above 2^32 − 1 − index, so that one comparison settles ties. `tags` is `entries` seen as int64: an
    entry lies in 24 neighbouring bytes. `limits` are float32, rounded down, in
    the lines of the targets.
    """
    lines, last = entries.shape[0], entries.shape[1] - 1
    begins[:] = 0
    for r in range(used):
        begins[record_tags[r, 3] + 1] += 1
    for line in range(lines):
        begins[line + 1] += begins[line]
    for r in range(used):
        line = record_tags[r, 3]
        order[begins[line]] = r
        begins[line] += 1
    at = 0
    for line in range(lines):
        end = begins[line]
        if at == end:
            continue
        for place in range(at, end):
            r = order[place]
            if (
                place + 2 * AHEAD < used
            ):  # the next records lie anywhere, and the ends of their lists: have them fetched
                prefetch(records, 4 * np.int64(order[place + 2 * AHEAD]))
                end_of_list = 3 * (last + 1) * (record_tags[order[place + AHEAD], 3] + 1) - 1
                prefetch(entries, end_of_list)
                prefetch(entries, end_of_list - 8)
            value, tag = records[r, 0], record_tags[r, 2]
            worst = entries[line, last, 0]
            if value > worst or (value == worst and tag > tags[line, last, 2]):
                place_entry(entries, tags, line, value, tag, records[r, 1])
        at = end
        worst = entries[line, last, 0]
        limit = np.float32(worst)
        if np.float64(limit) > worst:
            limit = np.nextafter(limit, np.float32(-np.inf))
        limits[2 * LINE * (line // 6) + LIMITS + line % 6] = limit


@kernel
def place_entry(entries, tags, line, value, tag, total):  # type: ignore[no-untyped-def]
    """Insert (value, Σxy, tag) into line `line` of lists [lines, k, 3], best first; the last entry drops out."""
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
def by_source(sources, targets, entries, tags, names, d_source):  # type: ignore[no-untyped-def]
    """Links of rows [rows] and those in the lists [d_sae · 6, k, 3], brought together by source.

    Returns begins [d_source + 2] and places: those of source s are places[begins[s] : begins[s + 1]], each a target
    above 2^32 and where the link stands, among the rows or behind them in the lists.
    """
    rows, k = len(sources), entries.shape[1]
    begins = np.zeros(d_source + 2, np.int64)
    for e in range(rows):
        begins[sources[e] + 2] += 1
    for line in range(entries.shape[0]):
        for r in range(k):
            if entries[line, r, 0] == -np.inf:
                break
            begins[LOW - (tags[line, r, 2] & LOW) + 2] += 1
    for source in range(d_source):
        begins[source + 2] += begins[source + 1]
    places = np.empty(begins[d_source + 1], np.int64)
    for e in range(rows):
        places[begins[sources[e] + 1]] = np.int64(targets[e]) << 32 | e
        begins[sources[e] + 1] += 1
    for line in range(entries.shape[0]):
        for r in range(k):
            if entries[line, r, 0] == -np.inf:
                break
            source = LOW - (tags[line, r, 2] & LOW)
            places[begins[source + 1]] = np.int64(names[line // 6]) << 32 | (rows + line * k + r)
            begins[source + 1] += 1
    return begins, places


@kernel
def joined(  # type: ignore[no-untyped-def]
    first,
    last,
    d_target,
    listed,
    begins,
    places,
    n_both,
    sums,
    entries,
    tags,
    out_source,
    out_target,
    out_both,
    out_sum,
):
    """The links of sources first..last−1, each once, sorted by (source, target); returns how many there are.

    The lists come as flat arrays. Targets are marked and listed as the cells of a row are, which is quicker than
    sorting them.
    """
    rows = len(n_both)
    words = np.zeros((d_target + 63) // 64 * 8, np.uint64)
    marks, ids = words.view(np.uint8), np.empty(8 * len(words) + 8, np.uint32)
    where = np.empty(d_target, np.int64)
    found = 0
    for source in range(first, last):
        for place in places[begins[source] : begins[source + 1]]:
            where[place >> 32] = place & LOW
            marks[place >> 32] = 1
            prefetch(entries, 3 * ((place & LOW) - rows))  # its entry, where it stands in the lists
        for target in ids[: marked(d_target, words, listed, ids)]:
            e = where[target]
            out_source[found], out_target[found] = source, target
            if e < rows:
                out_both[found], out_sum[found] = n_both[e], sums[e]
            else:
                entry = 3 * (e - rows)
                out_both[found], out_sum[found] = tags[entry + 2] >> 32, entries[entry + 1]
            found += 1
        words[:] = 0
    return found
