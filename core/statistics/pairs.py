"""A whole pair of sites at once: every feature of one against every feature of another.

The same sums as `rows`, for all rows, on chunks of about equal work in a pool of threads. Nothing d_sae × d_sae ever
exists: of each row and each column only the best by every measure stay, beside the links above a floor and histograms.
Each row is summed by one thread in one order and what is kept has a total order, so that the result has the same bits
for any number of threads.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from core.errors import BadArgument, Cancelled
from core.statistics import pair_kernels as kernels
from core.statistics.faults import damaged
from core.statistics.margins import active_counts, check_activity
from core.statistics.measures import BOUNDED, COMPILED, check_compiled
from core.statistics.pair_rows import rows_of_pair
from core.statistics.pair_sides import TABLE_ENTRIES, Side, by_density, row_order, source_side, target_side
from core.statistics.pair_workers import Columns, Links, Worker, collect_links, records_of, set_aside
from core.statistics.rows import RowMap
from core.store import Store
from core.values import PairCounts, about

TOP, FLOOR = 16, 0.1
BINS = 100
RANGES = {name: about(name).range for name in COMPILED}
"""Where the histogram of each measure begins and ends."""

MOST_LINKS = 20_000_000  # 0.5 GB; beyond that the floor is too low to be of use
WORKER_BYTES = 640 << 20  # all threads' records together
CHUNKS = 64  # at least, so that progress moves and the last chunk does not keep the others waiting

assert COMPILED[kernels.PEARSON] == "pearson"
assert COMPILED[kernels.INFORMATION] == "mutual_information"


@dataclass(frozen=True, slots=True)
class PairLinks:
    """What was kept of a pair of sites; links are sorted by (source, target), arrays [links]."""

    source: str
    target: str
    activity: float
    top: int
    floor: float
    floor_measures: tuple[str, ...]
    sources: np.ndarray  # int32
    targets: np.ndarray  # int32
    n_both: np.ndarray  # int64, by the activity rule
    sum_xy: np.ndarray  # float64
    histograms: np.ndarray  # int64 [measures, BINS], of all pairs that are active together
    never_co_active: int  # pairs of the d_sae · d_sae that are never active together
    device: str
    seconds: float

    def counts(self, store: Store, chosen: slice | np.ndarray = slice(None)) -> PairCounts:
        """Pair counts of the chosen links (default: all), from which every measure follows exactly.

        The margins are the store's: for a pair that was computed with `rows`, take those of its `RowMap` instead.
        """
        i, j = self.sources[chosen], self.targets[chosen]
        a, b = store.summary(self.source), store.summary(self.target)
        return PairCounts(
            n=store.n,
            n_source=active_counts(store, self.source, self.activity)[i],
            n_target=active_counts(store, self.target, self.activity)[j],
            n_both=self.n_both[chosen],
            sum_x=a.total[i],
            sum_xx=a.total_of_squares[i],
            sum_y=b.total[j],
            sum_yy=b.total_of_squares[j],
            sum_xy=self.sum_xy[chosen],
        )


def histogram_edges(measure: str) -> np.ndarray:
    """The BINS + 1 edges of a measure's histogram."""
    return np.linspace(*RANGES[measure], BINS + 1)


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
    threads: int | None = None,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> PairLinks:
    """All links of two sites that are among the `top` of their row or column by any measure, or above the floor.

    Kept are pairs that are active together somewhere (at r = 0); a link is above the floor when one of
    `floor_measures` is. With `rows` the positions of the source (the earlier site) meet those rows of the target, and
    all measures follow from the margins of `rows`, not from the store's: what nulls ask for. `progress` gets shares of
    the work, from any thread; `cancelled` is asked between chunks. Raises `UnknownSite`, `BadArgument` (one site twice,
    a floor that keeps more than MOST_LINKS), `Cancelled` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = whole_pair(plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b}), "0", "1")
    >>> found.sources.tolist(), found.targets.tolist(), found.n_both.tolist(), found.never_co_active
    ([0], [0], [2], 1)
    """
    began = time.perf_counter()
    source, target = in_order(store, source, target)
    check_settings(activity, top, floor_measures)
    table = np.empty(min(store.n + 1, TABLE_ENTRIES))
    kernels.fill_xlogx(table)
    a, b = source_side(store, source, activity, table, rows), target_side(store, target, activity, table, rows)
    n = store.n if rows is None else rows.n
    floors = np.array([floor if name in floor_measures else np.inf for name in COMPILED])
    b, names = by_density(b)
    columns = Columns(b.margins, top)
    run = _Run(store, n, source, target, a, b, table, names, columns, top, floors, activity > 0, progress, cancelled)
    workers = [Worker(b.d_sae, top, BINS) for _ in range(worker_count(b.d_sae, threads))]
    with ThreadPoolExecutor(len(workers)) as pool:
        for done in [pool.submit(run.work, worker) for worker in workers]:
            done.result()
        if cancelled():
            raise Cancelled(f"the pair {source}, {target} was stopped", "start it again; nothing was kept")
        histograms = np.sum([worker.histograms for worker in workers], axis=(0, 1))[:, :BINS]
        together = sum(worker.together for worker in workers)
        workers.clear()  # what they worked in is as much memory as the links
        links = collect_links(run.blocks(), columns, names, a.d_sae, pool)
    return PairLinks(
        source,
        target,
        activity,
        top,
        floor,
        tuple(floor_measures),
        *links,
        histograms=histograms,
        never_co_active=a.d_sae * b.d_sae - together,
        device="cpu",
        seconds=time.perf_counter() - began,
    )


class _Run:
    """Chunks handed to workers, and what they found; the lock guards both."""

    def __init__(
        self, store: Store, n: int, source: str, target: str, a: Side, b: Side, table: np.ndarray, names: np.ndarray,
        columns: Columns, top: int, floors: np.ndarray, rule: bool, progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.store, self.n, self.source, self.target, self.a, self.b = store, n, source, target, a, b
        self.table, self.names, self.columns, self.top = table, names, columns, top
        self.floors, self.rule = floors, rule
        self.progress, self.cancelled = progress, cancelled
        self.order, self.ranks = row_order(a), np.argsort(names)
        lengths = np.maximum((a.stops - a.starts)[self.order], 0)
        self.chunks = chunk_bounds(np.append(0, np.cumsum(lengths)), CHUNKS)
        self.found: dict[int, list[Links]] = {}
        self.n_links, self.finished, self.failed = 0, 0, False
        self.next = iter(range(len(self.chunks) - 1))
        self.lock = threading.Lock()

    def work(self, worker: Worker) -> None:
        """Take chunks until there are none left, somebody failed, or it was cancelled."""
        try:
            while not self.failed and not self.cancelled():
                with self.lock:
                    chunk = next(self.next, None)
                if chunk is None:
                    self.columns.merge(worker)
                    return
                self.run_chunk(worker, chunk)
        except BaseException:
            self.failed = True
            raise

    def run_chunk(self, worker: Worker, chunk: int) -> None:
        """One range of rows, in as many calls as its links need."""
        a, b, w = self.a, self.b, worker
        row, last = int(self.chunks[chunk]), int(self.chunks[chunk + 1])
        blocks: list[Links] = []
        scales = np.array([BINS / (high - low) for low, high in RANGES.values()])
        while row < last:
            state = np.array([row, 0, 0, 0, w.used])
            rows_of_pair(
                row, last, self.order, self.n, self.rule, self.floors, b.d_sae,
                a.starts, a.stops, a.indices, a.values, a.floors, a.margins,
                b.starts, b.stops, b.indices, b.values, b.floors, self.columns.lines, self.columns.limits, self.names,
                self.table, w.sums, w.counts, w.marks, w.words, w.listed, w.ids, w.scratch,
                w.tile_limits, w.bins, w.hits, w.hit_words, w.places, w.kept, w.is_kept,
                *w.best, self.top, self.ranks, w.records, w.records.view(np.int64), w.room(self.columns),
                w.histograms, scales, *w.out, state,
            )  # fmt: skip
            row, written, fault, together, w.used = (int(v) for v in state)
            if fault:
                damaged(self.store, fault, self.source if fault in (1, 4) else self.target)
            w.together += together
            blocks.append(set_aside(w.out, written))
            if w.full(self.columns):
                self.columns.merge(w)
        with self.lock:
            self.found[chunk] = blocks
            self.finished += 1
            self.n_links += sum(len(block[0]) for block in blocks)
        if self.n_links > MOST_LINKS:
            raise BadArgument(
                f"floor {self.floors.min()} keeps more than {MOST_LINKS:,} links", "choose a higher floor"
            )
        self.progress(self.finished / (len(self.chunks) - 1))

    def blocks(self) -> deque[Links]:
        """All links that rows kept, in the order of the rows; afterwards there are none left here."""
        return deque(block for chunk in sorted(self.found) for block in self.found.pop(chunk))


def in_order(store: Store, source: str, target: str) -> tuple[str, str]:
    """The two sites along the forward pass; raises `BadArgument` for one site twice."""
    first, second = sorted((store.site(source), store.site(target)), key=lambda site: site.position)
    if first == second:
        raise BadArgument(f"site {source} is given twice", "choose two different sites")
    return first.key, second.key


def check_settings(activity: float, top: int, floor_measures: Sequence[str]) -> None:
    """Raise `BadArgument` for settings that make no sense."""
    check_activity(activity)
    if not 1 <= top <= 256:
        raise BadArgument(f"top {top} is out of range", "choose 1 to 256")
    check_compiled(floor_measures)


def chunk_bounds(offsets: np.ndarray, chunks: int) -> np.ndarray:
    """First rows of chunks of about equal work, and the end: densities are log-normal, so that rows differ a lot.

    >>> chunk_bounds(np.array([0, 90, 100, 110, 120]), 2).tolist()
    [0, 1, 4]
    """
    d_sae = len(offsets) - 1
    work = np.maximum(np.diff(offsets), 0) + 1  # a row costs something also where nothing is active
    done = np.cumsum(work)
    cuts = np.searchsorted(done, np.linspace(0, done[-1], chunks + 1)[1:-1], side="left") + 1
    return np.unique(np.concatenate([[0], np.minimum(cuts, d_sae), [d_sae]]).astype(np.int64))


def worker_count(d_sae: int, threads: int | None) -> int:
    """Threads to use: as many as there are cores, as far as their records fit the budget."""
    wanted = threads or os.cpu_count() or 1
    return max(1, min(wanted, WORKER_BYTES // (32 * records_of(d_sae))))
