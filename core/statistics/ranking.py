"""Which features to list first (DESIGN 4, "Ranking").

Candidates are features that are active anywhere at r = 0; the exact measure orders them, ties go to the larger n_both,
then to the smaller index; NaN is never listed; fewer candidates than asked for is no error.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def rank(values: Any, n_both: Any, top: int, candidates: Any = None, min_both: int = 0) -> np.ndarray:
    """Indices (int64, at most `top`) of the best candidates, best first.

    `values` is float64 [d], `n_both` int64 [d], `candidates` bool [d] (default: all). Takes time linear in d: only the
    chosen are sorted, also when thousands are tied.

    >>> rank(np.array([0.5, np.nan, 0.9, 0.5, 0.5]), np.array([1, 9, 1, 3, 1]), 3).tolist()
    [2, 3, 0]
    """
    allowed = ~np.isnan(values) & (np.asarray(n_both) >= min_both)
    if candidates is not None:
        allowed &= candidates
    chosen = np.flatnonzero(allowed)
    if top <= 0 or not len(chosen):
        return chosen[:0]
    chosen = _first(chosen, (values, n_both), top)
    order = np.lexsort((chosen, -np.asarray(n_both)[chosen], -np.asarray(values)[chosen]))
    return chosen[order]


def _first(indices: np.ndarray, keys: tuple[Any, ...], top: int) -> np.ndarray:
    """The `top` indices largest by the first key, of equals by the next, and of equals in all the first ones."""
    if len(indices) <= top:
        return indices
    if not keys:
        return indices[:top]
    key = np.asarray(keys[0])[indices]
    limit = np.partition(key, len(key) - top)[len(key) - top]
    above = indices[key > limit]
    tied = _first(indices[key == limit], keys[1:], top - len(above))
    return np.concatenate([above, tied])
