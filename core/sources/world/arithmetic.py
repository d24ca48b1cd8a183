"""Arithmetic: lists of sums, counting, and small stories about numbers."""

from __future__ import annotations

from core.sources.world.lexicon import FRUIT, PETS, THINGS, write_noun
from core.sources.world.people import choose_person, write_person, write_pronoun
from core.sources.world.scribe import Scribe


def write_arithmetic(scribe: Scribe) -> None:
    """One of three kinds of exercise."""
    kind = scribe.choose((_write_sums, _write_counting, _write_problem), (4.0, 2.0, 3.0))
    kind(scribe)


def _number(scribe: Scribe, value: int, kind: str) -> None:
    scribe.word(str(value), kind=kind, part_of_speech="number")


def _sign(scribe: Scribe, sign: str, kind: str) -> None:
    scribe.word(sign, part_of_speech="operator", kind=kind)


def _write_sums(scribe: Scribe) -> None:
    """Numbered sums: `1) 3 + 4 = 7`, with one operator a list."""
    scribe.words("Sums", position="title")
    operator = scribe.choose(("+", "-", "*"))
    with scribe.bracketed("title"):
        _sign(scribe, operator, "announced operator")
    scribe.mark("\n")
    for index in range(1, scribe.choose((4, 5, 6)) + 1):
        scribe.word(str(index), kind="list index", part_of_speech="number")
        scribe.mark(")", kind="list bracket")
        one, two, result = _sum(scribe, operator)
        _number(scribe, one, "operand")
        _sign(scribe, operator, "arithmetic operator")
        _number(scribe, two, "operand")
        _sign(scribe, "=", "equals sign")
        _number(scribe, result, "result")
        scribe.mark("\n")


def _sum(scribe: Scribe, operator: str) -> tuple[int, int, int]:
    if operator == "*":
        one, two = scribe.choose(range(2, 6)), scribe.choose(range(2, 6))
        return one, two, one * two
    one, two = scribe.choose(range(1, 10)), scribe.choose(range(1, 10))
    return (one, two, one + two) if operator == "+" else (one + two, two, one)


def _write_counting(scribe: Scribe) -> None:
    """`Count in threes: 4, 7, 10, 13.`, up or down."""
    scribe.words("Count")
    up = scribe.chance(0.5)
    scribe.words("up" if up else "down", kind="direction")
    scribe.words("in")
    step = scribe.choose((1, 2, 3, 5))
    scribe.word({1: "ones", 2: "twos", 3: "threes", 5: "fives"}[step], part_of_speech="noun", kind="step")
    scribe.mark(":")
    first, length = scribe.choose(range(1, 11)), scribe.choose((5, 6, 7))
    values = [first + step * index for index in range(length)]
    for index, value in enumerate(values if up else values[::-1]):
        if index:
            scribe.mark(",")
        _number(scribe, value, "counted number")
    scribe.mark(".")


def _write_problem(scribe: Scribe) -> None:
    """`Tom has 5 apples. He gives 2 to Anna. Now he has 3 apples.`"""
    owner = choose_person(scribe, "protagonist")
    noun = scribe.choose((*FRUIT, *PETS, *THINGS[:6]))
    before, change = scribe.choose(range(2, 10)), scribe.choose(range(1, 10))
    more = change >= before or scribe.chance(0.5)
    after = before + change if more else before - change
    write_person(scribe, owner, "subject")
    scribe.word("has", part_of_speech="verb", agrees_with="singular subject", tense="present")
    _number(scribe, before, "quantity")
    write_noun(scribe, noun, "plural", "object")
    scribe.mark(".")
    write_pronoun(scribe, owner, "subject", start=True)
    scribe.word("gets" if more else "gives", part_of_speech="verb", agrees_with="singular subject", tense="present")
    _number(scribe, change, "quantity")
    scribe.words("from" if more else "to")
    write_person(scribe, choose_person(scribe, "friend", owner), "source" if more else "recipient")
    scribe.mark(".")
    scribe.words("Now")
    write_pronoun(scribe, owner, "subject")
    scribe.word("has", part_of_speech="verb", agrees_with="singular subject", tense="present")
    _number(scribe, after, "result")
    write_noun(scribe, noun, "singular" if after == 1 else "plural", "object")
    scribe.mark(".")
