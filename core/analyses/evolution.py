"""The evolution graph: from one or more features, the best links of each step up and down through the sites.

It is written against `Links`, so a store, cached pairs and a published graph all give one. Nodes are ``KEY_INDEX``;
an edge runs from the earlier site to the later one and carries every measure of its link.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx

from core.errors import BadArgument, UnknownSite
from core.values import MIN_ACTIVE, Feature, Link, Links, about

MAX_NODES = 300
"""Above this a picture stops being readable; what was left out is counted and said."""
MAX_EDGES = 1_200


def evolution_graph(
    links: Links,
    seeds: Sequence[Feature],
    *,
    measure: str = "pearson",
    per_step: int = 3,
    floor: float = 0.3,
    up: int = 2,
    down: int = 3,
    activity: float = 0.0,
    expanded: Sequence[Feature] = (),
    min_both: int = 0,
    max_nodes: int = MAX_NODES,
    max_edges: int = MAX_EDGES,
) -> nx.DiGraph:
    """Walk the `per_step` best links at or above `floor` from every feature to the next site, `up` and `down` times.

    Steps go between adjacent sites in the order of the forward pass; a walk never turns round. Each of `expanded`
    that is in the graph adds its own 2 · `per_step` best links both ways. Steps near the seeds come first and within
    a step the strongest links, so that `max_nodes` cuts what is far and weak; `max_edges` keeps the link that brought
    a feature in, then the strongest. The result does not depend on the order in which a dictionary or set iterates.

    Node attributes: ``key, index, site`` (position), ``seed, expanded, wave`` (0: the walk, k: the k-th expansion) and,
    where a link tells it, ``n_active``. Edge attributes: the measures, ``n, n_source, n_target, n_both, lift, weight``
    (the value of `measure`), ``enough`` (n_both ≥ `MIN_ACTIVE`). Graph attributes: the settings, ``pruned_nodes``,
    ``pruned_edges``. By decoder cosine, with `min_both` = 0, it is the data-free flow graph of Laptev et al. 2025.
    Raises `BadArgument` for no seeds, negative steps or a measure of which less is better, `UnknownSite` for a seed of
    another store.
    """
    if not seeds:
        raise BadArgument("an evolution graph needs a feature to start from", "choose one, such as 5_169")
    if min(up, down, per_step, max_nodes, max_edges) < 0:
        raise BadArgument("steps, links a step and caps cannot be negative", "use 0 or more")
    if about(measure).lower_is_better:
        raise BadArgument(f"there is no graph by {measure}: its links have no floor to reach", "choose decoder_cosine")
    walk = _Walk(links, measure, per_step, floor, activity, min_both, max(max_nodes, len(seeds)))
    for seed in seeds:
        walk.admit(seed, 0)
    ahead, back = list(dict.fromkeys(seeds)), list(dict.fromkeys(seeds))
    for step in range(max(up, down)):
        ahead = walk.step(ahead, +1, per_step, 0) if step < down else []
        back = walk.step(back, -1, per_step, 0) if step < up else []
    _expand(walk, expanded, per_step)
    graph = _as_graph(walk, set(seeds), set(expanded), max_edges)
    graph.graph.update(
        seeds=",".join(map(str, seeds)),
        expanded=",".join(map(str, expanded)),
        **{"measure": measure, "per_step": per_step, "floor": float(floor), "up": up, "down": down},
        **{"activity": float(activity), "min_both": min_both},
        pruned_nodes=len(walk.refused - walk.waves.keys()),
    )
    return graph


def what_was_pruned(graph: nx.DiGraph) -> str:
    """One sentence on what the caps left out; empty when nothing was.

    >>> what_was_pruned(nx.DiGraph(pruned_nodes=2, pruned_edges=9))
    'Cut to the nearest and strongest 0 features: 2 more features and 9 more links reach the floor.'
    >>> what_was_pruned(nx.DiGraph(pruned_nodes=0, pruned_edges=0))
    ''
    """
    nodes, edges = graph.graph.get("pruned_nodes", 0), graph.graph.get("pruned_edges", 0)
    if not nodes and not edges:
        return ""
    more = [
        f"{count:,} more {word}{'s' * (count != 1)}" for count, word in ((nodes, "feature"), (edges, "link")) if count
    ]
    cut = f"nearest and strongest {len(graph):,} features" if nodes else f"strongest {graph.number_of_edges():,} links"
    return f"Cut to the {cut}: {' and '.join(more)} reach{'es' * (nodes + edges == 1)} the floor."


@dataclass
class _Walk:
    """What has been reached so far; `waves` and `found` keep the order in which things came in."""

    links: Links
    measure: str
    per_step: int
    floor: float
    activity: float
    min_both: int
    max_nodes: int
    waves: dict[Feature, int] = field(default_factory=dict)
    found: dict[tuple[Feature, Feature], Link] = field(default_factory=dict)
    first: set[tuple[Feature, Feature]] = field(default_factory=set)  # the links that brought a feature in
    refused: set[Feature] = field(default_factory=set)
    refused_links: set[tuple[Feature, Feature]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.keys = [site.key for site in self.links.sites]
        self.place = {key: position for position, key in enumerate(self.keys)}

    def admit(self, feature: Feature, wave: int) -> bool:
        """Take a feature into the graph, unless it is full; true when the feature was new."""
        if feature.key not in self.place:
            raise UnknownSite(f"there is no site {feature.key!r}", f"the sites are {', '.join(self.keys)}")
        if feature in self.waves or len(self.waves) >= self.max_nodes:
            return False
        self.waves[feature] = wave
        return True

    def best(self, feature: Feature, way: int, top: int) -> list[Link]:
        """The best links of a feature to the next site (`way` = 1) or the previous one (−1)."""
        place = self.place[feature.key] + way
        if not 0 <= place < len(self.keys) or not top:
            return []
        near = self.links.neighbours(feature, self.keys[place], self.measure, top, self.min_both, self.activity)
        return [link for link in near if link.measures[self.measure] >= self.floor]

    def step(self, frontier: Iterable[Feature], way: int, top: int, wave: int) -> list[Feature]:
        """One step from every feature of `frontier`; the features that came in, strongest link first."""
        reached = [link for feature in frontier for link in self.best(feature, way, top)]
        reached.sort(key=self._strongest_first)
        fresh = []
        for link in reached:
            ends, far = (link.source, link.target), link.target if way > 0 else link.source
            if self.admit(far, wave):
                fresh.append(far)
                self.first.add(ends)
            if far in self.waves:
                self.found.setdefault(ends, link)
            else:
                self.refused.add(far)
                self.refused_links.add(ends)
        return fresh

    def _strongest_first(self, link: Link) -> tuple[float, int, int, int, int, int]:
        place = self.place
        ends = (place[link.source.key], link.source.index, place[link.target.key], link.target.index)
        return (-link.measures[self.measure], -link.n_both, *ends)


def _expand(walk: _Walk, expanded: Sequence[Feature], per_step: int) -> None:
    """Add the own best links of each expanded feature, in the order given; one that is out of reach is left out."""
    waiting = dict.fromkeys(expanded)
    wave = 0
    while ready := [feature for feature in waiting if feature in walk.waves]:
        for feature in ready:
            wave += 1
            walk.step([feature], +1, 2 * per_step, wave)
            walk.step([feature], -1, 2 * per_step, wave)
            del waiting[feature]


def _as_graph(walk: _Walk, seeds: set[Feature], expanded: set[Feature], max_edges: int) -> nx.DiGraph:
    """The walk as a graph of plain Python values."""
    graph = nx.DiGraph()
    for feature, wave in walk.waves.items():
        graph.add_node(
            str(feature),
            key=feature.key,
            index=feature.index,
            site=walk.place[feature.key],
            seed=feature in seeds,
            expanded=feature in expanded,
            wave=wave,
        )
    kept = sorted(walk.found.values(), key=walk._strongest_first)
    kept.sort(key=lambda link: (link.source, link.target) not in walk.first)
    for link in kept[:max_edges]:
        source, target = str(link.source), str(link.target)
        graph.add_edge(source, target, **link_attributes(link, walk.measure))
        if link.n:
            graph.nodes[source]["n_active"], graph.nodes[target]["n_active"] = int(link.n_source), int(link.n_target)
    missed = walk.refused_links - walk.found.keys()
    graph.graph["pruned_edges"] = len(missed) + max(0, len(kept) - max_edges)
    return graph


def link_attributes(link: Link, measure: str) -> dict[str, float | int | bool]:
    """What an edge carries: Python numbers only, since pyvis and GraphML take no others."""
    counts = {name: int(getattr(link, name)) for name in ("n", "n_source", "n_target", "n_both")}
    return {
        **{name: float(value) for name, value in link.measures.items()},
        **counts,
        "lift": float(link.lift),
        "weight": float(link.measures[measure]),
        "enough": counts["n_both"] >= MIN_ACTIVE or not counts["n"],  # a published graph has no counts to doubt
    }
