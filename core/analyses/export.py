"""A graph of features for other programs: GraphML, node-link JSON, and a table of its links.

Labels travel along as data. XML and JSON have no place for some characters and numbers: control characters become
``\N{REPLACEMENT CHARACTER}`` in GraphML, NaN becomes null in JSON.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import networkx as nx
import polars as pl

from core.values import DATA_FREE, MEASURES, Feature, Name, Naming

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COUNTS = ("n", "n_source", "n_target", "n_both")


def with_labels(graph: nx.DiGraph, name_of: Naming) -> nx.DiGraph:
    """A copy whose nodes carry ``label`` and ``label_source``, or a ``hint``; each is "" where there is none.

    >>> graph = nx.DiGraph(); graph.add_node("2_26", key="2", index=26)
    >>> with_labels(graph, lambda feature: Name(hint="Lily")).nodes["2_26"]
    {'key': '2', 'index': 26, 'label': '', 'label_source': '', 'hint': 'Lily'}
    """
    copy = graph.copy()
    for _, data in copy.nodes(data=True):
        name = name_of(Feature(data["key"], data["index"]))
        data |= {"label": clean(name.label), "label_source": name.source, "hint": clean(name.hint)}
    return copy


def name_in(data: Mapping[str, Any]) -> Name:
    """What `with_labels` wrote to a node; nodes without it have no name.

    >>> name_in({"label": "", "hint": "Lily"}).written
    '“Lily”'
    """
    return Name(data.get("label", ""), data.get("label_source", ""), data.get("hint", ""))


def written(end: str = "") -> pl.Expr:
    """`Name.written` of a table's columns ``label`` and ``hint``, or of those that begin with an `end` of links.

    >>> pl.DataFrame({"label": ["names", ""], "hint": ["", "Lily"]}).select(name=written())["name"].to_list()
    ['names', '“Lily”']
    """
    label, hint = pl.col(f"{end}label"), pl.col(f"{end}hint")
    return pl.when(hint != "").then(pl.format("“{}”", hint)).otherwise(label)


def clean(text: str) -> str:
    """A text that can be written to any file: no lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def to_graphml(graph: nx.DiGraph) -> str:
    """The graph as a GraphML document, as networkx, Gephi and igraph read it.

    >>> graph = nx.DiGraph(); graph.add_node("0_1", label="<b>" + chr(0))
    >>> nx.parse_graphml(to_graphml(graph)).nodes["0_1"]["label"]
    '<b>�'
    """
    copy = graph.copy()
    for data in (copy.graph, *(d for _, d in copy.nodes(data=True)), *(d for _, _, d in copy.edges(data=True))):
        data.update({name: NOT_XML.sub("\ufffd", value) for name, value in data.items() if isinstance(value, str)})
    written = io.BytesIO()
    nx.write_graphml_xml(copy, written)
    return written.getvalue().decode()


def to_json(graph: nx.DiGraph) -> str:
    """The graph as node-link JSON (``nx.node_link_graph(json.loads(text), edges="links")`` reads it back).

    >>> graph = nx.DiGraph(); graph.add_edge("0_1", "1_2", weight=float("nan"))
    >>> json.loads(to_json(graph))["links"]
    [{'weight': None, 'source': '0_1', 'target': '1_2'}]
    """
    data = nx.node_link_data(graph, edges="links")
    return json.dumps(without_nan(data), ensure_ascii=False, allow_nan=False)


def without_nan(value: Any) -> Any:
    """The same plain data with null in the place of what is no number.

    >>> without_nan({"a": [float("nan"), 1.5]})
    {'a': [None, 1.5]}
    """
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def edge_table(graph: nx.DiGraph) -> pl.DataFrame:
    """One row a link, strongest first: the columns of ``edges`` (DESIGN 9), then ``lift`` and what the ends are called.

    Each end has a label, or where it has none a hint. A measure of weights is among the columns where the links carry
    it. Where the graph has ``communities`` (see `community_tables.with_communities`), those of both ends come last;
    where a link is there only because it was ``asked`` for (see `asked_link`), why it was not followed.

    >>> graph = nx.DiGraph(); graph.add_edge("0_1", "1_2", pearson=0.5, n_both=7, weight=0.5)
    >>> edge_table(graph).select("source", "target", "n_both", "pearson").row(0)
    ('0_1', '1_2', 7, 0.5)
    """
    rows = sorted(graph.edges(data=True), key=lambda edge: _weakest_last(edge[2].get("weight", 0.0)))
    ends = {"source": [s for s, _, _ in rows], "target": [t for _, t, _ in rows]}
    more = [name for name in DATA_FREE if any(name in data for *_, data in rows)]
    kinds = {name: pl.Int64 if name in COUNTS else pl.Float64 for name in (*COUNTS, *MEASURES, *more, "lift")}
    numbers = {name: pl.Series(name, [data.get(name) for *_, data in rows], kind) for name, kind in kinds.items()}
    names = {
        f"{end}_{kind}": [graph.nodes[node].get(kind, "") for node in nodes]
        for end, nodes in ends.items()
        for kind in ("label", "hint")
    }
    groups = {}
    if "communities" in graph.graph:
        groups = {
            f"{end}_community": pl.Series([graph.nodes[node].get("community") for node in nodes], dtype=pl.Int64)
            for end, nodes in ends.items()
        }
    asked = {"asked": [data.get("asked", "") for *_, data in rows]} if any("asked" in data for *_, data in rows) else {}
    texts = dict.fromkeys((*ends, *names), pl.String)
    return pl.DataFrame({**ends, **numbers, **names, **groups, **asked}, schema_overrides=texts)


def _weakest_last(weight: float) -> float:
    return math.inf if math.isnan(weight) else -weight
