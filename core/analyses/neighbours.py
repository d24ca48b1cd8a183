"""The most similar features of any other site, upstream or downstream, by any measure (`Links` over a store)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import BadArgument
from core.results import pair_path, read_pair
from core.statistics.measures import MEASURE_FUNCTIONS, all_measures, measure_function, mutual_information
from core.statistics.pairs import PairLinks, in_order
from core.statistics.ranking import rank
from core.statistics.rows import active_counts, pair_counts, two_feature_counts
from core.store import Store
from core.values import Feature, Link, PairCounts, Site


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

        A dead feature has none. Raises `UnknownSite`, `UnknownFeature`, `BadArgument` and `StoreDamaged`.
        """
        function = measure_function(measure)
        feature = self.store.feature(feature)
        counts = pair_counts(self.store, feature, to, activity)
        candidates = np.asarray(self.store.summary(to).active) > 0
        if to == feature.key:
            candidates[feature.index] = False
        if not self.store.summary(feature.key).active[feature.index]:
            candidates[:] = False
        chosen = rank(function(counts), counts.n_both, top, candidates, min_both)
        return links_of(self.store, feature, to, chosen, take(counts, chosen))

    def link(self, source: Feature, target: Feature, activity: float = 0.0) -> Link:
        """The link of two features, in whichever order they are given; raises `BadArgument` for one with itself."""
        source, target = different(self.store, source, target)
        return link_of(source, target, two_feature_counts(self.store, source, target, activity))


class CachedLinks(StoreLinks):
    """Links from pairs that were computed before, and from the store where there are none; the same numbers either way.

    A kept pair holds the best `top` of each feature among those it is ever active together with. It answers only where
    no other feature can come before them; `_settled` says when.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._pairs: dict[tuple[str, str, float], tuple[PairLinks, np.ndarray] | None] = {}

    def neighbours(
        self, feature: Feature, to: str, measure: str, top: int, min_both: int = 0, activity: float = 0.0
    ) -> list[Link]:
        """As those of `StoreLinks`."""
        feature, function = self.store.feature(feature), measure_function(measure)
        kept = self._pair(feature.key, to, activity)
        if kept is not None and 0 < top < kept[0].top and not min_both:
            pair, by_target = kept
            chosen = _links_with(pair, by_target, feature)
            counts = pair.counts(self.store, chosen)
            others = (pair.targets if feature.key == pair.source else pair.sources)[chosen]
            values = function(counts)
            best = rank(values, counts.n_both, top)
            if len(best) == top and self._settled(feature, to, measure, activity, float(values[best[-1]])):
                return links_of(self.store, feature, to, others[best], take(counts, best))
        return super().neighbours(feature, to, measure, top, min_both, activity)

    def _settled(self, feature: Feature, to: str, measure: str, activity: float, worst: float) -> bool:
        """Whether no feature that is never active together with `feature` can be as good as `worst`.

        For those, Pearson is negative and the other measures are 0, but for mutual information, which grows with how
        often the other one is active, and is largest for the site's densest.
        """
        if measure != "mutual_information":
            return worst > 0
        active = int(active_counts(self.store, feature.key, activity)[feature.index])
        densest = int(active_counts(self.store, to, activity).max(initial=0))
        apart = PairCounts(self.store.n, active, min(densest, self.store.n - active), 0, 0, 0, 0, 0, 0)
        return worst > float(mutual_information(apart))

    def _pair(self, a: str, b: str, activity: float) -> tuple[PairLinks, np.ndarray] | None:
        """The kept pair of two sites and the order of its links by target, read once."""
        if a == b:
            return None
        key = (*in_order(self.store, a, b), activity)
        if self._pairs.get(key) is None:
            found = read_pair(pair_path(self.store, *key), self.store)
            self._pairs[key] = None if found is None else (found, np.argsort(found.targets, kind="stable"))
        return self._pairs[key]


def _links_with(pair: PairLinks, by_target: np.ndarray, feature: Feature) -> np.ndarray:
    """Which of a pair's links have `feature`; the other ends rise."""
    if feature.key == pair.source:
        return np.arange(*np.searchsorted(pair.sources, (feature.index, feature.index + 1)))
    return by_target[slice(*np.searchsorted(pair.targets, (feature.index, feature.index + 1), sorter=by_target))]


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
    return PairCounts(n=counts.n, **{f: np.broadcast_to(value, shape)[chosen] for f, value in fields.items()})


def links_of(store: Store, feature: Feature, to: str, others: np.ndarray, counts: PairCounts) -> list[Link]:
    """Links of `feature` with the features `others` of site `to`; `counts` has one entry for each."""
    columns = {name: np.asarray(values).tolist() for name, values in all_measures(counts).items()}
    numbers = [np.asarray(getattr(counts, name)).tolist() for name in ("n_source", "n_target", "n_both")]
    links = []
    for e, index in enumerate(others.tolist()):
        source, target = store.order(feature, Feature(to, index))
        measures = {name: columns[name][e] for name in MEASURE_FUNCTIONS}
        links.append(Link(source, target, measures, counts.n, *(column[e] for column in numbers)))
    return links


def link_of(source: Feature, target: Feature, counts: PairCounts) -> Link:
    """A link from scalar pair counts."""
    measures = {name: float(value) for name, value in all_measures(counts).items()}
    return Link(source, target, measures, counts.n, int(counts.n_source), int(counts.n_target), int(counts.n_both))
