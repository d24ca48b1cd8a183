"""What the Measures page asks and keeps: the pair of sites, the two measures, the link in focus; its Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import streamlit as st

from core.analyses.agreement import (
    Agreement,
    Kept,
    agreement,
    disagreement_table,
    disagreements,
    distribution_table,
    kept_links,
    label_pairs,
    with_weights,
)
from core.analyses.convergence import Convergence, Seen, convergence, maximum_table, seen_by_then
from core.errors import Cancelled
from core.labels import Labels
from core.results import pair_links
from core.statistics.pairs import PairLinks
from core.store import Store
from core.values import DATA_FREE, MEASURES, Feature
from ui import measure_choice, selection
from ui.clicks import link_ends
from ui.go import lead_to
from ui.setup import Page
from ui.share import path_told
from ui.text import measure_name
from ui.waiting import wait_for

ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
SPREAD = selection.choice("spread", MEASURES, "pearson")
LOW = selection.text("low", longest=20)
LINK = selection.text(selection.LINK, longest=160)
WIDEST = 20
BAR = 2  # bins a bar of the histogram


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


@dataclass(frozen=True)
class Computed:
    """A pair, its kept links with enough data, and what parts of the documents make of both."""

    pair: PairLinks
    kept: Kept
    sampled: Convergence
    seen: Seen


def site_settings(store: Store) -> tuple[selection.Setting[str], selection.Setting[str]]:
    """The earlier and the later site; the middle of the model unless chosen."""
    keys = [site.key for site in store.sites]
    middle = max(0, (len(keys) - 1) // 2)
    first = selection.choice("from", keys[:-1], keys[min(middle, len(keys) - 2)])
    return first, selection.choice("to", keys[1:], keys[min(middle + 1, len(keys) - 1)])


def measure_settings(store: Store, source: str, target: str) -> tuple[selection.Setting[str], selection.Setting[str]]:
    """The two measures, out of those by which the two sites can be compared."""
    options = measure_choice.of_pair(store, source, target)
    return selection.choice("first", options, "pearson"), selection.choice("second", options, "sufficiency")


def read(store: Store) -> Asked:
    """The settings of the address and the session; a later site that is none becomes the next one."""
    first, second = site_settings(store)
    source, target = selection.value(first), selection.value(second)
    if store.site(source).position >= store.site(target).position:
        target = store.sites[store.site(source).position + 1].key
        selection.put(second, target)
    measures = [selection.value(setting) for setting in measure_settings(store, source, target)]
    activity = selection.value(ACTIVITY)
    return Asked(source, target, measures[0], measures[1], activity, selection.value(SPREAD), selection.value(LOW))


# ---- answers, kept while the app runs


def compute(store: Store, asked: Asked) -> Computed:
    """The pair, from the cache folder or computed, and its links on parts of the documents; kept while the app runs."""
    key = ("measures", store.fingerprint, asked.source, asked.target, asked.activity)

    def work(progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Computed:
        def part(start: float, size: float) -> Callable[[int, int], None]:
            def report(done: int, total: int) -> None:
                if cancelled():
                    raise Cancelled("convergence was stopped", "open the page again")
                progress(start + size * done / max(1, total))

            return report

        pair, _ = pair_links(
            store, asked.source, asked.target, asked.activity,
            progress=lambda share: progress(0.6 * share), cancelled=cancelled,
        )  # fmt: skip
        kept = kept_links(store, pair)
        sampled = convergence(store, kept, asked.activity, report=part(0.6, 0.2))
        return Computed(pair, kept, sampled, seen_by_then(store, asked.source, asked.target, report=part(0.8, 0.2)))

    words = f"Every feature of site {asked.source} against every feature of site {asked.target}"
    return _weighed(store, asked, wait_for(key, work, words))


def _weighed(store: Store, asked: Asked, of: Computed) -> Computed:
    """With those of the two measures that come from weights, on the kept links."""
    names = tuple(dict.fromkeys(name for name in (asked.first, asked.second) if name in DATA_FREE))
    if not names:
        return of
    key = ("weights", store.fingerprint, asked.source, asked.target, asked.activity, names)
    words = f"{' and '.join(map(measure_name, names))} of {len(of.kept):,} links"
    return replace(of, kept=wait_for(key, lambda progress, cancelled: with_weights(store, of.kept, names), words))


def agree(store: Store, asked: Asked, of: Computed) -> Agreement:
    """The two measures over the kept links."""
    key = (store.fingerprint, asked.source, asked.target, asked.activity, asked.first, asked.second)
    return _agree(key, of, asked.first, asked.second)


@st.cache_resource(max_entries=64, show_spinner=False)
def _agree(key: tuple, _of: Computed, first: str, second: str) -> Agreement:
    return agreement(_of.kept, first, second)


@st.cache_resource(max_entries=16, show_spinner=False)
def maxima(fingerprint: str, _store: Store) -> pl.DataFrame:
    """The spread of maximum activations, site by site."""
    return maximum_table(_store)


def widest(labels: Labels, asked: Asked, of: Computed) -> pl.DataFrame:
    """The links on which the two measures disagree most."""
    return disagreement_table(of.kept, asked.first, asked.second, labels, WIDEST)


def histogram_of(of: Computed, measure: str) -> pl.DataFrame:
    """One measure's distribution."""
    return distribution_table(of.pair).filter(pl.col("measure") == measure).drop("measure")


def range_of(of: Computed, asked: Asked) -> tuple[float, float]:
    """The values of the chosen bar, or all."""
    edges = histogram_of(of, asked.spread)
    try:
        low = float(asked.low)
    except ValueError:
        return -1.0, float("inf")
    starts = edges["low"].to_list()[::BAR]
    place = min(range(len(starts)), key=lambda k: abs(starts[k] - low))
    return starts[place], edges["high"][min(place * BAR + BAR - 1, len(edges) - 1)]


def drawn_pairs(labels: Labels, asked: Asked, of: Computed) -> pl.DataFrame:
    """Names of both ends at different values of a measure, or within the chosen bar."""
    low, high = range_of(of, asked)
    one = asked.low != ""
    return label_pairs(of.kept, labels, asked.spread, low, high, bins=1 if one else 10, each=14 if one else 2)


# ---- the link in focus


def in_focus(store: Store, asked: Asked, frame: pl.DataFrame) -> str:
    """The chosen link where it is one of these two sites, else the widest disagreement; "" for none."""
    ends = link_ends(selection.value(LINK))
    features = [Feature.parse(end) for end in ends]
    ours = [feature.key for feature in features] == [asked.source, asked.target]
    if ours and all(feature.index < store.site(feature.key).d_sae for feature in features):
        return ",".join(ends)
    return f"{frame['source'][0]},{frame['target'][0]}" if len(frame) else ""


def ring_places(of: Computed, asked: Asked) -> list[int]:
    """Places of the widest disagreements among the kept links; none where there is nothing to disagree on."""
    if asked.first == asked.second:
        return []
    return [int(place) for place in disagreements(of.kept, asked.first, asked.second, WIDEST)]


def place_of(of: Computed, link: str) -> int:
    """The place of a link among the kept ones, -1 where it is not kept."""
    if not link:
        return -1
    source, target = (Feature.parse(end).index for end in link_ends(link))
    found = np.flatnonzero((of.kept.sources == source) & (of.kept.targets == target))
    return int(found[0]) if len(found) else -1


def to_feature(feature: str) -> None:
    """Go on to a feature's own page; for callbacks."""
    selection.choose(selection.FEATURE, str(feature))
    selection.drop(selection.LINK)
    lead_to("feature")


def show_link(source: Feature | str, target: Feature | str) -> None:
    """Inspect a link; for callbacks."""
    selection.put(LINK, f"{source},{target}")


def to_evolution(link: str) -> None:
    """Go on to the Evolution page with the link marked; for callbacks."""
    selection.choose(selection.FEATURE, link_ends(link)[0])
    selection.choose(selection.LINK, link)
    lead_to("evolution")


# ---- Copy as Python


def as_python(page: Page, asked: Asked, low: float, high: float) -> str:
    """The core calls behind the page, to run as they are from the checkout; answers under names of their own."""
    one = asked.low != ""
    bounds = f", {low!r}, {high!r}, bins=1, each=14" if one else ""
    weights = [name for name in dict.fromkeys((asked.first, asked.second)) if name in DATA_FREE]
    names = " with_weights," if weights else ""
    more = f"kept = with_weights(store, kept, {weights!r})\n" if weights else ""
    return (
        "from core.analyses.agreement import (\n"
        f"    agreement, disagreement_table, distribution_table, kept_links, label_pairs,{names}\n)\n"
        "from core.analyses.convergence import convergence, error_table, maximum_table, seen_by_then, seen_table\n"
        "from core.labels import Labels\n"
        "from core.results import pair_links\n"
        "from core.store import open_store\n\n"
        f"store = open_store({path_told(page.store)!r})\n"
        "labels = Labels.beside(store)\n"
        f"pair, cached = pair_links(store, {asked.source!r}, {asked.target!r}, {asked.activity!r})\n"
        f"kept = kept_links(store, pair)\n{more}"
        f"scatter = agreement(kept, {asked.first!r}, {asked.second!r})\n"
        "distributions = distribution_table(pair)\n"
        f"pairs = label_pairs(kept, labels, {asked.spread!r}{bounds})\n"
        f"errors = error_table(convergence(store, kept, {asked.activity!r}))\n"
        f"seen = seen_table(seen_by_then(store, {asked.source!r}, {asked.target!r}))\n"
        "maxima = maximum_table(store)\n"
        f"result = disagreement_table(kept, {asked.first!r}, {asked.second!r}, labels)\n"
    )
