"""Communities of the feature graph: groups of features, over several sites, that are linked among themselves.

Balcells et al. 2024, 3.4: modularity over links above 0.1 with seed 42. Here the resolution takes effect, links may be
of any measure, and each community tells how far it can be trusted:

- **cohesion**: of the weight of all links at its features, the share that stays within, 2 W_c / k_c;
- **stability over seeds**: the mean, over other seeds, of its largest |A ∩ B| / |A ∪ B| with a community found there;
- **stability over halves**: the same over two halves of the documents, links recomputed on each.

Its `stability` is the smaller of the two. For the whole partition stand adjusted Rand indices, over seeds and between
the halves (features without a link in a half are alone there).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core.analyses.feature_graph import FeatureGraph
from core.analyses.keywords import Keyword, Words, keywords, label_or_hint_of, words_of
from core.analyses.store_graph import Report, half_graphs, site_pairs, store_graph
from core.labels import Labels
from core.statistics.partitions import (
    adjusted_rand_index,
    best_overlaps,
    check,
    modularity_shares,
    numbered,
    partition,
    within_and_at,
)
from core.store import Store
from core.values import MIN_ACTIVE, Feature

SMALLEST = 3
"""Two linked features are a link; a community has three."""
RUNS = 4
"""Other seeds that a partition is compared with."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked; hashable, since results are kept by it."""

    measure: str = "jaccard"
    floor: float = 0.1
    method: str = "leiden"
    resolution: float = 1.0
    seed: int = 42
    activity: float = 0.0
    every: bool = False  # links between all pairs of sites instead of adjacent ones
    min_both: int = MIN_ACTIVE


@dataclass(frozen=True, slots=True)
class Community:
    """A group of features; `id` counts from 1, the largest first."""

    id: int
    features: tuple[Feature, ...]  # in the order of the sites
    sites: tuple[str, ...]
    keywords: tuple[Keyword, ...]
    cohesion: float
    modularity: float  # what it adds to the partition's
    over_seeds: float
    over_halves: float  # NaN where there are no halves

    @property
    def size(self) -> int:
        """How many features it has."""
        return len(self.features)

    @property
    def stability(self) -> float:
        """The smaller one of both stabilities; NaN is left out."""
        return min((v for v in (self.over_seeds, self.over_halves) if not math.isnan(v)), default=math.nan)

    def as_json(self) -> dict[str, Any]:
        """The JSON of ``communities`` (DESIGN 9); hints stand in quotes among the keywords."""
        return {
            "id": self.id,
            "size": self.size,
            "features": [str(feature) for feature in self.features],
            "sites": list(self.sites),
            "stability": self.stability,
            "keywords": [word.written for word in self.keywords],
        }


@dataclass(frozen=True)
class Communities:
    """A partition of a feature graph, and its communities of SMALLEST features or more, the largest first."""

    graph: FeatureGraph
    parts: np.ndarray  # int64 [nodes]; part p has the id p + 1
    communities: tuple[Community, ...]
    modularity: float
    agreement_seeds: float  # mean adjusted Rand index with the partitions of other seeds
    agreement_halves: float  # adjusted Rand index of the halves' partitions; NaN without halves

    @cached_property
    def membership(self) -> dict[Feature, int]:
        """The id of each feature that is in a community."""
        return {feature: one.id for one in self.communities for feature in one.features}

    def of(self, id: int) -> Community | None:
        """The community of this id, if there is one."""
        return self.communities[id - 1] if 1 <= id <= len(self.communities) else None


def communities(
    graph: FeatureGraph,
    method: str = "leiden",
    resolution: float = 1.0,
    seed: int = 42,
    *,
    halves: Sequence[FeatureGraph] = (),
    words: Sequence[Words] | None = None,
    smallest: int = SMALLEST,
    runs: int = RUNS,
) -> Communities:
    """The communities of any feature graph. `words` are those of its features (`keywords.words_of`).

    The same arguments give the same answer. Raises `BadArgument` for a method, resolution or seed that makes no sense.

    >>> from core.analyses.feature_graph import table_graph
    >>> import polars as pl
    >>> ends = [("0_1", "1_1"), ("0_2", "1_1"), ("0_2", "1_2"), ("0_8", "1_8"), ("1_8", "2_8"), ("2_8", "3_3")]
    >>> frame = pl.DataFrame([(a, b, 0.5) for a, b in ends], ["source", "target", "jaccard"], orient="row")
    >>> [(c.id, c.sites, [str(f) for f in c.features]) for c in communities(table_graph(frame)).communities]
    [(1, ('0', '1'), ['0_1', '0_2', '1_1', '1_2']), (2, ('0', '1', '2', '3'), ['0_8', '1_8', '2_8', '3_3'])]
    """
    check(method, resolution, seed)
    parts = partition_of(graph, method, resolution, seed)
    others = [partition_of(graph, method, resolution, (seed + 1 + run) % 2**32) for run in range(runs)]
    halved = [restricted(graph, half, partition_of(half, method, resolution, seed)) for half in halves]
    within, at = within_and_at(parts, graph.source, graph.target, graph.weight)
    shares = modularity_shares(within, at, resolution)
    told = keywords(parts.tolist(), words) if words is not None else {}
    over_seeds, over_halves = _mean_overlap(parts, others), _mean_overlap(parts, halved)
    sizes = np.bincount(parts)
    members = np.split(np.argsort(parts, kind="stable"), np.cumsum(sizes)[:-1]) if len(sizes) else []
    found = tuple(
        Community(
            id=part + 1,
            features=tuple(graph.features[node] for node in members[part].tolist()),
            sites=tuple(graph.keys[site] for site in np.unique(graph.site[members[part]]).tolist()),
            keywords=told.get(part, ()),
            cohesion=float(2 * within[part] / at[part]),
            modularity=float(shares[part]),
            over_seeds=float(over_seeds[part]),
            over_halves=float(over_halves[part]),
        )
        for part in range(int((sizes >= smallest).sum()))
    )
    return Communities(
        graph,
        parts,
        found,
        float(shares.sum()) if len(shares) else math.nan,
        float(np.mean([adjusted_rand_index(parts, other) for other in others])) if others else math.nan,
        adjusted_rand_index(halved[0], halved[1]) if len(halved) == 2 else math.nan,
    )


def store_communities(
    store: Store,
    labels: Labels,
    settings: Settings | None = None,
    *,
    report: Report = lambda what, share: None,
    **running: Any,
) -> Communities:
    """The communities of a store, with keywords, and stability over halves of its documents.

    `running` are the options of `whole_pair` (threads, cancelling). Raises what `store_graph` and `communities` raise.

    >>> import tempfile, pathlib
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=3, width=16, tokens=5_000)
    >>> _ = [planting.community((0, 1, 2), size=3) for _ in range(4)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = planting.build(pathlib.Path(folder) / "c.h5")[0]
    ...     found = store_communities(store, Labels.beside(store))
    >>> [(one.size, one.sites, one.stability) for one in found.communities[:1]], len(found.communities)
    ([(9, ('0', '1', '2'), 1.0)], 4)
    """
    asked = settings or Settings()
    check(asked.method, asked.resolution, asked.seed)
    graph, halves = store_graphs(store, asked, report=lambda what, share: report(what, 0.9 * share), **running)
    report("communities", 0.9)
    words = words_of(graph.features, label_or_hint_of(labels))
    found = communities(graph, asked.method, asked.resolution, asked.seed, halves=halves, words=words)
    report("communities", 1.0)
    return found


def store_graphs(
    store: Store, settings: Settings, *, report: Report = lambda what, share: None, **running: Any
) -> tuple[FeatureGraph, tuple[FeatureGraph, ...]]:
    """The feature graph of a store and those of two halves of its documents: all that takes long, for any method."""
    of = (store, settings.measure, settings.floor, settings.activity)
    keep = {"pairs": site_pairs(store, settings.every), "min_both": settings.min_both, **running}
    graph = store_graph(*of, report=lambda what, share: report(what, 0.4 * share), **keep)
    return graph, half_graphs(*of, report=lambda what, share: report(what, 0.4 + 0.6 * share), **keep)


def partition_of(graph: FeatureGraph, method: str = "leiden", resolution: float = 1.0, seed: int = 42) -> np.ndarray:
    """The part of each feature, int64 [nodes]; see `statistics.partitions.partition`."""
    return partition(len(graph.site), graph.source, graph.target, graph.weight, method, resolution, seed)


def restricted(graph: FeatureGraph, half: FeatureGraph, parts: np.ndarray) -> np.ndarray:
    """The partition of another graph on this graph's features, int64 [nodes]; one that is not there is alone."""
    place = graph.places(half)
    alone = len(half.site) + np.arange(len(place))
    return numbered(np.where(place >= 0, np.append(parts, -1)[place], alone))


def _mean_overlap(parts: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """The mean best overlap of each part with the parts of other partitions, float64 [parts]; NaN without any."""
    n = int(parts.max(initial=-1)) + 1
    return np.mean([best_overlaps(parts, other) for other in others], axis=0) if others else np.full(n, math.nan)
