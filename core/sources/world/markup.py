"""Markup: nested elements whose closing tags match the opening ones, last opened first."""

from __future__ import annotations

from core.sources.world.lexicon import COLOURS, FRUIT, SIZES, THINGS
from core.sources.world.scribe import Scribe

TAGS = {"list": ("item", "entry"), "table": ("row", "line"), "menu": ("dish", "drink")}


def write_markup(scribe: Scribe) -> None:
    """One outer element with two or three inner ones, some of which hold an emphasised word."""
    outer = scribe.choose(list(TAGS))
    inner = scribe.choose(TAGS[outer])
    _open(scribe, outer, "outer")
    scribe.mark("\n")
    for _ in range(scribe.choose((2, 3, 4))):
        _open(scribe, inner, "inner")
        _write_content(scribe)
        _close(scribe, inner, "inner")
        scribe.mark("\n")
    _close(scribe, outer, "outer")


def _write_content(scribe: Scribe) -> None:
    with scribe.noting(inside="element"):
        if scribe.chance(0.5):
            emphasis = scribe.choose(("b", "i"))
            _open(scribe, emphasis, "emphasis")
            colour = scribe.choose((*COLOURS, *SIZES))
            scribe.write(colour, part_of_speech="adjective", inside="emphasis")
            _close(scribe, emphasis, "emphasis")
            space = " "
        else:
            space = ""
        noun = scribe.choose((*FRUIT, *THINGS))
        scribe.write(space + noun.singular, part_of_speech="noun", topic=noun.topic, number="singular")


def _open(scribe: Scribe, tag: str, level: str) -> None:
    scribe.write("<", part_of_speech="punctuation", kind="start of an opening tag", level=level)
    scribe.write(tag, part_of_speech="tag name", kind="opening tag name", level=level)
    scribe.write(">", part_of_speech="punctuation", kind="end of an opening tag", level=level)


def _close(scribe: Scribe, tag: str, level: str) -> None:
    scribe.write("</", part_of_speech="punctuation", kind="start of a closing tag", level=level)
    scribe.write(tag, part_of_speech="tag name", kind="closing tag name", level=level)
    scribe.write(">", part_of_speech="punctuation", kind="end of a closing tag", level=level)
