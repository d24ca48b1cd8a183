"""Stories: somebody finds something, asks somebody whose it is, and goes home."""

from __future__ import annotations

from core.sources.world.lexicon import (
    COLOURS,
    FURNITURE,
    NUMBERS,
    PETS,
    PLACES,
    SIZES,
    THINGS,
    Noun,
    article,
    verb_be,
    write_be,
    write_noun,
)
from core.sources.world.parts import listed
from core.sources.world.people import Person, choose_person, write_person, write_pronoun, write_subject
from core.sources.world.scribe import Scribe

OPENINGS = (
    "One day",
    "One morning",
    "Last night",
    "Once",
    "In the spring",
    "After school",
    "Early on Sunday",
    "Long ago",
)
MOVES = listed("went walked ran rode hurried came cycled")
CHARACTERS = listed("kind brave clever quiet lazy young careful curious shy cheerful")
FEELINGS = {True: listed("glad happy proud merry pleased"), False: listed("sad tired angry lonely worried")}


def write_story(scribe: Scribe) -> None:
    """A story of about eighty words."""
    hero = choose_person(scribe, "protagonist")
    scribe.words(scribe.choose(OPENINGS) + ",", position="opening")
    write_person(scribe, hero, "subject")
    scribe.word(scribe.choose(MOVES), part_of_speech="verb", tense="past")
    scribe.words("to the")
    scribe.word(scribe.choose(PLACES), part_of_speech="noun", topic="place", role="goal")
    scribe.mark(".")
    pet = scribe.choose((None, *PETS), (6.0, *[1.0] * len(PETS)))
    if pet:
        _write_pet(scribe, hero, pet)
    else:
        _write_character(scribe, hero)
    thing, number = scribe.choose(THINGS), scribe.choose(("singular", "plural"))
    _write_find(scribe, hero, thing, number)
    friend = choose_person(scribe, "friend", hero)
    happy = _write_talk(scribe, hero, friend, thing, number)
    _write_ending(scribe, hero, pet, happy)


def _write_character(scribe: Scribe, hero: Person) -> None:
    write_pronoun(scribe, hero, "subject", start=True)
    word = scribe.choose(CHARACTERS)
    scribe.words(f"was {article(word)}")
    scribe.word(word, part_of_speech="adjective", kind="character")
    scribe.word("girl" if hero.gender == "feminine" else "boy", part_of_speech="noun", gender=hero.gender)
    scribe.mark(".")


def _write_pet(scribe: Scribe, hero: Person, pet: Noun) -> None:
    write_pronoun(scribe, hero, "possessive", start=True)
    write_noun(scribe, pet, "singular", "subject")
    scribe.word(scribe.choose(("went", "came", "ran", "walked")), part_of_speech="verb", tense="past")
    scribe.words("with")
    write_pronoun(scribe, hero, "object")
    scribe.mark(".")


def _write_find(scribe: Scribe, hero: Person, thing: Noun, number: str) -> None:
    scribe.word(scribe.choose(("There", "Suddenly", "Soon", "Then")), position="opening")
    write_pronoun(scribe, hero, "subject")
    scribe.word(scribe.choose(("found", "saw", "noticed", "discovered")), part_of_speech="verb", tense="past")
    colour = scribe.choose(COLOURS)
    if number == "plural":
        scribe.word(scribe.choose(NUMBERS[:6]), part_of_speech="numeral", number=number)
    else:
        scribe.words(article(colour), number=number)
    scribe.word(colour, part_of_speech="adjective", kind="colour", number=number)
    write_noun(scribe, thing, number, "object")
    scribe.word(scribe.choose(("under", "near", "behind", "beside", "on", "over")), role="place")
    scribe.word(scribe.choose(("a", "the")), role="place")
    scribe.word(scribe.choose(FURNITURE), part_of_speech="noun", topic="furniture", role="place")
    scribe.mark(".")
    if scribe.chance(0.5):
        scribe.word("They" if number == "plural" else "It", number=number, role="subject", refers_to=thing.singular)
        write_be(scribe, number)
        scribe.word(scribe.choose(SIZES), part_of_speech="adjective", kind="size", number=number)
        scribe.mark(".")


def _write_talk(scribe: Scribe, hero: Person, friend: Person, thing: Noun, number: str) -> bool:
    """Ask whose it is; returns whether the friend gets it back."""
    with scribe.quoted(), scribe.noting(speaker="protagonist"):
        these = "these" if number == "plural" else "this"
        scribe.words(f"{verb_be(number, 'present').capitalize()} {these} your", number=number)
        write_noun(scribe, thing, number, "subject")
        scribe.mark("?")
    _write_saying(scribe, hero, ("asked", "shouted", "whispered"), pronoun=True)
    it = "they are" if number == "plural" else "it is"
    yes = scribe.chance(0.5)
    with scribe.quoted(), scribe.noting(speaker="friend"):
        if yes:
            scribe.words(f"Yes, {it} mine" + scribe.choose((",", "!")))
        else:
            scribe.words(f"No, {it} not mine,")
    _write_saying(scribe, friend, ("said", "answered", "called", "replied", "cried"), pronoun=False)
    thank = yes and scribe.chance(0.4)
    if thank:
        with scribe.quoted(), scribe.noting(speaker="friend"):
            scribe.words("Thank you,")
            write_person(scribe, hero, "addressee")
            scribe.mark("!")
    _write_handing(scribe, hero, friend, thing, number, yes)
    return yes


def _write_saying(scribe: Scribe, person: Person, verbs: tuple[str, ...], pronoun: bool) -> None:
    if pronoun:
        write_pronoun(scribe, person, "subject")
    scribe.word(scribe.choose(verbs), part_of_speech="verb", tense="past", kind="verb of saying")
    if not pronoun:
        write_person(scribe, person, "speaker")
    scribe.mark(".")


def _write_handing(scribe: Scribe, hero: Person, friend: Person, thing: Noun, number: str, yes: bool) -> None:
    scribe.word("So", position="opening")
    write_person(scribe, hero, "subject")
    verb = scribe.choose(("gave", "handed") if yes else ("kept", "took", "hid"))
    scribe.word(verb, part_of_speech="verb", tense="past")
    scribe.words("the")
    write_noun(scribe, thing, number, "object")
    if yes:
        scribe.words("to")
        write_person(scribe, friend, "recipient")
    scribe.mark(".")


def _write_ending(scribe: Scribe, hero: Person, pet: Noun | None, happy: bool) -> None:
    write_subject(scribe, hero)
    scribe.word("was", part_of_speech="verb", agrees_with="singular subject", tense="past")
    sentiment = "positive" if happy else "negative"
    scribe.word(scribe.choose(FEELINGS[happy]), part_of_speech="adjective", kind="feeling", sentiment=sentiment)
    scribe.words("and", position="ending")
    scribe.word(scribe.choose(("went", "walked", "ran")), part_of_speech="verb", tense="past", position="ending")
    scribe.words("home", position="ending")
    if pet:
        scribe.words("with", position="ending")
        write_pronoun(scribe, hero, "possessive")
        write_noun(scribe, pet, "singular", "companion")
    scribe.mark(".")
