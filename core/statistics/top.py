"""The best k of every row and every column of a matrix that is only ever seen in blocks of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Top:
    """Best partners of each feature, best first; -1 and NaN where there are fewer than k."""

    index: np.ndarray  # int32 [features, k]
    value: np.ndarray  # float32 [features, k]


def empty_top(features: int, k: int) -> Top:
    """Room for the best k of `features` rows."""
    return Top(np.full((features, k), -1, np.int32), np.full((features, k), np.nan, np.float32))


def best_of_rows(block: np.ndarray, k: int) -> Top:
    """The k largest of each row of `block` [rows, columns]; NaN never, ties to the smaller index.

    >>> best_of_rows(np.array([[3.0, np.nan, 5.0, 5.0]]), 3).index.tolist()
    [[2, 3, 0]]
    """
    k_held = min(k, block.shape[1])
    keyed = np.where(np.isnan(block), -np.inf, block)
    # A threshold at the k-th largest value, then a stable sort of the few at or above it, settles ties exactly.
    chosen = _stable_largest(keyed, k_held)
    values = np.take_along_axis(keyed, chosen, 1)
    top = empty_top(len(block), k)
    real = values > -np.inf
    top.index[:, :k_held] = np.where(real, chosen, -1)
    top.value[:, :k_held] = np.where(real, values, np.nan)
    return top


def _stable_largest(keyed: np.ndarray, k: int) -> np.ndarray:
    """Indices [rows, k] of the k largest of each row, largest first, ties to the smaller index."""
    rows, columns = keyed.shape
    if k == columns:
        return np.argsort(-keyed, axis=1, kind="stable")
    threshold = -np.partition(-keyed, k - 1, axis=1)[:, k - 1 : k]
    above = keyed > threshold
    level = keyed == threshold
    room = k - above.sum(1, keepdims=True)
    keep = above | (level & (np.cumsum(level, axis=1) <= room))
    chosen = np.nonzero(keep)[1].reshape(rows, k)
    order = np.argsort(-np.take_along_axis(keyed, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1)


def merge_columns(top: Top, block: np.ndarray, first_row: int) -> Top:
    """`top` of the columns so far, together with `block` [rows, columns] whose first row has the index `first_row`.

    Blocks must come in rising order of rows: then stacking what was held before what is new keeps ties right.
    """
    k = top.index.shape[1]
    new = best_of_rows(np.ascontiguousarray(block.T), k)
    index = np.concatenate([top.index, np.where(new.index >= 0, new.index + first_row, -1)], axis=1)
    value = np.concatenate([top.value, new.value], axis=1)
    order = np.argsort(np.where(np.isnan(value), np.inf, -value), axis=1, kind="stable")[:, :k]
    return Top(np.take_along_axis(index, order, 1), np.take_along_axis(value, order, 1))
