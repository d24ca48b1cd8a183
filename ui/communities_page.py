"""What the Communities page shows: its finding, the ranked table, the cards, downloads and Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import polars as pl
import streamlit as st

from core.analyses.communities import Communities, Community, Settings
from core.analyses.community_tables import (
    MOST,
    community_graph,
    community_table,
    member_table,
    with_activity,
    with_text,
)
from core.analyses.evolution import MAX_NODES
from core.analyses.keywords import label_or_hint_of
from core.labels import Labels
from core.paths import hosted
from core.store import Store
from core.values import Feature
from core.views.graph import Picture, picture
from ui import palette, selection
from ui.clicks import is_feature, link_ends
from ui.communities_words import telling
from ui.evolution import graph_theme
from ui.go import lead_to

COMMUNITY = selection.count("community", 0, 0, 1_000_000)
FEATURE = selection.text(selection.FEATURE, longest=80)
LINK = selection.text(selection.LINK, longest=160)
FIND = selection.text("find", longest=80)
DRAWN = selection.count("drawn", MOST, 10, MAX_NODES)
LAST = "communities:last"
TABLE = 38 + 34 * 7  # pixels: seven communities, the others by scrolling


@dataclass(frozen=True)
class View:
    """What is shown: a community, its graph, the marked feature and link."""

    one: Community
    graph: nx.DiGraph
    feature: str
    link: str


# ---- which community


def choose(found: Communities, asked: Settings, listed: list[int]) -> Community | None:
    """The chosen community; after a change of settings that of the feature last shown, else the most telling one."""
    before, feature, id = st.session_state.get(LAST, (asked, "", 0))
    if before != asked and is_feature(feature) and selection.value(COMMUNITY) in (0, id):
        selection.put(COMMUNITY, found.membership.get(Feature.parse(feature), 0))
    one = found.of(selection.value(COMMUNITY))
    chosen = selection.value(FEATURE)
    if one is None and is_feature(chosen):
        one = found.of(found.membership.get(Feature.parse(chosen), 0))
    if one is None or (listed and one.id not in listed):
        first = telling(found)
        one = (
            first if first is not None and (not listed or first.id in listed) else found.of(listed[0] if listed else 0)
        )
    return one


def view_of(store: Store, labels: Labels, found: Communities, asked: Settings, one: Community) -> View:
    """The community's graph, the feature marked in it (the strongest unless chosen) and one of its links."""
    most = min(selection.value(DRAWN), MAX_NODES // 2 if hosted() else MAX_NODES)
    graph = _graph(store.fingerprint, len(labels), asked, one.id, most, store, labels, found)
    chosen = selection.value(FEATURE)
    feature = chosen if chosen in graph else str(graph.graph["seeds"])
    near = [*graph.in_edges(feature, data="weight"), *graph.out_edges(feature, data="weight")]
    best = max(near, key=lambda edge: (edge[2], edge[0], edge[1]), default=None)
    link = selection.value(LINK)
    if not (link_ends(link) and graph.has_edge(*link_ends(link))):
        link = f"{best[0]},{best[1]}" if best else ""
    st.session_state[LAST] = (asked, feature, one.id)
    return View(one, graph, feature, link)


@st.cache_resource(max_entries=64, show_spinner=False)
def _graph(
    fingerprint: str, n_labels: int, asked: Settings, id: int, most: int,
    _store: Store, _labels: Labels, _found: Communities,
) -> nx.DiGraph:  # fmt: skip
    from core.analyses.neighbours import StoreLinks

    label_of = label_or_hint_of(_labels)
    graph = community_graph(StoreLinks(_store), _found, id, label_of, most, asked.activity, asked.measure, asked.floor)
    return with_activity(graph, _store)


def on_event(view: View, event: Mapping[str, Any]) -> None:
    """A click on the canvas, a table or a row: a feature, or a link and one of its ends. For callbacks."""
    selection.put(COMMUNITY, view.one.id)
    node, ends = str(event.get("node", "")), link_ends(str(event.get("link", "")))
    if event.get("kind") == "link" and ends:
        selection.put(LINK, ",".join(ends))
        selection.put(FEATURE, view.feature if view.feature in ends else ends[1])
    elif is_feature(node):
        selection.put(FEATURE, node)
        if node not in link_ends(view.link):
            selection.drop(selection.LINK)


def go(view: View, page: str) -> None:
    """Another page, about the feature on the card. For callbacks."""
    selection.put(FEATURE, view.feature)
    lead_to(page)


# ---- what is shown


def frames(store: Store, labels: Labels, found: Communities, asked: Settings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(communities, members), kept."""
    return _frames(store.fingerprint, len(labels), asked, labels, found)


@st.cache_resource(max_entries=16, show_spinner=False)
def _frames(
    fingerprint: str, n_labels: int, asked: Settings, _labels: Labels, _found: Communities
) -> tuple[pl.DataFrame, pl.DataFrame]:
    return community_table(_found), member_table(_found, label_or_hint_of(_labels))


def listed(communities: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """The rows that hold what was typed."""
    return with_text(communities, members, selection.value(FIND))


def ranked_table(frame: pl.DataFrame, asked: Settings, theme: str) -> None:
    """The communities; choosing a row shows its graph."""
    key = f"table:communities:{asked}:{selection.value(FIND)}"

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            selection.put(COMMUNITY, int(frame["id"][rows[0]]))
            selection.drop(selection.LINK)

    number = st.column_config.NumberColumn
    st.dataframe(
        frame.select("id", "keywords", "size", "sites", "per_site", "cohesion", "over_seeds", "over_halves"),
        key=key, hide_index=True, selection_mode="single-row", on_select=chosen, row_height=34,
        height=min(TABLE, 38 + 34 * len(frame)),
        column_config={
            "id": number("", width=40),
            "keywords": st.column_config.TextColumn("keywords", width=400),
            "size": number("size", format="localized", width=60, help="features"),
            "sites": st.column_config.TextColumn("sites", width=80, help="sites that it spans"),
            "per_site": st.column_config.BarChartColumn(
                "per site", width=90, y_min=0, color=palette.BAR[theme], help="features at each site"
            ),
            "cohesion": number("cohesion", format="%.2f", width=86, help="share of link weight that stays within"),
            "over_seeds": number("over seeds", format="%.2f", width=96, help="stability: found again with other seeds"),
            "over_halves": number(
                "over halves", format="%.2f", width=96, help="stability: found again on either half of the documents"
            ),
        },
    )  # fmt: skip


def drawn(view: View, store: Store, theme: str) -> Picture:
    """The picture of a community: the layer ramp."""
    ramp = palette.ramp(len(store.sites), theme)
    colours = {n: (ramp[d["site"]], palette.ink(ramp[d["site"]])) for n, d in view.graph.nodes(data=True)}
    return picture(view.graph, colours, graph_theme(theme), name=f"community-{view.one.id}")


def cut(view: View) -> str:
    """What the picture leaves out, as a sentence.

    >>> graph = nx.DiGraph(pruned_nodes=31, pruned_edges=9); graph.add_node("0_1")
    >>> cut(View(None, graph, "", ""))
    'The best connected 1 of 32 features, without 9 of their and the others’ links.'
    """
    nodes, edges = view.graph.graph["pruned_nodes"], view.graph.graph["pruned_edges"]
    if not nodes:
        return f"The strongest links; {edges:,} more are left out." if edges else ""
    n = len(view.graph)
    return f"The best connected {n:,} of {n + nodes:,} features, without {edges:,} of their and the others’ links."


def as_python(path: str, asked: Settings, id: int, most: int, find: str) -> str:
    """The core calls behind the page, to run as they are from the checkout.

    >>> "community_graph(StoreLinks(store), found, 3, " in as_python("demo.h5", Settings(), 3, 60, "")
    True
    """
    keywords = ", ".join(f"{name}={getattr(asked, name)!r}" for name in Settings.__dataclass_fields__)
    return (
        "from core.analyses.communities import Settings, store_communities\n"
        "from core.analyses.community_tables import community_graph, community_table, member_table, with_text\n"
        "from core.analyses.keywords import label_or_hint_of\n"
        "from core.analyses.neighbours import StoreLinks\n"
        "from core.labels import Labels\n"
        "from core.store import open_store\n\n"
        f"store = open_store({path!r})\n"
        "labels = Labels.beside(store)\n"
        "label_of = label_or_hint_of(labels)\n"
        f"asked = Settings({keywords})\n"
        "found = store_communities(store, labels, asked)\n"
        f"result = with_text(community_table(found), member_table(found, label_of), {find!r})\n"
        f"graph = community_graph(StoreLinks(store), found, {id}, label_of, most={most},\n"
        "                        activity=asked.activity, measure=asked.measure, floor=asked.floor)\n"
    )
