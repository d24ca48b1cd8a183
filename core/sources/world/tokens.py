"""From the pieces that the generator wrote to the tokens that a model reads."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from core.sources.world.values import Document


def token_notes(document: Document, offsets: Sequence[tuple[int, int]]) -> list[Mapping[str, str]]:
    """The generator's notes for each token.

    Parameters
    ----------
    document
        A document of the world.
    offsets
        Character offsets (start, end) of its tokens, as a fast tokenizer returns them. A token gets the notes of
        the piece that holds its last character; an empty range (a special token) gets none.

    Examples
    --------
    >>> from core.sources.world.values import Span
    >>> document = Document("a cat", "example", (Span(0, 1, {"k": "1"}), Span(1, 5, {"k": "2"})), 0.0)
    >>> token_notes(document, [(0, 0), (0, 1), (1, 5)])
    [{}, {'k': '1'}, {'k': '2'}]
    """
    starts = [span.start for span in document.spans]
    return [document.spans[bisect_right(starts, end - 1) - 1].notes if end > start else {} for start, end in offsets]
