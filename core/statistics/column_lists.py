"""The best of each column, shared by all threads.

Rows come from several threads in any order. A thread writes the pairs that might be among the best of their column
as records, and merges them when it has many: sorted by list, so that lists far larger than any cache are gone through
once and in order. `limits` are what a pair must reach; those of an earlier moment let more through, never less, so
that threads read them without a lock and the result does not depend on when they do.
"""

from __future__ import annotations

import numpy as np

from core.kernels import kernel
from core.statistics.pair_kernels import LOW


@kernel
def merge_records(records, record_tags, used, entries, tags, limits, order, begins):  # type: ignore[no-untyped-def]
    """Fold records [used, 4] = (value, Σxy, tag, line) into the lists [lines, k, 3] and raise their limits.

    The tag is n_both above 2^32 − 1 − index, so that one comparison settles ties. `tags` is `entries` seen as int64: an
    entry lies in 24 neighbouring bytes. `limits` [d_sae · 8] are float32, rounded down.
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
            value, tag = records[r, 0], record_tags[r, 2]
            worst = entries[line, last, 0]
            if value > worst or (value == worst and tag > tags[line, last, 2]):
                place_entry(entries, tags, line, value, tag, records[r, 1])
        at = end
        worst = entries[line, last, 0]
        limit = np.float32(worst)
        if np.float64(limit) > worst:
            limit = np.nextafter(limit, np.float32(-np.inf))
        limits[8 * (line // 6) + line % 6] = limit


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
def sorted_by(keys, order, size):  # type: ignore[no-untyped-def]
    """`order` sorted by keys 0..size−1, stably."""
    begins, out = np.zeros(size + 1, np.int64), np.empty_like(order)
    for e in order:
        begins[keys[e] + 1] += 1
    for key in range(size):
        begins[key + 1] += begins[key]
    for e in order:
        out[begins[keys[e]]] = e
        begins[keys[e]] += 1
    return out


@kernel
def all_entries(entries, tags, names, sources, targets, counts, sums):  # type: ignore[no-untyped-def]
    """Write out the lists [d_sae · 6, k, 3]."""
    e = 0
    for line in range(entries.shape[0]):
        for r in range(entries.shape[1]):
            if entries[line, r, 0] == -np.inf:
                break
            tag = tags[line, r, 2]
            sources[e], targets[e] = LOW - (tag & LOW), names[line // 6]
            counts[e], sums[e] = tag >> 32, entries[line, r, 1]
            e += 1
