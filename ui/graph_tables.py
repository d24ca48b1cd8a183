"""The evolution graph as two tables, so that nothing needs a canvas: choosing a row is a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import networkx as nx
import polars as pl
import streamlit as st

from core.analyses.export import edge_table, name_in, written
from ui.columns import columns

Event = Mapping[str, Any]
NODES = {"feature": pl.String, "name": pl.String, "site": pl.String, "active": pl.Int64, "expanded": pl.Boolean}
ENDS = [f"{end}_{kind}" for end in ("source", "target") for kind in ("label", "hint")]


def graph_tables(graph: nx.DiGraph, on_click: Callable[[Event], None], marked: str) -> None:
    """Features and links side by side; `marked` names what is selected, so that a new selection clears the rows."""
    nodes, links = node_table(graph), link_table(graph)
    left, right = st.columns([2, 3])
    with left:
        _choosing(
            nodes, f"table:nodes:{marked}", [{"kind": "node", "node": name} for name in nodes["feature"]], on_click
        )
    with right:
        ends = links.select("source", "target").rows()
        _choosing(links, f"table:links:{marked}", [{"kind": "link", "link": f"{a},{b}"} for a, b in ends], on_click)


def node_table(graph: nx.DiGraph) -> pl.DataFrame:
    """One row a feature, in the order of the sites.

    >>> graph = nx.DiGraph(); graph.add_node("2_26", key="2", index=26, site=2, hint="Lily", n_active=7)
    >>> node_table(graph).row(0)
    ('2_26', '“Lily”', '2', 7, False)
    """
    ordered = sorted(graph.nodes(data=True), key=lambda each: (each[1]["site"], each[1]["index"]))
    rows = [(n, name_in(d).written, d["key"], d.get("n_active"), d.get("expanded", False)) for n, d in ordered]
    return pl.DataFrame(rows, schema=NODES, orient="row")


def link_table(graph: nx.DiGraph) -> pl.DataFrame:
    """One row a link, as they are downloaded but for names: a hint stands in quotes in the place of a label."""
    names = [written(f"{end}_").alias(f"{end}_name") for end in ("source", "target")]
    return edge_table(graph).with_columns(names).drop("n", *ENDS)


def _choosing(frame: pl.DataFrame, key: str, events: Sequence[Event], on_click: Callable[[Event], None]) -> None:
    def chosen() -> None:
        rows = st.session_state[key].selection.rows
        if rows:
            on_click(events[rows[0]])

    st.dataframe(
        frame, key=key, hide_index=True, placeholder="–", height=min(420, 38 + 35 * len(frame)),
        column_config=columns(frame), selection_mode="single-row", on_select=chosen,
    )  # fmt: skip
