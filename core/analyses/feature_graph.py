"""The weighted graph of features: every link of a measure at or above a floor, as arrays.

`core.analyses.store_graph` makes it from a store and from halves of its documents; here it comes from any `Links`, or
from an edge table such as ``edges`` writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl

from core.errors import BadArgument
from core.statistics.measures import check_reach, measure_function
from core.values import DATA_FREE, MIN_ACTIVE, Feature, Links, about


@dataclass(frozen=True)
class FeatureGraph:
    """Features with a link, in the order of (site, index), and their links in the order of (source, target)."""

    keys: tuple[str, ...]  # all sites in forward order, also those without a link
    site: np.ndarray  # int64 [nodes], place in `keys`
    index: np.ndarray  # int64 [nodes]
    source: np.ndarray  # int64 [links], node of the earlier site
    target: np.ndarray  # int64 [links]
    weight: np.ndarray  # float64 [links], the measure

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The nodes as features."""
        return tuple(Feature(self.keys[s], i) for s, i in zip(self.site.tolist(), self.index.tolist(), strict=True))

    def places(self, other: FeatureGraph) -> np.ndarray:
        """Where this graph's nodes are in another one of the same sites, int64 [nodes]; −1 where they are not."""
        mine, theirs = (graph.site << 40 | graph.index for graph in (self, other))
        place = np.searchsorted(theirs, mine)
        found = place < len(theirs)
        found[found] = theirs[place[found]] == mine[found]
        return np.where(found, place, -1)


Block = tuple[int, int, np.ndarray, np.ndarray, np.ndarray]
"""Links of one pair of sites: places of the two sites, indices of sources and targets, weights."""


def assemble(keys: Sequence[str], blocks: Iterable[Block]) -> FeatureGraph:
    """One graph of the links of several pairs of sites.

    Of a link that is given twice the larger weight counts; a feature is not linked with itself.

    >>> graph = assemble("012", [(1, 2, np.array([4]), np.array([0]), np.array([0.5]))])
    >>> [str(feature) for feature in graph.features], graph.source.tolist(), graph.target.tolist()
    (['1_4', '2_0'], [0], [1])
    """
    given = [block for block in blocks if len(block[4])]
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    coded = [(a << 40 | i.astype(np.int64), b << 40 | j.astype(np.int64), w) for a, b, i, j, w in given]
    ends, others, weight = (np.concatenate(parts) for parts in zip(empty, *coded, strict=True))
    apart = ends != others
    source, target, weight = np.minimum(ends, others)[apart], np.maximum(ends, others)[apart], weight[apart]
    order = np.lexsort((-weight, target, source))
    source, target, weight = source[order], target[order], weight[order]
    new = (np.diff(source, prepend=-1) != 0) | (np.diff(target, prepend=-1) != 0)
    source, target, weight = source[new], target[new], weight[new]
    nodes, place = np.unique(np.concatenate([source, target]), return_inverse=True)
    m = len(source)
    return FeatureGraph(
        tuple(keys),
        nodes >> 40,
        nodes & ((1 << 40) - 1),
        place[:m].astype(np.int64),
        place[m:].astype(np.int64),
        weight,
    )


def check_floor(measure: str | None, floor: float) -> None:
    """Raise `BadArgument` for a measure or a floor that gives no weights."""
    if measure in DATA_FREE:
        if about(measure).lower_is_better:
            raise BadArgument(f"by {measure} there are no links above a floor", "choose decoder_cosine")
    elif measure is not None:
        measure_function(measure)
    check_reach(floor, (measure,) if measure else ())
    if not (np.isfinite(floor) and floor >= 0):
        raise BadArgument(f"floor {floor:g} cannot be: weights of links are positive", "choose 0 or more, such as 0.1")


# ---- from anything else


def table_graph(frame: pl.DataFrame, measure: str = "jaccard", floor: float = 0.1) -> FeatureGraph:
    """The graph of an edge table with the columns ``source``, ``target`` (``KEY_INDEX``) and one named as the measure.

    Sites stand in the order of their keys: numbers by value, then the others by name. Raises `BadArgument` where a
    column is missing, `UnknownFeature` for an end that is no feature.
    """
    if missing := [name for name in ("source", "target", measure) if name not in frame.columns]:
        raise BadArgument(f"the edge table has no column {missing[0]!r}", f"its columns are {', '.join(frame.columns)}")
    check_floor(None, floor)
    frame = frame.filter((pl.col(measure) >= floor) & (pl.col(measure) > 0) & pl.col(measure).is_finite())
    ends = {name: [Feature.parse(text) for text in frame[name].to_list()] for name in ("source", "target")}
    keys = sorted({f.key for features in ends.values() for f in features}, key=_by_number)
    place = {key: position for position, key in enumerate(keys)}
    both = zip(ends["source"], ends["target"], strict=True)
    table = np.array([(place[a.key], place[b.key], a.index, b.index) for a, b in both], np.int64).reshape(-1, 4)
    weights = frame[measure].cast(pl.Float64).to_numpy()
    blocks = []
    for a, b in sorted(set(map(tuple, table[:, :2].tolist()))):
        of = (table[:, 0] == a) & (table[:, 1] == b)
        blocks.append((a, b, table[of, 2], table[of, 3], weights[of]))
    return assemble(keys, blocks)


def links_graph(
    links: Links, measure: str = "jaccard", floor: float = 0.1, activity: float = 0.0, min_both: int = MIN_ACTIVE
) -> FeatureGraph:
    """The graph of any `Links` between adjacent sites, feature by feature; for a store, `store_graph` is faster."""
    blocks = []
    for place, (a, b) in enumerate(pairwise(links.sites)):
        found = [
            (link.source.index, link.target.index, link.measures[measure])
            for i in range(a.d_sae)
            for link in links.neighbours(Feature(a.key, i), b.key, measure, b.d_sae, min_both, activity)
            if link.measures[measure] >= floor and link.measures[measure] > 0
        ]
        i, j, w = (np.array(column) for column in (zip(*found, strict=True) if found else ((), (), ())))
        blocks.append((place, place + 1, i.astype(np.int64), j.astype(np.int64), w.astype(np.float64)))
    return assemble([site.key for site in links.sites], blocks)


def _by_number(key: str) -> tuple[bool, float, str]:
    """
    >>> sorted(["10", "2.mid", "2", "x"], key=_by_number)
    ['2', '2.mid', '10', 'x']
    """
    head = key.partition(".")[0].partition("@")[0]
    return not head.isdecimal(), float(head) if head.isdecimal() else 0.0, key
