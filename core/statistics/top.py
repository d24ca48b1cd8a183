"""The best k of every row and every column of a matrix that is only ever seen in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.errors import Cancelled
from core.kernels import frozen, kernel

BLOCK_CELLS = 1 << 24
"""Cells of the matrix held at once: 64 MB of float32."""


@dataclass(frozen=True, slots=True)
class Top:
    """Best partners of each feature, best first; -1 and NaN where there are fewer than k."""

    index: np.ndarray  # int32 [features, k]
    value: np.ndarray  # float32 [features, k]


def empty_top(features: int, k: int) -> Top:
    """Room for the best k of `features` rows."""
    return Top(np.full((features, k), -1, np.int32), np.full((features, k), np.nan, np.float32))


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """The rows of a [rows, columns] matrix in parts of at most `BLOCK_CELLS` cells (or of one row)."""
    step = max(1, BLOCK_CELLS // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))


def top_of_product(
    rows: int,
    columns: int,
    k: int,
    block: Callable[[slice], np.ndarray],
    *,
    exclude_self: bool = False,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Top, Top]:
    """The k largest of every row and column of a [rows, columns] matrix of which `block(slice)` computes some rows.

    NaN is never listed; ties go to the smaller index; fewer than k is no error. `cancelled` is asked before each block;
    raises `Cancelled`.

    >>> cells = np.array([[3.0, np.nan, 5.0, 5.0], [4.0, 1.0, 1.0, 9.0]])
    >>> by_row, by_column = top_of_product(2, 4, 3, lambda part: cells[part])
    >>> by_row.index.tolist(), by_column.index[:, :2].tolist()
    ([[2, 3, 0], [3, 0, 1]], [[1, 0], [1, -1], [0, 1], [1, 0]])
    """
    by_row, by_column = empty_top(rows, k), empty_top(columns, k)
    for part in row_blocks(rows, columns):
        if cancelled():
            raise Cancelled("the product was stopped", "start it again; nothing was kept")
        cells = np.ascontiguousarray(block(part), np.float32)
        if exclude_self:
            cells[np.arange(part.stop - part.start), np.arange(part.start, part.stop)] = np.nan
        if k:
            _keep_best(*frozen(cells), part.start, by_row.index, by_row.value, by_column.index, by_column.value)
        progress(part.stop / rows)
    return by_row, by_column


@kernel
def _keep_best(block, first_row, row_index, row_value, column_index, column_value):  # type: ignore[no-untyped-def]
    """Enter a block [rows, columns] into the best k of its rows and of all columns, largest first.

    The block's first row has the index `first_row`, and blocks come in rising order: of equals the first to come has
    the smaller index. Lists hold -1 and NaN where there is room; NaN is larger than nothing and never entered.
    """
    rows, columns = block.shape
    last = row_index.shape[1] - 1
    low = np.empty(columns, np.float32)
    for c in range(columns):
        low[c] = column_value[c, last] if column_index[c, last] >= 0 else -np.inf
    for r in range(rows):
        own_index, own_value = row_index[first_row + r], row_value[first_row + r]
        limit = np.float32(-np.inf)
        for c in range(columns):
            value = block[r, c]
            if value > limit:
                _enter(own_index, own_value, c, value)
                if own_index[last] >= 0:
                    limit = own_value[last]
            if value > low[c]:
                _enter(column_index[c], column_value[c], first_row + r, value)
                if column_index[c, last] >= 0:
                    low[c] = column_value[c, last]


@kernel
def _enter(index, values, name, value):  # type: ignore[no-untyped-def]
    """Put one into a list that has room or a last entry below it, behind its equals."""
    place = len(index) - 1
    while place > 0 and (index[place - 1] < 0 or value > values[place - 1]):
        index[place], values[place] = index[place - 1], values[place - 1]
        place -= 1
    index[place], values[place] = name, value
