"""Reviews: an opinion that holds through the text, and decides its title, its words and its rating."""

from __future__ import annotations

from core.sources.world.lexicon import CITIES, verb_be, write_name
from core.sources.world.parts import listed
from core.sources.world.people import choose_person, write_person, write_pronoun
from core.sources.world.scribe import Scribe

ASPECTS = {
    "hotel": ("room", "beds", "garden", "waiters"), "cafe": ("coffee", "cakes", "music", "tables"),
    "film": ("story", "actors", "ending", "songs"), "phone": ("screen", "buttons", "camera", "sounds"),
    "shop": ("window", "prices", "owner", "shoes"),
}  # fmt: skip
GOOD = listed("lovely great wonderful perfect excellent brilliant superb pleasant")
BAD = listed("awful boring terrible horrible poor dreadful ugly useless")
VERBS = {"positive": ("love", "like", "recommend", "admire"), "negative": ("hate", "dislike", "regret")}


def write_review(scribe: Scribe) -> None:
    """A review: a title in quotes, where, two or three aspects, a verdict and a rating."""
    thing = scribe.choose(list(ASPECTS))
    sentiment = scribe.choose(("positive", "negative"))
    with scribe.noting(review=sentiment):
        _write_title(scribe, thing, sentiment)
        aspects = scribe.some(ASPECTS[thing], scribe.choose((2, 3)))
        mixed = _write_aspects(scribe, aspects, sentiment)
        _write_verdict(scribe, thing, sentiment)
        _write_rating(scribe, sentiment, mixed)


def _opinion(scribe: Scribe, sentiment: str) -> None:
    word = scribe.choose(GOOD if sentiment == "positive" else BAD)
    scribe.word(word, part_of_speech="adjective", kind="opinion", sentiment=sentiment)


def _write_title(scribe: Scribe, thing: str, sentiment: str) -> None:
    with scribe.quoted("title"):
        scribe.words("My", position="title")
        _opinion(scribe, sentiment)
        scribe.word(thing, part_of_speech="noun", topic="reviewed thing", role="title", mention=scribe.mention(thing))
    if thing in ("hotel", "cafe", "shop"):
        with scribe.bracketed("place"):
            write_name(scribe, "city", scribe.choose(CITIES))
    scribe.mark("\n")


def _write_aspects(scribe: Scribe, aspects: list[str], sentiment: str) -> bool:
    """Aspects agree with the sentiment, except that the last one may be introduced by "but"; was it so?"""
    for aspect in aspects[:-1]:
        _write_aspect(scribe, "The", aspect, sentiment)
        scribe.mark(".")
    mixed = scribe.chance(0.3)
    other = {"positive": "negative", "negative": "positive"}[sentiment]
    if mixed:
        scribe.word("But", role="contrast")
    _write_aspect(scribe, "the" if mixed else "The", aspects[-1], other if mixed else sentiment)
    scribe.mark(".")
    return mixed


def _write_aspect(scribe: Scribe, the: str, aspect: str, sentiment: str) -> None:
    number = "plural" if aspect.endswith("s") else "singular"
    scribe.word(the)
    scribe.word(aspect, part_of_speech="noun", topic="aspect", number=number, role="subject")
    scribe.word(verb_be(number), part_of_speech="verb", agrees_with=f"{number} subject", tense="past")
    negated = scribe.chance(0.25)
    if negated:
        scribe.words("not", kind="negation")
        sentiment = {"positive": "negative", "negative": "positive"}[sentiment]
    scribe.word(scribe.choose(("very", "really", "so", "quite", "rather")), kind="degree")
    _opinion(scribe, sentiment)


def _write_verdict(scribe: Scribe, thing: str, sentiment: str) -> None:
    kind = scribe.choose(("I", "friend"))
    if kind == "friend":
        scribe.words("My friend")
        friend = choose_person(scribe, "friend")
        write_person(scribe, friend, "subject")
        scribe.words("and")
    scribe.words("I")
    scribe.word(scribe.choose(VERBS[sentiment]), part_of_speech="verb", sentiment=sentiment, tense="present")
    scribe.words("this")
    scribe.word(thing, part_of_speech="noun", topic="reviewed thing", role="object", mention=scribe.mention(thing))
    scribe.mark(".")
    if kind == "friend" and scribe.chance(0.5):
        write_pronoun(scribe, friend, "subject", start=True)
        scribe.words("will" if sentiment == "positive" else "will not")
        scribe.words("come back.")


def _write_rating(scribe: Scribe, sentiment: str, mixed: bool) -> None:
    """Five and one without a "but", four and two with one."""
    scribe.words("Rating:", position="rating")
    rating = {("positive", False): 5, ("positive", True): 4, ("negative", True): 2, ("negative", False): 1}
    scribe.word(str(rating[sentiment, mixed]), kind="rating", sentiment=sentiment)
    scribe.words("of 5\n", position="rating")
