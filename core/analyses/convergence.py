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
from core.statistics.first_seen import nested_documents
from core.statistics.intervals import DocumentSums, document_index, document_sums
from core.statistics.measures import all_measures
from core.store import Store
from core.values import MEASURES, PairCounts

SHARES = tuple(1 / 2**k for k in range(6, -1, -1))
"""1/64, 1/32, ... 1 of the documents."""
LINKS, DRAWS = 160, 6
SPREAD: dict[str, Any] = {
    "observations": pl.Int64, "links": pl.Int64, "median_error": pl.Float64, "ninth_decile": pl.Float64,
    "median_relative": pl.Float64, "ninth_relative": pl.Float64, "place": pl.Int64,
}  # fmt: skip
"""What the tables of errors tell of each class."""
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
    tokens = np.stack([running(level, n, len(shares)) for level in levels]).astype(np.int64)
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
    return np.stack([running(level, getattr(sums, name), samples) for name in FIELDS])


def running(level: np.ndarray, weights: np.ndarray, samples: int) -> np.ndarray:
    """The sum of the documents' weights in each nested part, float64 [samples]."""
    return np.cumsum(np.bincount(level, weights, samples + 1)[:samples])


def error_table(found: Convergence) -> pl.DataFrame:
    """How far measures are from their full value, by co-activations within the part.

    Columns ``measure``, ``n_both`` (the class begins there) and those of `SPREAD`: ``observations``, ``links``,
    ``median_error`` and ``ninth_decile`` of |value − full|, ``median_relative`` and ``ninth_relative`` of the same
    divided by |full|, and ``place`` (of the link whose relative error is the median one). Parts of all documents are
    left out.
    """
    parts = np.flatnonzero(np.asarray(found.shares) < 1)
    which = _class_of(found.n_both[:, parts])
    rows = []
    for name in MEASURES:
        errors = _errors(found, name, parts)
        for c, low in enumerate(BY_BOTH):
            if row := _spread(found, *errors, which == c):
                rows.append((name, low, *row))
    return pl.DataFrame(rows, {"measure": pl.String, "n_both": pl.Int64, **SPREAD}, orient="row")


def tokens_table(found: Convergence) -> pl.DataFrame:
    """How far measures are from their full value, by the tokens of the part and the link's co-activations on all.

    Columns ``measure``, ``n_both`` (the class on all tokens begins there), ``tokens`` (of the part, the median of the
    draws) and those of `SPREAD`. Parts of all documents are left out.
    """
    parts = np.flatnonzero(np.asarray(found.shares) < 1)
    of_link = _class_of(found.n_both[0, -1])
    rows = []
    for name in MEASURES:
        errors = _errors(found, name, parts)
        for c, low in enumerate(BY_BOTH):
            for at, part in enumerate(parts):
                inside = np.zeros(errors[0].shape, bool)
                inside[:, at] = of_link == c
                if row := _spread(found, *errors, inside):
                    rows.append((name, low, int(np.median(found.tokens[:, part])), *row))
    schema = {"measure": pl.String, "n_both": pl.Int64, "tokens": pl.Int64, **SPREAD}
    return pl.DataFrame(rows, schema, orient="row")


def enough_from(
    errors: pl.DataFrame, measure: str, within: float = 0.05, column: str = "median_relative"
) -> int | None:
    """The class of co-activations from which on the relative error stays `within`; None where it never does.

    `column` says which: the median, or ``ninth_relative``.

    >>> rows = [("cosine", n, error) for n, error in ((1, 0.04), (3, 0.2), (10, 0.05), (30, 0.01))]
    >>> enough_from(pl.DataFrame(rows, ["measure", "n_both", "median_relative"], orient="row"), "cosine")
    10
    """
    rows = errors.filter(pl.col("measure") == measure).sort("n_both", descending=True)
    found = None
    for low, error in rows.select("n_both", column).iter_rows():
        if error > within:
            break
        found = low
    return found


def _class_of(n_both: np.ndarray) -> np.ndarray:
    """The class of `BY_BOTH` that a number of co-activations is in; −1 for none at all."""
    return np.searchsorted(BY_BOTH, n_both, side="right") - 1


def _errors(found: Convergence, name: str, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|value − full| and the same divided by |full|, float64 [draws, parts, links]."""
    error = np.abs(found.values[name][:, parts] - found.full[name])
    with np.errstate(divide="ignore", invalid="ignore"):
        return error, error / np.abs(found.full[name])


def _spread(found: Convergence, error: np.ndarray, relative: np.ndarray, inside: np.ndarray) -> tuple[Any, ...]:
    """One row of `SPREAD` over the observations `inside`; () where none is defined."""
    inside = inside & np.isfinite(relative)
    if not inside.any():
        return ()
    ends = np.broadcast_to(np.arange(len(found.places)), inside.shape)[inside]
    order = np.argsort(relative[inside], kind="stable")
    typical = int(found.places[ends[order[(len(order) - 1) // 2]]])
    numbers = [quantile for of in (error, relative) for quantile in np.quantile(of[inside], (0.5, 0.9)).tolist()]
    return int(inside.sum()), len(np.unique(ends)), *numbers, typical
