"""The partition of a feature graph and how much of it comes back, as arrays: what the cache keeps of communities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.analyses.feature_graph import FeatureGraph
from core.statistics.partitions import adjusted_rand_index, best_overlaps, numbered, partition
from core.values import MIN_ACTIVE

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
class Stability:
    """How much of a partition comes back (the top of `communities` says how it is measured); NaN where unknown."""

    over_seeds: np.ndarray  # float64 [parts]
    over_halves: np.ndarray  # float64 [parts]
    agreement_seeds: float  # mean adjusted Rand index with the partitions of other seeds
    agreement_halves: float  # adjusted Rand index of the halves' partitions


def partition_of(graph: FeatureGraph, method: str = "leiden", resolution: float = 1.0, seed: int = 42) -> np.ndarray:
    """The part of each feature, int64 [nodes]; see `statistics.partitions.partition`."""
    return partition(len(graph.site), graph.source, graph.target, graph.weight, method, resolution, seed)


def stability_of(
    graph: FeatureGraph,
    parts: np.ndarray,
    method: str = "leiden",
    resolution: float = 1.0,
    seed: int = 42,
    halves: Sequence[FeatureGraph] = (),
    runs: int = RUNS,
) -> Stability:
    """How much of `parts` comes back with `runs` other seeds, and in the graphs of two halves of the documents.

    >>> graph = FeatureGraph(("0", "1"), *np.array([[0, 0, 1], [0, 1, 0]]), *np.array([[0, 1], [2, 2]]), np.ones(2))
    >>> stability_of(graph, partition_of(graph), halves=(graph, graph)).over_halves.tolist()
    [1.0]
    """
    others = [partition_of(graph, method, resolution, (seed + 1 + run) % 2**32) for run in range(runs)]
    halved = [restricted(graph, half, partition_of(half, method, resolution, seed)) for half in halves]
    return Stability(
        _mean_overlap(parts, others),
        _mean_overlap(parts, halved),
        float(np.mean([adjusted_rand_index(parts, other) for other in others])) if others else math.nan,
        adjusted_rand_index(halved[0], halved[1]) if len(halved) == 2 else math.nan,
    )


def restricted(graph: FeatureGraph, half: FeatureGraph, parts: np.ndarray) -> np.ndarray:
    """The partition of another graph on this graph's features, int64 [nodes]; one that is not there is alone."""
    place = graph.places(half)
    alone = len(half.site) + np.arange(len(place))
    return numbered(np.where(place >= 0, np.append(parts, -1)[place], alone))


def _mean_overlap(parts: np.ndarray, others: Sequence[np.ndarray]) -> np.ndarray:
    """The mean best overlap of each part with the parts of other partitions, float64 [parts]; NaN without any."""
    n = int(parts.max(initial=-1)) + 1
    return np.mean([best_overlaps(parts, other) for other in others], axis=0) if others else np.full(n, math.nan)
