"""What the Layers page asks and keeps: its settings, the matches behind it, its titles and its Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.analyses.lifespans import THEN
from core.analyses.matches import ADMISSIBLE, Matches, matches_by_measure
from core.analyses.returns import pairs_for_returns
from core.analyses.turnover import BANDS, THRESHOLD, Turnover
from core.errors import NothingRecorded, SpacesDiffer
from core.results import Notice, pair_path
from core.statistics.measures import BOUNDED
from core.store import Store
from core.views.sankey import rounded
from ui import palette, selection
from ui.text import measure_name
from ui.waiting import Progress, wait_for

VIEWS = ("turnover", "lifespans", "sites")
NAMES = {"turnover": "Turnover", "lifespans": "Lifespans", "sites": "Sites"}
VIEW = selection.choice("view", VIEWS)
MEASURE = selection.choice("measure", ADMISSIBLE)
TAU = selection.number("tau", THRESHOLD, 0.01, 1.0)
OF = selection.choice("of", ("alive", "all"))
BAND = selection.choice("band", BANDS)
SHOWN = selection.text("shown", longest=80)
AFTER = selection.choice("then", ("all", *THEN))
LISTED = selection.choice("list", ("longest", "returns"))
LENGTH = selection.count("length", 0, 0, 1000, "any length")
LASTING = selection.count("lasting", 0, 0, 1000, "any length")
NO_DIRECTIONS = (SpacesDiffer, NothingRecorded)

ByMeasure = dict[str, Matches]


@dataclass(frozen=True)
class Asked:
    """What the page is about."""

    view: str
    measure: str
    tau: float
    of: str
    at: str  # key of the earlier site of the chosen pair
    band: str


def at_setting(store: Store) -> selection.Setting[str]:
    """The earlier site of the pair whose band is shown; the last pair unless chosen: few survive it."""
    keys = [site.key for site in store.sites]
    return selection.choice("at", keys[:-1], keys[-2])


def born_setting(store: Store) -> selection.Setting[str]:
    """The birth site of the lifespans that are listed."""
    return selection.choice("born", ["all", *(site.key for site in store.sites)])


def read(store: Store) -> Asked:
    """The settings of the address and the session; the row in focus is read too, so that a permalink has it."""
    selection.value(SHOWN)
    first = selection.value(VIEW), selection.value(MEASURE), selection.value(TAU)
    return Asked(*first, selection.value(OF), selection.value(at_setting(store)), selection.value(BAND))


# ---- matches, kept while the app runs


def all_matches(store: Store) -> tuple[list[ByMeasure], str]:
    """The matches of adjacent sites by every admissible measure, and why directions are missing ("" where not)."""
    pairs = [(a.key, b.key) for a, b in pairwise(store.sites)]
    problem = directions_problem(store)
    measures = BOUNDED if problem else ADMISSIBLE
    return list(_matches(store, pairs, measures, "Turnover").values()), problem


def at_hand(store: Store) -> bool:
    """Whether all adjacent sites have been counted, so that nobody has to wait long."""
    return all(pair_path(store, a.key, b.key).is_file() for a, b in pairwise(store.sites))


def matches_across(store: Store, measure: str, gap: int) -> dict[tuple[str, str], Matches]:
    """The matches of all pairs that `returns` looks at, by one measure."""
    pairs = pairs_for_returns([site.key for site in store.sites], gap)
    found = _matches(store, pairs, (measure,), "Pairs of sites across gaps", nulls=False)
    return {pair: by[measure] for pair, by in found.items()}


def directions_problem(store: Store) -> str:
    """Why decoder cosine cannot be had for all adjacent sites; "" where it can."""
    from core.statistics.data_free import require_one_space

    try:
        for a, b in pairwise(store.sites):
            require_one_space(store, a.key, b.key)
    except NO_DIRECTIONS as error:
        return error.what
    return ""


def _matches(
    store: Store, pairs: Sequence[tuple[str, str]], measures: Sequence[str], words: str, *, nulls: bool = True
) -> dict[tuple[str, str], ByMeasure]:
    def work(progress: Progress, cancelled: Callable[[], bool], notice: Notice) -> dict[tuple[str, str], ByMeasure]:
        found = {}
        for k, pair in enumerate(pairs):

            def within(share: float, k: int = k) -> None:
                progress((k + 0.8 * share) / len(pairs), k)

            found[pair] = matches_by_measure(
                store, *pair, measures, nulls=nulls, progress=within, cancelled=cancelled, notice=notice
            )
            progress((k + 1) / len(pairs), k + 1)
        return found

    return wait_for((store.fingerprint, tuple(pairs), tuple(measures), nulls), work, words, "pairs of sites")


# ---- words

WAITING = "Every feature of each site is counted against every one of the next, once: the result is kept on disk."


def turnover_title(asked: Asked, told: Sequence[Turnover]) -> str:
    """What is passed on where most and where least is, plain text."""
    known = [step for step in told if step.alive_from]
    if not known:
        return "No feature of this store is alive: nothing is passed on"

    def share(step: Turnover) -> float:
        return step.share if asked.of == "alive" else step.raw_share

    most, least = max(known, key=share), min(known, key=share)
    first, second = sorted((most, least), key=told.index)
    every = "" if asked.of == "alive" else "all "
    one = f"{rounded(share(first))} of {every}site {first.source}’s features are still there at site {first.target}"
    if first is second:
        return one
    return f"{one}, {rounded(share(second))} of site {second.source}’s at site {second.target}"


def turnover_words(asked: Asked, told: Sequence[Turnover]) -> str:
    """How it is computed, and what chance gives."""
    known = [step for step in told if not math.isnan(step.passed_by_chance)]
    alive, chance = sum(step.alive_from for step in known), sum(step.passed_by_chance for step in known)
    by_chance = f"{100 * chance / alive:.2g}%" if alive and chance else "none" if known else "an unknown share"
    return (
        f"A feature is passed on where its best match among the next site’s alive features has a "
        f"{measure_name(asked.measure)} of {asked.tau:g} or more, else it ends; by chance {by_chance} would be. "
        "Dead features (never active) and rare ones (on fewer than 10 tokens) are counted apart."
    )


def colours(theme: str) -> dict[str, str]:
    """The quiet colours of Plotly figures."""
    parts = {"text": palette.TEXT, "quiet": palette.QUIET, "line": palette.LINE, "accent": palette.ACCENT}
    return {name: both[theme] for name, both in parts.items()}
