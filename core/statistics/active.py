"""Which features are active where, by the activity rule and without values: what gates, splits and merges count on.

At r = 0 the arrays are the store's memory maps; otherwise what does not pass the rule is left out, once. Everything is
checked here, so that the kernels that follow need not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import StoreDamaged
from core.kernels import frozen, kernel
from core.statistics.faults import damaged
from core.statistics.margins import active_counts, floors
from core.store import Sparse, Store
from core.store.checks import COLLECT_AGAIN
from core.values import MIN_ACTIVE

Report = Callable[[int, int], None]
"""Called with (done, of) while long work goes on; raising `Cancelled` in it stops the work."""


@dataclass(frozen=True, slots=True)
class ActiveSite:
    """Firing of one site: positions by feature and features by token, read-only."""

    key: str
    active: np.ndarray  # int64 [d_sae], counted positions by the rule
    token_offsets: np.ndarray  # int64 [n_positions + 1]
    features: np.ndarray  # uint16 or uint32 [nnz], rising within a token
    feature_offsets: np.ndarray  # int64 [d_sae + 1]
    positions: np.ndarray  # uint32 [nnz], rising within a feature

    def row(self, index: int) -> np.ndarray:
        """Rising positions at which a feature is active."""
        return self.positions[self.feature_offsets[index] : self.feature_offsets[index + 1]]

    @property
    def alive(self) -> np.ndarray:
        """Features that are neither dead nor rare by the rule, bool [d_sae]."""
        return self.active >= MIN_ACTIVE


@kernel
def _sound(offsets, indices, limit):  # type: ignore[no-untyped-def]
    """Whether offsets rise from 0 to the number of indices, and the indices strictly within each row, below `limit`."""
    if offsets[0] != 0 or offsets[-1] != len(indices):
        return False
    for r in range(len(offsets) - 1):
        if offsets[r + 1] < offsets[r] or offsets[r + 1] > len(indices):
            return False
        last = np.int64(-1)
        for e in range(offsets[r], offsets[r + 1]):
            here = np.int64(indices[e])
            if here <= last or here >= limit:
                return False
            last = here
    return True


@kernel
def _passing_by_token(offsets, indices, values, limits, new_offsets, new_indices):  # type: ignore[no-untyped-def]
    at = 0
    for t in range(len(offsets) - 1):
        for e in range(offsets[t], offsets[t + 1]):
            if np.float64(values[e]) > limits[indices[e]]:
                new_indices[at] = indices[e]
                at += 1
        new_offsets[t + 1] = at


@kernel
def _passing_by_feature(offsets, indices, values, limits, new_offsets, new_indices):  # type: ignore[no-untyped-def]
    at = 0
    for f in range(len(offsets) - 1):
        for e in range(offsets[f], offsets[f + 1]):
            if np.float64(values[e]) > limits[f]:
                new_indices[at] = indices[e]
                at += 1
        new_offsets[f + 1] = at


@kernel
def add_active(positions, token_offsets, features, counts):  # type: ignore[no-untyped-def]
    """Add to `counts` [d_sae] how often each feature of a site is active on `positions`."""
    for p in positions:
        for e in range(token_offsets[p], token_offsets[p + 1]):
            counts[features[e]] += 1


def active_site(store: Store, key: str, activity: float = 0.0) -> ActiveSite:
    """The firing of a site by x > r · max_i, r = `activity`; raises `UnknownSite`, `BadArgument` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> dense = np.array([[1.0, 0], [0, 2], [3, 0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": dense})
    ...     [active_site(store, "0", r).row(0).tolist() for r in (0, 0.5)]
    [[0, 2], [2]]
    """
    active, limits = active_counts(store, key, activity), floors(store, key, activity)
    by_token, by_feature = store.by_token(key), store.by_feature(key)
    if not _sound(*frozen(by_token.offsets, by_token.indices), len(limits)):
        damaged(store, 3, key)
    if not _sound(*frozen(by_feature.offsets, by_feature.indices), store.n_positions):
        damaged(store, 1, f"site {key}")
    parts: list[np.ndarray] = []
    for rows, passing in ((by_token, _passing_by_token), (by_feature, _passing_by_feature)):
        parts += frozen(rows.offsets, rows.indices) if activity == 0 else _filtered(rows, limits, passing)
    site = ActiveSite(key, active, *parts)
    if len(site.features) != len(site.positions) or np.any(np.diff(site.feature_offsets) != active):
        damaged(store, 5, key)
    return site


def sequence_lengths(store: Store) -> np.ndarray:
    """Positions of each sequence, int64 [n_sequences]; raises `StoreDamaged` unless they cover the store in order."""
    offsets = np.asarray(store.tokens.sequence_offsets)
    lengths = np.diff(offsets)
    if offsets[0] != 0 or offsets[-1] != store.n_positions or np.any(lengths < 0):
        raise StoreDamaged(f"{store.path.name}: the offsets of its sequences are out of bounds", COLLECT_AGAIN)
    return lengths


def _filtered(rows: Sparse, limits: np.ndarray, passing: Callable[..., None]) -> list[np.ndarray]:
    """(offsets, indices) of what passes the rule."""
    offsets = np.zeros(len(rows.offsets), np.int64)
    kept = np.empty(len(rows.indices), rows.indices.dtype)
    passing(*frozen(rows.offsets, rows.indices, rows.values), limits, offsets, kept)
    return list(frozen(offsets, kept[: offsets[-1]]))
