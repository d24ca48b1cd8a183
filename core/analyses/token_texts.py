"""The tokens of a store as text: their bytes, and the characters that these are once they are joined."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import numpy as np

from core.errors import StoreDamaged
from core.store import Store
from core.store.checks import COLLECT_AGAIN

LONGEST_CHARACTER = 4  # bytes of UTF-8, so no character spans more tokens than that


def token_bytes(store: Store, ids: np.ndarray) -> list[bytes]:
    """The texts of tokens as bytes; raises `StoreDamaged` for ids outside of the vocabulary."""
    offsets, texts = np.asarray(store.tokens.vocabulary_offsets), np.asarray(store.tokens.vocabulary_bytes)
    ids = np.asarray(ids, np.int64)
    if len(ids) and ids.max() >= len(offsets) - 1:
        raise StoreDamaged(f"{store.path.name}: token {ids.max()} is not in the vocabulary", COLLECT_AGAIN)
    starts, stops = offsets[ids], offsets[ids + 1]
    if np.any((starts < 0) | (stops < starts) | (stops > len(texts))):
        raise StoreDamaged(f"{store.path.name}: the vocabulary's offsets are out of bounds", COLLECT_AGAIN)
    return [texts[a:b].tobytes() for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]


def decode(pieces: Sequence[bytes]) -> list[str]:
    """One string a token; a character split over tokens is shown at the token that completes it, whole.

    Joined, the strings read as the text does; bytes that are no text become the replacement character.

    >>> decode([b" caf", b"\\xc3", b"\\xa9", b"!"])
    [' caf', '', 'é', '!']
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    texts = [decoder.decode(piece) for piece in pieces]
    if texts:
        texts[-1] += decoder.decode(b"", final=True)
    return texts
