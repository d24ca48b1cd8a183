"""The most similar features of any other site, upstream or downstream, by any measure (`Links` over a store)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.errors import BadArgument
from core.statistics.data_free import pair_values, row_values
from core.statistics.measures import all_measures, measure_function
from core.statistics.ranking import rank
from core.statistics.rows import pair_counts, two_feature_counts
from core.store import Store
from core.values import DATA_FREE, Feature, Link, PairCounts, Site, likeness


class StoreLinks:
    """Links answered by the store itself, one feature at a time, in milliseconds; implements `core.values.Links`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     links = StoreLinks(plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b}))
    ...     found = links.neighbours(Feature("1", 0), "0", "jaccard", top=5)
    >>> [(str(link.source), str(link.target), link.measures["jaccard"]) for link in found]
    [('0_0', '1_0', 1.0), ('0_1', '1_0', 0.0)]
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def sites(self) -> Sequence[Site]:
        """Sites in the order of the forward pass."""
        return self.store.sites

    def neighbours(
        self, feature: Feature, to: str, measure: str, top: int, min_both: int = 0, activity: float = 0.0
    ) -> list[Link]:
        """The `top` links between `feature` and site `to` by `measure`, best first (DESIGN 4, "Ranking").

        A dead feature has none. Links by a measure of weights carry it beside the others. Raises `UnknownSite`,
        `UnknownFeature`, `BadArgument` and `StoreDamaged`; by a measure of weights also `SpacesDiffer` and
        `NothingRecorded`.
        """
        feature = self.store.feature(feature)
        more = {measure: row_values(self.store, measure, feature, to)} if measure in DATA_FREE else {}
        function = measure_function(measure) if not more else None
        counts = pair_counts(self.store, feature, to, activity)
        values = function(counts) if function else more[measure]
        candidates = np.asarray(self.store.summary(to).active) > 0
        if to == feature.key:
            candidates[feature.index] = False
        if not self.store.summary(feature.key).active[feature.index]:
            candidates[:] = False
        chosen = rank(likeness(measure, values), counts.n_both, top, candidates, min_both)
        more = {name: row[chosen] for name, row in more.items()}
        return links_of(self.store, feature, to, chosen, take(counts, chosen), more)

    def link(self, source: Feature, target: Feature, activity: float = 0.0, weights: str = "") -> Link:
        """The link of two features, in whichever order they are given; raises `BadArgument` for one with itself.

        A measure of weights named by `weights` stands beside the others; where it cannot be had, `SpacesDiffer` and
        `NothingRecorded`.
        """
        source, target = different(self.store, source, target)
        found = link_of(source, target, two_feature_counts(self.store, source, target, activity))
        if not weights:
            return found
        ends = source.key, target.key, np.array([source.index]), np.array([target.index])
        value = float(pair_values(self.store, weights, *ends)[0])
        return replace(found, measures={**found.measures, weights: value})


def different(store: Store, a: Feature, b: Feature) -> tuple[Feature, Feature]:
    """The two features as (source, target); raises `BadArgument` where they are the same."""
    source, target = store.order(store.feature(a), store.feature(b))
    if source == target:
        raise BadArgument(f"{source} is given twice", "choose two different features")
    return source, target


def take(counts: PairCounts, chosen: np.ndarray) -> PairCounts:
    """The pair counts of some of the pairs, every field an array of their number.

    >>> take(PairCounts(9, 1, np.array([4, 5]), np.array([0, 1]), 1, 1, 1, 1, 1), np.array([1])).n_target.tolist()
    [5]
    """
    shape = np.shape(counts.n_both)
    fields = {f: getattr(counts, f) for f in PairCounts.__dataclass_fields__ if f != "n"}
    return PairCounts(n=counts.n, **{f: _each_of(value, shape)[chosen] for f, value in fields.items()})


def _each_of(value: Any, shape: tuple[int, ...]) -> np.ndarray:
    found = np.asarray(value)
    return found if found.shape == shape else np.broadcast_to(found, shape)


def links_of(
    store: Store,
    feature: Feature,
    to: str,
    others: np.ndarray,
    counts: PairCounts,
    more: Mapping[str, Any] | None = None,
) -> list[Link]:
    """Links of `feature` with the features `others` of site `to`; `counts` and `more` measures have one entry each."""
    found = all_measures(counts) | dict(more or {})
    columns = {name: np.asarray(values).tolist() for name, values in found.items()}
    numbers = [np.asarray(getattr(counts, name)).tolist() for name in ("n_source", "n_target", "n_both")]
    links = []
    for e, index in enumerate(others.tolist()):
        source, target = store.order(feature, Feature(to, index))
        measures = {name: column[e] for name, column in columns.items()}
        links.append(Link(source, target, measures, counts.n, *(column[e] for column in numbers)))
    return links


def link_of(source: Feature, target: Feature, counts: PairCounts) -> Link:
    """A link from scalar pair counts."""
    measures = {name: float(value) for name, value in all_measures(counts).items()}
    return Link(source, target, measures, counts.n, int(counts.n_source), int(counts.n_target), int(counts.n_both))
