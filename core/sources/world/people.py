"""People, and how a text refers to them: by name or by pronoun, once or again."""

from __future__ import annotations

from dataclasses import dataclass

from core.sources.world.parts import listed
from core.sources.world.scribe import Scribe

GIRLS = listed("Anna Mary Lucy Emma Sara Nora Clara Ida Rosa Ella Julia Maya Vera Olga Lena Alice")
BOYS = listed("Tom Ben Max Sam Leo Paul Hugo Otto Finn Jack Peter Karl Noah Ivan Oscar Felix")
PRONOUNS = {
    "feminine": {"subject": "she", "object": "her", "possessive": "her"},
    "masculine": {"subject": "he", "object": "him", "possessive": "his"},
}


@dataclass(frozen=True)
class Person:
    """Somebody with a name and a grammatical gender, who plays a part in the text ("protagonist", "friend", ...)."""

    name: str
    gender: str
    part: str

    def pronoun(self, case: str) -> str:
        """The pronoun for "subject", "object" or "possessive".

        >>> Person("Anna", "feminine", "protagonist").pronoun("possessive")
        'her'
        """
        return PRONOUNS[self.gender][case]


def choose_person(scribe: Scribe, part: str, other: Person | None = None) -> Person:
    """Draw somebody; with `other`, somebody of the other gender, so that pronouns stay clear."""
    genders = {"feminine": GIRLS, "masculine": BOYS}
    if other:
        del genders[other.gender]
    name = scribe.choose([name for names in genders.values() for name in names])
    return Person(name, "feminine" if name in GIRLS else "masculine", part)


def write_person(scribe: Scribe, person: Person, role: str) -> None:
    """Write the name."""
    scribe.word(person.name, **_notes(scribe, person, role), part_of_speech="proper noun", form="name")


def write_pronoun(scribe: Scribe, person: Person, case: str, start: bool = False) -> None:
    """Write the pronoun of the given case, with a capital at the start of a sentence."""
    text = person.pronoun(case)
    text = text.capitalize() if start else text
    scribe.word(text, **_notes(scribe, person, case), part_of_speech="pronoun", form="pronoun")


def write_subject(scribe: Scribe, person: Person, pronoun: float = 0.6) -> None:
    """Begin a sentence with somebody who is known already: by pronoun with the given probability, else by name."""
    if scribe.chance(pronoun):
        write_pronoun(scribe, person, "subject", start=True)
    else:
        write_person(scribe, person, "subject")


def _notes(scribe: Scribe, person: Person, role: str) -> dict[str, str]:
    return {
        "refers_to": person.name,
        "part": person.part,
        "role": role,
        "gender": person.gender,
        "number": "singular",
        "mention": scribe.mention(person.name),
    }
