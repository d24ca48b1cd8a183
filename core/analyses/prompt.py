"""The features active on chosen tokens of a text, as a layered graph linked by what the whole store says of them.

The seed's feature browser (Balcells et al. 2024, 3.4). A text is a sequence of the store, which needs no model, or a
typed prompt, which `core.collect.prompting` encodes. Links are between the strongest features of adjacent sites, by a
measure over all counted positions: they tell what usually goes together, not what this text made happen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from core.analyses.evolution import link_attributes
from core.analyses.token_texts import decode, token_bytes
from core.errors import BadArgument, UnknownFeature
from core.store import Sparse, Store
from core.values import ALL_MEASURES, DATA_FREE, GRAPH_MEASURES, MIN_ACTIVE, Feature, Links

TOP, FLOOR = 5, 0.3


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text as tokens, and what is active on each at each site."""

    name: str
    tokens: tuple[str, ...]
    counted: np.ndarray  # uint8 [tokens]; nothing is active on the others
    active: Mapping[str, Sparse]  # by site; rows are tokens, indices features

    def row(self, feature: Feature) -> np.ndarray:
        """A feature's activation on each token, float64 [tokens], 0 where it is silent."""
        rows = self.active[feature.key]
        lengths = np.diff(rows.offsets)
        here = np.asarray(rows.indices) == feature.index
        dense = np.zeros(len(self.tokens))
        dense[np.repeat(np.arange(len(lengths)), lengths)[here]] = np.asarray(rows.values)[here]
        return dense


def sequence_prompt(store: Store, sequence: int) -> Prompt:
    """A sequence of the store as a prompt; raises `BadArgument` where there is no such one.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": np.array([[1.0, 0], [0, 2], [3, 0]])})
    ...     sequence_prompt(store, 0).row(Feature("0", 0)).tolist()
    [1.0, 0.0, 3.0]
    """
    if not 0 <= sequence < store.n_sequences:
        raise BadArgument(
            f"there is no sequence {sequence} in {store.path.name}", f"choose one from 0 to {store.n_sequences - 1}"
        )
    start, stop = (
        int(v) for v in np.clip(store.tokens.sequence_offsets[sequence : sequence + 2], 0, store.n_positions)
    )
    active = {}
    for site in store.sites:
        rows = store.by_token(site.key)
        offsets = np.clip(np.asarray(rows.offsets[start : stop + 1], np.int64), 0, len(rows.indices))
        part = slice(int(offsets[0]), max(int(offsets[0]), int(offsets[-1])))
        active[site.key] = Sparse(offsets - offsets[0], rows.indices[part], rows.values[part])
    return as_prompt(
        store, f"sequence {sequence}", store.tokens.ids[start:stop], store.tokens.counted[start:stop], active
    )


def as_prompt(store: Store, name: str, ids: np.ndarray, counted: np.ndarray, active: Mapping[str, Sparse]) -> Prompt:
    """A prompt from token ids and activations by site; texts are those of the store's vocabulary."""
    return Prompt(name, tuple(decode(token_bytes(store, ids))), np.asarray(counted, np.uint8), active)


def chosen_tokens(text: str, length: int) -> tuple[int, ...]:
    """Which tokens a text such as ``-1``, ``3,5``, ``3-7`` or ``all`` names, rising; negative ones count from the end.

    Raises `BadArgument` for anything else, and for tokens that are not there.

    >>> chosen_tokens("-1", 9), chosen_tokens("1, 3-5", 9), chosen_tokens("all", 3)
    ((8,), (1, 3, 4, 5), (0, 1, 2))
    """
    if text.strip() == "all":
        return tuple(range(length))
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(-?\d{1,9})(?:-(\d{1,9}))?", part.strip(), re.ASCII)
        if match is None:
            raise BadArgument(
                f"{text[:60]!r} names no tokens", "write one such as -1 or 12, several as 3,5 or 3-7, or all"
            )
        first = int(match[1])
        first += length if first < 0 else 0
        last = int(match[2]) if match[2] else first
        if not 0 <= first <= last < length:
            raise BadArgument(f"there is no token {part.strip()} among {length}", f"choose from 0 to {length - 1}")
        found |= set(range(first, last + 1))
    return tuple(sorted(found))


def largest_on(prompt: Prompt, key: str, positions: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The features of a site active on any of the tokens, int64 rising, and the largest activation of each, float64."""
    rows = prompt.active[key]
    parts = [slice(int(rows.offsets[p]), int(rows.offsets[p + 1])) for p in positions]
    features = np.concatenate([np.empty(0, np.int64), *(np.asarray(rows.indices[part], np.int64) for part in parts)])
    values = np.concatenate([np.empty(0), *(np.asarray(rows.values[part], np.float64) for part in parts)])
    known, inverse = np.unique(features, return_inverse=True)
    largest = np.zeros(len(known))
    np.maximum.at(largest, inverse, values)
    return known, largest


def strongest_features(
    prompt: Prompt, key: str, positions: Sequence[int], top: int = TOP
) -> list[tuple[Feature, float]]:
    """The `top` features of a site on the chosen tokens with their largest activation there, strongest first.

    Ties go to the smaller index; fewer active ones is no error.
    """
    known, largest = largest_on(prompt, key, positions)
    order = np.lexsort((known, -largest))[:top]
    return [(Feature(key, int(known[k])), float(largest[k])) for k in order]


def prompt_graph(
    links: Links,
    prompt: Prompt,
    positions: Sequence[int],
    *,
    top: int = TOP,
    measure: str = "pearson",
    floor: float = FLOOR,
    min_both: int = MIN_ACTIVE,
    activity: float = 0.0,
) -> nx.DiGraph:
    """The `top` strongest features of every site on the chosen tokens, linked where `measure` reaches `floor`.

    Every pair of them at adjacent sites is asked; those active together on fewer than `min_both` tokens of the store
    are left out. Node attributes: ``key, index, site, activation``; edges as in `evolution_graph`. The graph's
    ``active`` counts all features that are active there. Raises `BadArgument` for a measure or number that makes no
    sense, and for one of which less is better; by a measure of weights also `SpacesDiffer` and `NothingRecorded`.
    """
    check(measure, top)
    graph = nx.DiGraph(measure=measure, floor=float(floor), top=top, activity=float(activity), min_both=min_both)
    graph.graph["active"] = sum(len(largest_on(prompt, site.key, positions)[0]) for site in links.sites)
    chosen = [strongest_features(prompt, site.key, positions, top) for site in links.sites]
    for place, features in enumerate(chosen):
        for feature, activation in features:
            graph.add_node(str(feature), key=feature.key, index=feature.index, site=place, activation=activation)
    link_layers(links, graph, [[feature for feature, _ in features] for features in chosen])
    return graph


def check(measure: str, top: int) -> None:
    """Raise `BadArgument` for settings that give no graph."""
    if measure not in GRAPH_MEASURES:
        what = "its links have no floor to reach" if measure in ALL_MEASURES else "there is no such measure"
        raise BadArgument(f"there is no graph by {measure!r}: {what}", f"choose one of {', '.join(GRAPH_MEASURES)}")
    if top < 1:
        raise BadArgument(f"{top} features a site are no graph", "choose 1 or more")


def link_layers(links: Links, graph: nx.DiGraph, layers: Sequence[Sequence[Feature]]) -> None:
    """Add the links of `graph`'s settings between all features of neighbouring layers."""
    asked = graph.graph
    measure = asked["measure"]
    weights = measure if measure in DATA_FREE else ""
    for sources, targets in pairwise(layers):
        for source in sources:
            for target in targets:
                try:
                    link = links.link(source, target, asked["activity"], weights)
                except UnknownFeature:  # a published graph holds some links only
                    continue
                if link.n_both >= asked["min_both"] and link.measures[measure] >= asked["floor"]:
                    graph.add_edge(str(link.source), str(link.target), **link_attributes(link, measure))


# ---- two prompts

Read = tuple[Prompt, Sequence[int]]
"""A text and its chosen tokens."""


def compare_graph(
    links: Links,
    first: Read,
    second: Read,
    *,
    top: int = TOP,
    measure: str = "pearson",
    floor: float = FLOOR,
    min_both: int = MIN_ACTIVE,
    activity: float = 0.0,
) -> nx.DiGraph:
    """The `top` strongest features of every site on either text's tokens in one graph, linked as in `prompt_graph`.

    Node attributes: ``first`` and ``second``, the largest activation on the tokens of either, 0 where it is silent;
    ``activation``, the larger one; ``side``: ``both``, ``first`` or ``second``, by where it is active at all, also
    where it is not among the strongest. Raises what `prompt_graph` raises.
    """
    check(measure, top)
    graph = nx.DiGraph(measure=measure, floor=float(floor), top=top, activity=float(activity), min_both=min_both)
    graph.graph["active"] = 0
    layers = []
    for place, site in enumerate(links.sites):
        on = [
            dict(zip(*(part.tolist() for part in largest_on(p, site.key, t)), strict=True)) for p, t in (first, second)
        ]
        graph.graph["active"] += len(on[0].keys() | on[1].keys())
        chosen = [feature for p, t in (first, second) for feature, _ in strongest_features(p, site.key, t, top)]
        layers.append(list(dict.fromkeys(chosen)))
        for feature in layers[-1]:
            ends = [each.get(feature.index, 0.0) for each in on]
            side = "both" if all(ends) else "first" if ends[0] else "second"
            more = {"activation": max(ends), "first": ends[0], "second": ends[1], "side": side}
            graph.add_node(str(feature), key=feature.key, index=feature.index, site=place, **more)
    link_layers(links, graph, layers)
    return graph
