"""What the threads of a whole pair work in, and how what they kept comes together (see `pairs`)."""

from __future__ import annotations

import threading
from concurrent.futures import Executor

import numpy as np

from core.statistics.column_lists import by_source, joined, merge_records
from core.statistics.pair_kernels import AHEAD, LIMITS, LINE, TILE, TOTAL, VALUES

LINK_TYPES = (np.int32, np.int32, np.int64, np.float64)  # source, target, n_both, Σxy
PARTS = 16  # of the sources, among which threads join their links
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
        self.out = tuple(np.empty(room, kind) for kind in LINK_TYPES)
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

    def forget(self) -> None:
        """Let go of the lists, which may be as large as all links."""
        self.entries = self.entries[:0].copy()


def bits_of_bytes() -> np.ndarray:
    """Of each byte the places of its bits, and after eight of them how many there are; uint32 [256, 9].

    >>> bits_of_bytes()[0b10010].tolist()
    [1, 4, 0, 0, 0, 0, 0, 0, 2]
    """
    listed = np.zeros((256, 9), np.uint32)
    for byte in range(256):
        bits = [bit for bit in range(8) if byte >> bit & 1]
        listed[byte, : len(bits)] = bits
        listed[byte, 8] = len(bits)
    return listed


def records_of(d_sae: int) -> int:
    """How many records a worker has room for."""
    return RECORDS + 6 * d_sae


def aligned(count: int) -> np.ndarray:
    """Zeros (float64) that begin with a line of the cache."""
    room = np.zeros(count + 7)
    first = -room.ctypes.data % 64 // 8
    return room[first : first + count]


def collect_links(
    rows: tuple[np.ndarray, ...], columns: Columns, names: np.ndarray, d_source: int, pool: Executor
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The links of rows and of columns, each once, sorted by (source, target); `columns` has none afterwards."""
    parts = _joined_parts(rows, columns, names, d_source, pool)
    columns.forget()
    del rows  # as much memory as the links that are put together now
    sources, targets, n_both, sums = (np.concatenate(of_all) for of_all in zip(*parts, strict=True))
    return sources, targets, n_both, sums


def _joined_parts(
    rows: tuple[np.ndarray, ...], columns: Columns, names: np.ndarray, d_source: int, pool: Executor
) -> list[tuple[np.ndarray, ...]]:
    """The links of each of PARTS ranges of sources, as arrays of LINK_TYPES."""
    lists = columns.entries, columns.entries.view(np.int64)
    begins, places = by_source(*rows[:2], *lists, names, d_source)
    fixed = len(names), bits_of_bytes(), begins, places, *rows[2:], *(entries.reshape(-1) for entries in lists)

    def part(first: int, last: int) -> tuple[np.ndarray, ...]:
        out = tuple(np.empty(begins[last] - begins[first], kind) for kind in LINK_TYPES)
        found = joined(first, last, *fixed, *out)
        return tuple(array[:found].copy() for array in out)  # links that rows and columns both have leave some room

    bounds = np.linspace(0, d_source, PARTS + 1).astype(np.int64).tolist()
    return list(pool.map(part, bounds[:-1], bounds[1:]))
