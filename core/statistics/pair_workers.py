"""What the threads of a whole pair work in, and how what they kept comes together (see `pairs`)."""

from __future__ import annotations

import mmap
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from itertools import pairwise
from typing import TypeVar

import numpy as np

from core.statistics.column_lists import by_source, distinct, joined, merge_records, unlisted
from core.statistics.marks import bits_of_bytes
from core.statistics.pair_kernels import AHEAD, LIMITS, LINE, TILE, TOTAL, VALUES

T = TypeVar("T")
Links = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
LINK_TYPES = (np.int32, np.int32, np.int64, np.float64)  # source, target, n_both, Σxy
PARTS = 16  # of the targets or sources, among which threads bring the links together
RECORDS = 1 << 20  # that a thread holds before it merges them, beside those of one more row
FEWEST_RECORDS, STALE = 1 << 15, 8  # it merges sooner while fewer than STALE times as many have been merged


class Worker:
    """One thread's memory: an accumulator, a tile, the best of a row, records for columns, and room for links."""

    def __init__(self, d_sae: int, top: int, bins: int) -> None:
        words = 8 * -(-d_sae // 64)  # whole lines of the cache
        cells = aligned(2 * 8 * words)
        self.sums, self.counts = cells, cells.view(np.int64)
        self.words = np.zeros(words, np.uint64)
        self.marks = self.words.view(np.uint8)
        self.listed = bits_of_bytes()
        self.ids = np.zeros(8 * words + AHEAD, np.uint32)
        self.scratch = np.zeros((VALUES + 6, TILE))
        self.tile_limits = np.zeros((6, TILE), np.float32)
        self.bins = np.zeros((6, TILE), np.int32)
        self.hit_words = np.zeros(TILE // 8, np.uint64)
        self.hits = self.hit_words.view(np.uint8)
        self.places = np.zeros(TILE + 8, np.uint32)
        self.kept, self.is_kept = np.zeros(d_sae, np.int64), np.zeros(d_sae, np.bool_)
        # The best of a row by each measure: values, and what settles ties, n_both above 2^32 − 1 − index.
        self.best = np.empty(6 * top), np.empty(6 * top, np.int64)
        self.records = np.empty((records_of(d_sae), 4))
        self.histograms = np.zeros((2, 6, bins + 1), np.int64)
        room = max(2 * (d_sae + 1), 1 << 18)
        self.out = empty_links(room)
        self.together = 0
        self.used = 0  # records

    def room(self, columns: Columns) -> int:
        """How many records it may hold before they are merged: the more, the more have been.

        At first the columns' limits are low, and what is written down now is mostly in vain.
        """
        return min(len(self.records), 6 * len(self.kept) + FEWEST_RECORDS + columns.merged // STALE)

    def full(self, columns: Columns) -> bool:
        """Whether those of another row might be more than there is room for."""
        return self.used + 6 * len(self.kept) > self.room(columns)


class Columns:
    """The best of each column, of all threads, and the lines of the targets in which what they must reach stands."""

    def __init__(self, margins: np.ndarray, top: int) -> None:
        d_sae = len(margins)
        self.entries = np.full((d_sae * 6, top, 3), -np.inf)  # value, Σxy, and n_both with the index as int64
        self.lines = aligned(d_sae * LINE)
        self.limits = self.lines.view(np.float32)
        self.lines.reshape(-1, LINE)[:, :TOTAL] = margins[:, :TOTAL]
        self.limits.reshape(-1, 2 * LINE)[:, LIMITS:] = -np.inf
        self.begins = np.zeros(d_sae * 6 + 1, np.int64)
        self.order = np.zeros(0, np.int32)
        self.lock = threading.Lock()
        self.merged = 0  # records so far

    def merge(self, worker: Worker) -> None:
        """Fold a worker's records in."""
        with self.lock:
            if len(self.order) < len(worker.records):
                self.order = np.zeros(len(worker.records), np.int32)
            merge_records(
                worker.records, worker.records.view(np.int64), worker.used, self.entries, self.entries.view(np.int64),
                self.limits, self.order, self.begins,
            )  # fmt: skip
            self.merged += worker.used
        worker.used = 0

    def distinct(self, d_source: int, pool: Executor) -> np.ndarray:
        """How many sources each target has among its best, int64 [d_sae]; from now on each is listed once."""
        lists, counts = self._by_target(), np.zeros(len(self.entries) // 6, np.int64)
        each(pool, len(counts), lambda first, last: distinct(first, last, *lists, counts, d_source))
        return counts

    def write(self, counts: np.ndarray, begins: np.ndarray, names: np.ndarray, links: Links, pool: Executor) -> None:
        """Write what `distinct` left into `links`, each target's from its place in `begins` on."""
        lists = self._by_target()
        each(pool, len(counts), lambda first, last: unlisted(first, last, *lists, counts, begins, names, *links))

    def _by_target(self) -> tuple[np.ndarray, np.ndarray]:
        """The lists [d_sae, 6 k, 3], also seen as int64."""
        entries = self.entries.reshape(len(self.entries) // 6, -1, 3)
        return entries, entries.view(np.int64)

    def forget(self) -> None:
        """Let go of the lists, which may be as large as all links."""
        self.entries = self.entries[:0].copy()


def records_of(d_sae: int) -> int:
    """How many records a worker has room for."""
    return RECORDS + 6 * d_sae


def set_aside(links: Links, count: int) -> Links:
    """A copy of the first links on pages of its own, which go back to the system with it: malloc would keep them."""

    def copied(part: np.ndarray) -> np.ndarray:
        copy = np.frombuffer(mmap.mmap(-1, max(1, count * part.itemsize)), part.dtype, count)
        copy[:] = part[:count]
        return copy

    sources, targets, n_both, sums = map(copied, links)
    return sources, targets, n_both, sums


def aligned(count: int) -> np.ndarray:
    """Zeros (float64) that begin with a line of the cache."""
    room = np.zeros(count + 7)
    first = -room.ctypes.data % 64 // 8
    return room[first : first + count]


def collect_links(blocks: deque[Links], columns: Columns, names: np.ndarray, d_source: int, pool: Executor) -> Links:
    """The links of rows and of columns, each once, sorted by (source, target).

    Both are as much memory as what comes of them: `blocks` and `columns` have none afterwards.
    """
    counts = columns.distinct(d_source, pool)
    begins = sum(len(block[0]) for block in blocks) + np.append(0, np.cumsum(counts))
    links = empty_links(begins[-1])
    at = 0
    while blocks:
        block = blocks.popleft()
        for whole, part in zip(links, block, strict=True):
            whole[at : at + len(part)] = part
        at += len(block[0])
    columns.write(counts, begins, names, links, pool)
    columns.forget()
    return _joined(links, len(names), d_source, pool)


def _joined(links: Links, d_target: int, d_source: int, pool: Executor) -> Links:
    """Links of which some are there twice, each once and sorted."""
    begins, places = by_source(links[0], d_source)
    listed, out = bits_of_bytes(), empty_links(len(places))  # what is not written to takes no memory

    def part(first: int, last: int) -> int:
        room = (whole[begins[first] : begins[last]] for whole in out)
        return int(joined(first, last, d_target, listed, begins, places, *links[1:], *room))

    found = each(pool, d_source, part)
    at = 0
    for (first, _), count in zip(parts_of(d_source), found, strict=True):
        for whole in out:
            whole[at : at + count] = whole[begins[first] : begins[first] + count]
        at += count
    for whole in out:
        whole.resize(at, refcheck=False)
    return out


def empty_links(count: int) -> Links:
    """Room for links."""
    sources, targets, n_both, sums = (np.empty(count, kind) for kind in LINK_TYPES)
    return sources, targets, n_both, sums


def each(pool: Executor, count: int, action: Callable[[int, int], T]) -> list[T]:
    """What `action` gives for each of PARTS ranges of `count` items, by all threads."""
    return list(pool.map(action, *zip(*parts_of(count), strict=True)))


def parts_of(count: int) -> list[tuple[int, int]]:
    """First and last + 1 of PARTS ranges of about equal size.

    >>> parts_of(40)[:3]
    [(0, 2), (2, 5), (5, 7)]
    """
    bounds = np.linspace(0, count, PARTS + 1).astype(np.int64).tolist()
    return list(pairwise(bounds))
