"""Parts of speech of the words that stand in the templates; words of the lexicon are noted where they are chosen."""

from __future__ import annotations

_WORDS = {
    "determiner": "the a an this that these those some every each no both all any another",
    "pronoun": "he she it they him her them his its their i you we me us my your our mine yours who what which there"
    " nobody everybody everything nothing something himself herself one",
    "preposition": "in on at to for from with of by under over behind near into after before until about between"
    " through during without like as than out up down away around past off next",
    "conjunction": "and or but so because if when while that then",
    "auxiliary": "is are was were be been am will would can could must should do does did has have had may not",
    "adverb": "very too now soon later again never always often here home today yesterday tomorrow first then finally"
    " together yes please only also still well just once more most slowly quickly already back away north south late"
    " suddenly mostly ago twice really almost ever even much straight together early outside inside left"
    " right",
    "verb": "live think went tell come call see serve thank count",
    "adjective": "many hot cold good last long best quite rather",
    "noun": "people animal animals weather friend sums night letter rating morning day school spring table wishes love"
    " question answer",
    "interjection": "hello thanks sorry oh dear goodbye",
}  # fmt: skip

_PARTS = {word: part for part, words in reversed(_WORDS.items()) for word in words.split()}
_PARTS |= {"then": "adverb", "first": "adverb", "that": "determiner", "quite": "adverb", "rather": "adverb"}
_PARTS |= {"where": "pronoun", "beside": "preposition", "sunday": "proper noun", "p.s": "abbreviation"}


def listed(words: str) -> tuple[str, ...]:
    """Words that are written one after the other.

    >>> listed("red blue")
    ('red', 'blue')
    """
    return tuple(words.split())


def part_of_speech(word: str) -> str:
    """Part of speech of a template's word; "number", "punctuation" or, for open classes, "other".

    >>> [part_of_speech(word) for word in ("The", "under", "12", "(")]
    ['determiner', 'preposition', 'number', 'punctuation']
    """
    if word.lower() in _PARTS:
        return _PARTS[word.lower()]
    if word.isdigit():
        return "number"
    return "other" if word[:1].isalpha() else "punctuation"
