"""Letters: a date, a greeting, thanks for something, a plan, a signature, and perhaps a postscript."""

from __future__ import annotations

from core.sources.world.lexicon import (
    CITIES,
    COLOURS,
    DAYS,
    MONTHS,
    SURNAMES,
    THINGS,
    Noun,
    verb_be,
    write_be,
    write_name,
    write_noun,
)
from core.sources.world.people import Person, choose_person, write_person
from core.sources.world.scribe import Scribe


def write_letter(scribe: Scribe) -> None:
    """A letter between friends, or a formal one."""
    _write_date(scribe)
    scribe.words("Dear", position="greeting")
    if scribe.chance(0.7):
        _write_friendly(scribe)
    else:
        _write_formal(scribe)


def _write_date(scribe: Scribe) -> None:
    """`Oakham, 12 March 2014`."""
    with scribe.noting(inside="date line"):
        write_name(scribe, "city", scribe.choose(CITIES))
        scribe.mark(",")
        scribe.word(str(scribe.choose(range(1, 29))), kind="day of the month")
        write_name(scribe, "month", scribe.choose(MONTHS))
        scribe.word(str(scribe.choose(range(2000, 2020))), kind="year")
        scribe.mark("\n")


def _write_friendly(scribe: Scribe) -> None:
    reader = choose_person(scribe, "recipient of the letter")
    write_person(scribe, reader, "addressee")
    scribe.mark(",")
    scribe.mark("\n")
    thing, number = scribe.choose(THINGS), scribe.choose(("singular", "plural"))
    _write_thanks(scribe, thing, number)
    day = scribe.choose(DAYS)
    other = choose_person(scribe, "visitor", reader)
    scribe.words("I")
    scribe.word(scribe.choose(("will", "can", "must", "may")))
    scribe.word(scribe.choose(("come", "arrive", "visit", "leave")), part_of_speech="verb")
    scribe.words("on")
    write_name(scribe, "day of the week", day)
    scribe.words("with")
    write_person(scribe, other, "companion")
    scribe.mark(".")
    if scribe.chance(0.5):
        scribe.words("Please tell")
        write_person(scribe, choose_person(scribe, "third person", other), "recipient")
        scribe.mark(".")
    writer = choose_person(scribe, "writer of the letter")
    _write_closing(scribe, ("With love", "Your friend", "Best wishes", "See you soon"), writer)
    if scribe.chance(0.4):
        _write_postscript(scribe, day, other, thing, number)


def _write_thanks(scribe: Scribe, thing: Noun, number: str) -> None:
    scribe.words("thank you for the")
    scribe.word(scribe.choose(COLOURS), part_of_speech="adjective", kind="colour", number=number)
    write_noun(scribe, thing, number, "gift")
    scribe.mark(".")
    scribe.words("They" if number == "plural" else "It", number=number, role="subject", refers_to=thing.singular)
    write_be(scribe, number, "present")
    scribe.words("very")
    word = scribe.choose(("nice", "pretty", "useful", "handy", "charming", "fine"))
    scribe.word(word, part_of_speech="adjective", sentiment="positive", number=number)
    scribe.mark(".")


def _write_formal(scribe: Scribe) -> None:
    title, surname = scribe.choose(("Mr", "Mrs")), scribe.choose(SURNAMES)
    _write_title(scribe, title, surname, "addressee")
    scribe.mark(",")
    scribe.mark("\n")
    thing, number = scribe.choose(THINGS), scribe.choose(("singular", "plural"))
    scribe.words("we have your letter about the")
    write_noun(scribe, thing, number, "topic")
    scribe.words(". We are sorry that")
    scribe.words("they" if number == "plural" else "it", number=number, role="subject", refers_to=thing.singular)
    write_be(scribe, number)
    state = scribe.choose(("late", "broken", "dirty", "wet", "lost", "damaged"))
    scribe.word(state, part_of_speech="adjective", sentiment="negative", number=number)
    scribe.mark(".")
    scribe.words("Please call me on")
    write_name(scribe, "day of the week", scribe.choose(DAYS))
    scribe.mark(".")
    scribe.mark("\n")
    with scribe.noting(position="closing"):
        scribe.words("Yours,\n")
        other = scribe.choose([name for name in SURNAMES if name != surname])
        _write_title(scribe, scribe.choose(("Mr", "Mrs")), other, "writer")
        scribe.mark("\n")


def _write_title(scribe: Scribe, title: str, surname: str, role: str) -> None:
    gender = "masculine" if title == "Mr" else "feminine"
    scribe.word(title, part_of_speech="noun", kind="title", gender=gender, role=role)
    notes = {"refers_to": surname, "gender": gender, "role": role, "mention": scribe.mention(surname)}
    scribe.word(surname, part_of_speech="proper noun", kind="surname", **notes)


def _write_closing(scribe: Scribe, forms: tuple[str, ...], writer: Person) -> None:
    scribe.mark("\n")
    with scribe.noting(position="closing"):
        scribe.words(scribe.choose(forms) + ",\n")
        write_person(scribe, writer, "writer")
        scribe.mark("\n")


def _write_postscript(scribe: Scribe, day: str, other: Person, thing: Noun, number: str) -> None:
    with scribe.noting(position="postscript"):
        scribe.words("P.S.", kind="postscript sign")
        if scribe.chance(0.5):
            write_person(scribe, other, "subject")
            scribe.words("can not come before")
            write_name(scribe, "day of the week", day)
        else:
            scribe.words("The")
            write_noun(scribe, thing, number, "subject")
            scribe.words(f"{verb_be(number, 'present')} on my table", number=number)
        scribe.mark(".")
