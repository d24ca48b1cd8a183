"""Facts about animals, told as articles. Other registers know the same facts."""

from __future__ import annotations

from core.sources.world.lexicon import Noun, article, nouns, write_noun
from core.sources.world.scribe import Scribe

ANIMALS = nouns(
    "animal",
    "fox cow duck owl mouse bear frog wolf horse rabbit lion sheep goat eagle snake whale tiger squirrel bee camel",
)
FACTS = {  # home, food, size
    "fox": ("forest", "mice", "small"), "cow": ("field", "grass", "big"), "duck": ("river", "bread", "small"),
    "owl": ("forest", "mice", "small"), "mouse": ("field", "cheese", "small"), "bear": ("forest", "honey", "big"),
    "frog": ("river", "flies", "small"), "wolf": ("forest", "sheep", "big"), "horse": ("field", "grass", "big"),
    "rabbit": ("field", "carrots", "small"), "lion": ("desert", "sheep", "big"), "sheep": ("field", "grass", "small"),
    "goat": ("mountains", "leaves", "small"), "eagle": ("mountains", "fish", "big"),
    "snake": ("desert", "eggs", "small"), "whale": ("sea", "fish", "big"), "tiger": ("jungle", "meat", "big"),
    "squirrel": ("forest", "nuts", "small"), "bee": ("garden", "honey", "small"), "camel": ("desert", "leaves", "big"),
}  # fmt: skip
ADVERBS = ("often", "usually", "mostly", "sometimes", "always")
TIMES = ("morning", "evening", "afternoon", "night", "winter", "summer", "rain", "dark")


def write_article(scribe: Scribe) -> None:
    """An article about one animal, in the singular, then in the plural."""
    animal = scribe.choose(ANIMALS)
    home, food, size = FACTS[animal.singular]
    scribe.word(article(animal.singular).capitalize())
    write_noun(scribe, animal, "singular", "subject")
    with scribe.bracketed("plural form"):
        scribe.words("many", number="plural")
        write_noun(scribe, animal, "plural", "example")
    scribe.words(f"is {article(size)}")
    scribe.word(size, part_of_speech="adjective", kind="size", number="singular")
    scribe.words("animal.")
    number = scribe.choose(("singular", "plural"))
    for fact in scribe.some(("home", "food", "sleep"), scribe.choose((2, 3))):
        _write_fact(scribe, animal, number, fact, home, food)
    if scribe.chance(0.5):
        _write_comparison(scribe, animal, number)


def _verb(scribe: Scribe, stem: str, number: str) -> None:
    text = stem if number == "plural" else stem + "s"
    scribe.word(text, part_of_speech="verb", agrees_with=f"{number} subject", tense="present")


def _fact_word(scribe: Scribe, text: str, topic: str) -> None:
    scribe.word(text, part_of_speech="noun", topic=topic, role="fact")


def _write_fact(scribe: Scribe, animal: Noun, number: str, fact: str, home: str, food: str) -> None:
    """A sentence about home, food or sleep whose verb agrees with its subject."""
    scribe.words("They" if number == "plural" else "It", number=number, role="subject", refers_to=animal.singular)
    if scribe.chance(0.5):
        scribe.word(scribe.choose(ADVERBS), part_of_speech="adverb", kind="frequency")
    _verb(scribe, {"home": "live", "food": "eat", "sleep": "sleep"}[fact], number)
    if fact == "home":
        scribe.words("in the")
        _fact_word(scribe, home, "habitat")
    elif fact == "food":
        _fact_word(scribe, food, "food")
    else:
        scribe.words("in the")
        scribe.word(scribe.choose(TIMES), part_of_speech="noun", topic="time")
    scribe.mark(".")


def _write_comparison(scribe: Scribe, animal: Noun, number: str) -> None:
    """`Most people like foxes, but they are afraid of bears.`"""
    scribe.word(scribe.choose(("People", "Children", "Farmers", "Hunters")), part_of_speech="noun", number="plural")
    scribe.word(scribe.choose(("like", "fear", "know", "see")), part_of_speech="verb", agrees_with="plural subject")
    other = scribe.choose([one for one in ANIMALS if one != animal])
    write_noun(scribe, other, "plural", "object")
    scribe.words("more than")
    if number == "singular":
        scribe.words("the", number=number)
    write_noun(scribe, animal, number, "compared with")
    scribe.mark(".")
