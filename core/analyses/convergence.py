"""How many tokens a measure needs: its value on part of the documents against its value on all of them.

Balcells et al. 2024, appendix C. The parts are nested: documents are shuffled once a draw, and each share of them
contains the smaller ones. Every number is exact: a link's counts on a part are sums of those in the part's documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from core.analyses.agreement import Kept
from core.statistics.first_seen import features_seen, level_of_positions, nested_documents, pairs_seen
from core.statistics.intervals import DocumentSums, document_index, document_sums
from core.statistics.measures import all_measures
from core.store import Store
from core.values import MEASURES, PairCounts

SHARES = tuple(1 / 2**k for k in range(6, -1, -1))
"""1/64, 1/32, ... 1 of the documents."""
LINKS, DRAWS = 160, 6
FIELDS = ("n_source", "n_target", "n_both", "sum_x", "sum_xx", "sum_y", "sum_yy", "sum_xy")
"""What pair counts sum over positions, besides n."""
BY_BOTH = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
"""Where the classes of co-activations begin."""

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Convergence:
    """Sampled links on nested parts of the documents; the last share is 1 where errors are 0 by definition."""

    shares: tuple[float, ...]
    tokens: np.ndarray  # int64 [draws, shares], counted positions of each part
    places: np.ndarray  # int64 [links], into the `Kept` that they were sampled from
    n_both: np.ndarray  # int64 [draws, shares, links], co-activations within the part
    values: dict[str, np.ndarray]  # float64 [draws, shares, links], NaN where undefined
    full: dict[str, np.ndarray]  # float64 [links]


def sample_links(kept: Kept, links: int = LINKS, seed: int = 0) -> np.ndarray:
    """Places of links, about equally many from each class of co-activations (`BY_BOTH`), rising; seeded.

    Without classes nearly all would come from the many links that rarely fire together.
    """
    rng = np.random.default_rng(seed)
    which = np.searchsorted(BY_BOTH, kept.n_both, side="right")
    classes = np.unique(which)
    each = -(-links // max(1, len(classes)))
    drawn = [rng.permutation(np.flatnonzero(which == one))[:each] for one in classes]
    return np.sort(np.concatenate(drawn)) if drawn else np.empty(0, np.int64)


def convergence(
    store: Store,
    kept: Kept,
    activity: float = 0.0,
    shares: Sequence[float] = SHARES,
    links: int = LINKS,
    draws: int = DRAWS,
    seed: int = 0,
    report: Report = lambda done, of: None,
) -> Convergence:
    """Every measure of sampled links on each of the nested `shares` of the documents, in `draws` shuffles of them.

    The activity rule's maximum is the store's also for a part (DESIGN 1). `report` hears of links done and may raise.
    """
    places = sample_links(kept, links, seed)
    levels = [nested_documents(store, shares, seed + draw) for draw in range(draws)]
    sums = np.zeros((len(FIELDS), draws, len(shares), len(places)))
    for k, place in enumerate(places.tolist()):
        of_link = document_sums(store, *kept.link(place), activity)
        for draw, level in enumerate(levels):
            sums[:, draw, :, k] = part_sums(of_link, level, len(shares))
        report(k + 1, len(places))
    n = document_index(store)[1]
    tokens = np.stack([_running(level, n, len(shares)) for level in levels]).astype(np.int64)
    values = {name: np.full(sums.shape[1:], np.nan) for name in MEASURES}
    for draw, share in np.ndindex(draws, len(shares)):
        part = dict(zip(FIELDS, sums[:, draw, share], strict=True))
        for name, value in all_measures(PairCounts(int(tokens[draw, share]), **part)).items():
            values[name][draw, share] = value
    full = {name: kept.values[name][places] for name in MEASURES}
    return Convergence(tuple(shares), tokens, places, sums[FIELDS.index("n_both")].astype(np.int64), values, full)


def part_sums(sums: DocumentSums, level: np.ndarray, samples: int) -> np.ndarray:
    """The sums of a link, `FIELDS`, on each nested part [fields, samples]: running sums over documents by their level.

    >>> one = np.array([1, 2, 4])
    >>> sums = DocumentSums(*(one * k for k in range(1, 10)))
    >>> part_sums(sums, np.array([1, 0, 2]), 3)[0].tolist()
    [4.0, 6.0, 14.0]
    """
    return np.stack([_running(level, getattr(sums, name), samples) for name in FIELDS])


def _running(level: np.ndarray, weights: np.ndarray, samples: int) -> np.ndarray:
    return np.cumsum(np.bincount(level, weights, samples + 1)[:samples])


def error_table(found: Convergence) -> pl.DataFrame:
    """How far measures are from their full value, by co-activations within the part.

    Columns ``measure``, ``n_both`` (the class begins there), ``observations``, ``links``, ``median_error`` and
    ``ninth_decile`` of |value − full|, ``median_relative`` of |value − full| / |full|, and ``place`` (of the link whose
    relative error is the median one). Parts of all documents are left out.
    """
    parts = np.flatnonzero(np.asarray(found.shares) < 1)
    which = np.searchsorted(BY_BOTH, found.n_both[:, parts], side="right") - 1
    link = np.broadcast_to(np.arange(len(found.places)), which.shape)
    rows = []
    for name in MEASURES:
        error = np.abs(found.values[name][:, parts] - found.full[name])
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = error / np.abs(found.full[name])
        for c, low in enumerate(BY_BOTH):
            inside = (which == c) & np.isfinite(relative)
            if inside.any():
                some, ends = relative[inside], link[inside]
                order = np.argsort(some, kind="stable")
                typical = int(found.places[ends[order[(len(order) - 1) // 2]]])
                middle, high = np.quantile(error[inside], (0.5, 0.9)).tolist()
                numbers = (middle, high, float(np.median(some)), typical)
                rows.append((name, low, int(inside.sum()), len(np.unique(ends)), *numbers))
    schema: dict[str, Any] = {"measure": pl.String, "n_both": pl.Int64, "observations": pl.Int64, "links": pl.Int64}
    schema |= dict.fromkeys(("median_error", "ninth_decile", "median_relative"), pl.Float64) | {"place": pl.Int64}
    return pl.DataFrame(rows, schema, orient="row")


@dataclass(frozen=True, slots=True)
class Seen:
    """What nested parts of the documents have shown, in one shuffle of them; arrays [shares]."""

    tokens: np.ndarray  # int64
    features: dict[str, int]  # by site: d_sae
    dead: dict[str, np.ndarray]  # by site: features never active so far
    never_co_active: np.ndarray  # pairs of the d_sae · d_sae never active together so far


def seen_by_then(
    store: Store,
    source: str,
    target: str,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    report: Report = lambda done, of: None,
) -> Seen:
    """Dead features and pairs never active together against the number of tokens; exact, one pass over the pair."""
    level = nested_documents(store, shares, seed)
    positions = level_of_positions(store, level)
    samples = len(shares)
    tokens = _running(level, document_index(store)[1], samples).astype(np.int64)
    features = {key: store.site(key).d_sae for key in (source, target)}
    dead = {key: of - features_seen(store, key, positions, samples) for key, of in features.items()}
    pairs = features[source] * features[target]
    return Seen(tokens, features, dead, pairs - pairs_seen(store, source, target, positions, samples, report))


def seen_table(found: Seen) -> pl.DataFrame:
    """One row a part: ``tokens``, ``dead_KEY`` of both sites, ``never_co_active``."""
    dead = {f"dead_{key}": counts for key, counts in found.dead.items()}
    return pl.DataFrame({"tokens": found.tokens, **dead, "never_co_active": found.never_co_active})


def maximum_table(store: Store) -> pl.DataFrame:
    """The spread of maximum activations over each site's features that are ever active (appendix B).

    Columns ``site``, ``features``, ``least``, ``low`` (5%), ``quarter``, ``median``, ``three_quarters``, ``high``
    (95%), ``largest`` and ``feature``, which reaches the largest. A site with nothing active has nulls.
    """
    rows = []
    for site in store.sites:
        maximum = np.asarray(store.summary(site.key).maximum, np.float64)
        alive = maximum[np.asarray(store.summary(site.key).active) > 0]
        spread = np.quantile(alive, (0, 0.05, 0.25, 0.5, 0.75, 0.95, 1)).tolist() if len(alive) else [None] * 7
        strongest = f"{site.key}_{int(maximum.argmax())}" if len(alive) else None
        rows.append((site.key, len(alive), *spread, strongest))
    names = ("least", "low", "quarter", "median", "three_quarters", "high", "largest")
    schema: dict[str, Any] = {
        "site": pl.String,
        "features": pl.Int64,
        **dict.fromkeys(names, pl.Float64),
        "feature": pl.String,
    }
    return pl.DataFrame(rows, schema, orient="row")
