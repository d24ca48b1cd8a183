"""A link that is asked for is in the graph, told apart, and changes nothing else of it."""

from __future__ import annotations

import json
import math

import networkx as nx
import pytest

from core.analyses.asked_link import asked_link, followed, with_link
from core.analyses.evolution import evolution_graph
from core.analyses.export import edge_table, to_graphml, to_json
from core.analyses.neighbours import StoreLinks
from core.store import Store
from core.values import Feature
from core.views.graph import DOTTED, picture
from core.views.layout import layout
from core.views.svg import svg


def walk(store: Store, seed: str = "0_0", **settings: object) -> nx.DiGraph:
    given = {"per_step": 1, "floor": 0.12, "up": 1, "down": 1} | settings
    return evolution_graph(StoreLinks(store), [Feature.parse(seed)], **given)  # type: ignore[arg-type]


def with_asked(store: Store, graph: nx.DiGraph, source: str, target: str) -> nx.DiGraph:
    return with_link(StoreLinks(store), graph, Feature.parse(source), Feature.parse(target))


def test_a_link_that_was_followed_needs_no_asking(random_store: Store) -> None:
    graph = walk(random_store)
    (ends,) = graph.edges
    assert with_asked(random_store, graph, *ends) is graph
    assert asked_link(graph) == ""


@pytest.mark.parametrize(
    ("source", "target", "settings", "why"),
    [
        ("0_0", "1_7", {}, "is below the floor"),
        ("0_7", "1_8", {}, "is below the floor"),
        ("0_0", "2_0", {}, "its sites are not next to each other"),
        ("0_0", "0_1", {}, "both features are of one site"),
        ("0_0", "1_3", {}, "is undefined"),
        ("0_1", "1_1", {"min_both": 5000, "floor": 0.0}, "tokens only"),
        ("0_1", "1_2", {}, "not among the links that are followed"),
        ("0_0", "1_0", {"down": 0}, "not among the links that are followed"),
        ("0_0", "1_7", {"measure": "decoder_cosine", "down": 0, "up": 0}, "decoder"),
    ],
)
def test_any_other_is_taken_in_with_a_word_why(
    random_store: Store, source: str, target: str, settings: dict[str, object], why: str
) -> None:
    bare = walk(random_store, **settings)
    before = nx.node_link_data(bare, edges="links")
    graph = with_asked(random_store, bare, source, target)
    assert why in graph.edges[source, target]["asked"]
    assert asked_link(graph).startswith(f"Dotted: the link {source} → {target}, which was asked for; ")
    assert nx.node_link_data(bare, edges="links") == before
    assert nx.utils.graphs_equal(followed(graph), bare)
    assert {node for node, data in graph.nodes(data=True) if "asked" in data} == {source, target} - set(bare)
    assert (
        graph.nodes[target] | {"key": target[0], "index": int(target[2]), "site": int(target[0])} == graph.nodes[target]
    )
    # It is drawn, and all else where and as it was.
    at, there = layout(bare), layout(graph)
    assert all(there[node] == pytest.approx(at[node], abs=0.2) for node in at)
    assert all(math.isfinite(y) for _, y in there.values())
    old = {edge["id"]: edge for edge in picture(bare, {}, {}).edges}
    drawn = {edge["id"]: edge for edge in picture(graph, {}, {}).edges}
    assert drawn.pop(f"{source},{target}")["dashes"] == DOTTED
    assert drawn == old  # as thick as before
    assert svg(picture(graph, {}, {})).count('stroke-dasharray="2 4"') == 1
    # It travels along.
    assert set(edge_table(graph)["asked"]) == {graph.edges[source, target]["asked"]} | ({""} if bare.edges else set())
    assert "asked" not in edge_table(bare).columns
    assert json.loads(to_json(graph))["links"]
    assert nx.parse_graphml(to_graphml(graph)).edges[source, target]["asked"]


def test_a_link_without_a_value_is_listed_last(random_store: Store) -> None:
    graph = with_asked(random_store, walk(random_store, down=2, per_step=2), "0_0", "1_3")
    assert edge_table(graph)["target"][-1] == "1_3"
