"""The token that a feature stands for most: a hint where there is no label."""

from __future__ import annotations

import numpy as np

from core.errors import StoreDamaged
from core.kernels import kernel
from core.store import Store
from core.store.checks import COLLECT_AGAIN


@kernel
def _best_tokens(offsets, positions, values, ids, frequency, first, last, best):  # type: ignore[no-untyped-def]
    """Fill best[f - first] for features first..last-1; 0 when done, 1 where something is out of bounds."""
    mass = np.zeros(len(frequency))
    touched = np.empty(len(frequency), np.int64)
    for f in range(first, last):
        if not 0 <= offsets[f] <= offsets[f + 1] <= len(positions):
            return 1
        n_touched = 0
        for e in range(offsets[f], offsets[f + 1]):
            if positions[e] >= len(ids) or ids[positions[e]] >= len(frequency):
                return 1
            token = ids[positions[e]]
            if mass[token] == 0.0:
                touched[n_touched] = token
                n_touched += 1
            mass[token] += values[e]
        top = 0.0
        for i in range(n_touched):
            token = touched[i]
            score = mass[token] * mass[token] / max(frequency[token], 1)
            if score > top or (score == top and token < best[f - first]):
                top = score
                best[f - first] = token
            mass[token] = 0.0
    return 0


def token_frequency(store: Store) -> np.ndarray:
    """How often each token of the vocabulary stands on a counted position, int64 [vocabulary]."""
    ids = store.tokens.ids[store.tokens.counted.astype(bool)]
    size = len(store.tokens.vocabulary_offsets) - 1
    counts = np.bincount(ids, minlength=size)
    if len(counts) > size:
        raise StoreDamaged(f"{store.path.name} has token ids beyond its vocabulary", COLLECT_AGAIN)
    return counts


def characteristic_tokens(
    store: Store, key: str, frequency: np.ndarray, first: int = 0, last: int | None = None
) -> np.ndarray:
    """The most characteristic token id of features first..last-1 of a site, int64; -1 for dead ones.

    It is the token v whose indicator has the largest cosine with the activations,
    Σ_{t: id(t) = v} x(t) / (‖x‖ √n_v): neither a frequent token on which the feature fires weakly nor a rare one on
    which it happened to fire once. `frequency` is `token_frequency(store)`. Raises `StoreDamaged`.
    """
    last = store.site(key).d_sae if last is None else last
    rows = store.by_feature(key)
    best = np.full(last - first, -1, np.int64)
    if _best_tokens(rows.offsets, rows.indices, rows.values, store.tokens.ids, frequency, first, last, best):
        raise StoreDamaged(f"{store.path.name}: site {key} has positions out of bounds", COLLECT_AGAIN)
    return best
