"""Say one or two of the generator's notes in readable English."""

from __future__ import annotations

from collections.abc import Sequence

Note = tuple[str, str]

PLAIN = ("kind", "part of speech")  # the value names the word itself
BEFORE = {  # the value qualifies a word and stands before it
    "number": "{}", "gender": "{}", "tense": "{}-tense", "sentiment": "{}", "mention": "{} mention",
    "quote": "{} quote", "bracket": "{} bracket", "level": "{} tag",
}  # fmt: skip
AFTER = {  # the value says where or as what the word stands
    "register": "in {}", "inside": "in {}", "position": "in the {}", "role": "as {}", "speaker": "spoken by the {}",
    "question": 'in a "{}" question', "answer": 'in the answer to "{}"', "review": "in a {} review",
    "block": "in the {}", "agrees with": "agreeing with a {}", "after": "after {}", "before": "before {}",
}  # fmt: skip
NOUNS = {
    "form": "{}",
    "topic": "{} word",
    "refers to": "{}",
    "part": "the {}",
}  # the value names what the word is about
REGISTERS = {
    "story": "a story", "recipe": "a recipe", "code": "code", "letter": "a letter", "arithmetic": "arithmetic",
    "review": "a review", "weather": "a weather report", "article": "an article", "interview": "an interview",
    "markup": "markup",
}  # fmt: skip
PLACES = {
    "list": "a list", "element": "an element", "string": "a string", "call": "a call", "inner call": "an inner call",
    "comment": "a comment", "title": "a title", "date": "a date in brackets", "date line": "the date line",
    "servings": "the servings", "plural form": "brackets after a noun", "place": "brackets with a place",
    "index": "an index", "emphasis": "emphasised text",
}  # fmt: skip


def wording(notes: Sequence[Note]) -> str:
    """One phrase from one or two notes.

    >>> wording([("kind", "closing quote"), ("inside", "dialogue")])
    'closing quote in dialogue'
    >>> wording([("mention", "second"), ("part", "protagonist")])
    'second mention of the protagonist'
    >>> wording([("number", "plural"), ("role", "subject")])
    'plural word as subject'
    >>> wording([("tense", "past"), ("register", "story")])
    'past-tense verb in a story'
    >>> wording([("after", "opening quote")])
    'word after an opening quote'
    """
    heads = [_noun(note) for note in notes if note[0] in PLAIN or note[0] in NOUNS]
    before = [BEFORE[name].format(value) for name, value in notes if name in BEFORE]
    after = [_after(name, value) for name, value in notes if name in AFTER]
    mentions = [word for word in before if word.endswith("mention")]
    others = [word for word in before if word not in mentions]
    whole = any(word.endswith(("quote", "bracket", "tag")) for word in others)
    verb = any(word.endswith("tense") for word in others)
    head = " and ".join(heads) or ("" if whole else "verb" if verb else "word")
    body = " ".join([*others, head]).strip()
    if mentions:
        body = f"{mentions[0]} of {body}" if heads or others else f"{mentions[0]} of something"
    answer = " ".join([body, *after])
    return answer.replace('answer to "yes"', 'answer "yes"').replace('answer to "no"', 'answer "no"')


def _noun(note: Note) -> str:
    name, value = note
    return value if name in PLAIN else NOUNS[name].format(value)


def _after(name: str, value: str) -> str:
    if name == "register":
        value = REGISTERS[value]
    elif name == "inside":
        value = PLACES.get(value, value)
    elif name in ("after", "before"):
        article = "the" if value.startswith(("start of", "end of")) else "an" if value[0] in "aeio" else "a"
        value = f"{article} {value}"
    return AFTER[name].format(value)
