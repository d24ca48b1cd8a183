"""The answers behind the Measures page, kept on disk or while the app runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl
import streamlit as st

from core.analyses.agreement import (
    Agreement,
    Kept,
    agreement,
    disagreements,
    distribution_table,
    kept_links,
    with_weights,
)
from core.analyses.agreement_tables import disagreement_table, label_pairs, scatter_table
from core.analyses.convergence import Convergence, error_table, tokens_table
from core.analyses.kept_measures import kept_apart, kept_convergence, kept_seen
from core.analyses.maxima import maximum_table
from core.analyses.unseen import Seen, apart_table, late_features
from core.errors import Cancelled
from core.labels import Labels
from core.results import Notice, pair_links
from core.statistics.pairs import PairLinks
from core.store import Store
from core.values import DATA_FREE
from ui import selection
from ui.measures_page import LOW, Asked
from ui.text import measure_name
from ui.waiting import Progress, is_kept, wait_for

WIDEST = 20
BAR = 2  # bins a bar of the histogram


@dataclass(frozen=True)
class Computed:
    """A pair, its kept links with enough data, and what parts of the documents make of both."""

    fingerprint: str  # the store's
    pair: PairLinks
    kept: Kept
    sampled: Convergence
    seen: Seen


@dataclass(frozen=True)
class Errors:
    """How far measures of so many sampled links are from their full value: by common tokens, and by all tokens."""

    links: int
    by_both: pl.DataFrame
    by_tokens: pl.DataFrame


WAITING = "Every feature of the one is counted against every one of the other, once: the result is kept on disk."


def is_at_hand(store: Store, asked: Asked) -> bool:
    """Whether nobody would wait for `compute`: it has been computed while the app runs."""
    return is_kept(_key(store, asked))


def _key(store: Store, asked: Asked) -> tuple:
    return "measures", store.fingerprint, asked.source, asked.target, asked.activity


def compute(store: Store, asked: Asked) -> Computed:
    """The pair, from the cache folder or computed, and its links on parts of the documents; kept while the app runs."""

    def work(progress: Progress, cancelled: Callable[[], bool], notice: Notice) -> Computed:
        pair, _ = pair_links(
            store, asked.source, asked.target, asked.activity,
            progress=lambda share: progress(0.6 * share), cancelled=cancelled, notice=notice,
        )  # fmt: skip
        kept = kept_links(store, pair)
        sampled = kept_convergence(
            store, kept, asked.activity, report=_told(progress, cancelled, 0.6, 0.2), notice=notice
        )
        seen = kept_seen(store, asked.source, asked.target, report=_told(progress, cancelled, 0.8, 0.2), notice=notice)
        return Computed(store.fingerprint, pair, kept, sampled, seen)

    words = f"Every feature of site {asked.source} against every feature of site {asked.target}"
    return _weighed(store, asked, wait_for(_key(store, asked), work, words))


def _told(
    progress: Progress, cancelled: Callable[[], bool], start: float = 0.0, size: float = 1.0
) -> Callable[[int, int], None]:
    """A report of (done, of) within a part of the work, which raises where that was stopped."""

    def report(done: int, of: int) -> None:
        if cancelled():
            raise Cancelled("the work was stopped", "open the page again")
        progress(start + size * done / max(1, of))

    return report


def _weighed(store: Store, asked: Asked, of: Computed) -> Computed:
    """With those of the two measures that come from weights, on the kept links."""
    names = tuple(dict.fromkeys(name for name in (asked.first, asked.second) if name in DATA_FREE))
    if not names:
        return of
    key = ("weights", store.fingerprint, asked.source, asked.target, asked.activity, names)
    words = f"{' and '.join(map(measure_name, names))} of {len(of.kept):,} links"

    def work(progress: Progress, cancelled: Callable[[], bool], notice: Notice) -> Kept:
        return with_weights(store, of.kept, names, report=_told(progress, cancelled))

    return replace(of, kept=wait_for(key, work, words, on_disk=False))


@dataclass(frozen=True)
class Compared:
    """Two measures over the kept links: the scatter, its squares as rows, and the links widest apart, with places."""

    both: Agreement
    squares: pl.DataFrame
    widest: pl.DataFrame
    places: tuple[int, ...]  # none where there is nothing to disagree on


def compare(store: Store, labels: Labels, asked: Asked, of: Computed) -> Compared:
    """The two measures over the kept links."""
    key = (store.fingerprint, len(labels), asked.source, asked.target, asked.activity, asked.first, asked.second)
    return _compare(key, of, labels, asked.first, asked.second)


@st.cache_resource(max_entries=64, show_spinner=False)
def _compare(key: tuple, _of: Computed, _labels: Labels, first: str, second: str) -> Compared:
    both = agreement(_of.kept, first, second)
    places = disagreements(_of.kept, first, second, WIDEST).tolist() if first != second else []
    widest = disagreement_table(_of.kept, first, second, _labels, WIDEST)
    return Compared(both, scatter_table(_of.kept, both), widest, tuple(places))


def errors(store: Store, asked: Asked, of: Computed) -> Errors:
    """How far measures on parts of the documents are from their full value."""
    return _errors((store.fingerprint, asked.source, asked.target, asked.activity), of)


@st.cache_resource(max_entries=64, show_spinner=False)
def _errors(key: tuple, _of: Computed) -> Errors:
    return Errors(len(_of.sampled.places), error_table(_of.sampled), tokens_table(_of.sampled))


def behind(store: Store, labels: Labels, asked: Asked) -> pl.DataFrame:
    """The pairs or features that the chosen part of the documents has not shown."""
    what, part = asked.unseen
    key = ("unseen", store.fingerprint, len(labels), asked.source, asked.target, what, part)

    def work(progress: Progress, cancelled: Callable[[], bool], notice: Notice) -> pl.DataFrame:
        report = _told(progress, cancelled)
        if what == "pairs":
            found = kept_apart(store, asked.source, asked.target, part, report=report, notice=notice)
            return apart_table(found, labels, asked.source, asked.target)
        return late_features(store, labels, what, part, report=report)

    words = "Pairs that never fire together" if what == "pairs" else f"Features of site {what}"
    return wait_for(key, work, words, on_disk=what == "pairs")


@st.cache_resource(max_entries=16, show_spinner=False)
def maxima(fingerprint: str, _store: Store) -> pl.DataFrame:
    """The spread of maximum activations, site by site."""
    return maximum_table(_store)


def histogram_of(of: Computed, measure: str) -> pl.DataFrame:
    """One measure's distribution."""
    return distribution_table(of.pair).filter(pl.col("measure") == measure).drop("measure")


def range_of(of: Computed, asked: Asked) -> tuple[float, float]:
    """The values of the chosen bar, or all."""
    if not asked.low:
        return -1.0, float("inf")
    edges, low = histogram_of(of, asked.spread), float(asked.low)
    starts = edges["low"].to_list()[::BAR]
    why = f"the bars go from {starts[0]:g} to {edges['high'][-1]:g}"
    selection.settle(LOW.name, starts[0] <= low <= edges["high"][-1], why, "all values")
    place = min(range(len(starts)), key=lambda k: abs(starts[k] - low))
    return starts[place], edges["high"][min(place * BAR + BAR - 1, len(edges) - 1)]


def drawn_pairs(labels: Labels, asked: Asked, of: Computed) -> pl.DataFrame:
    """Names of both ends at different values of a measure, or within the chosen bar."""
    low, high = range_of(of, asked)
    key = (of.fingerprint, len(labels), asked.source, asked.target, asked.activity)
    return _drawn_pairs(key, asked.spread, low, high, asked.low != "", of, labels)


@st.cache_resource(max_entries=64, show_spinner=False)
def _drawn_pairs(
    key: tuple, measure: str, low: float, high: float, one: bool, _of: Computed, _labels: Labels
) -> pl.DataFrame:
    return label_pairs(_of.kept, _labels, measure, low, high, bins=1 if one else 10, each=14 if one else 2)
