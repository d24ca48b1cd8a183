"""Interviews: somebody asks somebody about animals; questions with "where", "what", and with yes or no."""

from __future__ import annotations

from core.sources.world.animals import ANIMALS, FACTS
from core.sources.world.lexicon import Noun, write_noun
from core.sources.world.people import Person, choose_person, write_person
from core.sources.world.scribe import Scribe

HOMES = tuple(dict.fromkeys(home for home, _, _ in FACTS.values()))
OPENERS = ("", "Oh,", "Well,", "I think")


def write_interview(scribe: Scribe) -> None:
    """Two or three questions with their answers, each begun by the name of who speaks."""
    asker = choose_person(scribe, "interviewer")
    expert = choose_person(scribe, "expert", asker)
    with scribe.noting(position="title"):
        write_person(scribe, asker, "subject")
        scribe.word(scribe.choose(("asks", "meets")), part_of_speech="verb", agrees_with="singular subject")
        write_person(scribe, expert, "object")
        scribe.mark(".")
        scribe.mark("\n")
    for _ in range(scribe.choose((2, 3))):
        animal = scribe.choose(ANIMALS)
        question = scribe.choose((_write_where, _write_what, _write_size, _write_guess))
        with scribe.noting(speaker="interviewer"):
            _write_speaker(scribe, asker)
            guess = question(scribe, animal)
            scribe.mark("?")
            scribe.mark("\n")
        with scribe.noting(speaker="expert"):
            _write_speaker(scribe, expert)
            _write_answer(scribe, animal, guess)
            scribe.mark("\n")
    if scribe.chance(0.5):
        _write_speaker(scribe, asker)
        scribe.words("Thank you,")
        write_person(scribe, expert, "addressee")
        scribe.mark("!")


def _write_speaker(scribe: Scribe, person: Person) -> None:
    write_person(scribe, person, "speaker")
    scribe.mark(":", kind="colon after a speaker")


def _write_where(scribe: Scribe, animal: Noun) -> tuple[str, str]:
    scribe.words("Where do", question="where")
    write_noun(scribe, animal, "plural", "subject")
    scribe.word("live", part_of_speech="verb", agrees_with="plural subject", question="where")
    return "where", ""


def _write_what(scribe: Scribe, animal: Noun) -> tuple[str, str]:
    scribe.words("What do", question="what")
    write_noun(scribe, animal, "plural", "subject")
    scribe.word("eat", part_of_speech="verb", agrees_with="plural subject", question="what")
    return "what", ""


def _write_size(scribe: Scribe, animal: Noun) -> tuple[str, str]:
    scribe.words("Are", question="yes or no")
    write_noun(scribe, animal, "plural", "subject")
    size = scribe.choose(("big", "small"))
    scribe.word(size, part_of_speech="adjective", kind="size", number="plural")
    return "size", size


def _write_guess(scribe: Scribe, animal: Noun) -> tuple[str, str]:
    """Ask whether it lives somewhere: half of the time where it does live."""
    scribe.words("Do", question="yes or no")
    write_noun(scribe, animal, "plural", "subject")
    scribe.words("live in the", question="yes or no")
    truth = FACTS[animal.singular][0]
    home = scribe.choose(HOMES, [len(HOMES) - 1.0 if home == truth else 1.0 for home in HOMES])
    scribe.word(home, part_of_speech="noun", topic="habitat", role="guess")
    return "guess", home


def _write_answer(scribe: Scribe, animal: Noun, guess: tuple[str, str]) -> None:
    home, food, size = FACTS[animal.singular]
    question, guessed = guess
    right = guessed in (home, size)
    if question in ("where", "what"):
        verb, fact, topic = ("live", home, "habitat") if question == "where" else ("eat", food, "food")
        opener = scribe.choose(OPENERS)
        if opener:
            scribe.words(opener, answer=question)
        scribe.words("they" if opener else "They", number="plural", role="subject", refers_to=animal.singular)
        scribe.word(verb, part_of_speech="verb", agrees_with="plural subject", answer=question)
        if question == "where":
            scribe.words("in the", answer=question)
        scribe.word(fact, part_of_speech="noun", topic=topic, role="fact", answer=question)
    else:
        verb = "are" if question == "size" else "do"
        with scribe.noting(answer="yes" if right else "no"):
            scribe.words("Yes, they" if right else "No, they", number="plural")
            scribe.word(verb, part_of_speech="verb", agrees_with="plural subject")
            if not right:
                scribe.words("not", kind="negation")
    scribe.mark(".")
