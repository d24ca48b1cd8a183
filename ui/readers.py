"""Cached readers: open stores are shared by all sessions, results are kept per store, and both are bounded.

Nothing here outlives a change of the file: handles are keyed by path, time and size, results by fingerprint.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import streamlit as st

from core.analyses import contexts
from core.analyses.contexts import Context, Histogram
from core.analyses.findings import Chain, best_matches, finding
from core.analyses.kept_links import MOST_BYTES, CachedLinks, KeptPairs
from core.analyses.neighbours import StoreLinks
from core.analyses.tables import site_table, with_best_links
from core.errors import NotPermitted
from core.labels import COLUMNS, Labels, labels_path
from core.library import Found
from core.paths import hosted
from core.results import pair_path, read_pair
from core.statistics.pairs import in_order
from core.store import Store, open_store
from core.values import Feature, Link


def read_store(found: Found) -> Store:
    """The store of a file; raises the named errors of `open_store`."""
    return _store(str(found.path), found.changed, found.size)


def read_labels(store: Store) -> Labels:
    """The labels beside a store; raises `BadArgument` for a file that is no label table."""
    return _labels(str(store.path), store.fingerprint, changed(labels_path(store.path)), store)


def changed(path: Path) -> int:
    """When a file was last written, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def links(store: Store) -> CachedLinks:
    """Links out of kept pairs where they are at hand, else from the store; the numbers are the same."""
    return CachedLinks(store, _kept_pairs())


@st.cache_resource(show_spinner=False)
def _kept_pairs() -> KeptPairs:
    """The kept pairs in memory, shared by all sessions; a thread of its own reads them, so that no page waits."""
    beside = ThreadPoolExecutor(1, thread_name_prefix="strata-pairs")
    return KeptPairs(beside, MOST_BYTES // 4 if hosted() else MOST_BYTES)


def no_labels(store: Store) -> Labels:
    """What stands in for labels that cannot be read."""
    return Labels(store, pl.DataFrame(schema=COLUMNS))


@dataclass(frozen=True)
class Reading:
    """A store with its labels, and the questions whose answers are worth keeping."""

    store: Store
    labels: Labels

    @property
    def links(self) -> StoreLinks:
        """Neighbours and links, out of kept pairs where they are at hand."""
        return links(self.store)

    def neighbours(
        self, feature: Feature, to: str, measure: str, top: int = 10, min_both: int = 0, activity: float = 0.0
    ) -> list[Link]:
        """As `StoreLinks.neighbours`."""
        return _neighbours(self.store.fingerprint, self.links, feature, to, measure, top, min_both, activity)

    def best_matches(self, feature: Feature, measure: str) -> list[Link | None]:
        """The best link with each site, None at the feature's own."""
        return _best_matches(self.store.fingerprint, self.links, feature, measure)

    def histogram(self, feature: Feature) -> Histogram:
        """How the activations spread, for a card."""
        return _histogram(self.store.fingerprint, self.store, feature)

    def strongest(self, feature: Feature, n: int, window: int = contexts.WINDOW) -> tuple[Context, ...]:
        """The strongest contexts."""
        return _strongest(self.store.fingerprint, self.store, feature, n, window)

    def sampled(
        self, feature: Feature, n: int, window: int = contexts.WINDOW
    ) -> dict[tuple[float, float], tuple[Context, ...]]:
        """Contexts of all strengths, by band of quantiles."""
        return _sampled(self.store.fingerprint, self.store, feature, n, window)

    def site_table(self, key: str, to: str = "") -> pl.DataFrame:
        """One row a feature of a site, with its best link at site `to` where that pair has been computed."""
        table = _site_table(self.store.fingerprint, self.store, self.labels, key, len(self.labels))
        path = self.kept_pair(key, to)
        if path is None:
            return table
        found = _best_links(str(path), changed(path), key, len(self.labels), table, self.store)
        return table if found is None else found

    def kept_pair(self, key: str, to: str) -> Path | None:
        """The file of a computed pair of sites, if it is there."""
        if not to or to == key:
            return None
        try:
            path = pair_path(self.store, *in_order(self.store, key, to))
        except NotPermitted:  # there is no cache folder: nothing is kept
            return None
        return path if path.is_file() else None

    def hints(self, key: str) -> list[str]:
        """The characteristic tokens of all features of a site."""
        return _hints(self.store.fingerprint, key, self.labels)

    def finding(self) -> Chain | None:
        """What Home tells of this store."""
        return _finding(self.store.fingerprint, self.links, self.labels)


@st.cache_resource(max_entries=16, show_spinner=False)
def _store(path: str, changed: int, size: int) -> Store:
    return open_store(Path(path))


@st.cache_resource(max_entries=16, show_spinner=False)
def _labels(path: str, fingerprint: str, changed: int, _store: Store) -> Labels:
    return Labels.beside(_store)


@st.cache_data(max_entries=1024, show_spinner=False)
def _neighbours(
    fingerprint: str,
    _links: StoreLinks,
    feature: Feature,
    to: str,
    measure: str,
    top: int,
    min_both: int,
    activity: float,
) -> list[Link]:
    return _links.neighbours(feature, to, measure, top, min_both, activity)


@st.cache_data(max_entries=512, show_spinner=False)
def _best_matches(fingerprint: str, _links: StoreLinks, feature: Feature, measure: str) -> list[Link | None]:
    return best_matches(_links, feature, measure)


@st.cache_data(max_entries=512, show_spinner=False)
def _histogram(fingerprint: str, _store: Store, feature: Feature) -> Histogram:
    return contexts.activation_histogram(_store, feature, bins=24)


@st.cache_data(max_entries=256, show_spinner=False)
def _strongest(fingerprint: str, _store: Store, feature: Feature, n: int, window: int) -> tuple[Context, ...]:
    return contexts.strongest(_store, feature, n, window)


@st.cache_data(max_entries=256, show_spinner=False)
def _sampled(
    fingerprint: str, _store: Store, feature: Feature, n: int, window: int
) -> dict[tuple[float, float], tuple[Context, ...]]:
    return contexts.sampled(_store, feature, n, window=window)


@st.cache_resource(max_entries=16, show_spinner=False)
def _site_table(fingerprint: str, _store: Store, _labels: Labels, key: str, n_labels: int) -> pl.DataFrame:
    return site_table(_store, _labels, key)  # frames are immutable: sharing one is safe


@st.cache_resource(max_entries=16, show_spinner=False)
def _best_links(
    path: str, changed: int, key: str, labels: int, _table: pl.DataFrame, _store: Store
) -> pl.DataFrame | None:
    found = read_pair(Path(path), _store)
    return None if found is None else with_best_links(_table, found, _store, key)


@st.cache_data(max_entries=64, show_spinner=False)
def _hints(fingerprint: str, key: str, _labels: Labels) -> list[str]:
    return _labels.hints(key)


@st.cache_data(max_entries=16, show_spinner=False)
def _finding(fingerprint: str, _links: StoreLinks, _labels: Labels) -> Chain | None:
    return finding(_links.store, _links, _labels)
