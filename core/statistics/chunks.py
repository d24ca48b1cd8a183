"""Many items by a few threads: in chunks, in order, with progress, and stopped at once where a report raises."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from core.statistics.active import Report

T = TypeVar("T")


def in_chunks(
    run: Callable[[np.ndarray], list[T]], items: np.ndarray, size: int, workers: int | None, report: Report
) -> list[T]:
    """What `run` gives for all chunks of `size` items, one after the other; the same for any number of `workers`.

    `report(done, of)` counts items; what it raises, or `run`, ends the work: chunks that were not begun never are.

    >>> in_chunks(lambda chunk: (2 * chunk).tolist(), np.arange(5), 2, 2, lambda done, of: None)
    [0, 2, 4, 6, 8]
    """
    chunks = [items[i : i + size] for i in range(0, len(items), size)]
    found: list[T] = []
    done = 0
    report(0, len(items))
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        try:
            for chunk, part in zip(chunks, pool.map(run, chunks), strict=True):
                found += part
                done += len(chunk)
                report(done, len(items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found
