"""How the measures spread over the pairs of two sites, and where two of them say different things.

Balcells et al. 2024, appendix D. Distributions are over all pairs that ever fire together; what needs the pairs one by
one is over the links that were kept of them (`core.statistics.pairs`: the best of each feature by any measure, and
those above a floor). The links as rows, with names, are in `agreement_tables`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from core.errors import BadArgument
from core.statistics.data_free import pair_values
from core.statistics.measures import COMPILED, all_measures
from core.statistics.pairs import RANGES, PairLinks, histogram_edges
from core.store import Store
from core.values import ALL_MEASURES, DATA_FREE, MIN_ACTIVE, Feature, likeness

CELLS = 36
"""Squares a side of the density scatter."""

AT_ONCE = 500_000
"""Links whose weights are compared at once, between which progress is told."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The kept links of a pair with enough data, and every measure of them; arrays [links]."""

    source: str
    target: str
    sources: np.ndarray
    targets: np.ndarray
    n_both: np.ndarray
    values: dict[str, np.ndarray]  # float64, NaN where undefined

    def __len__(self) -> int:
        return len(self.sources)

    def link(self, place: int) -> tuple[Feature, Feature]:
        """Source and target of one of them."""
        return Feature(self.source, int(self.sources[place])), Feature(self.target, int(self.targets[place]))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two measures over the same links: Spearman's ρ, and squares of the scatter; arrays [squares]."""

    first: str
    second: str
    rank_correlation: float
    links: int
    x: np.ndarray  # centres
    y: np.ndarray
    counts: np.ndarray  # links in each square, at least 1
    example: np.ndarray  # place in `Kept` of the link with the most co-activations
    size: tuple[float, float]  # width and height of a square


def kept_links(store: Store, found: PairLinks, min_both: int = MIN_ACTIVE) -> Kept:
    """The links of `found` on which both fire `min_both` times or more, with every measure from their exact counts."""
    chosen = np.flatnonzero(found.n_both >= min_both)
    values = {name: np.asarray(v, np.float64) for name, v in all_measures(found.counts(store, chosen)).items()}
    return Kept(found.source, found.target, found.sources[chosen], found.targets[chosen], found.n_both[chosen], values)


def with_weights(
    store: Store, kept: Kept, measures: Iterable[str], *, report: Callable[[int, int], None] = lambda done, of: None
) -> Kept:
    """The same links with those of `measures` that come from weights; the others are there already.

    `report` hears of links done and may raise to stop it. Raises `SpacesDiffer` and `NothingRecorded`.
    """
    wanted = [name for name in dict.fromkeys(measures) if name in DATA_FREE and name not in kept.values]
    values, links = dict(kept.values), len(kept)
    for place, name in enumerate(wanted):
        found = np.empty(links)
        for first in range(0, max(links, 1), AT_ONCE):
            report(place * links + first, len(wanted) * links)
            part = slice(first, first + AT_ONCE)
            found[part] = pair_values(store, name, kept.source, kept.target, kept.sources[part], kept.targets[part])
        values[name] = found
    return replace(kept, values=values)


def distribution_table(found: PairLinks) -> pl.DataFrame:
    """How many co-active pairs have which value: columns ``measure``, ``low``, ``high``, ``pairs``.

    Pairs that are never active together are in none of the bins; ``found.never_co_active`` counts them.
    """
    parts = []
    for m, name in enumerate(COMPILED):
        edges = histogram_edges(name)
        parts.append(
            pl.DataFrame({"measure": [name] * (len(edges) - 1), "low": edges[:-1], "high": edges[1:],
                          "pairs": found.histograms[m]})
        )  # fmt: skip
    return pl.concat(parts)


def agreement(kept: Kept, first: str, second: str, cells: int = CELLS) -> Agreement:
    """Spearman's rank correlation of two measures over the kept links, and their scatter as squares of equal size.

    ρ is Pearson's correlation of the ranks, ties sharing their mean rank; NaN for fewer than two links or where one
    measure is the same for all. Ranks are by likeness: where lower is better (folded MSE), the lowest ranks highest. A
    square stands for its link with the most co-activations (of equals the first one).
    """
    x, y, places = both_defined(kept, first, second)
    lows, sizes, bins = [], [], []
    for name, values in ((first, x), (second, y)):
        low, high = _range(name, values)
        lows.append(low)
        sizes.append((high - low) / cells)
        bins.append(np.clip(((values - low) / (high - low) * cells).astype(np.int64), 0, cells - 1))
    square = bins[0] * cells + bins[1]
    order = np.lexsort((places, -kept.n_both[places], square))
    chosen, start, counts = np.unique(square[order], return_index=True, return_counts=True)
    return Agreement(
        first,
        second,
        spearman(likeness(first, x), likeness(second, y)),
        len(x),
        lows[0] + (chosen // cells + 0.5) * sizes[0],
        lows[1] + (chosen % cells + 0.5) * sizes[1],
        counts,
        places[order[start]],
        (sizes[0], sizes[1]),
    )


def disagreements(kept: Kept, first: str, second: str, top: int = 20) -> np.ndarray:
    """Places of the links on whose rank two measures differ most, the widest apart first, int64 [≤ top].

    A link's rank is the share of kept links that are less alike by a measure (ties: half of them); ties of the
    difference go to the larger n_both, then to the earlier link. Links with enough data only, since ranks of a handful
    of tokens are noise.
    """
    x, y, places = both_defined(kept, first, second)
    apart = np.abs(shares(likeness(first, x)) - shares(likeness(second, y)))
    order = np.lexsort((places, -kept.n_both[places], -apart))
    return places[order[:top]]


# ---- ranks


def shares(values: np.ndarray) -> np.ndarray:
    """Of each value the share of all that are below it, ties counting half, 0..1.

    >>> shares(np.array([5.0, 1.0, 5.0, 9.0])).tolist()
    [0.5, 0.125, 0.5, 0.875]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return ((np.cumsum(counts) - counts / 2) / max(1, len(values)))[inverse]


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation with mean ranks for ties, −1..1; NaN where there are no two different ranks.

    >>> round(spearman(np.array([1.0, 2, 3]), np.array([1.0, 4, 9])), 12)
    1.0
    """
    if len(x) < 2:
        return float("nan")
    u, v = shares(x) - shares(x).mean(), shares(y) - shares(y).mean()
    scale = float(np.sqrt((u @ u) * (v @ v)))
    return float(u @ v) / scale if scale > 0 else float("nan")


def both_defined(kept: Kept, first: str, second: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both measures of the links that have both, and the places of these links."""
    x, y = measured(kept, first), measured(kept, second)
    places = np.flatnonzero(~(np.isnan(x) | np.isnan(y)))
    return x[places], y[places], places


def measured(kept: Kept, name: str) -> np.ndarray:
    """One measure of the kept links; raises `BadArgument` where it is none of theirs."""
    if name not in kept.values:
        raise BadArgument(f"there is no measure {name!r}", f"choose one of {', '.join(ALL_MEASURES)}")
    return kept.values[name]


def _range(name: str, values: np.ndarray) -> tuple[float, float]:
    """The range that the scatter shows: 0..1 and what there is below; a measure without an end as far as it goes."""
    low = min(0.0, float(values.min(initial=0.0)))
    ends_at_1 = name == "decoder_cosine" or (name in RANGES and name != "mutual_information")
    high = 1.0 if ends_at_1 else float(values.max(initial=0.0))
    return low, high if high > low else low + 1.0
