"""Pair counts of a block of source features with a whole site: products written out, added to the cells of a tile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.statistics.pair_kernels import RULE


@dataclass(frozen=True, slots=True)
class Target:
    """The later site on the device: its row beside each position, and what each entry brings."""

    starts: Tensor  # int64 [n_positions]
    stops: Tensor  # int64 [n_positions]
    features: Tensor  # int32 [nnz]
    values: Tensor  # float32 [nnz]
    fires: Tensor | None  # bool [nnz], by the activity rule; None at r = 0


@dataclass(frozen=True, slots=True)
class Cells:
    """Pairs of a block that are active together at r = 0, by (row, column)."""

    flat: Tensor  # int64, place in the tile
    row: Tensor  # int64, source feature less the block's first
    column: Tensor  # int64, target feature
    both: Tensor  # int64, by the activity rule
    sum_xy: Tensor  # float64


def runs_of_entries(ends: Tensor, products: int) -> list[tuple[int, int, int, int]]:
    """(first entry, last, first product, last) of runs with about `products` products each, one entry at least.

    `ends` [entries] counts the products up to and with each entry.

    >>> runs_of_entries(torch.tensor([2, 5, 6, 6]), 3)
    [(0, 2, 0, 5), (2, 4, 5, 6)]
    """
    total = int(ends[-1]) if len(ends) else 0
    if not total:
        return []
    cuts = torch.arange(products, max(total, products), products, device=ends.device)
    lasts = sorted({*(torch.searchsorted(ends, cuts) + 1).tolist(), len(ends)})
    done = ends[torch.tensor(lasts, device=ends.device) - 1].tolist()
    return list(zip([0, *lasts], lasts, [0, *done], done, strict=False))


def accumulate(
    positions: Tensor, x: Tensor, fires: Tensor | None, bases: Tensor, target: Target, cells: int, products: int
) -> tuple[Tensor, Tensor]:
    """(Σxy float64, counts) of a tile of `cells`, from the block's entries.

    An entry is active at `positions`, with value `x` (float64), by the rule where it `fires` (None at r = 0); its row
    of the tile begins at `bases`. At r = 0 a count is a plain number. With a rule it is int64 with two halves, as in
    `pair_kernels`: active together at r = 0 in the low one, by the rule in the high one.
    """
    starts = target.starts[positions]
    lengths = target.stops[positions] - starts
    ends = lengths.cumsum(0)
    shifts = starts - (ends - lengths)  # from the number of a product to its place in the target
    narrow = fires is None and len(target.starts) < 1 << 31
    sums = torch.zeros(cells, dtype=torch.float64, device=x.device)
    counts = torch.zeros(cells, dtype=torch.int32 if narrow else torch.int64, device=x.device)
    one = counts.new_ones(1)
    for first, last, begin, end in runs_of_entries(ends, products):
        entry = torch.repeat_interleave(lengths[first:last], output_size=end - begin).add_(first)
        place = torch.arange(begin, end, device=x.device).add_(shifts[entry])
        cell = bases[entry].add_(target.features[place])
        sums.scatter_add_(0, cell, x[entry] * target.values[place])
        if fires is None or target.fires is None:
            step = one.expand(len(cell))
        else:
            step = (fires[entry] & target.fires[place]).long().mul_(int(RULE)).add_(1)
        counts.scatter_add_(0, cell, step)
    return sums, counts


def touched(sums: Tensor, counts: Tensor, width: int, rule: bool) -> Cells:
    """The cells of a tile that were added to."""
    flat = counts.nonzero().squeeze(1)
    row = flat.div(width, rounding_mode="floor")
    both = counts[flat].long()
    return Cells(flat, row, flat - row * width, both >> 32 if rule else both, sums[flat])
