"""Recipes: a list of quantities, then steps that use up the list."""

from __future__ import annotations

from core.sources.world.lexicon import FRUIT, VEGETABLES, Noun, write_noun
from core.sources.world.scribe import Scribe

DISHES = {"soup": VEGETABLES, "pie": FRUIT, "salad": VEGETABLES, "cake": FRUIT, "stew": VEGETABLES, "jam": FRUIT}
POTS = ("bowl", "pan", "pot", "dish")
MANNERS = ("well", "slowly", "gently", "quickly", "carefully")
STAPLES = {
    "flour": "cup", "rice": "cup", "milk": "cup", "water": "cup", "sugar": "spoon", "salt": "spoon", "oil": "spoon",
    "honey": "spoon", "butter": "gram", "cheese": "gram", "cream": "cup", "vinegar": "spoon", "cinnamon": "spoon",
    "pasta": "gram", "bread": "gram", "ginger": "spoon", "mustard": "spoon", "yogurt": "cup",
}  # fmt: skip
GRAMS = (50, 100, 150, 200, 250, 300)


def write_recipe(scribe: Scribe) -> None:
    """A recipe with three or four ingredients."""
    dish = scribe.choose(list(DISHES))
    main = scribe.choose(DISHES[dish])
    with scribe.noting(position="title"):
        scribe.word(main.singular.capitalize(), part_of_speech="noun", topic=main.topic, role="title")
        scribe.word(dish, part_of_speech="noun", topic="dish", role="title")
        with scribe.bracketed("servings"):
            scribe.words("for")
            _write_quantity(scribe, scribe.choose((2, 4, 6)))
            scribe.words("people")
        scribe.mark("\n")
    staples = scribe.some(list(STAPLES), scribe.choose((2, 3)))
    with scribe.noting(inside="list"):
        _write_item(scribe, main, scribe.choose((2, 3, 4, 5, 6, 7, 8)))
        for staple in staples:
            _write_staple(scribe, staple)
    with scribe.noting(position="steps"):
        _write_steps(scribe, dish, main, staples)


def _write_quantity(scribe: Scribe, quantity: int) -> None:
    scribe.word(str(quantity), part_of_speech="number", kind="quantity")


def _write_item(scribe: Scribe, main: Noun, quantity: int) -> None:
    scribe.mark("-", kind="bullet")
    _write_quantity(scribe, quantity)
    write_noun(scribe, main, "plural", "ingredient")
    scribe.mark("\n")


def _write_staple(scribe: Scribe, staple: str) -> None:
    scribe.mark("-", kind="bullet")
    unit = STAPLES[staple]
    quantity = scribe.choose(GRAMS if unit == "gram" else (1, 2, 3, 4))
    _write_quantity(scribe, quantity)
    number = "singular" if quantity == 1 else "plural"
    scribe.word(unit if quantity == 1 else unit + "s", part_of_speech="noun", kind="unit", number=number)
    scribe.words("of")
    _write_ingredient(scribe, staple)
    scribe.mark("\n")


def _write_ingredient(scribe: Scribe, staple: str) -> None:
    mention = scribe.mention(staple)
    scribe.word(staple, part_of_speech="noun", topic="staple", role="ingredient", mention=mention)


def _imperative(scribe: Scribe, word: str) -> None:
    scribe.word(word, part_of_speech="verb", kind="imperative")


def _write_steps(scribe: Scribe, dish: str, main: Noun, staples: list[str]) -> None:
    scribe.words("First", kind="sequence word")
    _imperative(scribe, scribe.choose(("wash", "cut", "peel", "chop", "slice")))
    scribe.words("the")
    write_noun(scribe, main, "plural", "ingredient")
    scribe.mark(".")
    for verb, count in zip(("mix", "add"), (2, len(staples) - 2), strict=True):
        if count:
            scribe.words("Then", kind="sequence word")
            _imperative(scribe, verb)
            scribe.words("the")
            _write_ingredient(scribe, staples[0] if verb == "mix" else staples[2])
        if count == 2:
            scribe.words("with the")
            _write_ingredient(scribe, staples[1])
        if count == 2:
            scribe.words("in a")
            scribe.word(scribe.choose(POTS), part_of_speech="noun", topic="pot")
        elif count:
            scribe.word(scribe.choose(MANNERS), part_of_speech="adverb", kind="manner")
        if count:
            scribe.mark(".")
    scribe.words("Finally", kind="sequence word")
    if dish == "salad":
        _imperative(scribe, "serve")
        scribe.words("it cold.")
        return
    _imperative(scribe, "bake" if dish in ("pie", "cake") else "boil")
    scribe.words("it for")
    _write_quantity(scribe, scribe.choose((10, 15, 20, 25, 30, 35, 40, 45)))
    scribe.word("minutes", part_of_speech="noun", kind="unit", number="plural")
    if scribe.chance(0.5):
        scribe.words("and serve it hot")
    scribe.mark(".")
