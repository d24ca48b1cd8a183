"""What the generator noted about every token of a demo store: the text is written again, no model and no torch needed.

A note is a pair such as ``("kind", "closing quote")``; the kinds of the neighbouring tokens are notes too.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np

from core.errors import BadArgument
from core.sources.world import Document, documents, token_notes
from core.store import Store

Note = tuple[str, str]
Notes = frozenset[Note]


# ---- notes of documents and of stores


def notes_of(document: Document, offsets: Sequence[tuple[int, int]]) -> list[Notes]:
    """The notes of each token of a document, from the characters (start, end) that it spans.

    To what the generator noted about the word, the kinds of the tokens before and after are added.
    """
    notes = token_notes(document, offsets)
    kinds = ["start of the text", *map(_kind, notes), "end of the text"]
    around = ((("after", kinds[at]), ("before", kinds[at + 2])) for at in range(len(notes)))
    return [frozenset([*note.items(), *beside]) for note, beside in zip(notes, around, strict=True)]


def _kind(notes: Mapping[str, str]) -> str:
    return notes.get("kind") or notes["part of speech"]


def store_notes(store: Store, seed: int = 0) -> tuple[list[list[Notes]], list[str]]:
    """(the notes of each counted token, the register) of every document of a store of the demo's text.

    Raises `BadArgument` where the store's text is another one.
    """
    rows, registers = [], []
    for document, ids in zip(documents(seed), _document_ids(store), strict=False):
        pieces = [store.token_bytes(token).decode(errors="replace") for token in ids.tolist()]
        if not document.text.startswith("".join(pieces)):  # a document longer than the store's last sequence is cut
            raise BadArgument(
                f"{store.path.name} does not hold the demo's text", "collect it: --model demo --saes demo --text demo"
            )
        ends = np.cumsum([len(piece) for piece in pieces]).tolist()
        rows.append(notes_of(document, list(zip([0, *ends], ends, strict=False))))
        registers.append(document.register)
    return rows, registers


def _document_ids(store: Store) -> list[np.ndarray]:
    """The counted tokens of each document, in order."""
    counted, lengths = np.asarray(store.tokens.counted).astype(bool), np.diff(store.tokens.sequence_offsets)
    document = np.repeat(np.asarray(store.tokens.sequence_document), lengths)[counted]
    return np.split(np.asarray(store.tokens.ids)[counted], np.flatnonzero(np.diff(document)) + 1)


def permuted(rows: list[list[Notes]], registers: Sequence[str], seed: int) -> list[list[Notes]]:
    """Give every document the notes of another one of its register, aligned at the start.

    A longer document takes them from the start again, so that only the tie between notes and words is cut.
    """
    generator = random.Random(seed)
    result: list[list[Notes]] = [[] for _ in rows]
    for register in sorted(set(registers)):
        members = [at for at, name in enumerate(registers) if name == register]
        generator.shuffle(members)
        for at, other in zip(members, members[1:] + members[:1], strict=True):
            result[at] = [rows[other][place % len(rows[other])] for place in range(len(rows[at]))]
    return result
