"""Which measures a store can be asked for: those of activations always, those of weights where weights allow them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from core.statistics.data_free import missing
from core.store import Store
from core.values import DATA_FREE, GRAPH_MEASURES, MEASURES
from ui import selection


def of_pair(store: Store, source: str, target: str) -> tuple[str, ...]:
    """What two sites can be compared by."""
    return (*MEASURES, *(name for name in DATA_FREE if not missing(store, name, source, target)))


def of_features(store: Store) -> tuple[str, ...]:
    """What a feature can be compared with those of some other site by, or with those of its own where it is alone."""
    pairs = list(combinations([site.key for site in store.sites], 2)) or [(store.sites[0].key, store.sites[0].key)]
    return (*MEASURES, *(name for name in DATA_FREE if any(not missing(store, name, *pair) for pair in pairs)))


def of_graphs(store: Store) -> tuple[str, ...]:
    """What links of all adjacent sites can be followed by; where less is better there is no floor to reach."""
    pairs = list(pairwise(site.key for site in store.sites))
    weights = [name for name in GRAPH_MEASURES if name in DATA_FREE and pairs]
    return (*MEASURES, *(name for name in weights if all(not missing(store, name, *pair) for pair in pairs)))


def setting(options: Sequence[str]) -> selection.Setting[str]:
    """The measure, out of those that there are."""
    return selection.choice("measure", options)
