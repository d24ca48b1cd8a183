"""An evolution graph as nodes, edges and options of vis-network, by way of pyvis; and as one page that works offline.

pyvis is imported here and nowhere else, and only for `Network.from_nx` and its copy of the vis-network script: its own
HTML links a CDN and, for some titles, runs what is written in them. Labels are data: they are drawn on a canvas.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import networkx as nx

from core.analyses.export import name_in
from core.views.layout import COLUMN, Position, layout

ASSETS = Path(__file__).parent / "assets"
LINE, LINES = 13, 2
"""Characters of a line, and lines of a label, that fit on a card."""
NO_COLOUR = ("#e4eaee", "#16202b")
OPTIONS: dict[str, Any] = {"physics": False, "layout": {"randomSeed": 1}, "interaction": {"dragNodes": False}}
THINNEST, THICKEST = 1.2, 6.0
DOTTED = [2, 4]
"""A link that is drawn only because it was asked for; what has little data is dashed."""
MANY = 60
"""Links beyond which all of them get thinner, so that they do not grow into one another."""


@dataclass(frozen=True)
class Picture:
    """What the canvas draws: plain data, the same for the page's component, the standalone page and the SVG."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    columns: list[dict[str, Any]]  # one heading a site: x and text
    options: dict[str, Any]
    theme: dict[str, str]  # paper, text, quiet, edge, accent
    centre: str = ""
    summary: str = ""
    name: str = "evolution"

    def as_json(self) -> dict[str, Any]:
        """Data for the browser."""
        return asdict(self)


def picture(
    graph: nx.DiGraph,
    colours: Mapping[str, tuple[str, str]],
    theme: Mapping[str, str],
    positions: Mapping[str, Position] | None = None,
    name: str = "evolution",
) -> Picture:
    """Cards and curves of a graph; `colours` gives each node its ground and its ink, as CSS colours.

    Nodes may have a ``label`` or a ``hint`` (see `export.with_labels`); a hint, which is no label, is quoted. A
    ``note`` stands behind the feature's id.

    >>> graph = nx.DiGraph(); graph.add_node("2_26", key="2", index=26, site=2, hint="Lily")
    >>> drawn = picture(graph, {}, {})
    >>> drawn.nodes[0]["label"], drawn.columns
    ('“Lily”\\n2_26', [{'x': 336.0, 'text': 'site 2'}])
    """
    positions = layout(graph) if positions is None else positions
    network = _network(_dressed(graph, colours, positions))
    sites = {data["site"]: data["key"] for _, data in graph.nodes(data=True)}
    columns = [{"x": site * COLUMN, "text": f"site {key}"} for site, key in sorted(sites.items())]
    seeds = [node for node, data in graph.nodes(data=True) if data.get("seed")] or list(graph)
    counted = f"{len(graph):,} features and {graph.number_of_edges():,} links at {len(sites)} sites"
    edges = [edge | {"id": link_id(edge["from"], edge["to"])} for edge in network.edges]
    return Picture(network.nodes, edges, columns, OPTIONS, dict(theme), (seeds or [""])[0], counted, name)


def link_id(source: str, target: str) -> str:
    """How an edge is named: as in the address.

    >>> link_id("3_241", "4_447")
    '3_241,4_447'
    """
    return f"{source},{target}"


def shown(data: Mapping[str, Any]) -> str:
    """What a node is called, in at most two short lines, in quotes where it is a token and no label.

    >>> shown({"label": "names of people\\n in stories"}), shown({"hint": "Tom"}), shown({})
    ('names of\\npeople in…', '“Tom”', '')
    """
    name = name_in(data)
    text = " ".join("".join(c if c.isprintable() else " " for c in name.words).split())
    if text and not name.label:
        text = f"“{text if len(text) <= LINE - 2 else text[: LINE - 3] + '…'}”"
    return "\n".join(textwrap.wrap(text, LINE, max_lines=LINES, placeholder="…"))


def standalone(drawn: Picture, title: str, sentence: str) -> str:
    """One HTML page with the graph, its script inlined: it asks nothing of any network, and labels stay data.

    A content security policy allows the page's own two scripts by their hashes and nothing else.
    """
    data = json.dumps(drawn.as_json() | {"view": "standalone", "height": 0, "selected": {}}, ensure_ascii=True)
    starter = graph_script() + (ASSETS / "standalone.js").read_text("utf-8")
    scripts = [vis_network_script(), starter]
    allowed = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    parts = {
        "policy": f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:",
        "title": html.escape(title),
        "sentence": html.escape(sentence),
        "style": (ASSETS / "graph.css").read_text("utf-8"),
        "graph": (ASSETS / "graph.html").read_text("utf-8"),
        "data": data.replace("<", "\\u003c"),
        "vis": scripts[0],
        "starter": scripts[1],
        **{name: drawn.theme.get(name, "") for name in ("paper", "text", "quiet")},
    }
    page = (ASSETS / "standalone.html").read_text("utf-8")
    return "".join(parts.get(piece, piece) if i % 2 else piece for i, piece in enumerate(page.split("%%")))


def graph_script() -> str:
    """What draws a picture on a canvas with vis-network: the cards, and the graph that they stand in."""
    return "".join((ASSETS / name).read_text("utf-8") for name in ("cards.js", "graph.js"))


@lru_cache(maxsize=1)
def vis_network_script() -> str:
    """vis-network as it ships with pyvis; nothing is fetched."""
    import pyvis

    folder = Path(pyvis.__file__).parent / "lib"
    script = max(folder.glob("vis-*/vis-network.min.js")).read_text("utf-8")
    assert "</script" not in script
    return script


def _network(dressed: nx.DiGraph) -> Any:
    """pyvis' network of a graph that is ours to change: `from_nx` writes into what it is given."""
    from pyvis.network import Network

    network = Network(directed=True)
    network.from_nx(dressed)
    return network


def _dressed(
    graph: nx.DiGraph, colours: Mapping[str, tuple[str, str]], positions: Mapping[str, Position]
) -> nx.DiGraph:
    """A new graph with vis-network's attributes only: str ids, Python numbers, no titles."""
    dressed = nx.DiGraph()
    for node, data in graph.nodes(data=True):
        ground, ink = colours.get(node, NO_COLOUR)
        x, y = positions[node]
        name = shown(data)
        identity = f"{node} · {data['note']}" if data.get("note") else str(node)
        dressed.add_node(
            str(node),
            label=f"{name}\n{identity}" if name else identity,
            shape="box",
            x=float(x),
            y=float(y),
            color={"background": ground, "border": ink + "55"},
            font={"color": ink},
            borderWidth=2 if data.get("seed") else 1,
        )
    width = _widths(graph)
    for source, target, data in graph.edges(data=True):
        dashes = DOTTED if data.get("asked") else not data.get("enough", True)
        value = float(data.get("weight", math.nan))
        told = f"{value:.2f}" if math.isfinite(value) else ""
        dressed.add_edge(str(source), str(target), weight=width(value), dashes=dashes, told=told)
    return dressed


def _widths(graph: nx.DiGraph) -> Any:
    """From a measure's value to a line width: the floor is thin; 1, or the largest value above it, is thick."""
    edges = [data for *_, data in graph.edges(data=True) if not data.get("asked")]
    values = [data["weight"] for data in edges if math.isfinite(data.get("weight", math.nan))]
    low = min([float(graph.graph.get("floor", 0.0)), *values])
    thinnest = THINNEST if len(values) <= MANY else 0.8
    thickest = max(2.2, THICKEST * min(1.0, math.sqrt(MANY / max(1, len(values)))))
    high = max([0.0 if graph.graph.get("measure") in ("mutual_information", "virtual_weight") else 1.0, *values])

    def width(value: float) -> float:
        share = min(1.0, max(0.0, (value - low) / (high - low))) if high > low and math.isfinite(value) else 0.0
        return round(thinnest + (thickest - thinnest) * share, 2)

    return width
