"""From token order to feature order in bounded memory, and the per-feature summary on the way."""

from __future__ import annotations

import numpy as np

from core.errors import StoreDamaged
from core.kernels import kernel
from core.store.format import Sparse, Summary


@kernel
def _count(indices, counts):  # type: ignore[no-untyped-def]
    for e in range(len(indices)):
        f = indices[e]
        if f >= len(counts):
            return e
        counts[f] += 1
    return -1


@kernel
def _scatter(offsets, indices, values, first, last, base, cursor, positions, out):  # type: ignore[no-untyped-def]
    """Write the entries of features first..last-1; `cursor` holds each one's next place, less `base`."""
    for t in range(len(offsets) - 1):
        for e in range(offsets[t], offsets[t + 1]):
            f = indices[e]
            if first <= f < last:
                place = cursor[f] - base
                positions[place] = t
                out[place] = values[e]
                cursor[f] += 1


@kernel
def _summarise(offsets, values, maximum, total, total_of_squares):  # type: ignore[no-untyped-def]
    for f in range(len(offsets) - 1):
        top = np.float32(0.0)
        s = 0.0
        ss = 0.0
        for e in range(offsets[f], offsets[f + 1]):
            v = values[e]
            top = max(top, v)
            s += np.float64(v)
            ss += np.float64(v) * np.float64(v)
        maximum[f] = top
        total[f] = s
        total_of_squares[f] = ss


def feature_offsets(indices: np.ndarray, d_sae: int) -> np.ndarray:
    """Row offsets [d_sae + 1] of the transposed matrix.

    >>> feature_offsets(np.array([0, 2, 2], np.uint16), 3)
    array([0, 1, 1, 3])
    """
    counts = np.zeros(d_sae, np.int64)
    bad = _count(indices, counts)
    if bad >= 0:
        raise StoreDamaged(f"entry {bad} names feature {indices[bad]} of {d_sae}", "collect the store again")
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def transpose_into(
    by_token: Sparse, offsets: np.ndarray, positions: np.ndarray, values: np.ndarray, *, budget_bytes: int
) -> None:
    """Fill `positions` and `values` (both [nnz], in feature order) in passes over ranges of features.

    Each pass reads the token order once and writes at most about `budget_bytes` of output (one feature at least), so
    that memory stays bounded however large the store is.
    """
    d_sae = len(offsets) - 1
    entries = max(1, budget_bytes // 8)
    cursor = offsets[:-1].copy()
    first = 0
    while first < d_sae:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + entries, side="right")) - 1)
        low, high = int(offsets[first]), int(offsets[last])
        block_positions = np.empty(high - low, np.uint32)
        block_values = np.empty(high - low, np.float32)
        _scatter(
            by_token.offsets,
            by_token.indices,
            by_token.values,
            first,
            last,
            low,
            cursor,
            block_positions,
            block_values,
        )
        positions[low:high] = block_positions
        values[low:high] = block_values
        first = last


def summarise(by_feature: Sparse) -> Summary:
    """Count, maximum, Σx and Σx² per feature, the sums in float64."""
    d_sae = len(by_feature.offsets) - 1
    maximum = np.zeros(d_sae, np.float32)
    total, squares = np.zeros(d_sae), np.zeros(d_sae)
    _summarise(by_feature.offsets, by_feature.values, maximum, total, squares)
    return Summary(np.diff(by_feature.offsets), maximum, total, squares)
