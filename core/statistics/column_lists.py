"""The best of each column, shared by all threads.

Rows come from several threads in any order. A thread writes the pairs that might be among the best of their column
as records, and merges them when it has many: sorted by list, so that lists far larger than any cache are gone through
once and in order. `limits` are what a pair must reach; those of an earlier moment let more through, never less, so
that threads read them without a lock and the result does not depend on when they do.
"""

from __future__ import annotations

import numpy as np

from core.kernels import kernel, prefetch
from core.statistics.marks import marked
from core.statistics.pair_kernels import LIMITS, LINE, LOW

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
def distinct(first, last, entries, tags, counts, d_source):  # type: ignore[no-untyped-def]
    """Of targets first..last−1, bring each source once to the front of the lists [d_sae, 6 k, 3]; `counts` tell.

    A pair is often among the best by several measures.
    """
    seen = np.zeros(d_source, np.bool_)
    for target in range(first, last):
        found = 0
        for e in range(entries.shape[1]):
            source = LOW - (tags[target, e, 2] & LOW)
            if entries[target, e, 0] == -np.inf or seen[source]:
                continue
            seen[source] = True
            entries[target, found, 1], tags[target, found, 2] = entries[target, e, 1], tags[target, e, 2]
            found += 1
        for e in range(found):
            seen[LOW - (tags[target, e, 2] & LOW)] = False
        counts[target] = found


@kernel
def unlisted(first, last, entries, tags, counts, begins, names, sources, targets, n_both, sums):  # type: ignore[no-untyped-def]
    """Write the links of targets first..last−1, each target's from begins[target] on, after `distinct`."""
    for target in range(first, last):
        for e in range(counts[target]):
            at, tag = begins[target] + e, tags[target, e, 2]
            sources[at], targets[at] = LOW - (tag & LOW), names[target]
            n_both[at], sums[at] = tag >> 32, entries[target, e, 1]


@kernel
def by_source(sources, d_source):  # type: ignore[no-untyped-def]
    """Links brought together by their source: those of source s are places[begins[s] : begins[s + 1]]."""
    begins, places = np.zeros(d_source + 2, np.int64), np.empty(len(sources), np.uint32)
    for e in range(len(sources)):
        begins[sources[e] + 2] += 1
    for source in range(d_source):
        begins[source + 2] += begins[source + 1]
    for e in range(len(sources)):
        places[begins[sources[e] + 1]] = e
        begins[sources[e] + 1] += 1
    return begins, places


@kernel
def joined(  # type: ignore[no-untyped-def]
    first, last, d_target, listed, begins, places, targets, n_both, sums, out_source, out_target, out_both, out_sum
):
    """The links of sources first..last−1, each once, sorted by (source, target); returns how many there are.

    Targets are marked and listed as the cells of a row are, which is quicker than sorting them.
    """
    words = np.zeros((d_target + 63) // 64 * 8, np.uint64)
    marks, ids = words.view(np.uint8), np.empty(8 * len(words) + 8, np.uint32)
    where = np.empty(d_target, np.uint32)
    found = 0
    for source in range(first, last):
        for place in places[begins[source] : begins[source + 1]]:
            target = targets[place]
            where[target] = place
            marks[target] = 1
            prefetch(n_both, np.int64(place))
            prefetch(sums, np.int64(place))
        for target in ids[: marked(d_target, words, listed, ids)]:
            e = where[target]
            out_source[found], out_target[found], out_both[found], out_sum[found] = source, target, n_both[e], sums[e]
            found += 1
        words[:] = 0
    return found
