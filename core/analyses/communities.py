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
from core.analyses.grouping import RUNS, Stability, partition_of, stability_of
from core.analyses.grouping import Settings as Settings  # the word by which communities are asked for
from core.analyses.kept_communities import kept_graph, kept_parts, kept_stability
from core.analyses.keywords import Keyword, Words, keywords, words_of
from core.analyses.store_graph import Report
from core.labels import Labels
from core.results import unheard
from core.statistics.partitions import check, modularity_shares, within_and_at
from core.store import Store
from core.values import Feature

SMALLEST = 3
"""Two linked features are a link; a community has three."""


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
            "over_seeds": self.over_seeds,
            "over_halves": self.over_halves,
            "cohesion": self.cohesion,
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
    steady = stability_of(graph, parts, method, resolution, seed, halves, runs)
    return described(graph, parts, steady, resolution, words=words, smallest=smallest)


def described(
    graph: FeatureGraph,
    parts: np.ndarray,
    steady: Stability,
    resolution: float = 1.0,
    *,
    words: Sequence[Words] | None = None,
    smallest: int = SMALLEST,
) -> Communities:
    """A partition as communities: members, keywords, cohesion, modularity, and what is known of its stability."""
    within, at = within_and_at(parts, graph.source, graph.target, graph.weight)
    shares = modularity_shares(within, at, resolution)
    told = keywords(parts.tolist(), words) if words is not None else {}
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
            over_seeds=float(steady.over_seeds[part]),
            over_halves=float(steady.over_halves[part]),
        )
        for part in range(int((sizes >= smallest).sum()))
    )
    whole = float(shares.sum()) if len(shares) else math.nan
    return Communities(graph, parts, found, whole, steady.agreement_seeds, steady.agreement_halves)


def store_communities(
    store: Store,
    labels: Labels,
    settings: Settings | None = None,
    *,
    report: Report = lambda what, share: None,
    **running: Any,
) -> Communities:
    """The communities of a store, with keywords, and stability over halves of its documents.

    What was computed before comes from the cache (`kept_communities`). `running` are ``notice``, which hears of damaged
    files, and options of `whole_pair` (threads, cancelling). Raises what `store_graph` and `communities` raise.

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
    graph = kept_graph(store, asked, report=lambda what, share: report(what, 0.4 * share), **running)
    parts = kept_parts(store, asked, graph, notice=running.get("notice", unheard))
    steady = kept_stability(
        store, asked, graph, parts, report=lambda what, share: report(what, 0.4 + 0.5 * share), **running
    )
    report("communities", 0.9)
    words = words_of(graph.features, labels.naming())
    found = described(graph, parts, steady, asked.resolution, words=words)
    report("communities", 1.0)
    return found


def store_membership(
    store: Store,
    labels: Labels | None,
    settings: Settings | None = None,
    *,
    report: Report = lambda what, share: None,
    **running: Any,
) -> Communities:
    """The same communities without their stability, which takes most of the time: enough to colour by.

    Without labels they have no keywords.
    """
    asked = settings or Settings()
    check(asked.method, asked.resolution, asked.seed)
    graph = kept_graph(store, asked, report=lambda what, share: report(what, 0.9 * share), **running)
    parts = kept_parts(store, asked, graph, notice=running.get("notice", unheard))
    unknown = np.full(int(parts.max(initial=-1)) + 1, math.nan)
    words = None if labels is None else words_of(graph.features, labels.naming())
    return described(graph, parts, Stability(unknown, unknown, math.nan, math.nan), asked.resolution, words=words)
