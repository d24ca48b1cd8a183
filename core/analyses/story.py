"""One sentence on what an evolution graph shows, and a feature with which to open; both say only what was computed."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx
import numpy as np

from core.analyses.export import name_in
from core.store import Store
from core.values import MIN_ACTIVE, Feature, Links, Naming, about

NAMED = 3
CANDIDATES = 24
ROOM = 28


def story(graph: nx.DiGraph, centre: str) -> str:
    """What becomes of a feature, in the words of its labels and characteristic tokens.

    The names are those of the features at the last site that links lead to from `centre` (at the first, where nothing
    is later), strongest links first. Nodes may have ``label`` or ``hint`` (see `export.with_labels`).

    >>> graph = nx.DiGraph([("2_26", "3_1"), ("2_26", "3_2")])
    >>> for (node, data), text in zip(graph.nodes(data=True), ("Lily", "Tom", "Max")):
    ...     data.update(key=node[0], site=int(node[0]), label=text)
    >>> story(graph, "2_26")
    '“Lily” at site 2 spreads into “Tom” and “Max” by site 3'
    """
    here = graph.nodes[centre]
    start = f"{_called(graph, centre)} at site {here['key']}"
    later, site, reached = _furthest(graph, centre, nx.descendants(graph, centre))
    if later:
        return f"{start} {_becomes(graph, centre, reached)} {site}"
    earlier, site, reached = _furthest(graph, centre, nx.ancestors(graph, centre))
    if earlier:
        names = _names(graph, reached)
        return f"{start} gathers {_listed(names) or f'{len(reached)} features'} from {site}"
    if here.get("n_active") == 0:
        return f"{start} is never active"
    measure = about(str(graph.graph.get("measure", "measure"))).words
    return f"{start} has no link of {measure} {graph.graph.get('floor', 0):g} or more"


def _becomes(graph: nx.DiGraph, centre: str, reached: list[str]) -> str:
    """ "spreads into …" only where most of what is reached has another name."""
    own, names = _called(graph, centre), _names(graph, reached)
    others = [name for name in names if name != own]
    same = sum(_called(graph, node) == own for node in reached)
    if not others:
        return "lives on in one feature at" if len(reached) == 1 else f"lives on in {len(reached)} features at"
    if len(reached) == 1:
        return f"becomes {others[0]} by"
    if 2 * same >= len(reached):
        return f"stays {own} in {same} of {len(reached)} features, beside {_listed(others)}, at"
    return f"spreads into {_listed(others)} by"


def _furthest(graph: nx.DiGraph, centre: str, reached: Iterable[str]) -> tuple[bool, str, list[str]]:
    """The features of `reached` at the site furthest from the centre, and that site's name."""
    away = {node: abs(graph.nodes[node]["site"] - graph.nodes[centre]["site"]) for node in reached}
    if not away:
        return False, "", []
    last = [node for node in away if away[node] == max(away.values())]
    return True, f"site {graph.nodes[last[0]]['key']}", last


def _names(graph: nx.DiGraph, nodes: list[str]) -> list[str]:
    """Different names, strongest link first; of equals the smaller index."""

    def strength(node: str) -> tuple[float, int, str]:
        near = [*graph.in_edges(node, data="weight", default=0.0), *graph.out_edges(node, data="weight", default=0.0)]
        return -max((weight for *_, weight in near), default=0.0), int(graph.nodes[node].get("index", 0)), node

    named = [node for node in sorted(nodes, key=strength) if name_in(graph.nodes[node]).words]
    return list(dict.fromkeys(_called(graph, node) for node in named))


def _called(graph: nx.DiGraph, node: str) -> str:
    text = " ".join(name_in(graph.nodes[node]).words.split())
    text = text if len(text) <= ROOM else text[: ROOM - 1].rstrip() + "…"
    return f"“{text}”" if text else node


def _listed(names: list[str]) -> str:
    """“a”, “b” and “c”; beyond `NAMED` the rest is counted.

    >>> _listed(["a"]), _listed(["a", "b"]), _listed(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    shown = names[:NAMED] if len(names) > NAMED + 1 else names
    rest = [f"{len(names) - NAMED} more"] if len(names) > len(shown) else []
    parts = [*shown, *rest]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def opening_feature(store: Store, links: Links, name_of: Naming) -> Feature | None:
    """A feature from which there is something to see: strong links to the next site that lead to different names.

    It is looked for a third of the way through the model, among features of middling density; None where nothing is
    alive. About `CANDIDATES` queries.
    """
    site = store.sites[len(store.sites) // 3]
    active = np.asarray(store.summary(site.key).active)
    usable = (active >= 3 * MIN_ACTIVE) & (active <= 0.05 * store.n)
    if not usable.any():
        alive = [Feature(s.key, int(np.argmax(store.summary(s.key).active))) for s in store.sites]
        alive = [feature for feature in alive if store.summary(feature.key).active[feature.index]]
        return alive[0] if alive else None
    order = np.argsort(-np.where(usable, active, -1), kind="stable")[: int(usable.sum())]
    step = max(1, min(len(order), 6 * CANDIDATES) // CANDIDATES)
    tried = [Feature(site.key, int(i)) for i in order[: 6 * CANDIDATES : step]]
    return max(tried, key=lambda feature: _promise(store, links, name_of, feature))


def _promise(store: Store, links: Links, name_of: Naming, feature: Feature) -> float:
    """Strong links to both sides, and different names ahead; a name that is a word tells a reader more than "en"."""
    keys = [site.key for site in links.sites]
    place = keys.index(feature.key)
    promise, names = 0.0, {name_of(feature).words}
    for other in (place - 1, place + 1):
        if 0 <= other < len(keys):
            near = links.neighbours(feature, keys[other], "pearson", 3, MIN_ACTIVE)
            strong = [link for link in near if link.measures["pearson"] >= 0.3]
            promise += sum(link.measures["pearson"] for link in strong)
            names |= {name_of(link.target).words for link in strong if other > place}
    return promise / 6 + len(names) / 2 + sum(len(name) > 2 for name in names) / len(names)
