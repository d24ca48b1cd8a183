"""What a large community is made of: the same method once more, on the links within it alone.

Modularity weighs links against those of the whole graph, and so keeps together what is small beside it (the resolution
limit of Fortunato and Barthélemy 2007). Within a community its own links are the whole, and finer groups come out.
"""

from __future__ import annotations

import math

import numpy as np

from core.analyses.communities import Communities, described
from core.analyses.feature_graph import FeatureGraph
from core.analyses.grouping import Settings, Stability, partition_of
from core.analyses.keywords import words_of
from core.values import Naming

RESOLUTION = 1.0


def parts_of(found: Communities, id: int, name_of: Naming, asked: Settings) -> Communities:
    """The communities within the community `id`, by its links alone, method and seed as asked, resolution 1.

    Keywords tell one part from the other parts. How stable they are is not known: it is NaN. Raises `KeyError` where
    there is no such community.

    >>> import polars as pl
    >>> from core.analyses.communities import communities
    >>> from core.analyses.feature_graph import table_graph
    >>> from core.values import Name
    >>> ends = [(f"0_{i}", f"1_{j}", 1.0) for k in (0, 3) for i in range(k, k + 3) for j in range(k, k + 3)]
    >>> frame = pl.DataFrame([*ends, ("0_2", "1_3", 1.0)], ["source", "target", "jaccard"], orient="row")
    >>> whole = communities(table_graph(frame), resolution=0.1)
    >>> [one.size for one in whole.communities], [
    ...     one.size for one in parts_of(whole, 1, lambda feature: Name(), Settings()).communities]
    ([12], [6, 6])
    """
    if found.of(id) is None:
        raise KeyError(id)
    graph = subgraph(found.graph, found.parts == id - 1)
    parts = partition_of(graph, asked.method, RESOLUTION, asked.seed)
    unknown = np.full(int(parts.max(initial=-1)) + 1, math.nan)
    words = words_of(graph.features, name_of)
    return described(graph, parts, Stability(unknown, unknown, math.nan, math.nan), RESOLUTION, words=words)


def subgraph(graph: FeatureGraph, members: np.ndarray) -> FeatureGraph:
    """Some of the features, bool [nodes], with the links between them."""
    place = np.cumsum(members) - 1
    inside = members[graph.source] & members[graph.target]
    ends = place[graph.source[inside]], place[graph.target[inside]]
    return FeatureGraph(graph.keys, graph.site[members], graph.index[members], *ends, graph.weight[inside])
