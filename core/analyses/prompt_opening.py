"""Where the Prompt page begins: a token of the store worth a look."""

from __future__ import annotations

import numpy as np

from core.analyses.prompt import sequence_prompt, strongest_features
from core.labels import Labels
from core.store import Store
from core.values import MIN_ACTIVE

LOOKED_AT = 48  # sequences among which the opening one is chosen
FIRST_WORDS = 12  # tokens with which many texts begin alike


def opening_token(store: Store, labels: Labels) -> tuple[int, int]:
    """(sequence, token) worth a look: a word that every site sees clearly and that is called differently on the way.

    Of each of `LOOKED_AT` sequences spread over the store, the token counts on which the least of the sites' largest
    x / max x is largest, beyond the first words, which begin many texts alike. Of these, the one whose sites' strongest
    features have the most names, words first. (0, 0) in an empty store.
    """
    lengths = np.diff(store.tokens.sequence_offsets)
    usable = np.flatnonzero((lengths >= 2 * FIRST_WORDS) & (lengths <= 256))
    usable = usable if len(usable) else np.flatnonzero(lengths > 0)
    best: tuple[tuple[float, float], int, int] = ((-1.0, -1.0), 0, 0)
    for sequence in usable[
        np.unique(np.linspace(0, max(0, len(usable) - 1), LOOKED_AT).astype(np.int64))[: len(usable)]
    ]:
        prompt = sequence_prompt(store, int(sequence))
        clear = np.min([_clearest(store, int(sequence), site.key) for site in store.sites], axis=0)
        words = np.array([len(text.strip()) > 3 and text.strip().isalpha() for text in prompt.tokens])
        late = np.arange(len(clear)) >= min(FIRST_WORDS, len(clear) - 1)
        place = int(np.argmax(clear * np.where(words, 1.0, 0.1) * np.where(late, 1.0, 0.1)))
        found = [strongest_features(prompt, site.key, (place,), 1) for site in store.sites]
        names = {labels.name(feature).words for one in found for feature, _ in one}
        telling = sum(len(name) > 3 for name in names) if all(found) else -1.0
        if ((telling, float(clear[place])), 0) > (best[0], 0):
            best = ((telling, float(clear[place])), int(sequence), place)
    return best[1], best[2]


def _clearest(store: Store, sequence: int, key: str) -> np.ndarray:
    """The largest x / max x of a site on each token of a sequence, float64 [tokens]."""
    start, stop = (int(v) for v in store.tokens.sequence_offsets[sequence : sequence + 2])
    rows, summary = store.by_token(key), store.summary(key)
    offsets = np.asarray(rows.offsets[start : stop + 1], np.int64)
    part = slice(int(offsets[0]), int(offsets[-1]))
    features = np.asarray(rows.indices[part], np.int64)
    active = np.asarray(summary.active)[features]
    telling = (active >= MIN_ACTIVE) & (active <= 0.05 * store.n)
    share = rows.values[part] / np.asarray(summary.maximum)[features] * np.where(telling, 1.0, 0.01)
    found = np.zeros(stop - start)
    np.maximum.at(found, np.repeat(np.arange(stop - start), np.diff(offsets)), share)
    return found
