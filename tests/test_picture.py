"""The picture: plain data by way of pyvis, and pages and drawings in which labels are data."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import networkx as nx
import pytest

from core.analyses.story import story
from core.views.graph import picture, standalone, vis_network_script
from core.views.svg import svg

HOSTILE = [
    "<img src=x onerror=window.ran=1>",
    '<a href="javascript:window.ran=1">href</a>',
    "</script><script>window.ran=1",
]


def small(labels: list[str] = HOSTILE) -> nx.DiGraph:
    graph = nx.DiGraph(measure="pearson", floor=0.3)
    for node, label in zip(("0_1", "1_2", "1_3"), labels, strict=True):
        graph.add_node(node, key=node[0], site=int(node[0]), index=int(node[2]), label=label, seed=node == "0_1")
    graph.add_edge("0_1", "1_2", weight=1.0, enough=True)
    graph.add_edge("0_1", "1_3", weight=0.3, enough=False)
    return graph


def test_the_graph_itself_is_left_alone_and_the_data_are_plain() -> None:
    graph = small()
    before = nx.node_link_data(graph, edges="links")
    drawn = picture(graph, {"0_1": ("#d0e6ea", "#16202b")}, {"accent": "#d9711a"})
    assert nx.node_link_data(graph, edges="links") == before
    json.dumps(drawn.as_json(), allow_nan=False)
    assert [node["id"] for node in drawn.nodes] == ["0_1", "1_2", "1_3"]
    assert drawn.nodes[0]["color"]["background"] == "#d0e6ea"
    assert not any("title" in each for each in drawn.nodes + drawn.edges)
    assert {(edge["id"], edge["width"], edge["dashes"]) for edge in drawn.edges} == {
        ("0_1,1_2", 6.0, False),
        ("0_1,1_3", 1.2, True),
    }


def test_a_graph_of_seeds_alone_and_an_empty_one_can_be_drawn() -> None:
    lone = nx.DiGraph()
    lone.add_node("2_5", key="2", site=2, seed=True)
    assert [node["label"] for node in picture(lone, {}, {}).nodes] == ["2_5"]
    assert picture(nx.DiGraph(), {}, {}).nodes == []
    assert "<svg" in svg(picture(nx.DiGraph(), {}, {}))


def test_the_standalone_page_needs_no_network_and_holds_labels_as_data() -> None:
    page = standalone(picture(small(), {}, {"paper": "#ffffff"}), HOSTILE[0], HOSTILE[2])
    without = page.replace(vis_network_script(), "")
    assert "default-src 'none'" in page
    for foreign in ("<link", 'src="http', 'href="http', "cdn", "<img"):
        assert foreign not in without
    assert without.count("<script") == 3
    assert "&lt;img src=x" in page


def test_the_svg_is_well_formed_and_inert() -> None:
    tree = ElementTree.fromstring(svg(picture(small(), {}, {})))
    names = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert names <= {"svg", "rect", "text", "path"}
    assert any("<img" in (element.text or "") for element in tree.iter())


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["Lily", "Lily", "Lily"], "“Lily” at site 0 lives on in 2 features at site 1"),
        (["Lily", "Tom", "Max"], "“Lily” at site 0 spreads into “Tom” and “Max” by site 1"),
        (["Lily", "Lily", "Max"], "“Lily” at site 0 stays “Lily” in 1 of 2 features, beside “Max”, at site 1"),
        (["", "Tom", ""], "0_1 at site 0 spreads into “Tom” by site 1"),
    ],
)
def test_the_title_says_what_was_computed(labels: list[str], sentence: str) -> None:
    assert story(small(labels), "0_1") == sentence


def test_the_title_of_a_feature_without_links_and_of_one_at_the_end() -> None:
    graph = small(["Lily", "Tom", "Max"])
    assert story(graph, "1_2") == "“Tom” at site 1 gathers “Lily” from site 0"
    assert story(graph.subgraph(["0_1"]), "0_1") == "“Lily” at site 0 has no link of Pearson 0.3 or more"
