"""The tokens of a text and the features on them as Polars frames, and the JSON of the command ``prompt``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import polars as pl

from core.analyses.export import clean
from core.analyses.prompt import Prompt
from core.labels import Labels
from core.values import DATA_FREE, MEASURES, Feature


def token_table(prompt: Prompt, feature: Feature | None) -> pl.DataFrame:
    """The tokens as rows: ``place``, ``token``, ``counted``, and a feature's ``activation`` (null without one)."""
    on = prompt.row(feature) if feature is not None else [None] * len(prompt.tokens)
    columns = {
        "place": range(len(prompt.tokens)),
        "token": [clean(text) for text in prompt.tokens],
        "counted": np.asarray(prompt.counted, bool),
        "activation": pl.Series(on, dtype=pl.Float64),
    }
    return pl.DataFrame(columns, schema_overrides={"place": pl.Int64, "token": pl.String})


def feature_table(graph: nx.DiGraph, labels: Labels) -> pl.DataFrame:
    """One row a feature, site by site and strongest first: ``site``, ``feature``, ``name``, ``activation``.

    Those of two texts in the order of what both have, what only the first, what only the second has.

    A name in quotes is a characteristic token and no label. Of a comparison also ``side``, ``first`` and ``second``;
    where the graph has ``communities`` (`community_tables.with_communities`) also ``community``, ``community_words``.
    """

    def place(node: tuple[str, dict[str, Any]]) -> tuple[int, str, float, int]:
        data = node[1]  # both, first, second: the alphabet has them in this order
        return data["site"], data.get("side", ""), -data["activation"], data["index"]

    nodes = sorted(graph.nodes(data=True), key=place)
    rows = [
        (d["key"], name, labels.written(Feature(d["key"], d["index"])), float(d["activation"])) for name, d in nodes
    ]
    schema = {"site": pl.String, "feature": pl.String, "name": pl.String, "activation": pl.Float64}
    frame = pl.DataFrame(rows, schema, orient="row")
    more: dict[str, Any] = {}
    if any("side" in data for _, data in nodes):
        more = {"side": pl.String, "first": pl.Float64, "second": pl.Float64}
    if "communities" in graph.graph:
        more |= {"community": pl.Int64, "community_words": pl.String}
    return frame.with_columns(pl.Series(part, [d.get(part) for _, d in nodes], kind) for part, kind in more.items())


def as_json(
    prompt: Prompt, graph: nx.DiGraph, labels: Labels, communities: Mapping[Feature, int] | None = None
) -> dict[str, Any]:
    """The JSON of ``prompt`` (DESIGN 9); links carry their counts and one key a measure, as those of ``edges``.

    A measure of weights by which they were linked is among these.
    """
    nodes = []
    for name, data in graph.nodes(data=True):
        feature = Feature(data["key"], data["index"])
        label = labels.get(feature)
        community = (communities or {}).get(feature)
        nodes.append({"feature": name, "activation": data["activation"], "label": label.text if label else None,
                      "community": community})  # fmt: skip
    weights = [name for name in DATA_FREE if name == graph.graph["measure"]]
    names = ("n", "n_source", "n_target", "n_both", *MEASURES, *weights)
    found = [
        {"source": a, "target": b, **{name: data[name] for name in names}} for a, b, data in graph.edges(data=True)
    ]
    return {"tokens": list(prompt.tokens), "nodes": nodes, "links": found}
