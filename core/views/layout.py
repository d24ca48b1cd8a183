"""Where features stand in a picture: one column a site, in each column the order with few crossings.

The layout depends on the graph alone (barycentre sweeps, then positions near the neighbours' without overlap), and
expanding moves as little as it can: what an expansion brought in is laid in afterwards, wave by wave.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import networkx as nx

COLUMN = 168.0
"""Distance of two sites, in canvas units."""
ROW = 54.0
"""Smallest distance of two features of one site."""
SWEEPS = 12
HELD = 1_000.0
"""How much more a feature that already has its place weighs against one that is new."""

Position = tuple[float, float]


def layout(graph: nx.DiGraph, column: float = COLUMN, row: float = ROW) -> dict[str, Position]:
    """x and y of every node; x is ``site * column``, nodes of one site are at least `row` apart.

    Nodes need ``site`` and may have ``wave`` (see `evolution_graph`); edges need ``weight``. The centre of the seeds
    is at y = 0. A link that is there because it was ``asked`` for hardly moves what is there without it.

    >>> graph = nx.DiGraph([("0_1", "1_0"), ("0_0", "1_0")])
    >>> for node in graph: graph.nodes[node]["site"] = int(node[0])
    >>> layout(graph)
    {'0_1': (0.0, -27.0), '1_0': (168.0, 0.0), '0_0': (0.0, 27.0)}
    """
    graph = _moving(graph)
    waves = defaultdict(list)
    for node, data in graph.nodes(data=True):
        waves[data.get("wave", 0)].append(node)
    heights: dict[str, float] = {}
    for wave in sorted(waves):
        part = graph.subgraph([*heights, *waves[wave]])
        heights = _lay_in(part, [*heights, *waves[wave]], heights, row)
    seeds = [heights[node] for node, data in graph.nodes(data=True) if data.get("seed")] or list(heights.values())
    middle = sum(seeds) / len(seeds) if seeds else 0.0
    return {node: (graph.nodes[node]["site"] * column, round(heights[node] - middle, 1)) for node in graph}


def crossings(graph: nx.DiGraph, heights: Mapping[str, float]) -> float:
    """Pairs of edges between the same two sites that cross, each weighed by the thinner one."""
    total = 0.0
    between = defaultdict(list)
    for source, target, data in graph.edges(data=True):
        sites = graph.nodes[source]["site"], graph.nodes[target]["site"]
        between[sites].append((heights[source], heights[target], _pull(data)))
    for edges in between.values():
        for i, (a, b, weight) in enumerate(edges):
            total += sum(min(weight, other) for c, d, other in edges[:i] if (a - c) * (b - d) < 0)
    return total


def _lay_in(graph: nx.DiGraph, nodes: Sequence[str], held: Mapping[str, float], row: float) -> dict[str, float]:
    """Heights of all nodes; those in `held` keep their order and, as far as there is room, their place."""
    near = {node: _neighbours(graph, node) for node in nodes}
    columns = defaultdict(list)
    for node in nodes:
        columns[graph.nodes[node]["site"]].append(node)
    heights = dict(held)
    for site in _from_the_middle(columns, held, graph):
        _settle(columns[site], heights, near, held, row)
    if held:
        return heights
    best, fewest = heights, crossings(graph, heights)
    for sweep in range(SWEEPS):
        heights = dict(heights)
        for site in sorted(columns, reverse=bool(sweep % 2)):
            _settle(columns[site], heights, near, held, row)
        count = crossings(graph, heights)
        if count < fewest or (count == fewest and sweep >= SWEEPS - 2):
            best, fewest = heights, count
    return best


def _neighbours(graph: nx.DiGraph, node: str) -> list[tuple[str, float]]:
    around = [(source, data) for source, _, data in graph.in_edges(node, data=True)]
    around += [(target, data) for _, target, data in graph.out_edges(node, data=True)]
    return [(other, _pull(data)) for other, data in around]


def _moving(graph: nx.DiGraph) -> nx.DiGraph:
    """The graph without a link that was asked for between two features that are there without it."""

    def counts(source: str, target: str) -> bool:
        new = "asked" in graph.nodes[source] or "asked" in graph.nodes[target]
        return new or "asked" not in graph.edges[source, target]

    return nx.subgraph_view(graph, filter_edge=counts)


def _pull(edge: Mapping[str, float]) -> float:
    """How much a link counts: its weight; next to nothing where that is undefined or below 0."""
    weight = float(edge.get("weight", 1.0))
    return weight if weight > 1e-6 else 1e-6


def _from_the_middle(columns: Mapping[int, list[str]], held: Mapping[str, float], graph: nx.DiGraph) -> list[int]:
    """Sites in the order of their distance from the seeds (or from what is already laid)."""
    known = [graph.nodes[node]["site"] for site in columns.values() for node in site if graph.nodes[node].get("seed")]
    known = known or [graph.nodes[node]["site"] for node in held] or [min(columns)]
    return sorted(columns, key=lambda site: (min(abs(site - other) for other in known), site))


def _settle(
    column: Sequence[str],
    heights: dict[str, float],
    near: Mapping[str, list[tuple[str, float]]],
    held: Mapping[str, float],
    row: float,
) -> None:
    """Move the nodes of one column to the weighted mean of their neighbours' heights, at least `row` apart."""
    wanted = {}
    for place, node in enumerate(column):
        around = [(heights[other], weight) for other, weight in near[node] if other in heights]
        mean = sum(h * w for h, w in around) / sum(w for _, w in around) if around else heights.get(node, place * row)
        wanted[node] = held.get(node, mean)
    before = {node: (heights.get(node, wanted[node]), place) for place, node in enumerate(column)}
    order = sorted(column, key=lambda node: (round(wanted[node], 6), before[node]))
    weights = [HELD if node in held else 1.0 for node in order]
    spread = spaced([wanted[node] for node in order], weights, row)
    heights.update(zip(order, spread, strict=True))


def spaced(wanted: Sequence[float], weights: Sequence[float], gap: float) -> list[float]:
    """Rising values at least `gap` apart, nearest to `wanted` in weighted least squares (pool adjacent violators).

    >>> spaced([0.0, 0.0, 10.0], [1, 1, 1], 4)
    [-2.0, 2.0, 10.0]
    """
    pools: list[tuple[float, float, int]] = []  # mean of wanted − place · gap, weight, size
    for place, (value, weight) in enumerate(zip(wanted, weights, strict=True)):
        pool = (value - place * gap, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, other, size = pools.pop()
            pool = ((mean * other + pool[0] * pool[1]) / (other + pool[1]), other + pool[1], size + pool[2])
        pools.append(pool)
    flat = [mean for mean, _, size in pools for _ in range(size)]
    return [mean + place * gap for place, mean in enumerate(flat)]
