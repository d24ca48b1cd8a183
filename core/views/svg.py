"""The picture of an evolution graph as SVG, for papers: the same cards and curves, every text escaped."""

from __future__ import annotations

import html
from typing import Any

from core.views.graph import Picture

CARD, TALL_CARD = 42.0, 50.0
"""Heights of a card with a label of one line, and of two."""
FONT = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"


def svg(drawn: Picture) -> str:
    """One SVG document; text is set in the reader's sans-serif.

    >>> from core.views.graph import picture
    >>> import networkx as nx
    >>> graph = nx.DiGraph(); graph.add_node("0_1", key="0", site=0, label="<b>")
    >>> "&lt;b&gt;" in svg(picture(graph, {}, {})), "<b>" in svg(picture(graph, {}, {}))
    (True, False)
    """
    theme = {"paper": "#ffffff", "text": "#1b2430", "quiet": "#64717f", "edge": "#b3c1cb"} | drawn.theme
    places = {node["id"]: node for node in drawn.nodes}
    left, right = (f([column["x"] for column in drawn.columns] or [0.0]) for f in (min, max))
    top, bottom = (f([node["y"] for node in drawn.nodes] or [0.0]) for f in (min, max))
    box = (left - 80, top - 70, right - left + 160, bottom - top + 110)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{" ".join(f"{v:g}" for v in box)}" '
        f'width="{box[2]:g}" height="{box[3]:g}" font-family="{FONT}" text-anchor="middle">',
        f'<rect x="{box[0]:g}" y="{box[1]:g}" width="{box[2]:g}" height="{box[3]:g}" fill="{theme["paper"]}"/>',
        *(
            f'<text x="{column["x"]:g}" y="{top - 46:g}" font-size="12.5" fill="{theme["quiet"]}">'
            f"{html.escape(column['text'])}</text>"
            for column in drawn.columns
        ),
        *(_curve(places[edge["from"]], places[edge["to"]], edge, theme["edge"]) for edge in drawn.edges),
        *(_card(node, theme["text"]) for node in drawn.nodes),
        "</svg>",
    ]
    return "\n".join(parts)


def _wide(node: dict[str, Any]) -> float:
    """About the width of the card's text: there is nothing to measure it with."""
    return max(58.0, *(len(line) * 7.4 + 20 for line in node["label"].split("\n")))


def _curve(source: dict[str, Any], target: dict[str, Any], edge: dict[str, Any], colour: str) -> str:
    x0, x1 = source["x"] + _wide(source) / 2, target["x"] - _wide(target) / 2
    bend = (x1 - x0) * 0.55
    path = f"M{x0:.1f},{source['y']:.1f} C{x0 + bend:.1f},{source['y']:.1f} "
    path += f"{x1 - bend:.1f},{target['y']:.1f} {x1:.1f},{target['y']:.1f}"
    pattern = (5, 5) if edge.get("dashes") is True else edge.get("dashes")  # as vis-network draws it
    dashes = f' stroke-dasharray="{" ".join(map(str, pattern))}"' if pattern else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{edge["width"]:g}"{dashes}/>'


def _card(node: dict[str, Any], outline: str) -> str:
    wide, ink = _wide(node), node["font"]["color"]
    *name, identity = node["label"].split("\n")
    border = outline if node["borderWidth"] > 1 else node["color"]["border"]
    size, first, last = (11.5, -11, 18) if len(name) > 1 else (12.5, -3, 13 if name else 4)
    lines = [(node["x"], node["y"] + first + 13 * i, size, 600, line) for i, line in enumerate(name)]
    lines.append((node["x"], node["y"] + last, 10.5, 400, identity))
    texts = "".join(
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" fill="{ink}">{html.escape(text)}</text>'
        for x, y, size, weight, text in lines
    )
    tall = TALL_CARD if len(name) > 1 else CARD
    return (
        f'<rect x="{node["x"] - wide / 2:.1f}" y="{node["y"] - tall / 2:.1f}" width="{wide:.1f}" height="{tall:g}" '
        f'rx="6" fill="{node["color"]["background"]}" stroke="{border}" stroke-width="{node["borderWidth"]}"/>{texts}'
    )
