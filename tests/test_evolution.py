"""The evolution graph on a hand-worked net of twelve features, and on planted stores with and without links."""

from __future__ import annotations

import json

import networkx as nx
import pytest

from core.analyses.evolution import evolution_graph, what_was_pruned
from core.analyses.export import edge_table, to_graphml, to_json, with_labels
from core.errors import BadArgument, UnknownSite
from core.sources.planted import planted_site
from core.values import Feature, Link, Name

#   site 0   site 1   site 2   site 3
#    0_0 ─.9─ 1_0 ─.8─ 2_0 ─.9─ 3_0
#    0_1 ─.7┘  │ └─.6─ 2_1 ─.5─ 3_1
#    0_2 ─.4┘  └──.2── 2_2 ─.9─ 3_2
TWELVE = {
    ("0_0", "1_0"): 0.9,
    ("0_1", "1_0"): 0.7,
    ("0_2", "1_0"): 0.4,
    ("1_0", "2_0"): 0.8,
    ("1_0", "2_1"): 0.6,
    ("1_0", "2_2"): 0.2,
    ("2_0", "3_0"): 0.9,
    ("2_1", "3_1"): 0.5,
    ("2_2", "3_2"): 0.9,
    ("1_1", "2_1"): 0.3,
    ("1_2", "2_2"): 0.9,
}


class Drawn:
    """`Links` of a drawn net: each pair of ids with its Pearson."""

    def __init__(self, drawn: dict[tuple[str, str], float]) -> None:
        self.drawn = {(Feature.parse(a), Feature.parse(b)): value for (a, b), value in drawn.items()}
        self.sites = [planted_site(position, str(position), 3) for position in range(4)]

    def link(self, source: Feature, target: Feature, activity: float = 0.0, weights: str = "") -> Link:
        return Link(source, target, {"pearson": self.drawn[source, target]}, 1000, 50, 40, 30)

    def neighbours(self, feature, to, measure, top, min_both=0, activity=0.0):  # type: ignore[no-untyped-def]
        ends = [pair for pair in self.drawn if feature in pair and to in (pair[0].key, pair[1].key)]
        ends = [pair for pair in ends if pair[0].key != feature.key or pair[1].key == to]
        found = [self.link(*pair) for pair in ends if min_both <= 30]
        return sorted(found, key=lambda link: -link.measures[measure])[:top]


def drawn(seed: str = "1_0", **settings) -> nx.DiGraph:  # type: ignore[no-untyped-def]
    return evolution_graph(Drawn(TWELVE), [Feature.parse(seed)], **{"floor": 0.0, "up": 3, "down": 3} | settings)


def test_the_walk_takes_the_best_links_of_each_step() -> None:
    assert set(drawn(per_step=2)) == {"1_0", "0_0", "0_1", "2_0", "2_1", "3_0", "3_1"}
    assert set(drawn(per_step=3)) == {f"{site}_{i}" for site in "023" for i in range(3)} | {"1_0"}
    assert set(drawn(per_step=1).edges) == {("0_0", "1_0"), ("1_0", "2_0"), ("2_0", "3_0")}


def test_floor_and_depth_prune() -> None:
    assert set(drawn(per_step=3, floor=0.6)) == {"1_0", "0_0", "0_1", "2_0", "2_1", "3_0"}
    assert set(drawn(per_step=3, up=0, down=1)) == {"1_0", "2_0", "2_1", "2_2"}
    assert set(drawn(per_step=3, up=0, down=0)) == {"1_0"}


def test_a_walk_never_turns_round_but_expanding_does() -> None:
    assert "1_1" not in drawn(per_step=3)
    graph = drawn(per_step=3, expanded=[Feature("2", 1)])
    assert graph.has_edge("1_1", "2_1")
    assert graph.nodes["1_1"]["wave"] == 1
    assert graph.nodes["2_1"]["expanded"]


def test_expanding_follows_features_that_expanding_brought_in_and_ignores_others() -> None:
    chain = [Feature("2", 2), Feature("1", 2)]
    assert "1_2" in drawn(per_step=3, expanded=chain)
    assert set(drawn(per_step=3, expanded=chain)) == set(drawn(per_step=3, expanded=chain[::-1]))
    assert set(drawn(per_step=1, expanded=[Feature("1", 1)])) == set(drawn(per_step=1))


def test_nodes_and_edges_carry_plain_values() -> None:
    graph = drawn()
    assert graph.nodes["1_0"] | {"n_active": 0} == {
        **{"key": "1", "index": 0, "site": 1, "seed": True, "expanded": False, "wave": 0, "n_active": 0}
    }
    edge = graph.edges["1_0", "2_0"]
    assert edge["weight"] == edge["pearson"] == 0.8
    assert (edge["n_both"], edge["enough"], edge["lift"]) == (30, True, 15.0)
    assert {type(value) for _, data in graph.nodes(data=True) for value in data.values()} <= {str, int, bool}


def test_caps_keep_what_is_near_and_strong_and_say_what_went() -> None:
    graph = drawn(per_step=3, max_nodes=4)
    assert set(graph) == {"1_0", "2_0", "2_1", "2_2"}  # the first step down comes before the first step up
    assert graph.graph["pruned_nodes"] == 6  # 0_0 0_1 0_2 and 3_0 3_1 3_2
    assert "4 features" in what_was_pruned(graph)
    few = drawn(per_step=3, max_edges=2)
    assert few.number_of_edges() == 2
    assert few.graph["pruned_edges"] == 7
    assert what_was_pruned(drawn()) == ""


def test_no_links_give_the_seeds_alone() -> None:
    lonely = evolution_graph(Drawn({}), [Feature("1", 0), Feature("2", 1)], expanded=[Feature("1", 0)])
    assert set(lonely) == {"1_0", "2_1"}
    assert lonely.number_of_edges() == 0
    assert drawn(min_both=31).number_of_edges() == 0


def test_what_cannot_be_asked_is_refused_by_name() -> None:
    with pytest.raises(BadArgument):
        evolution_graph(Drawn({}), [])
    with pytest.raises(UnknownSite):
        evolution_graph(Drawn({}), [Feature("9", 0)])
    with pytest.raises(BadArgument):
        drawn(up=-1)


def test_exports_read_back_and_hold_hostile_labels_as_data() -> None:
    hostile = '<script>alert(1)</script>\x00\ud800 & "href'
    graph = with_labels(drawn(), lambda feature: Name(hostile, "file"))
    back = nx.parse_graphml(to_graphml(graph))
    assert set(back.edges) == set(graph.edges)
    assert back.nodes["1_0"]["label"].startswith("<script>alert(1)</script>")
    linked = nx.node_link_graph(json.loads(to_json(graph)), edges="links")
    assert linked.edges["1_0", "2_0"]["pearson"] == 0.8
    table = edge_table(graph)
    assert table.height == graph.number_of_edges()
    assert table["pearson"].to_list() == sorted(table["pearson"].to_list(), reverse=True)
    assert edge_table(drawn(up=0, down=0)).height == 0
