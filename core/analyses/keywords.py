"""What groups of features are about, in words: those of their labels, or their characteristic tokens where unlabelled.

A word w of a group's labels scores a · log(1 + (a / A) / ((b + ½) / (B + 1))): a of its A labelled features have the
word, b of the B labelled features outside. So it is frequent in the group and rare beside it; words that are hardly
more frequent than outside (a/A < 1.5 · b/B) are left out. Tokens of features without a label are scored in the same
way among themselves and stay hints.

Two words that mostly stand side by side are one: "full stop", and also "proper noun", of which one hardly stands
without the other. With a and b labels that have either, and c that have both as neighbours, these are pairs with c ≥ 3
and 2c / (a + b) ≥ 0.6 (Dice) or c / min(a, b) ≥ 0.9.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.values import Feature, Naming

KEYWORDS = 5
LIFT = 1.5
PHRASE, TOGETHER, BOUND = 3, 0.6, 0.9
"""Labels that have a phrase at the fewest; how much its two words stick together, and the one of them to the other."""
WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
EMPTY_WORDS = (
    "a about after an and any are as at be been before being between both but by can during etc for from had has have "
    "in into is it its may not of on or other such than that the their them then there these they this those to used "
    "using was were when where which who with within without"
)
"""Words that say nothing of what a label is about."""


_EMPTY = frozenset(EMPTY_WORDS.split())


@dataclass(frozen=True, slots=True)
class Keyword:
    """A characteristic word; `hint` tells that it is a token and stands in no label."""

    text: str
    hint: bool
    n: int  # features of the group that have it

    @property
    def written(self) -> str:
        """A hint stands in quotes, as everywhere.

        >>> Keyword("Lily", True, 3).written, Keyword("names", False, 2).written
        ('“Lily”', 'names')
        """
        return f"“{self.text}”" if self.hint else self.text


Words = tuple[bool, frozenset[str]]
"""Of one feature: whether they are hints, and the words."""


def words_of(features: Iterable[Feature], name_of: Naming) -> list[Words]:
    """Label words and phrases (folded) or the hint (as it is) of each feature; `name_of` as `Labels.naming()`.

    >>> from core.values import Name
    >>> words_of([Feature("0", 1)], lambda feature: Name("Names of people"))[0] == (False, {"names", "people"})
    True
    >>> words_of([Feature("0", 1)] * 3, lambda feature: Name("word before a full stop"))[0][1] == {
    ...     "word", "full stop"}
    True
    """
    found: list[tuple[bool, list[str]]] = []
    for name in map(name_of, features):
        if name.label:
            folded = (word.casefold() for word in WORD.findall(name.label))
            found.append((False, [word if word not in _EMPTY and len(word) > 1 else "" for word in folded]))
        else:
            found.append((True, [name.hint] if name.hint else []))
    phrases = _phrases([words for hint, words in found if not hint])
    return [(hint, frozenset(words if hint else _joined(words, phrases))) for hint, words in found]


def _phrases(texts: Sequence[Sequence[str]]) -> set[tuple[str, str]]:
    """The pairs of words that are one (see the top of this file); "" stands for a word that says nothing."""
    single: Counter[str] = Counter()
    double: Counter[tuple[str, str]] = Counter()
    for words in texts:
        single.update(set(words))
        double.update({(a, b) for a, b in pairwise(words) if a and b and a != b})

    def sticks(a: str, b: str, c: int) -> bool:
        either = single[a], single[b]
        return c >= PHRASE and (2 * c >= TOGETHER * sum(either) or c >= BOUND * min(either))

    return {(a, b) for (a, b), c in double.items() if sticks(a, b, c)}


def _joined(words: Sequence[str], phrases: set[tuple[str, str]]) -> list[str]:
    """Words, and phrases in the place of theirs.

    >>> _joined(["names", "", "full", "stop"], {("full", "stop")})
    ['names', 'full stop']
    """
    joined: list[str] = []
    before = ""  # a word that may still begin a phrase
    for word in words:
        if before and (before, word) in phrases:
            joined[-1], before = f"{before} {word}", ""
        elif word:
            joined.append(word)
            before = word
        else:
            before = ""
    return joined


def keywords(groups: Sequence[int], words: Sequence[Words], most: int = KEYWORDS) -> dict[int, tuple[Keyword, ...]]:
    """The most characteristic words of each group; `groups` numbers the group of each feature.

    Ties go to the alphabet. Words of one feature of the group count only where there is no word of two.

    >>> of = [(False, frozenset(text.split())) for text in ("red apple", "red pear", "blue sky", "blue sea")]
    >>> [word.text for word in keywords([0, 0, 1, 1], of)[1]]
    ['blue']
    """
    found: dict[int, list[tuple[float, Keyword]]] = defaultdict(list)
    for hint in (False, True):
        chosen = [(group, has) for group, (kind, has) in zip(groups, words, strict=True) if kind is hint and has]
        shown = _forms(chosen)
        sizes = Counter(group for group, _ in chosen)
        inside: dict[int, Counter[str]] = defaultdict(Counter)
        for group, has in chosen:
            inside[group].update({word.casefold() for word in has})
        everywhere: Counter[str] = Counter()
        for counts in inside.values():
            everywhere.update(counts)
        for group, counts in inside.items():
            for word, a in counts.items():
                score = _score(a, sizes[group], everywhere[word] - a, len(chosen) - sizes[group])
                if score > 0:
                    found[group].append((score, Keyword(shown[word], hint, a)))
    return {group: _best(scored, most) for group, scored in found.items()}


def _score(a: int, size: int, b: int, rest: int) -> float:
    """See the top of this file; 0 for a word that is hardly more frequent than outside."""
    if rest and a * rest < LIFT * b * size:
        return 0.0
    return a * math.log(1 + (a / size) / ((b + 0.5) / (rest + 1)))


def _best(scored: list[tuple[float, Keyword]], most: int) -> tuple[Keyword, ...]:
    common = [each for each in scored if each[1].n > 1] or scored
    common.sort(key=lambda each: (-each[0], each[1].hint, each[1].text))
    return tuple(word for _, word in common[:most])


def _forms(chosen: Sequence[tuple[int, frozenset[str]]]) -> dict[str, str]:
    """How each folded word is mostly written."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for _, has in chosen:
        for word in has:
            forms[word.casefold()][word] += 1
    return {word: min(seen, key=lambda form: (-seen[form], form)) for word, seen in forms.items()}
