"""Compiled loops over the SAEs' weights: the value of each of many pairs of features.

A pair's sum runs over the dimensions in one fixed order in float64, whatever else is asked beside it, so that a value
has the same bits in a list of neighbours, in a table of links and in the report of one link. Four sums side by side
let the processor add without waiting.
"""

from __future__ import annotations

import numpy as np

from core.kernels import kernel

TILE = 512
"""Pairs whose virtual weights are summed side by side: their columns of the encoder are read row by row."""


@kernel
def dots(a, i, b, j, out):  # type: ignore[no-untyped-def]
    """out[p] = a[i[p]] · b[j[p]], rows of float32 [m, d] and [n, d]."""
    d = a.shape[1]
    whole = d - d % 4
    for p in range(len(out)):
        x, y = a[i[p]], b[j[p]]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for k in range(0, whole, 4):
            s0 += np.float64(x[k]) * np.float64(y[k])
            s1 += np.float64(x[k + 1]) * np.float64(y[k + 1])
            s2 += np.float64(x[k + 2]) * np.float64(y[k + 2])
            s3 += np.float64(x[k + 3]) * np.float64(y[k + 3])
        for k in range(whole, d):
            s0 += np.float64(x[k]) * np.float64(y[k])
        out[p] = (s0 + s1) + (s2 + s3)


@kernel
def _apart(u, x, v, y):  # type: ignore[no-untyped-def]
    difference = u * np.float64(x) - v * np.float64(y)
    return difference * difference


@kernel
def folded_errors(a, theta_a, i, b, theta_b, j, out):  # type: ignore[no-untyped-def]
    """out[p] = mean over k of (θ_i a_ik − θ_j b_jk)²; NaN where a θ is NaN."""
    d = a.shape[1]
    whole = d - d % 4
    for p in range(len(out)):
        x, y, u, v = a[i[p]], b[j[p]], theta_a[i[p]], theta_b[j[p]]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for k in range(0, whole, 4):
            s0 += _apart(u, x[k], v, y[k])
            s1 += _apart(u, x[k + 1], v, y[k + 1])
            s2 += _apart(u, x[k + 2], v, y[k + 2])
            s3 += _apart(u, x[k + 3], v, y[k + 3])
        for k in range(whole, d):
            s0 += _apart(u, x[k], v, y[k])
        out[p] = ((s0 + s1) + (s2 + s3)) / d


@kernel
def products(decoder, i, encoder, j, out):  # type: ignore[no-untyped-def]
    """out[p] = decoder[i[p]] · encoder[:, j[p]], float32 [m, d] and [d, n]; fast where j rises."""
    d = decoder.shape[1]
    sums = np.empty(TILE)
    # Unsigned indices: signed ones would be tested for being negative at every step.
    rows, columns = np.empty(TILE, np.uint64), np.empty(TILE, np.uint64)
    for first in range(0, len(out), TILE):
        many = min(TILE, len(out) - first)
        sums[:many] = 0.0
        for p in range(many):
            rows[p], columns[p] = i[first + p], j[first + p]
        for k in range(d):
            reads = encoder[k]
            for p in range(many):
                sums[p] += np.float64(decoder[rows[p], k]) * np.float64(reads[columns[p]])
        out[first : first + many] = sums[:many]
