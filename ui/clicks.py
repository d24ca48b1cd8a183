"""What a click on the evolution graph does: a pure function from a state and an event to a state.

>>> view = View(centre="2_26")
>>> view = click(view, {"kind": "node", "node": "3_241"})
>>> view.shown, view.link
('3_241', '')
>>> click(view, {"kind": "link", "link": "3_241,4_447"}).link
'3_241,4_447'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx

from core.errors import UnknownFeature
from core.values import Feature

MOST_EXPANDED = 40


@dataclass(frozen=True, slots=True)
class View:
    """The graph's centre, what is marked in it, and what was expanded; every field is text of the address."""

    centre: str
    selected: str = ""  # "" is the centre itself
    link: str = ""  # "SOURCE,TARGET"; "" is the strongest link of the selected feature
    expanded: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The feature whose card is shown."""
        return self.selected or self.centre


def click(view: View, event: Mapping[str, Any]) -> View:
    """The state after an event; one that makes no sense changes nothing.

    - ``node``: its card is shown, and of links its strongest one;
    - ``link``: it goes to the inspector; the card stays if it is one of the ends, else the target's is shown;
    - ``expand``: the feature's own best links are added, or taken back if they were;
    - ``centre``: the graph starts anew from the feature.
    """
    kind, node, link = event.get("kind"), str(event.get("node", "")), str(event.get("link", ""))
    if kind == "link" and (ends := link_ends(link)):
        selected = view.shown if view.shown in ends else ends[1]
        return replace(view, link=link, selected=_not_centre(view, selected))
    if not is_feature(node):
        return view
    if kind == "node":
        return replace(
            view, selected=_not_centre(view, node), link="" if node not in link_ends(view.link) else view.link
        )
    if kind == "expand":
        rest = tuple(each for each in view.expanded if each != node)
        expanded = rest if node in view.expanded else (*rest, node)[-MOST_EXPANDED:]
        return replace(view, expanded=expanded, selected=_not_centre(view, node))
    return View(centre=node) if kind == "centre" else view


def link_ends(link: str) -> tuple[str, ...]:
    """Both features of ``SOURCE,TARGET``; empty where it is none.

    >>> link_ends("3_241,4_447"), link_ends("3_241"), link_ends("a,b")
    (('3_241', '4_447'), (), ())
    """
    ends = tuple(link.split(","))
    return ends if len(ends) == 2 and all(map(is_feature, ends)) else ()


def strongest_link(graph: nx.DiGraph, feature: str) -> str:
    """The strongest link of a feature in a graph; "" where it has none.

    >>> graph = nx.DiGraph(); graph.add_edge("3_241", "4_447", weight=0.9); graph.add_edge("3_241", "4_1", weight=0.4)
    >>> strongest_link(graph, "3_241"), strongest_link(graph, "9_9")
    ('3_241,4_447', '')
    """
    near = [*graph.in_edges(feature, data="weight"), *graph.out_edges(feature, data="weight")]
    best = max(near, key=lambda edge: (edge[2], edge[0], edge[1]), default=None)
    return f"{best[0]},{best[1]}" if best else ""


def is_feature(text: str) -> bool:
    """Whether a text is ``KEY_INDEX`` and nothing else.

    >>> is_feature("3.mid_17"), is_feature(" 3_17"), is_feature("<img>")
    (True, False, False)
    """
    try:
        return str(Feature.parse(text)) == text
    except UnknownFeature:
        return False


def _not_centre(view: View, node: str) -> str:
    return "" if node == view.centre else node
