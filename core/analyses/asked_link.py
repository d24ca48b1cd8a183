"""A link that is in a graph because somebody asks for it, whether or not the walk leads over it; and why it does not.

What leads to the Evolution page with a link, from a table of the strongest or the strangest ones, shows it there. It is
told apart from the links that were followed, and counts among them nowhere.
"""

from __future__ import annotations

import math
from dataclasses import replace

import networkx as nx

from core.analyses.evolution import link_attributes
from core.errors import NothingRecorded, SpacesDiffer
from core.values import DATA_FREE, Feature, Link, Links, about


def with_link(links: Links, graph: nx.DiGraph, source: Feature, target: Feature) -> nx.DiGraph:
    """The evolution graph with this link: a copy that has it, or the graph itself where the walk brought it in.

    The edge, and ends that the walk did not reach, carry ``asked``: why the link was not followed, in words. Raises
    what `Links.link` raises for features that have no link.
    """
    if graph.has_edge(str(source), str(target)):
        return graph
    copy, places = graph.copy(), {site.key: position for position, site in enumerate(links.sites)}
    asked = graph.graph
    link, why = _measured(links, source, target, asked["measure"], asked["activity"])
    why = why or why_not_followed(
        link, places[target.key] - places[source.key], asked["measure"], asked["floor"], asked["min_both"]
    )
    last = max((data["wave"] for _, data in graph.nodes(data=True)), default=0) + 1  # laid in after all others
    for end, active in ((source, link.n_source), (target, link.n_target)):
        if str(end) not in copy:
            node = {"key": end.key, "index": end.index, "site": places[end.key], "seed": False, "expanded": False}
            copy.add_node(str(end), **node, wave=last, asked=why, **({"n_active": int(active)} if link.n else {}))
    copy.add_edge(str(source), str(target), **link_attributes(link, asked["measure"]), asked=why)
    return copy


def followed(graph: nx.DiGraph) -> nx.DiGraph:
    """The graph without what is in it only because it was asked for.

    >>> graph = nx.DiGraph([("0_1", "1_2")]); graph.add_edge("0_1", "1_3", asked="it is weak")
    >>> list(followed(graph).edges)
    [('0_1', '1_2')]
    """
    return nx.subgraph_view(
        graph,
        filter_node=lambda node: "asked" not in graph.nodes[node],
        filter_edge=lambda source, target: "asked" not in graph.edges[source, target],
    )


def asked_link(graph: nx.DiGraph) -> str:
    """What is drawn only because it was asked for, in a sentence; "" where nothing is.

    >>> graph = nx.DiGraph(); graph.add_edge("0_1", "1_3", asked="its Pearson of 0.12 is below the floor")
    >>> asked_link(graph)
    'Dotted: the link 0_1 → 1_3, which was asked for; its Pearson of 0.12 is below the floor.'
    """
    found = [(source, target, why) for source, target, why in graph.edges(data="asked") if why]
    return " ".join(f"Dotted: the link {a} → {b}, which was asked for; {why}." for a, b, why in found)


def why_not_followed(link: Link, steps: int, measure: str, floor: float, min_both: int) -> str:
    """Why a walk did not lead over a link that goes `steps` sites on.

    >>> link = Link(Feature("0", 1), Feature("1", 3), {"pearson": 0.5}, n_both=4)
    >>> why_not_followed(link, 1, "pearson", 0.3, 10), why_not_followed(link, 3, "pearson", 0.3, 10)
    ('both are active on 4 tokens only', 'its sites are not next to each other')
    >>> why_not_followed(link, 1, "pearson", 0.6, 0), why_not_followed(link, 1, "pearson", 0.3, 0)
    ('its Pearson of 0.50 is below the floor', 'it is not among the links that are followed')
    """
    value, words = link.measures[measure], about(measure).words
    if steps != 1:
        return "its sites are not next to each other" if steps else "both features are of one site"
    if math.isnan(value):
        return f"its {words} is undefined"
    if value < floor:
        return f"its {words} of {value:.2f} is below the floor".replace("-", "−")
    if link.n_both < min_both:
        return f"both are active on {link.n_both:,} token{'s' * (link.n_both != 1)} only"
    return "it is not among the links that are followed"


def _measured(links: Links, source: Feature, target: Feature, measure: str, activity: float) -> tuple[Link, str]:
    """The link with the graph's measure, and why it has none where the weights of its two sites give none."""
    try:
        return links.link(source, target, activity, measure if measure in DATA_FREE else ""), ""
    except (SpacesDiffer, NothingRecorded) as error:
        found = links.link(source, target, activity)
        return replace(found, measures={**found.measures, measure: math.nan}), error.what
