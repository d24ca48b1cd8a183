"""Communities as Polars frames, and one of them as a graph: shown on the page, downloaded, computed by a snippet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import networkx as nx
import numpy as np
import polars as pl

from core.analyses.communities import Communities, Community, Settings
from core.analyses.evolution import MAX_EDGES, link_attributes
from core.analyses.export import clean, with_labels
from core.store import Store
from core.values import DATA_FREE, Feature, Link, Links, Naming

MOST = 40
"""Features of one community that a picture shows unless asked for more."""

SUMMARY: dict[str, Any] = {
    "id": pl.Int64,
    "size": pl.Int64,
    "keywords": pl.String,
    "sites": pl.String,
    "per_site": pl.List(pl.Int64),
    "cohesion": pl.Float64,
    "stability": pl.Float64,
    "over_seeds": pl.Float64,
    "over_halves": pl.Float64,
    "modularity": pl.Float64,
}


def community_table(found: Communities) -> pl.DataFrame:
    """One row a community, the largest first; `per_site` counts its features at each site, columns as SUMMARY."""
    rows = [
        (
            one.id,
            one.size,
            ", ".join(word.written for word in one.keywords),
            span(one.sites, found.graph.keys),
            per_site(one, found.graph.keys),
            *(one.cohesion, one.stability, one.over_seeds, one.over_halves, one.modularity),
        )
        for one in found.communities
    ]
    return pl.DataFrame(rows, SUMMARY, orient="row").fill_nan(None)


def per_site(one: Community, keys: tuple[str, ...]) -> list[int]:
    """How many of a community's features each site has."""
    at = [feature.key for feature in one.features]
    return [at.count(key) for key in keys]


def span(sites: tuple[str, ...], keys: tuple[str, ...]) -> str:
    """Sites in few words.

    >>> span(("1", "2", "3"), ("0", "1", "2", "3")), span(("0", "2"), ("0", "1", "2")), span(("1",), ("0", "1"))
    ('1 to 3', '0, 2', '1')
    """
    places = [keys.index(site) for site in sites]
    whole = len(places) > 1 and places == list(range(places[0], places[-1] + 1))
    return f"{sites[0]} to {sites[-1]}" if whole else ", ".join(sites)


def member_table(found: Communities, name_of: Naming) -> pl.DataFrame:
    """One row a feature that is in a community: its id, the feature, its label and who gave it, or its hint.

    ``strength`` is the weight of its links within the community.
    """
    strength = dict(zip(found.graph.features, strength_within(found).tolist(), strict=True))
    rows = []
    for one in found.communities:
        for feature in one.features:
            name = name_of(feature)
            texts = str(feature), clean(name.label), name.source, clean(name.hint)
            rows.append((one.id, *texts, strength[feature]))
    kinds: dict[str, Any] = {"community": pl.Int64}
    kinds |= dict.fromkeys(("feature", "label", "label_source", "hint"), pl.String) | {"strength": pl.Float64}
    return pl.DataFrame(rows, kinds, orient="row")


def strength_within(found: Communities) -> np.ndarray:
    """The weight of each feature's links with others of its community, float64 [nodes]."""
    graph, parts = found.graph, found.parts
    inside = parts[graph.source] == parts[graph.target]
    strength = np.zeros(len(parts))
    for ends in (graph.source, graph.target):
        strength += np.bincount(ends[inside], graph.weight[inside], minlength=len(parts))
    return strength


def of_community(members: pl.DataFrame, id: int, parts: Communities, store: Store) -> pl.DataFrame:
    """The rows of one community, the best connected first: ``feature``, ``label``, ``label_source``, ``hint``,
    ``part``, ``strength`` and ``active``, the tokens on which it is active. A feature in none of the parts has none.
    """
    table = members.filter(pl.col("community") == id).drop("community")
    features = [Feature.parse(name) for name in table["feature"]]
    active = [int(store.summary(feature.key).active[feature.index]) for feature in features]
    table = table.with_columns(
        pl.Series("part", [parts.membership.get(feature) for feature in features], pl.Int64),
        pl.Series("active", active, pl.Int64),
    )
    table = table.select("feature", "label", "label_source", "hint", "part", "strength", "active")
    return table.sort("strength", descending=True, maintain_order=True)


def with_text(table: pl.DataFrame, members: pl.DataFrame, text: str) -> pl.DataFrame:
    """The communities of which a keyword, a member's label or hint, or a member itself holds every word of `text`."""
    for word in text.casefold().split():
        names = (pl.col(name).str.to_lowercase() for name in ("label", "hint"))
        holds = pl.any_horizontal(name.str.contains(word, literal=True) for name in names)
        ids = members.filter(holds | (pl.col("feature") == word))["community"].unique().to_list()
        told = pl.col("keywords").str.to_lowercase().str.contains(word, literal=True)
        table = table.filter(pl.col("id").is_in(ids) | told)
    return table


def community_graph(
    links: Links, found: Communities, id: int, name_of: Naming, most: int = MOST,
    activity: float = 0.0, measure: str = "jaccard", floor: float = 0.0, first: Feature | None = None,
) -> nx.DiGraph:  # fmt: skip
    """The `most` best connected features of a community with their links: an evolution graph, all measures on it.

    Each site is given its share of them. A feature's strength is the weight of its links within the community; the
    strongest is marked as ``seed``, or `first`, a member that is to be drawn in any case. Graph
    attributes: `measure`, `floor`, ``community``, ``pruned_nodes``, ``pruned_edges``. Raises `KeyError` for no such id.
    """
    one = found.of(id)
    if one is None:
        raise KeyError(id)
    graph, parts = found.graph, found.parts
    inside = np.flatnonzero((parts[graph.source] == id - 1) & (parts[graph.target] == id - 1))
    strength = strength_within(found)
    members = np.flatnonzero(parts == id - 1)
    ranked = _ranked(members, graph.site[members], strength[members])
    if first is not None and found.membership.get(first) == id:
        ranked = np.array(sorted(ranked.tolist(), key=lambda node: graph.features[node] != first), np.int64)
    chosen = _linked(
        ranked.tolist(), zip(graph.source[inside].tolist(), graph.target[inside].tolist(), strict=True), most
    )
    kept = inside[np.isin(graph.source[inside], chosen) & np.isin(graph.target[inside], chosen)]
    kept = kept[np.lexsort((kept, -graph.weight[kept]))][:MAX_EDGES]
    drawn = nx.DiGraph(
        measure=measure, floor=float(floor), community=id, seeds=str(graph.features[chosen[0]]),
        pruned_nodes=len(members) - len(chosen), pruned_edges=len(inside) - len(kept),
    )  # fmt: skip
    for node in np.sort(chosen).tolist():
        feature = graph.features[node]
        drawn.add_node(
            str(feature), key=feature.key, index=feature.index, site=int(graph.site[node]),
            seed=node == int(chosen[0]), expanded=False, wave=0, strength=float(strength[node]),
        )  # fmt: skip
    for e in kept.tolist():
        ends = graph.features[graph.source[e]], graph.features[graph.target[e]]
        link: Link = links.link(*ends, activity, measure if measure in DATA_FREE else "")
        drawn.add_edge(str(link.source), str(link.target), **link_attributes(link, measure))
    return with_labels(drawn, name_of)


def _ranked(members: np.ndarray, site: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """`members`, the strongest of each site in proportion: by rank within their site as a share of it, then strength.

    >>> _ranked(np.arange(6), np.array([0, 0, 0, 0, 1, 1]), np.array([9.0, 8, 7, 6, 2, 1])).tolist()
    [0, 4, 1, 2, 5, 3]
    """
    order = np.lexsort((members, -strength, site))
    _, first, size = np.unique(site[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, size)
    share = rank / np.repeat(size, size)
    members, strength = members[order], strength[order]
    return members[np.lexsort((members, -strength, share))]


def _linked(ranked: list[int], links: Iterable[tuple[int, int]], most: int) -> np.ndarray:
    """The first `most` of `ranked`; those without a link among them make room for the next ones that have one.

    >>> _linked([0, 1, 2, 3], [(0, 1), (0, 3)], 3).tolist()
    [0, 1, 3]
    """
    near: dict[int, set[int]] = defaultdict(set)
    for a, b in links:
        near[a].add(b)
        near[b].add(a)
    chosen = set(ranked[:most])
    alone = [node for node in ranked[:most] if not near[node] & chosen]
    chosen -= {node for node in alone if node != ranked[0]}
    for node in (*ranked[most:], *alone):
        if len(chosen) < most and near[node] & chosen:
            chosen.add(node)
    return np.array([node for node in ranked if node in chosen], np.int64)


def with_communities(graph: nx.DiGraph, found: Communities, asked: Settings) -> nx.DiGraph:
    """A copy of any graph of features whose nodes carry ``community``, its id, and ``community_words``, its keywords.

    Features of no community carry neither. The graph's ``communities`` says what made them.
    """
    copy = graph.copy()
    copy.graph["communities"] = " ".join(f"{name}={getattr(asked, name)}" for name in Settings.__dataclass_fields__)
    for _, data in copy.nodes(data=True):
        one = found.of(found.membership.get(Feature(data["key"], data["index"]), 0))
        if one is not None:
            words = ", ".join(word.written for word in one.keywords)
            data["community"], data["community_words"] = one.id, clean(words)
    return copy


def with_activity(graph: nx.DiGraph, store: Store) -> nx.DiGraph:
    """The same graph; each feature with the number of tokens on which it is active."""
    for _, data in graph.nodes(data=True):
        data["n_active"] = int(store.summary(data["key"]).active[data["index"]])
    return graph
