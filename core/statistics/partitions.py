"""Partitions of a weighted graph: Leiden and Louvain by modularity, and how much two partitions agree.

A partition is int64 [nodes]: the part of each node. Links are undirected, each once, without loops. Parts are numbered
by size, the largest 0; of equals the one with the smallest node comes first, so that a partition has one form only.

>>> ends = np.array([0, 0, 1, 3, 3, 4]), np.array([1, 2, 2, 4, 5, 5])
>>> partition(6, *ends, np.ones(6), "leiden").tolist(), partition(6, *ends, np.ones(6), "louvain").tolist()
([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1])
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.errors import BadArgument

METHODS = ("leiden", "louvain")
LIBRARIES = {"leiden": "graspologic-native", "louvain": "networkx"}
"""Whose version a kept partition depends on."""
ITERATIONS = 4
"""Of Leiden's cycle; each begins with what the one before left. Beyond four, modularity stayed to five digits."""


def partition(
    n: int,
    source: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    method: str = "leiden",
    resolution: float = 1.0,
    seed: int = 42,
) -> np.ndarray:
    """The parts of n nodes that Leiden or Louvain finds for Σ_c (W_c/m − γ (k_c/2m)²), γ the resolution.

    W_c is the weight of the links within part c, k_c the weight at its nodes (a link counts at both), m that of all
    links. `source`, `target` int [links], `weight` float [links] above 0. The same arguments give the same parts; a
    node without links is a part of its own. Raises `BadArgument`. Traag, Waltman, van Eck 2019 (Leiden; here
    graspologic-native); Blondel et al. 2008 (Louvain; here networkx).
    """
    check(method, resolution, seed)
    if n == 0 or len(weight) == 0:
        return np.arange(n, dtype=np.int64)
    order = np.lexsort((target, source))
    run = _FUNCTIONS[method]
    return numbered(run(n, source[order], target[order], np.asarray(weight, np.float64)[order], resolution, seed))


def check(method: str, resolution: float, seed: int) -> None:
    """Raise `BadArgument` for what cannot be searched for."""
    if method not in METHODS:
        raise BadArgument(f"there is no method {method!r}", f"choose one of {', '.join(METHODS)}")
    if not (np.isfinite(resolution) and resolution > 0):
        raise BadArgument(f"resolution {resolution} is not above 0", "choose 1, or more for smaller communities")
    if not 0 <= seed < 2**32:
        raise BadArgument(f"seed {seed} is out of range", f"choose a whole number from 0 to {2**32 - 1}")


def numbered(parts: np.ndarray) -> np.ndarray:
    """The same parts, numbered by size and then by their smallest node.

    >>> numbered(np.array([7, 3, 3, 9])).tolist()
    [1, 0, 0, 2]
    """
    _, first, inverse, sizes = np.unique(parts, return_index=True, return_inverse=True, return_counts=True)
    place = np.empty(len(sizes), np.int64)
    place[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return place[inverse]


def _leiden(
    n: int, source: np.ndarray, target: np.ndarray, weight: np.ndarray, resolution: float, seed: int
) -> np.ndarray:
    from graspologic_native import leiden_csr

    rows, columns = np.concatenate([source, target]), np.concatenate([target, source])
    order = np.lexsort((columns, rows))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(rows, minlength=n))])
    _, found = leiden_csr(
        offsets.astype(np.int64), columns[order].astype(np.int32), np.concatenate([weight, weight])[order], n,
        resolution=float(resolution), iterations=ITERATIONS, use_modularity=True, seed=int(seed),
    )  # fmt: skip
    parts = np.arange(n, 2 * n)
    parts[list(found)] = list(found.values())
    return parts


def _louvain(
    n: int, source: np.ndarray, target: np.ndarray, weight: np.ndarray, resolution: float, seed: int
) -> np.ndarray:
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from(zip(source.tolist(), target.tolist(), weight.tolist(), strict=True))
    parts = np.empty(n, np.int64)
    for part, nodes in enumerate(nx.community.louvain_communities(graph, resolution=resolution, seed=seed)):
        parts[list(nodes)] = part
    return parts


_FUNCTIONS: dict[str, Callable[..., np.ndarray]] = {"leiden": _leiden, "louvain": _louvain}


# ---- what a partition is worth


def within_and_at(
    parts: np.ndarray, source: np.ndarray, target: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(W_c, k_c), float64 [parts]: the weight of the links within each part, and the weight at its nodes."""
    n = int(parts.max(initial=-1)) + 1
    inside = parts[source] == parts[target]
    within = np.bincount(parts[source[inside]], weight[inside], minlength=n)
    at = np.bincount(parts[source], weight, minlength=n) + np.bincount(parts[target], weight, minlength=n)
    return within, at


def modularity_shares(within: np.ndarray, at: np.ndarray, resolution: float = 1.0) -> np.ndarray:
    """What each part adds to the modularity: W_c/m − γ (k_c/2m)²; NaN without links.

    >>> modularity_shares(np.array([3.0, 3.0]), np.array([6.0, 6.0])).tolist()
    [0.25, 0.25]
    """
    twice = at.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * within / twice - resolution * np.square(at / twice)


# ---- how much two partitions agree


def adjusted_rand_index(a: np.ndarray, b: np.ndarray) -> float:
    """(R − E) / (max − E) over pairs of nodes: 1 for the same partition, 0 on average by chance (Hubert, Arabie 1985).

    R counts the pairs that lie together in both. Two partitions into single nodes, or of no nodes, are the same: 1.

    >>> same, other = np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])
    >>> adjusted_rand_index(same, other), round(adjusted_rand_index(same, np.array([0, 1, 0, 1])), 2)
    (1.0, -0.5)
    """
    both = _pairs(_overlaps(a, b)[2])
    first, second = _pairs(np.unique(a, return_counts=True)[1]), _pairs(np.unique(b, return_counts=True)[1])
    possible = len(a) * (len(a) - 1) / 2
    expected = first * second / possible if possible else 0.0
    most = (first + second) / 2
    return float((both - expected) / (most - expected)) if most > expected else 1.0


def best_overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """For each part of `a` the largest |A ∩ B| / |A ∪ B| with a part of `b`, float64 [parts of a] (parts numbered 0..).

    >>> best_overlaps(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])).round(2).tolist()
    [0.67, 0.67]
    """
    of_a, of_b, n_both = _overlaps(a, b)
    sizes_a, sizes_b = np.bincount(a), np.bincount(b)
    best = np.zeros(len(sizes_a))
    np.maximum.at(best, of_a, n_both / (sizes_a[of_a] + sizes_b[of_b] - n_both))
    return best


def _overlaps(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(part of a, part of b, nodes in both) of all that have any."""
    base = int(b.max(initial=0)) + 1
    codes, n_both = np.unique(a.astype(np.int64) * base + b, return_counts=True)
    return codes // base, codes % base, n_both


def _pairs(sizes: np.ndarray) -> float:
    return float((sizes.astype(np.float64) * (sizes - 1)).sum() / 2)
