"""What the Communities page shows of a view: the ranked table, the picture, all features, and the Python behind it."""

from __future__ import annotations

import math

import polars as pl
import streamlit as st

from core.analyses.communities import Communities, Settings
from core.analyses.community_tables import community_table, member_table, of_community, with_text
from core.analyses.export import written
from core.labels import Labels
from core.store import Store
from core.views.graph import Picture, picture
from ui import communities as com
from ui import inspector, palette, selection
from ui.columns import columns
from ui.communities_page import COMMUNITY, FIND, PART, SHADE, View
from ui.evolution import graph_theme
from ui.tables import choosing

TABLE = 38 + 34 * 7  # pixels: seven communities, the others by scrolling


def frames(store: Store, labels: Labels, found: Communities, asked: Settings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(communities, members), kept."""
    known = not math.isnan(found.agreement_seeds)
    return _frames(store.fingerprint, len(labels), asked, known, labels, found)


@st.cache_resource(max_entries=16, show_spinner=False)
def _frames(
    fingerprint: str, n_labels: int, asked: Settings, known: bool, _labels: Labels, _found: Communities
) -> tuple[pl.DataFrame, pl.DataFrame]:
    return community_table(_found), member_table(_found, _labels.naming())


def listed(communities: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """The rows that hold what was typed."""
    return with_text(communities, members, selection.value(FIND))


def ranked_table(frame: pl.DataFrame, asked: Settings, one: int, theme: str) -> None:
    """The communities, that which is shown ticked; choosing a row shows its graph."""
    ids = frame["id"].to_list()

    def chosen(row: int) -> None:
        selection.put(COMMUNITY, ids[row])
        selection.drop(PART.name)
        selection.drop(selection.LINK)

    # Stability may not be known yet; links of weights, and a single document, have no halves.
    known = [name for name in ("over_seeds", "over_halves") if frame[name].null_count() < len(frame)]
    told = frame.select("id", "keywords", "size", "sites", "per_site", "cohesion", *known)
    per_site = st.column_config.BarChartColumn(
        "per site", width=90, y_min=0, color=palette.BAR[theme], help="features at each site"
    )
    choosing(
        told, f"table:communities:{asked}:{selection.value(FIND)}", chosen, ids.index(one) if one in ids else None,
        columns=columns(told, {"id": ""}, widths={"id": 40}) | {"per_site": per_site}, height=TABLE, row_height=34,
    )  # fmt: skip


def drawn(view: View, store: Store, theme: str) -> Picture:
    """The picture of a community: its parts, or the layer ramp."""
    ramp = palette.ramp(len(store.sites), theme)
    grounds = {n: ramp[d["site"]] for n, d in view.graph.nodes(data=True)}
    if view.divided and selection.value(SHADE) == "part":
        of = com.colours_in_view(list(view.graph), view.parts.membership, theme)[0]
        grounds = {node: of.get(node, palette.LINE[theme]) for node in view.graph}
    colours = {node: (ground, palette.ink(ground)) for node, ground in grounds.items()}
    name = f"community-{view.one.id}" + (f"-part-{view.part.id}" if view.part else "")
    return picture(view.graph, colours, graph_theme(theme), name=name)


def members_of(store: Store, view: View, members: pl.DataFrame) -> pl.DataFrame:
    """All features of what is shown, also those that are not drawn."""
    table = of_community(members, view.one.id, view.parts, store)
    return table.filter(pl.col("part") == view.part.id) if view.part else table


def members_table(frame: pl.DataFrame, key: str, feature: str) -> None:
    """All features, that which is marked ticked; choosing another marks it, and draws it where it was not drawn."""
    names = frame["feature"].to_list()

    def chosen(row: int) -> None:
        selection.choose(selection.FEATURE, names[row])
        selection.drop(selection.LINK)

    told = frame.with_columns(name=written()).select("feature", "name", "part", "strength", "active")
    row = names.index(feature) if feature in names else None
    choosing(told, key, chosen, row, columns=columns(told, widths={"name": 400, "strength": 90}), height=420)


def cut(view: View) -> str:
    """What the picture leaves out, as a sentence.

    >>> import networkx as nx
    >>> graph = nx.DiGraph(pruned_nodes=31, pruned_edges=9); graph.add_node("0_1")
    >>> cut(View(None, None, None, graph, "", ""))
    'The best connected 1 of 32 features, without 9 of their and the others’ links.'
    """
    nodes, edges = view.graph.graph["pruned_nodes"], view.graph.graph["pruned_edges"]
    if not nodes:
        return f"The strongest links; {edges:,} more are left out." if edges else ""
    n = len(view.graph)
    return f"The best connected {n:,} of {n + nodes:,} features, without {edges:,} of their and the others’ links."


def as_python(
    path: str, asked: Settings, id: int, most: int, find: str, part: int = 0, first: str = "", link: str = ""
) -> str:
    """The core calls behind the page, to run as they are from the checkout; `part` and `first` as they are drawn.

    >>> "community_graph(StoreLinks(store), found, 3, " in as_python("demo.h5", Settings(), 3, 60, "")
    True
    """
    keywords = ", ".join(f"{name}={getattr(asked, name)!r}" for name in Settings.__dataclass_fields__)
    drawn = f"parts, {part}" if part else f"found, {id}"
    more = f", first=Feature.parse({first!r})" if first else ""
    imports, report = inspector.as_python(link, asked.activity)
    feature = "from core.values import Feature\n" if first or link else ""
    return (
        "from core.analyses.communities import Settings, store_communities\n"
        "from core.analyses.community_parts import parts_of\n"
        "from core.analyses.community_tables import (\n"
        "    community_graph, community_table, member_table, of_community, with_text,\n)\n"
        f"{imports}from core.analyses.neighbours import StoreLinks\n"
        "from core.labels import Labels\n"
        f"from core.store import open_store\n{feature}\n"
        f"store = open_store({path!r})\n"
        "labels = Labels.beside(store)\n"
        "name_of = labels.naming()\n"
        f"asked = Settings({keywords})\n"
        "found = store_communities(store, labels, asked)\n"
        "members = member_table(found, name_of)\n"
        f"result = with_text(community_table(found), members, {find!r})\n"
        f"parts = parts_of(found, {id}, name_of, asked)\n"
        f"features = of_community(members, {id}, parts, store)\n"
        f"graph = community_graph(StoreLinks(store), {drawn}, name_of, most={most}, activity=asked.activity,\n"
        f"                        measure=asked.measure, floor=asked.floor{more})\n{report}"
    )
