"""The words of the Layers page's lifespans: titles, what is listed, how a chain stops, how far a feature falls.

"Ended" is said only where nothing at τ or above is left at the next site; a chain that is no longer one to one has such
a match there, whose own best match is another feature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.analyses.layer_tables import Question
from core.analyses.lifespans import THEN, Lifespans, half_life, survival, then_table
from core.analyses.returns import SHALLOW, Return, told_of_gap
from core.labels import Labels
from core.values import Feature
from ui.go import anchor
from ui.text import called, figure, listed, measure_name, percent

ENDINGS = dict(zip(THEN, ("", " and ends there", ", then is no longer one to one"), strict=True))
"""How a title goes on after the last site of a chain."""

AFTER = {"": "", **dict(zip(THEN, ("reach the last site", "then end", "are then no longer one to one"), strict=True))}
"""What is said of many."""


def told_of(question: Question) -> str:
    """Which chains are listed.

    >>> told_of(("2", 0, 3, "ended")), told_of(("", 1, 0, "last site")), told_of(("", 0, 0, ""))
    ('that begin at site 2, last 3 sites or more and then end', 'that last 1 site and reach the last site', 'the longest-lived first')
    """  # noqa: E501
    born, length, least, then = question
    lasting = f"last {length or least} site{'s' * ((length or least) != 1)}{' or more' * (not length)}"
    parts = (f"begin at site {born}" if born else "", lasting if length or least else "", AFTER[then])
    told = [part for part in parts if part]
    return f"that {listed(told, 'and')}" if told else "the longest-lived first"


def title(found: Lifespans, chain: int | None, labels: Labels) -> str:
    """The lifespan in focus, where one of two sites or more is, and how long one-to-one chains last in general."""
    if not len(found.birth):
        return "No feature of this store is alive"
    told = how_long(found)
    if chain is None or found.length[chain] < 2:
        return f"{told[0].upper()}{told[1:]}"
    features, after = found.features(chain), ENDINGS[THEN[found.then[chain]]]
    lasting = f"{called(features[0], labels)} lasts from site {features[0].key} to site {features[-1].key}{after}"
    return f"{lasting}; {told}"


def how_long(found: Lifespans) -> str:
    """The half-life of one-to-one chains; where it is below a site, or unknown, how many last longer.

    >>> some = Lifespans(("0", "1", "2"), 0.9, "pearson", np.array([0, 0]), np.array([2, 1]), np.zeros((2, 3), int),
    ...                  *np.zeros((4, 2)))
    >>> how_long(some)
    'half of all one-to-one chains stop within 1.0 sites of their first'
    >>> from dataclasses import replace
    >>> how_long(replace(some, birth=np.zeros(9000, int), length=np.append(2, np.ones(8999, int))))
    'where another site follows, 0.01% of all chains go on'
    """
    curve = survival(found)
    half = half_life(curve)
    if half >= 1:  # NaN is not
        return f"half of all one-to-one chains stop within {half:.1f} sites of their first"
    if np.isnan(curve[1]):
        return "no alive feature is followed by another site"
    return f"where another site follows, {percent(float(curve[1]))} of all chains go on"


def explained(found: Lifespans) -> str:
    """How lifespans are computed, and how many chains stop in which way."""
    _, ended, shared = then_table(found).sum(0).tolist()
    tau = f"{found.threshold:g} or more"
    ends, others = many(ended, "chain ends", "chains end"), many(shared, "is", "are")
    return (
        "A lifespan is a chain of features from site to site, each the other’s best match, with a "
        f"{measure_name(found.measure)} of {tau}. {ends}: no match of {tau} is left at the next site. {others} no "
        "longer one to one: such a match is there, but its own best match is another feature."
    )


def many(count: int, one: str, more: str) -> str:
    """A number with the word that goes with it.

    >>> many(1, "is", "are"), many(2000, "is", "are")
    ('1 is', '2,000 are')
    """
    return f"{count:,} {one if count == 1 else more}"


def below(value: float, threshold: float) -> str:
    """A value below a threshold, with so many digits that one sees it is below.

    >>> below(0.943, 0.95), below(0.94996, 0.95), below(0.3, 0.95)
    ('0.943', '0.94996', '0.300')
    """
    digits = next((d for d in range(3, 9) if float(f"{value:.{d}f}") < threshold), 9)
    return figure(value, digits)


def afterwards(found: Lifespans, chain: int) -> str:
    """What comes after a chain, as HTML: the best match at the next site and, of that one, another's."""
    last, then = found.features(chain)[-1], THEN[found.then[chain]]
    if then == "last site":
        return f"Site {last.key} is the last one."
    heir, rival = found.after(chain)
    if heir is None:
        return f"It ends: no alive feature of the next site ever resembles {last}."
    shown = figure(found.value_next[chain], 3) if then != "ended" else below(found.value_next[chain], found.threshold)
    value = f"{measure_name(found.measure)} of {shown}"
    match = f"its best match at site {heir.key} is {_link(last, heir)}, with a {value}"
    if rival is None or then == "ended":
        return f"It ends: {match}, below {found.threshold:g}."
    return f"It is no longer one to one: {match}, whose own best match is {_link(rival, heir, str(rival))}."


def _link(source: Feature, target: Feature, text: str = "") -> str:
    told = f"inspect the link of {source} and {target}"
    return anchor(text or str(target), "evolution", label=told, feature=str(source), link=f"{source},{target}")


# ---- what falls below τ and returns


def title_of_returns(back: Sequence[Return], row: int, labels: Labels) -> str:
    """The one in focus: from where to where, and how far it falls in between."""
    if not back:
        return "No feature falls below τ and returns"
    one = back[row]
    shown = figure(one.between, 2) if one.depth >= 0.01 else below(one.between, one.between + one.depth)
    fall = "has no match" if np.isnan(one.between) else f"falls to {shown}"
    told = f"{called(one.before, labels)} of site {one.before.key} {fall} in between and is there again at site"
    return f"{told} {one.after.key}" + (f", one of {len(back):,}" if len(back) > 1 else "")


def explained_returns(back: Sequence[Return], tau: float, measure: str, gap: int, n_sites: int) -> str:
    """What is looked for and how far, and how many fall by a hair's breadth."""
    what = (
        f"A feature and a later one that are each other’s best match, with a {measure_name(measure)} of {tau:g} or "
        f"more, while neither has such a match at the sites in between. Looked for {told_of_gap(gap, n_sites)}, as the "
        "command lifespans does by default."
    )
    return f"{what} {hair_breadth(back)}".rstrip()


def hair_breadth(back: Sequence[Return]) -> str:
    """How many fall so little that the threshold alone may tell them apart.

    >>> fall = [Return(Feature("0", 1), Feature("2", 1), 0.97, 0.95 - depth, depth) for depth in (0.3, 0.02, 0.01)]
    >>> hair_breadth(fall), hair_breadth([])
    ('2 of the 3 fall by less than 0.1 below τ: a hair’s breadth, which another τ may not tell.', '')
    """
    shallow = sum(one.shallow for one in back)
    if not shallow:
        return ""
    few = f"{shallow:,} of the {len(back):,} fall" if len(back) > 1 else "It falls"
    return f"{few} by less than {SHALLOW:g} below τ: a hair’s breadth, which another τ may not tell."
