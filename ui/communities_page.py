"""Where one stands on the Communities page: which community, which part, its graph, the feature and link marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import streamlit as st

from core.analyses.communities import Communities, Community, Settings
from core.analyses.community_parts import parts_of
from core.analyses.community_tables import (
    MOST,
    community_graph,
    with_activity,
)
from core.analyses.evolution import MAX_NODES
from core.labels import Labels
from core.paths import hosted
from core.store import Store
from core.values import Feature
from ui import feature_choice, selection
from ui.clicks import is_feature, link_ends, strongest_link
from ui.communities_words import telling
from ui.go import lead_to
from ui.selection import FEATURE, LINK

COMMUNITY = selection.count("community", 0, 0, 1_000_000, "the most telling one")
PART = selection.count("part", 0, 0, 1_000_000, "the whole of it")
SHADE = selection.choice("shade", ("part", "site"))
FIND = selection.text("find", longest=80)
LAST = "communities:last"


@dataclass(frozen=True)
class View:
    """What is shown: a community or a part of it, the graph of that, the marked feature and link."""

    one: Community
    parts: Communities
    part: Community | None
    graph: nx.DiGraph
    feature: str
    link: str
    first: str = ""  # a feature that is drawn only because it was chosen

    @property
    def shown(self) -> Community:
        """What is drawn."""
        return self.part or self.one

    @property
    def divided(self) -> bool:
        """Whether the picture shows several parts."""
        return self.part is None and len(self.parts.communities) > 1


# ---- which community


def choose(store: Store, found: Communities, asked: Settings, listed: list[int]) -> Community | None:
    """The chosen community; after a change of settings that of the feature last shown, else the most telling one."""
    before, last, id = st.session_state.get(LAST, (asked, "", 0))
    if before != asked and is_feature(last) and selection.value(COMMUNITY) in (0, id):
        selection.put(COMMUNITY, _id_of(found, last))
    wanted = selection.value(COMMUNITY)
    one = found.of(wanted) or found.of(_id_of(found, selection.value(feature_choice.feature(store))))
    if one is None or (listed and one.id not in listed):
        first = telling(found)
        one = (
            first if first is not None and (not listed or first.id in listed) else found.of(listed[0] if listed else 0)
        )
    n = len(found.communities)
    why = (
        "it is not among those listed"
        if found.of(wanted)
        else f"{n or 'no'} communit{'y is' if n == 1 else 'ies are'} found"
    )
    selection.settle(COMMUNITY.name, one is not None and wanted in (0, one.id), why, _told(one))
    return one


def _id_of(found: Communities, feature: str) -> int:
    """The id of a feature's community; 0 for none."""
    return found.membership.get(Feature.parse(feature), 0) if feature else 0


def _told(one: Community | None) -> str:
    return f"community {one.id}" if one else ""


def view_of(store: Store, labels: Labels, found: Communities, asked: Settings, one: Community) -> View:
    """The graph of a community or its chosen part, the feature marked in it (the strongest unless chosen), a link."""
    if st.session_state.get(LAST, (asked, "", one.id))[::2] != (asked, one.id):
        selection.drop(PART.name)  # that of another community
    if not selection.value(PART):
        selection.drop(PART.name)  # "show the whole" leaves no trace in the address
    parts = _parts(store.fingerprint, len(labels), asked, one.id, labels, found)
    part = parts.of(selection.value(PART)) if len(parts.communities) > 1 else None
    n = len(parts.communities) if len(parts.communities) > 1 else 0
    selection.settle(PART.name, part is not None, f"{_told(one)} has {n or 'no'} parts", "the whole of it")
    drawn, id = (parts, part.id) if part else (found, one.id)
    key = store.fingerprint, len(labels), asked, one.id, part.id if part else 0, selection.value(drawn_setting())
    graph = _graph(*key, "", store, labels, drawn, parts)
    chosen, first = selection.value(feature_choice.feature(store)), ""
    if chosen and chosen not in graph and drawn.membership.get(Feature.parse(chosen)) == id:
        graph, first = _graph(*key, chosen, store, labels, drawn, parts), chosen
    feature = chosen if chosen in graph else str(graph.graph["seeds"])
    inside = f"it is not in {f'part {part.id} of ' if part else ''}{_told(one)}"
    why = inside if _id_of(found, chosen) else "it is in no community"
    selection.settle(FEATURE, not chosen or chosen == feature, why, feature)
    link, strongest = selection.value(feature_choice.link(store)), strongest_link(graph, feature)
    there = bool(link) and graph.has_edge(*link_ends(link))
    selection.settle(LINK, not link or there, "it is not among the links drawn", strongest)
    link = link if there else strongest
    st.session_state[LAST] = (asked, feature, one.id)
    return View(one, parts, part, graph, feature, link, first)


def most_nodes() -> int:
    """Features that can be drawn at most."""
    return MAX_NODES // 2 if hosted() else MAX_NODES


def drawn_setting() -> selection.Setting[int]:
    """How many features are drawn."""
    return selection.count("drawn", MOST, 10, most_nodes())


@st.cache_resource(max_entries=64, show_spinner=False)
def _parts(
    fingerprint: str, n_labels: int, asked: Settings, id: int, _labels: Labels, _found: Communities
) -> Communities:
    return parts_of(_found, id, _labels.naming(), asked)


@st.cache_resource(max_entries=64, show_spinner=False)
def _graph(
    fingerprint: str, n_labels: int, asked: Settings, community: int, part: int, most: int, first: str,
    _store: Store, _labels: Labels, _found: Communities, _parts: Communities,
) -> nx.DiGraph:  # fmt: skip
    from core.analyses.neighbours import StoreLinks

    graph = community_graph(
        StoreLinks(_store), _found, part or community, _labels.naming(), most, asked.activity, asked.measure,
        asked.floor, Feature.parse(first) if first else None,
    )  # fmt: skip
    for node, data in graph.nodes(data=True):
        if (of := _parts.membership.get(Feature.parse(node))) is not None:
            data["part"] = of
    return with_activity(graph, _store)


def on_event(view: View, event: Mapping[str, Any]) -> None:
    """A click on the canvas, a table or a row: a feature, or a link and one of its ends. For callbacks."""
    selection.put(COMMUNITY, view.one.id)
    node, ends = str(event.get("node", "")), link_ends(str(event.get("link", "")))
    if event.get("kind") == "link" and ends:
        selection.choose(LINK, ",".join(ends))
        selection.choose(FEATURE, view.feature if view.feature in ends else ends[1])
    elif is_feature(node):
        selection.choose(FEATURE, node)
        if node not in link_ends(view.link):
            selection.drop(LINK)


def go(view: View, page: str) -> None:
    """Another page, about the feature on the card. For callbacks."""
    selection.choose(FEATURE, view.feature)
    lead_to(page)
