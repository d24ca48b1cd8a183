"""The scribe writes one document: it draws every choice, adds up the surprisal, and notes down every piece."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from core.sources.world.parts import part_of_speech
from core.sources.world.values import Document, Span

T = TypeVar("T")
Draw = Callable[[Sequence[float]], int]
"""Takes probabilities that sum to one, returns the index of the chosen one."""

MARKS = {
    ".": "full stop", ",": "comma", "?": "question mark", "!": "exclamation mark", ":": "colon", ";": "semicolon",
    "\n": "line break", "-": "dash", "(": "opening bracket", ")": "closing bracket",
}  # fmt: skip


def random_draw(generator: random.Random) -> Draw:
    """Draw from the given probabilities with a seeded generator.

    >>> random_draw(random.Random(0))([0.0, 1.0])
    1
    """

    def draw(probabilities: Sequence[float]) -> int:
        left = generator.random()
        for index, probability in enumerate(probabilities):
            left -= probability
            if left < 0:
                return index
        return max(index for index, probability in enumerate(probabilities) if probability > 0)  # rounding

    return draw


class Scribe:
    """Writes one document piece by piece.

    >>> scribe = Scribe("example", random_draw(random.Random(0)))
    >>> scribe.words("The cat is")
    >>> scribe.word(scribe.choose(("red", "blue")), kind="colour")
    >>> scribe.mark(".")
    >>> document = scribe.finish()
    >>> document.text, round(document.surprisal, 3)
    ('The cat is blue.', 0.693)
    >>> document.spans[3].notes["kind"]
    'colour'
    """

    def __init__(self, register: str, draw: Draw) -> None:
        self.register = register
        self.surprisal = 0.0
        self._draw = draw
        self._pieces: list[str] = []
        self._spans: list[Span] = []
        self._length = 0
        self._standing: dict[str, str] = {"register": register}
        self._mentions: dict[str, int] = {}
        self._glue = True  # nothing to be parted from yet

    def choose(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Draw one option; every choice about the text goes through here, so that the surprisal is complete."""
        weights = weights or [1.0] * len(options)
        total = math.fsum(weights)
        probabilities = [weight / total for weight in weights]
        index = self._draw(probabilities)
        self.surprisal -= math.log(probabilities[index])
        return options[index]

    def chance(self, probability: float) -> bool:
        """Draw yes with the given probability."""
        return self.choose((True, False), (probability, 1.0 - probability))

    def some(self, options: Sequence[T], count: int) -> list[T]:
        """Draw `count` different options, in the order in which they are drawn."""
        left, taken = list(options), []
        for _ in range(count):
            taken.append(self.choose(left))
            left.remove(taken[-1])
        return taken

    def write(self, text: str, **notes: str) -> None:
        """Append `text` exactly as it is, as one piece; underscores in note names stand for spaces."""
        own = {name.replace("_", " "): value for name, value in notes.items()}
        self._spans.append(Span(self._length, self._length + len(text), {**self._standing, **own}))
        self._pieces.append(text)
        self._length += len(text)

    def word(self, text: str, **notes: str) -> None:
        """Append one word after a space (none at the start of a line or after an opening bracket or quote)."""
        notes.setdefault("part_of_speech", part_of_speech(text))
        self.write(text if self._glue else " " + text, **notes)
        self._glue = False

    def mark(self, text: str, **notes: str) -> None:
        """Append a punctuation mark without a space before it."""
        if text in MARKS:
            notes.setdefault("kind", MARKS[text])
        self.write(text, **{"part_of_speech": "punctuation", **notes})
        self._glue = text == "\n"

    def words(self, text: str, **notes: str) -> None:
        """Append several words; a mark at a word's end becomes a piece of its own."""
        for token in text.split(" "):
            stem = token.rstrip(".,?!:;\n")
            if stem:
                self.word(stem, **notes)
            for mark in token[len(stem) :]:
                self.mark(mark)

    def opening(self, text: str, **notes: str) -> None:
        """Append an opening quote or bracket: a space before it, none after it."""
        self.word(text, **{"part_of_speech": "punctuation", **notes})
        self._glue = True

    @contextmanager
    def noting(self, **notes: str) -> Iterator[None]:
        """Add notes to everything written inside the `with` block."""
        before = self._standing
        self._standing = {**before, **{name.replace("_", " "): value for name, value in notes.items()}}
        try:
            yield
        finally:
            self._standing = before

    @contextmanager
    def quoted(self, inside: str = "dialogue") -> Iterator[None]:
        """Put what is written inside the `with` block between double quotes."""
        self.opening('"', kind="opening quote", quote=inside)
        with self.noting(inside=inside):
            yield
        self.mark('"', kind="closing quote", quote=inside)

    @contextmanager
    def bracketed(self, inside: str = "remark") -> Iterator[None]:
        """Put what is written inside the `with` block between round brackets."""
        self.opening("(", kind="opening bracket", bracket=inside)
        with self.noting(inside=inside):
            yield
        self.mark(")", bracket=inside)

    def mention(self, name: str) -> str:
        """Count one more mention of `name`: "first", "second" or "later"."""
        self._mentions[name] = self._mentions.get(name, 0) + 1
        return {1: "first", 2: "second"}.get(self._mentions[name], "later")

    def finish(self) -> Document:
        """The document written so far."""
        return Document("".join(self._pieces), self.register, tuple(self._spans), self.surprisal)
