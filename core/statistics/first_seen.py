"""What has been seen by when: features that have fired, and pairs that have fired together, in nested samples.

Documents come in an order; the samples are its beginnings. A position's level is the first sample that holds it, so one
pass over a pair of sites tells for all samples at once how many pairs each has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.kernels import frozen, kernel
from core.statistics.faults import damaged
from core.statistics.intervals import document_index
from core.store import Store

ROWS = 512
"""Features of the source a call, between which progress is told."""


def nested_documents(store: Store, shares: Sequence[float], seed: int = 0) -> np.ndarray:
    """The level of each document, int64 [n_documents]: the first of the rising `shares` of documents that holds it.

    Documents are shuffled by `seed`; a share of s holds the first ⌈s · D⌉ of them. Beyond the last share the level is
    ``len(shares)``.
    """
    documents = len(document_index(store)[1])
    place = np.empty(documents, np.int64)
    place[np.random.default_rng(seed).permutation(documents)] = np.arange(documents)
    return np.searchsorted(np.ceil(np.asarray(shares) * documents - 1e-9), place, side="right").astype(np.int64)


def level_of_positions(store: Store, of_document: np.ndarray) -> np.ndarray:
    """The level of each position, uint8 [n_positions], from that of its document."""
    number, _ = document_index(store)
    lengths = np.diff(np.clip(store.tokens.sequence_offsets, 0, store.n_positions))
    found = np.repeat(of_document[number], lengths).astype(np.uint8)
    return np.append(found, np.zeros(store.n_positions - len(found), np.uint8))


def first_levels(
    store: Store, key: str, levels: np.ndarray, samples: int, report: Callable[[int, int], None] = lambda done, of: None
) -> np.ndarray:
    """The first nested sample in which each feature of a site has fired, int64 [d_sae]; `samples` where in none.

    `levels` is uint8 [n_positions] (`level_of_positions`). Firing follows r = 0, as does the word dead. `report` hears
    (features done, of) and may raise to stop it.
    """
    rows = store.by_feature(key)
    first = np.full(store.site(key).d_sae, samples, np.int64)
    offsets, positions, levels = frozen(rows.offsets, rows.indices, levels)
    for row in range(0, len(first), ROWS):
        last = min(row + ROWS, len(first))
        if fault := _first_of_rows(offsets[row : last + 1], positions, levels, first[row:last]):
            damaged(store, fault, f"site {key}")
        report(last, len(first))
    return np.minimum(first, samples)


def features_seen(store: Store, key: str, levels: np.ndarray, samples: int) -> np.ndarray:
    """How many features of a site have fired in each nested sample, int64 [samples]; dead are all the others."""
    first = first_levels(store, key, levels, samples)
    return np.cumsum(np.bincount(first, minlength=samples + 1)[:samples])


def pairs_seen(
    store: Store,
    source: str,
    target: str,
    levels: np.ndarray,
    samples: int,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> np.ndarray:
    """How many pairs of features have fired together in each nested sample, int64 [samples]; exact.

    One pass, Σ_t L0_source · L0_target steps. `report` hears (features done, of) and may raise to stop it. Raises
    `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b})
    ...     pairs_seen(store, "0", "1", np.array([1, 0, 2], np.uint8), samples=3).tolist()
    [0, 1, 1]
    """
    by_feature, by_token = store.by_feature(source), store.by_token(target)
    d_source, d_target = store.site(source).d_sae, store.site(target).d_sae
    arrays = frozen(by_feature.offsets, by_feature.indices, by_token.offsets, by_token.indices, levels)
    first, counts = np.full(d_target, 255, np.uint8), np.zeros(256, np.int64)
    touched = np.zeros(d_target, np.int64)
    for row in range(0, d_source, ROWS):
        last = min(row + ROWS, d_source)
        if fault := _first_of_pairs(row, last, *arrays, first, touched, counts):
            damaged(store, fault, source if fault == 1 else target)
        report(last, d_source)
    return np.cumsum(counts[:samples])


@kernel
def _first_of_rows(offsets, positions, levels, first):  # type: ignore[no-untyped-def]
    """The lowest level in each row; returns a code of `faults.FAULTS`."""
    for f in range(len(first)):
        if offsets[f] < 0 or offsets[f + 1] < offsets[f] or offsets[f + 1] > len(positions):
            return 1
        for e in range(offsets[f], offsets[f + 1]):
            if positions[e] >= len(levels):
                return 1
            first[f] = min(first[f], np.int64(levels[positions[e]]))
    return 0


@kernel
def _first_of_pairs(row, last, starts, positions, offsets, features, levels, first, touched, counts):  # type: ignore[no-untyped-def]
    """Add to counts[level] the pairs of rows row..last−1 that were first seen there; a code of `faults.FAULTS`."""
    for i in range(row, last):
        if starts[i] < 0 or starts[i + 1] < starts[i] or starts[i + 1] > len(positions):
            return 1
        found = 0
        for e in range(starts[i], starts[i + 1]):
            p = np.int64(positions[e])
            if p >= len(levels) or p + 1 >= len(offsets):
                return 1
            level = levels[p]
            if offsets[p] < 0 or offsets[p + 1] < offsets[p] or offsets[p + 1] > len(features):
                return 2
            for k in range(offsets[p], offsets[p + 1]):
                f = np.int64(features[k])
                if f >= len(first):
                    return 3
                if first[f] == 255:
                    touched[found] = f
                    found += 1
                first[f] = min(first[f], level)
        for k in range(found):
            counts[first[touched[k]]] += 1
            first[touched[k]] = 255
    return 0
