"""What follows from the sums of a block: measures, histograms, and the best of every row and column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.statistics.cuda.sums import Cells
from core.statistics.measures import COMPILED
from core.statistics.pair_kernels import (
    ACTIVE,
    COSINE,
    DEVIATION,
    ENTROPY,
    INFORMATION,
    JACCARD,
    MEAN,
    NECESSITY,
    PEARSON,
    ROOT,
    SUFFICIENCY,
    TOTAL,
)
from core.statistics.pairs import BINS, RANGES

LANES = 32  # as many as threads go together; their histograms fit the fast memory of a block of threads


@dataclass(frozen=True, slots=True)
class Columns:
    """Best sources so far of every target feature by one measure, by (column, place), and what a new one must beat."""

    column: Tensor  # int64 [entries]
    value: Tensor  # float64 [entries]
    both: Tensor  # int64 [entries]
    source: Tensor  # int64 [entries]
    sum_xy: Tensor  # float64 [entries]
    least: Tensor  # float64 [d_sae], −inf while there is room
    least_both: Tensor  # int64 [d_sae]


def measure_values(m: int, cells: Cells, a: Tensor, b: Tensor, n: int, table: Tensor) -> Tensor:
    """One measure of each cell, float64; `a` [6, rows], `b` [6, d_sae] are margins, `table` is c ln c.

    Operation for operation what the CPU engine does: a fused multiply-add, or a product with 1/n where it divides,
    would break ties in other ways.
    """
    i, j = cells.row, cells.column
    if m == PEARSON:
        return (cells.sum_xy - a[TOTAL][i] * b[MEAN][j]) / (a[DEVIATION][i] * b[DEVIATION][j])
    if m == COSINE:
        return cells.sum_xy / (a[ROOT][i] * b[ROOT][j])
    if m == JACCARD:
        return cells.both.double() / (a[ACTIVE][i] + b[ACTIVE][j] - cells.both)
    if m in (SUFFICIENCY, NECESSITY):
        return cells.both.double() / (a[ACTIVE][i] if m == SUFFICIENCY else b[ACTIVE][j])
    assert m == INFORMATION
    n_i, n_j, both = a[ACTIVE][i].long(), b[ACTIVE][j].long(), cells.both
    total = (n * float(np.log(np.float64(n))) if n else 0.0) - a[ENTROPY][i] - b[ENTROPY][j]
    for count in (both, n_i - both, n_j - both, n - n_i - n_j + both):
        total += xlogx(count, table, n)
    return total / total.new_tensor(float(n))  # by a plain number torch would multiply with its reciprocal on CUDA


def xlogx(counts: Tensor, table: Tensor, n: int) -> Tensor:
    """c ln c of counts, 0 below 1; damaged margins may ask for any count, which must not leave the table."""
    inside = table[counts.clamp(0, len(table) - 1)]
    if n < len(table):
        return inside
    return torch.where(counts < len(table), inside, counts * counts.clamp(min=1).double().log())


def histogram(m: int, values: Tensor, both: Tensor) -> Tensor:
    """int64 [BINS] of the values of pairs that are active together by the rule; NaN is in no bin.

    Most values lie in one or two bins, and additions to one place wait for each other: neighbours add to histograms of
    their own, LANES of them.
    """
    low, high = RANGES[COMPILED[m]]
    place = ((values - low) * float(BINS / (high - low))).clamp_(0, BINS - 1)
    counted = (both > 0) & ~values.isnan()
    lane = torch.arange(len(values), dtype=torch.int32, device=values.device).bitwise_and_(LANES - 1).mul_(BINS + 1)
    place = torch.where(counted, place, BINS).int().add_(lane)
    return torch.bincount(place, minlength=LANES * (BINS + 1)).view(LANES, BINS + 1)[:, :BINS].sum(0)


# ---- the best


def ranked(line: Tensor, value: Tensor, both: Tensor, top: int) -> Tensor:
    """Places of the best `top` of each line, by (line, larger value, larger n_both, as they come).

    >>> ranked(torch.tensor([1, 0, 1, 1]), torch.tensor([2.0, 1, 2, 3]), torch.tensor([5, 1, 6, 1]), 2).tolist()
    [1, 3, 2]
    """
    order = both.argsort(descending=True, stable=True)
    order = order[value[order].argsort(descending=True, stable=True)]
    line = line.int()  # half the passes of a radix sort
    order = order[line[order].argsort(stable=True)]
    line = line[order]
    place = torch.arange(len(line), device=line.device) - torch.searchsorted(line, line)
    return order[place < top]


def best_of_rows(cells: Cells, values: Tensor, rows: int, width: int, top: int) -> Tensor:
    """Places of the cells among the best `top` of their row.

    Few cells are sorted: a row's k-th largest of 2k maxima, each over a share of its columns, is no more than its k-th
    largest value, and about 1.2 k values reach it. Rounding to float32 keeps the order.
    """
    rounded = values.float()
    tile = torch.full((rows * width,), -torch.inf, device=values.device)
    tile[cells.flat] = rounded.nan_to_num(-torch.inf, torch.inf, -torch.inf)
    maxima = tile.view(rows, -1, 2 * top).amax(1)
    least = maxima.topk(top, sorted=True).values[:, -1].contiguous()
    chosen = (rounded >= least[cells.row]).nonzero().squeeze(1)
    return chosen[ranked(cells.row[chosen], values[chosen], cells.both[chosen], top)]


def merge_columns(held: Columns, cells: Cells, values: Tensor, first: int, top: int) -> Columns:
    """The best of each column with a block whose row 0 is source `first`; blocks rise: of equals the held stay."""
    least, least_both = held.least[cells.column], held.least_both[cells.column]
    better = (values > least) | ((values == least) & (cells.both > least_both))
    new = better.nonzero().squeeze(1)
    if not len(new):
        return held
    column = torch.cat([held.column, cells.column[new]])
    value = torch.cat([held.value, values[new]])
    both = torch.cat([held.both, cells.both[new]])
    source = torch.cat([held.source, cells.row[new] + first])
    sum_xy = torch.cat([held.sum_xy, cells.sum_xy[new]])
    order = ranked(column, value, both, top)
    column, value, both = column[order], value[order], both[order]
    last = (column[: 1 - top or None] == column[top - 1 :]).nonzero().squeeze(1) + top - 1  # entries at place top − 1
    least, least_both = torch.full_like(held.least, -torch.inf), torch.full_like(held.least_both, -1)
    least[column[last]], least_both[column[last]] = value[last], both[last]
    return Columns(column, value, both, source[order], sum_xy[order], least, least_both)


def no_columns(d_sae: int, device: torch.device) -> Columns:
    """Empty lists of the best."""
    whole, real = torch.empty(0, dtype=torch.int64, device=device), torch.empty(0, dtype=torch.float64, device=device)
    least = torch.full((d_sae,), -torch.inf, dtype=torch.float64, device=device)
    return Columns(whole, real, whole, whole, real, least, torch.full((d_sae,), -1, device=device))
