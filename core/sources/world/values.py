"""What the generator hands out: a text, and for every piece of it what the generator knew when it wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` (exclusive) of a document's text, with notes such as `{"part of speech": "noun"}`."""

    start: int
    end: int
    notes: Mapping[str, str]


@dataclass(frozen=True)
class Document:
    """One document of the written world.

    Parameters
    ----------
    text
        What a model reads; no byte-order mark, no special tokens.
    register
        Which kind of text it is: "story", "recipe", ...
    spans
        Pieces in order, without gaps or overlaps, from 0 to `len(text)`. A word's piece holds the space before it.
    surprisal
        -ln P(text) in nats: the sum over every choice that was made. No model can do better on average.
    """

    text: str
    register: str
    spans: tuple[Span, ...]
    surprisal: float
