"""The sites' charts as frames, and the features behind each of their marks."""

from __future__ import annotations

import numpy as np
import polars as pl

from core.analyses.site_summary import (
    density_spread,
    maximum_spread,
    nth_firing,
    range_of_maxima,
    silent_after,
    token_steps,
)
from core.errors import BadArgument
from core.labels import Labels
from core.store import Store
from core.values import MIN_ACTIVE, Feature

PANELS = ("density", "maximum", "dead", "silent")


def behind(store: Store, panel: str, key: str, low: float, high: float, labels: Labels) -> pl.DataFrame:
    """The features of a site behind a mark of a panel: those of a histogram's bin, or those silent so far.

    - ``density``, ``maximum``: of all but dead features, or of the alive ones, those from `low` to below `high`;
    - ``dead``, ``silent``: those that have not fired yet, or not ten times, on the first `low` counted tokens.

    One row a feature, the largest first: density, largest activation, the counted token (from 1) at which it fired for
    the first time and for the tenth; null for what has not happened. Raises `BadArgument` and `UnknownSite`.
    """
    if panel not in PANELS:
        raise BadArgument(f"there is no panel {panel!r}", f"choose one of {', '.join(PANELS)}")
    summary = store.summary(key)
    active, maximum = np.asarray(summary.active), np.asarray(summary.maximum, np.float64)
    first, tenth = nth_firing(store, key), nth_firing(store, key, MIN_ACTIVE)
    density = active / max(1, store.n)
    value = {"density": density, "maximum": maximum, "dead": first, "silent": tenth}[panel]
    if panel in ("dead", "silent"):
        wanted = (value == 0) | (value > low)
        order = np.where(value == 0, np.inf, value)
    else:
        wanted = (active >= (MIN_ACTIVE if panel == "maximum" else 1)) & (value >= low) & (value < high)
        order = value
    chosen = np.flatnonzero(wanted)
    chosen = chosen[np.argsort(-order[chosen], kind="stable")]
    features = [Feature(key, index) for index in chosen.tolist()]
    numbers = {"first": first, "tenth": tenth, "active": active.astype(np.int64)}
    return pl.DataFrame(
        {
            "feature": pl.Series([str(feature) for feature in features], dtype=pl.String),
            "name": pl.Series([labels.written(feature) for feature in features], dtype=pl.String),
            "density": density[chosen],
            "maximum": maximum[chosen],
            **{name: values[chosen] for name, values in numbers.items()},
        }
    ).with_columns(
        pl.col("first", "tenth").replace(0, None),
        pl.when(pl.col("active") > 0).then(pl.col("maximum")).alias("maximum"),
    )


def spread_table(store: Store) -> pl.DataFrame:
    """The histograms of all sites, one row a bin: densities of all but dead features, maxima of alive ones."""
    low, high = range_of_maxima(store)
    parts = []
    for site in store.sites:
        drawn = {"density": density_spread(store, site.key), "maximum": maximum_spread(store, site.key, low, high)}
        for what, spread in drawn.items():
            frame = pl.DataFrame({"from": spread.edges[:-1], "to": spread.edges[1:], "features": spread.counts})
            parts.append(frame.select(pl.lit(site.key).alias("site"), pl.lit(what).alias("what"), pl.all()))
    return pl.concat(parts)


def silent_table(store: Store) -> pl.DataFrame:
    """How many features of each site are dead, and dead or rare, after how many counted tokens."""
    tokens, parts = token_steps(store), []
    for site in store.sites:
        dead, few = (silent_after(store, site.key, tokens, times) for times in (1, MIN_ACTIVE))
        frame = pl.DataFrame({"tokens": tokens, "dead": dead, "dead_or_rare": few})
        parts.append(frame.select(pl.lit(site.key).alias("site"), pl.all()))
    return pl.concat(parts)
