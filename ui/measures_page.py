"""What the Measures page asks: the pair of sites, the two measures, the link in focus; its Python."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.analyses.agreement import Kept
from core.analyses.convergence import SHARES
from core.statistics.measures import COMPILED
from core.store import Store
from core.values import DATA_FREE, Feature
from ui import feature_choice, inspector, measure_choice, selection, site_choice
from ui.clicks import link_ends
from ui.go import lead_to
from ui.setup import Page
from ui.share import path_told

ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
SPREAD = selection.choice("spread", COMPILED, "pearson")
LOW = selection.Setting("low", "", lambda text: text and str(_finite(text)), instead=lambda: "all values")
UNSEEN = selection.text("unseen", longest=40)


ALL = ("pairs", len(SHARES) - 1)
"""The mark of the pairs that no token has shown."""


@dataclass(frozen=True)
class Asked:
    """What the page is about."""

    source: str
    target: str
    first: str
    second: str
    activity: float
    spread: str
    low: str = ""  # where the chosen bar begins; "": all values
    unseen: tuple[str, int] = ALL  # what was not seen in which part: pairs, or a site's features


def measure_settings(store: Store, source: str, target: str) -> tuple[selection.Setting[str], selection.Setting[str]]:
    """The two measures, out of those by which the two sites can be compared."""
    options = measure_choice.of_pair(store, source, target)
    return selection.choice("first", options, "pearson"), selection.choice("second", options, "sufficiency")


def read(store: Store) -> Asked:
    """The settings of the address and the session."""
    source, target = site_choice.read(store)
    measures = [selection.value(setting) for setting in measure_settings(store, source, target)]
    activity, spread, low = selection.value(ACTIVITY), selection.value(SPREAD), selection.value(LOW)
    chosen = selection.value(UNSEEN)
    unseen = _part(chosen, (source, target))
    why = "it is no mark of these two sites"
    selection.settle(UNSEEN.name, not chosen or unseen is not None, why, "what no token has shown")
    return Asked(source, target, measures[0], measures[1], activity, spread, low, unseen or ALL)


def _part(text: str, keys: tuple[str, str]) -> tuple[str, int] | None:
    """What was not seen in which part; None where the text names no mark.

    >>> _part("3,0", ("3", "4")), _part("pairs,2", ("3", "4")), _part("9,1", ("3", "4"))
    (('3', 0), ('pairs', 2), None)
    """
    what, _, part = text.rpartition(",")
    return (what, int(part)) if what in ("pairs", *keys) and part in map(str, range(len(SHARES))) else None


def _finite(text: str) -> float:
    """A number; raises ValueError for what is none.

    >>> _finite("0.25")
    0.25
    """
    with suppress(ValueError):
        if math.isfinite(found := float(text)):
            return found
    raise ValueError("it is no number")


# ---- the link in focus


def in_focus(store: Store, asked: Asked, frame: pl.DataFrame) -> str:
    """The chosen link where it is one of these two sites, else the widest disagreement; "" for none."""
    chosen = selection.value(feature_choice.link(store, "the widest disagreement"))
    widest = f"{frame['source'][0]},{frame['target'][0]}" if len(frame) else ""
    ours = [Feature.parse(end).key for end in link_ends(chosen)] == [asked.source, asked.target]
    why = f"it is no link of sites {asked.source} and {asked.target}"
    selection.settle(selection.LINK, not chosen or ours, why, widest)
    return chosen if ours else widest


def place_of(kept: Kept, link: str) -> int:
    """The place of a link among the kept ones, -1 where it is not kept."""
    if not link:
        return -1
    source, target = (Feature.parse(end).index for end in link_ends(link))
    found = np.flatnonzero((kept.sources == source) & (kept.targets == target))
    return int(found[0]) if len(found) else -1


def to_feature(feature: str) -> None:
    """Go on to a feature's own page; for callbacks."""
    selection.choose(selection.FEATURE, str(feature))
    selection.drop(selection.LINK)
    lead_to("feature")


def show_link(source: Feature | str, target: Feature | str) -> None:
    """Inspect a link; for callbacks."""
    selection.choose(selection.LINK, f"{source},{target}")


def to_evolution(link: str) -> None:
    """Go on to the Evolution page with the link marked; for callbacks."""
    selection.choose(selection.FEATURE, link_ends(link)[0])
    selection.choose(selection.LINK, link)
    lead_to("evolution")


# ---- Copy as Python


def as_python(page: Page, asked: Asked, low: float, high: float, link: str = "") -> str:
    """The core calls behind the page, to run as they are from the checkout; answers under the names of downloads."""
    bounds = f", {low!r}, {high!r}, bins=1, each=14" if asked.low != "" else ""
    weights = [name for name in dict.fromkeys((asked.first, asked.second)) if name in DATA_FREE]
    names = ", with_weights" if weights else ""
    more = f"kept = with_weights(store, kept, {weights!r})\n" if weights else ""
    what, part = asked.unseen
    of = f"{asked.source!r}, {asked.target!r}" if what == "pairs" else repr(what)
    imports, report = inspector.as_python(link, asked.activity)
    feature = "from core.values import Feature\n" if link else ""
    listed = "never_together" if what == "pairs" else "late_features"
    return (
        f"from core.analyses.agreement import agreement, distribution_table, kept_links{names}\n"
        "from core.analyses.agreement_tables import disagreement_table, label_pairs, scatter_table\n"
        f"from core.analyses.convergence import convergence, error_table, tokens_table\n{imports}"
        "from core.analyses.maxima import maximum_table\n"
        f"from core.analyses.unseen import {listed}, seen_by_then, seen_table\n"
        "from core.labels import Labels\n"
        "from core.results import pair_links\n"
        f"from core.store import open_store\n{feature}\n"
        f"store = open_store({path_told(page.store)!r})\n"
        "labels = Labels.beside(store)\n"
        f"pair, cached = pair_links(store, {asked.source!r}, {asked.target!r}, {asked.activity!r})\n"
        f"kept = kept_links(store, pair)\n{more}"
        f"scatter = scatter_table(kept, agreement(kept, {asked.first!r}, {asked.second!r}))\n"
        "distributions = distribution_table(pair)\n"
        f"pairs_of_names = label_pairs(kept, labels, {asked.spread!r}{bounds})\n"
        f"sampled = convergence(store, kept, {asked.activity!r})\n"
        'errors_by_common_tokens, errors_by_tokens = (t(sampled).drop("place") for t in (error_table, tokens_table))\n'
        f"seen = seen_table(seen_by_then(store, {asked.source!r}, {asked.target!r}))\n"
        f"not_seen = {listed}(store, labels, {of}, {part})\n"
        f"maximum_activations = maximum_table(store)\n{report}"
        f"{asked.first}_against_{asked.second} = disagreement_table(kept, {asked.first!r}, {asked.second!r}, labels)\n"
    )
