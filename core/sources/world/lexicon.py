"""The things, people, places and words of the world."""

from __future__ import annotations

from dataclasses import dataclass

from core.sources.world.parts import listed
from core.sources.world.scribe import Scribe


@dataclass(frozen=True)
class Noun:
    """A noun with both of its numbers and its topic.

    >>> Noun("fox", "foxes", "animal").form("plural")
    'foxes'
    """

    singular: str
    plural: str
    topic: str

    def form(self, number: str) -> str:
        """The noun in the given number, "singular" or "plural"."""
        return self.plural if number == "plural" else self.singular


_IRREGULAR = {
    "fox": "foxes", "mouse": "mice", "sheep": "sheep", "goose": "geese", "wolf": "wolves", "fish": "fish",
    "knife": "knives", "leaf": "leaves", "box": "boxes", "brush": "brushes", "watch": "watches", "cherry": "cherries",
    "berry": "berries", "potato": "potatoes", "tomato": "tomatoes", "peach": "peaches", "glass": "glasses",
    "pony": "ponies",
}  # fmt: skip


def nouns(topic: str, words: str) -> tuple[Noun, ...]:
    """Nouns of one topic from their singulars.

    >>> nouns("animal", "cat mouse")[1].plural
    'mice'
    """
    return tuple(Noun(word, _IRREGULAR.get(word, word + "s"), topic) for word in words.split())


THINGS = nouns(
    "thing",
    "key ball book coin lamp ring hat box cup map letter bell stone drum knife shell brush watch clock kite rope coat"
    " bag bottle candle pen picture mirror flag whistle button ticket glove spade ladder",
)
FRUIT = nouns("fruit", "apple pear plum cherry lemon peach berry orange grape melon")
VEGETABLES = nouns("vegetable", "potato tomato carrot onion bean leek pumpkin turnip mushroom pepper")
PETS = nouns("animal", "dog cat pony goose mouse rabbit parrot turtle")
COLOURS = listed("red blue green yellow white black brown golden silver pink grey purple")
SIZES = listed("big small old new round heavy thin shiny strange soft")
PLACES = listed(
    "garden forest market school river harbour castle bridge park mill station church library beach farm museum"
    " lake tower"
)
FURNITURE = listed("table bed chair bench tree wall door basket sofa window bush stove gate barrel")
CITIES = listed("Riverton Oakham Milford Stonebridge Easton Hartwell Lakeside Norwood Redhill Ashford Kingsley Bayport")
SURNAMES = listed("Hill Brook Fisher Stone Wood Baker Mason Reed Carter Miller Cooper Parker")
DAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = listed("January February March April May June July August September October November December")
NUMBERS = listed("two three four five six seven eight nine ten")


def article(word: str) -> str:
    """The indefinite article before `word`.

    >>> article("old"), article("key")
    ('an', 'a')
    """
    return "an" if word[0] in "aeiou" else "a"


def write_noun(scribe: Scribe, noun: Noun, number: str, role: str) -> None:
    """Write a noun in its number, with what is known of it."""
    mention = scribe.mention(noun.singular)
    scribe.word(noun.form(number), part_of_speech="noun", topic=noun.topic, number=number, role=role, mention=mention)


def write_name(scribe: Scribe, kind: str, name: str, **notes: str) -> None:
    """Write a proper name that is no person's: a city, a month, a day."""
    scribe.word(name, part_of_speech="proper noun", kind=kind, **notes)


def verb_be(number: str, tense: str = "past") -> str:
    """The form of "to be" in the third person.

    >>> verb_be("plural"), verb_be("singular", "present")
    ('were', 'is')
    """
    forms = {"past": ("was", "were"), "present": ("is", "are")}[tense]
    return forms[number == "plural"]


def write_be(scribe: Scribe, number: str, tense: str = "past") -> None:
    """Write the form of "to be" that agrees with a subject of the given number."""
    scribe.word(verb_be(number, tense), part_of_speech="verb", agrees_with=f"{number} subject", tense=tense)
