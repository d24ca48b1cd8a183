"""Turnover, lifespans and sites as Polars frames: what the Layers page shows, downloads and computes in its snippet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from core.analyses.lifespans import THEN, Lifespans, half_life, length_table, survival, then_table
from core.analyses.matches import Matches
from core.analyses.returns import Return
from core.analyses.turnover import band, of_source, share_curves, turnover
from core.labels import Labels
from core.values import Feature

TAUS = np.round(np.linspace(0.0, 1.0, 201), 3)
"""The thresholds at which curves are drawn and downloaded."""


Question = tuple[str, int, int, str]
"""Which chains are listed: born at a site, of a length, of at least one, followed by what ("" and 0 for any)."""


def turnover_table(found: Sequence[Matches], threshold: float) -> pl.DataFrame:
    """One row a pair of sites: the numbers of `Turnover`, and the shares of the alive and of all features."""
    told = [turnover(one, threshold) for one in found]
    rows = [t.as_json() | {"share_of_alive": t.share, "share_of_all": t.raw_share} for t in told]
    return pl.DataFrame(rows).fill_nan(None) if rows else pl.DataFrame()


def curve_table(found: Sequence[Matches], thresholds: np.ndarray = TAUS) -> pl.DataFrame:
    """The share of alive features passed on, one to one, and by chance, at every threshold and for every pair."""
    parts = []
    for curve in share_curves(found, thresholds):
        columns = {name: curve[name] for name in ("passed", "mutual", "chance")}
        frame = pl.DataFrame({"threshold": thresholds, **columns})
        named = [pl.lit(curve[name]).alias(name) for name in ("from", "to", "measure")]
        parts.append(frame.select(*named, "threshold", *columns))
    return pl.concat(parts).fill_nan(None) if parts else pl.DataFrame()


def band_table(found: Matches, name: str, threshold: float, labels: Labels) -> pl.DataFrame:
    """The features of one band, best match first: what they are called, their best match, how good it is."""
    earlier = of_source(name)
    side, active = (found.forward, found.active_from) if earlier else (found.backward, found.active_to)
    here, there = (found.source, found.target) if earlier else (found.target, found.source)
    chosen = band(found, name, threshold)
    value = side.value[chosen]
    chosen = chosen[np.argsort(np.where(np.isnan(value), np.inf, -value), kind="stable")]
    rows = []
    for index in chosen.tolist():
        partner = int(side.partner[index])
        match = Feature(there, partner) if partner >= 0 else None
        rows.append(
            (
                f"{here}_{index}",
                labels.written(Feature(here, index)),
                str(match) if match else None,
                labels.written(match) if match else None,
                float(side.value[index]),
                int(active[index]),
            )
        )
    texts = dict.fromkeys(("feature", "name", "match", "match_name"), pl.String)
    schema = texts | {found.measure: pl.Float64, "active": pl.Int64}
    return pl.DataFrame(rows, schema, orient="row").fill_nan(None)


def birth_table(found: Lifespans) -> pl.DataFrame:
    """One row a birth site: how many were born, the half-life in sites, how they stop, how many of each length."""
    lengths, then = length_table(found), then_table(found)
    rows = {
        "site": list(found.keys),
        "born": lengths.sum(1),
        "half_life": [half_life(survival(found, site)) for site in range(len(found.keys))],
        "still_there": then[:, THEN.index("last site")],
        "ended": then[:, THEN.index("ended")],
        "no_longer_one_to_one": then[:, THEN.index("no longer one to one")],
        **{f"length_{k + 1}": lengths[:, k] for k in range(len(found.keys))},
    }
    return pl.DataFrame(rows).with_columns(pl.col("half_life").fill_nan(None))


def chain_table(found: Lifespans, chains: Sequence[int] | np.ndarray, labels: Labels) -> pl.DataFrame:
    """One row a chain: first and last feature with their names, length in sites, what comes then, the weakest step.

    Then the best match of its last feature at the next site, whatever its value, and all features.
    """
    rows = []
    for c in (int(c) for c in chains):
        features = found.features(c)
        first, last = features[0], features[-1]
        heir, _ = found.after(c)
        names = (str(first), labels.written(first), str(last), labels.written(last))
        steps = len(features), THEN[found.then[c]], float(found.weakest[c])
        after = str(heir) if heir else None, float(found.value_next[c])
        rows.append((*names, *steps, *after, " ".join(map(str, features))))
    schema: dict[str, type[pl.DataType]] = {
        **dict.fromkeys(("born", "born_name", "last", "last_name"), pl.String),
        "length": pl.Int64, "then": pl.String, "weakest": pl.Float64, "best_next": pl.String,
        "value_next": pl.Float64, "features": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema, orient="row").fill_nan(None)


def return_table(found: Sequence[Return], labels: Labels) -> pl.DataFrame:
    """One row a feature that falls below τ and returns: both ends, their match, the best in between, the depth."""
    rows = [
        (
            str(one.before),
            labels.written(one.before),
            str(one.after),
            labels.written(one.after),
            one.value,
            one.between,
            one.depth,
        )
        for one in found
    ]
    texts = dict.fromkeys(("before", "before_name", "after", "after_name"), pl.String)
    numbers = dict.fromkeys(("value", "between", "depth"), pl.Float64)
    return pl.DataFrame(rows, {**texts, **numbers}, orient="row").fill_nan(None)


def survival_table(found: Lifespans) -> pl.DataFrame:
    """The share that lasts for more than k sites after the first, by birth site and of all."""
    named: Mapping[str, np.ndarray] = {
        "all": survival(found),
        **{key: survival(found, site) for site, key in enumerate(found.keys)},
    }
    steps = np.arange(len(found.keys))
    parts = [
        pl.DataFrame({"born": [name] * len(steps), "sites": steps, "share": curve}) for name, curve in named.items()
    ]
    return pl.concat(parts).fill_nan(None)
