"""All registers, and the endless stream of documents."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

from core.sources.world.animals import write_article
from core.sources.world.arithmetic import write_arithmetic
from core.sources.world.code import write_code
from core.sources.world.interview import write_interview
from core.sources.world.letter import write_letter
from core.sources.world.markup import write_markup
from core.sources.world.recipe import write_recipe
from core.sources.world.review import write_review
from core.sources.world.scribe import Draw, Scribe, random_draw
from core.sources.world.story import write_story
from core.sources.world.values import Document
from core.sources.world.weather import write_weather

WRITERS: Mapping[str, Callable[[Scribe], None]] = {
    "story": write_story,
    "recipe": write_recipe,
    "code": write_code,
    "letter": write_letter,
    "arithmetic": write_arithmetic,
    "review": write_review,
    "weather": write_weather,
    "article": write_article,
    "interview": write_interview,
    "markup": write_markup,
}
WEIGHTS: Mapping[str, float] = {"story": 2.0, "letter": 1.5, "arithmetic": 1.5}
"""Relative frequency of a register; 1 where it is not named."""


def write_document(draw: Draw) -> Document:
    """One document, register included, from a source of choices."""
    chooser = Scribe("", draw)
    register = chooser.choose(list(WRITERS), [WEIGHTS.get(name, 1.0) for name in WRITERS])
    scribe = Scribe(register, draw)
    WRITERS[register](scribe)
    document = scribe.finish()
    return Document(document.text, register, document.spans, chooser.surprisal + document.surprisal)


def documents(seed: int = 0) -> Iterator[Document]:
    """Endless documents of the world; the same ones for the same seed, and others for another.

    >>> one, two = documents(seed=3), documents(seed=3)
    >>> next(one) == next(two)
    True
    """
    draw = random_draw(random.Random(seed))
    while True:
        yield write_document(draw)
