"""The pair, block by block: source features to the device, what is kept of them back from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from core.errors import BadArgument, Cancelled, OutOfMemory
from core.statistics import pairs
from core.statistics.cuda.lists import Columns, best_of_rows, histogram, measure_values, merge_columns, no_columns
from core.statistics.cuda.memory import LEAST_PRODUCTS, block_size, free_bytes, upload, within_memory
from core.statistics.cuda.sums import Cells, Target, accumulate, touched
from core.statistics.faults import damaged
from core.statistics.measures import BOUNDED, COMPILED
from core.statistics.pair_kernels import fill_xlogx
from core.statistics.pair_sides import TABLE_ENTRIES, Side, source_side, target_side
from core.statistics.pairs import BINS, FLOOR, TOP, PairLinks
from core.statistics.rows import RowMap
from core.store import Store

FIRST_ROWS = 64  # blocks double from here: the lists of columns let everything pass while they are empty

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Links = tuple[Tensor, Tensor, Tensor, Tensor]  # source, target, n_both (int64) and Σxy (float64), on the device


@dataclass(frozen=True, slots=True)
class Kept:
    """What is carried from block to block; a block that fails leaves it as it was."""

    columns: tuple[Columns, ...]  # one a measure
    histograms: Tensor  # int64 [measures, BINS]
    together: int = 0


def whole_pair(
    store: Store,
    source: str,
    target: str,
    activity: float = 0.0,
    top: int = TOP,
    floor: float = FLOOR,
    floor_measures: Sequence[str] = BOUNDED,
    *,
    rows: RowMap | None = None,
    device: str = "cuda",
    block: tuple[int, int] | None = None,
    notice: Callable[[str], None] = lambda text: None,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> PairLinks:
    """What `pairs.whole_pair` returns, computed on `device`; `rows`, `progress` and `cancelled` are as there.

    `block` is (features, products) at once, by default what fits the free memory. When memory runs out both are
    halved and `notice` hears of it. Raises what `pairs.whole_pair` raises, and `OutOfMemory`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = whole_pair(plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b}), "0", "1", device="cpu")
    >>> found.sources.tolist(), found.targets.tolist(), found.n_both.tolist(), found.never_co_active
    ([0], [0], [2], 1)
    """
    began = time.perf_counter()
    source, target = pairs.in_order(store, source, target)
    pairs.check_settings(activity, top, floor_measures)
    table = np.empty(min(store.n + 1, TABLE_ENTRIES))
    fill_xlogx(table)
    a = source_side(store, source, activity, table, rows)
    b = target_side(store, target, activity, table, rows)
    n = store.n if rows is None else rows.n
    above = tuple(floor if name in floor_measures else np.inf for name in COMPILED)
    where = torch.device(device)
    run = within_memory(partial(Run, store, (source, target), n, a, b, table, top, above, activity > 0, where))
    if run is None:
        raise OutOfMemory(f"site {target} does not fit the memory of {device}", "choose --device cpu")
    size = block or block_size(free_bytes(where), run.width)
    kept, blocks = all_blocks(run, size, floor, notice, progress, cancelled)
    links = within_memory(partial(all_links, blocks, kept.columns))
    if links is None:
        raise OutOfMemory(f"the links of {source}, {target} do not fit the memory of {device}", "choose --device cpu")
    return PairLinks(
        source,
        target,
        activity,
        top,
        floor,
        tuple(floor_measures),
        *links,
        histograms=kept.histograms.cpu().numpy(),
        never_co_active=a.d_sae * b.d_sae - kept.together,
        device=where.type,
        seconds=time.perf_counter() - began,
    )


class Run:
    """One pair on the device: the whole target and all margins lie there, source features come block by block."""

    def __init__(
        self, store: Store, keys: tuple[str, str], n: int, a: Side, b: Side, table: np.ndarray, top: int,
        above: tuple[float, ...], rule: bool, device: torch.device,
    ) -> None:  # fmt: skip
        self.store, self.keys, self.n, self.a, self.d_sae = store, keys, n, a, b.d_sae
        self.top, self.above, self.rule, self.device = top, above, rule, device
        self.width = -(-b.d_sae // (2 * top)) * 2 * top  # of a tile: a multiple of what `best_of_rows` divides it by
        if bad_bounds(a):
            damaged(store, 4, keys[0])
        if bad_bounds(b):
            damaged(store, 2, keys[1])
        self.target = self._target(b)
        self.table = upload(table, device)
        self.margins = [upload(np.ravel(side.margins.T), device).view(6, -1) for side in (a, b)]

    def _target(self, b: Side) -> Target:
        features, values = upload(b.indices, self.device).int(), upload(b.values, self.device)
        if len(features) and not 0 <= int(features.min()) <= int(features.max()) < b.d_sae:
            damaged(self.store, 3, self.keys[1])
        fires = values > upload(b.floors, self.device)[features] if self.rule else None
        return Target(upload(b.starts, self.device), upload(b.stops, self.device), features, values, fires)

    def nothing(self) -> Kept:
        """Before the first block."""
        columns = tuple(no_columns(self.d_sae, self.device) for _ in COMPILED)
        return Kept(columns, torch.zeros((len(COMPILED), BINS), dtype=torch.int64, device=self.device))

    def block(self, first: int, last: int, products: int, kept: Kept) -> tuple[Kept, Links | None]:
        """Source features first..last−1: what is kept after them, and the links of their rows, if any."""
        if self.a.starts[first] == self.a.stops[last - 1]:
            return kept, None
        cells = self._cells(first, last, products)
        a, b = self.margins[0][:, first:last], self.margins[1]
        keep = torch.zeros(len(cells.flat), dtype=torch.bool, device=self.device)
        columns, histograms = [], []
        for m, held in enumerate(kept.columns):
            values = measure_values(m, cells, a, b, self.n, self.table)
            histograms.append(histogram(m, values, cells.both))
            keep |= values >= self.above[m]
            keep[best_of_rows(cells, values, last - first, self.width, self.top)] = True
            columns.append(merge_columns(held, cells, values, first, self.top))
        chosen = keep.nonzero().squeeze(1)
        links = cells.row[chosen] + first, cells.column[chosen], cells.both[chosen], cells.sum_xy[chosen]
        together = kept.together + int((cells.both > 0).sum())
        return Kept(tuple(columns), kept.histograms + torch.stack(histograms), together), links

    def _cells(self, first: int, last: int, products: int) -> Cells:
        a, rows = self.a, last - first
        part = slice(int(a.starts[first]), int(a.stops[last - 1]))
        positions, x = upload(a.indices[part], self.device), upload(a.values[part], self.device)
        if len(positions) and int(positions.max()) >= len(self.target.starts):
            damaged(self.store, 1, self.keys[0])
        lengths = upload(a.stops[first:last] - a.starts[first:last], self.device)
        row = torch.repeat_interleave(lengths, output_size=len(x))
        fires = x > upload(a.floors[first:last], self.device)[row] if self.rule else None
        cells = rows * self.width
        sums, counts = accumulate(positions, x.double(), fires, row * self.width, self.target, cells, products)
        return touched(sums, counts, self.width, self.rule)


def bad_bounds(side: Side) -> bool:
    """Whether a row's bounds lie outside of the activations."""
    return bool(np.any(side.starts < 0) or np.any(side.stops < side.starts) or np.any(side.stops > len(side.indices)))


def all_blocks(
    run: Run,
    size: tuple[int, int],
    floor: float,
    notice: Callable[[str], None],
    progress: Callable[[float], None],
    cancelled: Callable[[], bool],
) -> tuple[Kept, list[Links]]:
    """Every block, in rising order; one that does not fit the memory is halved, and so are those after it."""
    (rows, products), stops = size, run.a.stops
    kept, blocks, first, n_links = run.nothing(), list[Links](), 0, 0
    while first < len(stops):
        if cancelled():
            raise Cancelled(f"the pair {', '.join(run.keys)} was stopped", "start it again; nothing was kept")
        last = next_block(run.a, first, min(rows, max(first, FIRST_ROWS)), products)
        found = within_memory(partial(run.block, first, last, products, kept))
        if found is None:
            rows, products = halved(last - first, products, run.device)
            notice(f"{run.device} ran out of memory: blocks are now of {rows} features")
            continue
        kept, links = found
        if links is not None:
            blocks.append(links)
            n_links += len(links[0])
        if n_links > pairs.MOST_LINKS:
            raise BadArgument(f"floor {floor} keeps more than {pairs.MOST_LINKS:,} links", "choose a higher floor")
        first = last
        progress(int(stops[last - 1]) / max(int(stops[-1]), 1) if last < len(stops) else 1.0)
    return kept, blocks


def next_block(a: Side, first: int, rows: int, entries: int) -> int:
    """Where the block that begins at feature `first` ends: `rows` features, fewer where they have too many entries."""
    fitting = int(np.searchsorted(a.stops, int(a.starts[first]) + entries, side="right"))
    return min(first + rows, max(fitting, first + 1), len(a.stops))


def halved(rows: int, products: int, device: torch.device) -> tuple[int, int]:
    """Half of a block that did not fit; raises `OutOfMemory` where it is the smallest already.

    >>> halved(100, 1 << 20, torch.device("cpu"))
    (50, 524288)
    """
    if rows == 1 and products <= LEAST_PRODUCTS:
        raise OutOfMemory(f"a single feature's row does not fit the memory of {device}", "choose --device cpu")
    return max(1, rows // 2), min(products, max(LEAST_PRODUCTS, products // 2))


def all_links(blocks: Sequence[Links], columns: Sequence[Columns]) -> Arrays:
    """The links of all rows and columns, each once, by (source, target), with the types of `pairs.PairLinks`."""
    lists = [*blocks, *((held.source, held.column, held.both, held.sum_xy) for held in columns)]
    sources, targets, both, sums = (torch.cat(parts) for parts in zip(*lists, strict=True))
    keys, order = (sources << 32 | targets).sort()
    once = torch.ones(len(keys), dtype=torch.bool, device=keys.device)
    once[1:] = keys[1:] != keys[:-1]
    keys, order = keys[once], order[once]
    sources, targets, both, sums = (keys >> 32).int(), (keys & 0xFFFFFFFF).int(), both[order], sums[order]
    return sources.cpu().numpy(), targets.cpu().numpy(), both.cpu().numpy(), sums.cpu().numpy()
