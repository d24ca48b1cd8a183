"""How the work is cut: chunks that are written together, batches that go through the model together. Pure NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

RAW_BYTES = 6
"""A feature's index and value in token order, as it is appended while collecting (uint16; uint32 adds two)."""

STORE_BYTES = 14
"""The same in both orders of the finished store."""

ROW_BYTES = 8 + 4 + 4
"""Per position and site: the row's offset and two norms."""


def chunks(offsets: np.ndarray, chunk_tokens: int) -> list[tuple[int, int]]:
    """Runs (first, last + 1) of whole sequences with at least `chunk_tokens` positions each, but for the last one.

    They depend on the sequences alone, so that a resumed run meets the same boundaries.

    >>> chunks(np.array([0, 3, 6, 9, 10]), 5)
    [(0, 2), (2, 4)]
    """
    runs = []
    first, n = 0, len(offsets) - 1
    while first < n:
        last = int(np.searchsorted(offsets, offsets[first] + chunk_tokens, side="left"))
        last = min(max(last, first + 1), n)
        runs.append((first, last))
        first = last
    return runs


def batches(lengths: np.ndarray, batch_tokens: int) -> Iterator[np.ndarray]:
    """Indices of sequences that go through the model together, alike in length so that little is padding.

    Longest first; a batch holds at most `batch_tokens` positions with its padding, and at least one sequence.

    >>> [batch.tolist() for batch in batches(np.array([2, 8, 3, 8]), 16)]
    [[1, 3], [2, 0]]
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, batch_tokens // int(lengths[order[start]]))
        yield order[start : start + size]
        start += size


def padded(ids: np.ndarray, offsets: np.ndarray, sequences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A right-padded batch of sequences, and where its real positions lie in it and in `ids`.

    Returns token ids [batch, longest] (int64), their flat places in the batch, and their places in `ids`.

    >>> padded(np.array([5, 6, 7, 8]), np.array([0, 3, 4]), np.array([1, 0]))[0].tolist()
    [[8, 0, 0], [5, 6, 7]]
    """
    lengths = offsets[sequences + 1] - offsets[sequences]
    longest = int(lengths.max())
    real = np.arange(longest) < lengths[:, None]
    source = (offsets[sequences][:, None] + np.arange(longest))[real]
    batch = np.zeros(real.shape, np.int64)
    batch[real] = ids[source]
    return batch, np.flatnonzero(real), source


def disk_needed(n_positions: int, active: float, n_sites: int, fixed: int) -> int:
    """Bytes that partial folder and finished store take together at the end.

    `active` is the mean number of active features a position over all sites; `fixed` what does not grow with positions.
    """
    rows = n_positions * n_sites * ROW_BYTES * 2 + n_positions * 13 * 2
    return int(n_positions * active * (RAW_BYTES + STORE_BYTES)) + rows + 2 * fixed
