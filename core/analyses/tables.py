"""What pages show as tables, as Polars frames: they are also what a download holds and what a snippet computes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from core.analyses.contexts import Context, checked_row
from core.labels import Labels
from core.statistics.measures import pearson
from core.statistics.pairs import PairLinks
from core.store import Store
from core.values import DATA_FREE, MEASURES, MIN_ACTIVE, Feature, Link


def site_table(store: Store, labels: Labels, key: str) -> pl.DataFrame:
    """One row a feature of a site: ``feature``, ``label`` (null where there is none), ``hint``, ``state``, numbers.

    `density` is the share of counted positions on which it is active, `mean` its mean activation where it is active.
    """
    summary, d_sae = store.summary(key), store.site(key).d_sae
    active = np.asarray(summary.active)
    found = [labels.get(Feature(key, i)) for i in range(d_sae)]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {
            "feature": [f"{key}_{i}" for i in range(d_sae)],
            "label": [label.text if label else None for label in found],
            "hint": labels.hints(key),
            "state": np.where(active == 0, "dead", np.where(active < MIN_ACTIVE, "rare", "alive")).tolist(),
            "active": active,
            "density": active / store.n if store.n else np.full(d_sae, math.nan),
            "maximum": np.asarray(summary.maximum, np.float64),
            "mean": np.asarray(summary.total) / active,
        }
    return pl.DataFrame(columns, schema_overrides={"label": pl.String}).with_columns(pl.col("mean").fill_nan(None))


def with_best_links(table: pl.DataFrame, found: PairLinks, store: Store, key: str) -> pl.DataFrame:
    """A `site_table` of site `key` with the most similar feature of the pair's other site, and their Pearson.

    ``best`` and ``best_pearson`` are null where nothing was kept: the feature is dead, or alike to none.
    """
    ours, theirs = (found.sources, found.targets) if key == found.source else (found.targets, found.sources)
    other = found.target if key == found.source else found.source
    value = np.asarray(pearson(found.counts(store)), np.float64)
    order = np.lexsort((theirs, np.where(np.isnan(value), np.inf, -value), ours))
    first = order[np.unique(ours[order], return_index=True)[1]]
    best = pl.DataFrame(
        {
            "feature": [f"{key}_{i}" for i in ours[first].tolist()],
            "best": [f"{other}_{j}" for j in theirs[first].tolist()],
            "best_pearson": value[first],
        },
        schema_overrides={"feature": pl.String, "best": pl.String},
    )
    return table.join(best.filter(pl.col("best_pearson").is_not_nan()), "feature", "left", maintain_order="left")


def find_in(table: pl.DataFrame, text: str = "", state: str = "all", most_dense: float = 1.0) -> pl.DataFrame:
    """The rows of a `site_table` whose label, hint or name holds every word of `text`."""
    for word in text.lower().split():
        columns = (pl.col(name).fill_null("").str.to_lowercase() for name in ("feature", "label", "hint"))
        table = table.filter(pl.any_horizontal(column.str.contains(word, literal=True) for column in columns))
    if state != "all":
        table = table.filter(pl.col("state") == state)
    return table if most_dense >= 1 else table.filter(pl.col("density") <= most_dense)


def neighbour_table(links: Iterable[Link], feature: Feature, labels: Labels) -> pl.DataFrame:
    """One row a link of `feature`: the other feature, its name, the counts and every measure that the links carry."""
    links, rows = list(links), []
    names = (*MEASURES, *(name for name in DATA_FREE if any(name in link.measures for link in links)))
    for link in links:
        other = link.other(feature)
        label = labels.get(other)
        counts = (link.n_source, link.n_target, link.n_both)
        measures = (_or_none(link.measures[name]) for name in names)
        rows.append(
            (str(other), label.text if label else None, labels.hint(other), *counts, *measures, _or_none(link.lift))
        )
    schema: dict[str, Any] = dict.fromkeys(("feature", "label", "hint"), pl.String)
    schema |= dict.fromkeys(("n_source", "n_target", "n_both"), pl.Int64)
    schema |= dict.fromkeys((*names, "lift"), pl.Float64)
    return pl.DataFrame(rows, schema, orient="row")


def context_table(found: Sequence[Context]) -> pl.DataFrame:
    """One row a context: where it is, its text, the token in focus with its activation, and that of every token."""
    rows = [
        (
            c.position,
            c.document,
            "".join(c.tokens),
            c.tokens[c.focus],
            c.values[c.focus],
            list(c.tokens),
            list(c.values),
        )
        for c in found
    ]
    schema: dict[str, Any] = {
        "position": pl.Int64,
        "document": pl.Int64,
        "text": pl.String,
        "focus": pl.String,
        "activation": pl.Float64,
        "tokens": pl.List(pl.String),
        "activations": pl.List(pl.Float64),
    }
    return pl.DataFrame(rows, schema, orient="row")


def token_shares(store: Store, feature: Feature, top: int = 5) -> list[tuple[int, float]]:
    """The token ids that carry most of a feature's activation, with their share of it, largest first."""
    positions, values = checked_row(store, feature)
    if not len(positions):
        return []
    ids, place = np.unique(np.asarray(store.tokens.ids)[positions], return_inverse=True)
    mass = np.bincount(place, values.astype(np.float64))
    order = np.argsort(-mass, kind="stable")[:top]
    return [(int(ids[i]), float(mass[i] / mass.sum())) for i in order]


def logit_table(store: Store, feature: Feature, side: str) -> list[tuple[int, float]]:
    """Token ids and values that a feature's direction promotes (`side` ``top``) or suppresses (``bottom``)."""
    arrays = store.logits(feature.key)
    tokens, values = arrays[f"{side}_token"][feature.index], arrays[f"{side}_value"][feature.index]
    return [(int(token), float(value)) for token, value in zip(tokens, values, strict=True)]


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
