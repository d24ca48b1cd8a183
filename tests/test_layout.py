"""Positions: one column a site, no overlaps, the same every time, and calm under expanding."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest

from core.views.layout import COLUMN, ROW, crossings, layout


def random_graph(seed: int, sites: int = 6, width: int = 12, links: int = 3) -> nx.DiGraph:
    rng = np.random.default_rng(seed)
    graph = nx.DiGraph()
    for site in range(sites):
        for index in range(int(rng.integers(1, width))):
            graph.add_node(f"{site}_{index}", site=site, seed=site == 2 and index == 0)
    for node, data in list(graph.nodes(data=True)):
        later = [other for other, more in graph.nodes(data=True) if more["site"] == data["site"] + 1]
        for other in rng.permutation(later)[:links]:
            graph.add_edge(node, str(other), weight=float(rng.uniform(0.3, 1)))
    return graph


def heights(positions: dict[str, tuple[float, float]]) -> dict[str, float]:
    return {node: y for node, (_, y) in positions.items()}


@pytest.mark.parametrize("seed", range(8))
def test_columns_do_not_overlap_and_the_layout_is_repeatable(seed: int) -> None:
    graph = random_graph(seed)
    positions = layout(graph)
    for site in range(6):
        column = sorted(y for node, (_, y) in positions.items() if graph.nodes[node]["site"] == site)
        assert all(b - a >= ROW - 0.2 for a, b in itertools.pairwise(column))
    assert all(x == graph.nodes[node]["site"] * COLUMN for node, (x, _) in positions.items())
    assert positions["2_0"][1] == 0
    assert layout(graph) == positions


def test_sweeps_leave_fewer_crossings_than_the_order_of_discovery() -> None:
    sums = [0.0, 0.0]
    for seed in range(8):
        graph = random_graph(seed, width=8, links=2)
        sums[0] += crossings(graph, heights(layout(graph)))
        sums[1] += crossings(
            graph,
            {
                node: data["index"] if "index" in data else int(node.split("_")[1])
                for node, data in graph.nodes(data=True)
            },
        )
    assert sums[0] < 0.6 * sums[1]


def test_two_chains_that_start_crossed_come_out_straight() -> None:
    graph = nx.DiGraph([("0_0", "1_1"), ("0_1", "1_0"), ("1_1", "2_0"), ("1_0", "2_1")])
    for node in graph:
        graph.nodes[node]["site"] = int(node[0])
    y = heights(layout(graph))
    assert y["0_0"] == y["1_1"] == y["2_0"] != y["0_1"] == y["1_0"] == y["2_1"]


def test_expanding_keeps_the_order_and_mostly_the_place() -> None:
    graph = random_graph(3)
    before = layout(graph)
    grown = graph.copy()
    for index in (50, 51):
        grown.add_node(f"4_{index}", site=4, wave=1)
        grown.add_edge("3_0", f"4_{index}", weight=0.9)
    after = layout(grown)
    for site in range(6):
        nodes = [node for node in graph if graph.nodes[node]["site"] == site]
        assert sorted(nodes, key=lambda n: before[n][1]) == sorted(nodes, key=lambda n: after[n][1])
        if site != 4:
            assert all(abs(before[node][1] - after[node][1]) < 1 for node in nodes)


def test_an_empty_graph_has_no_positions_and_a_lone_seed_stands_at_zero() -> None:
    assert layout(nx.DiGraph()) == {}
    lone = nx.DiGraph()
    lone.add_node("3_7", site=3, seed=True)
    assert layout(lone) == {"3_7": (3 * COLUMN, 0.0)}
