"""Whether two engines kept the same links of a pair: counts exactly, sums within rounding, lists save for ties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.statistics.measures import all_measures
from core.statistics.pairs import PairLinks
from core.store import Store
from core.values import MEASURES

WITHIN = 1e-9
"""Values nearer to each other than this share of themselves are equal within rounding."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two results of one pair agree."""

    links: int  # that both kept
    sums: float  # largest difference of Σxy, as a share of it
    counts: int  # links whose n_both differ, and 1 where the pairs that never fire together differ: must be 0
    one_sided: int  # links that only one of them kept
    unexplained: int  # of those, links that are not at the edge of any list or floor: must be 0
    bins: int  # values counted in other bins, which must lie on an edge

    @property
    def sound(self) -> bool:
        """Whether everything that differs is rounding."""
        return self.counts == 0 and self.unexplained == 0 and self.sums < 1e-6


def agreement(store: Store, a: PairLinks, b: PairLinks) -> Agreement:
    """Compare two results of the same pair and settings."""
    of_a, of_b = keys(a), keys(b)
    _, in_a, in_b = np.intersect1d(of_a, of_b, assume_unique=True, return_indices=True)
    difference = np.abs(a.sum_xy[in_a] - b.sum_xy[in_b]) / a.sum_xy[in_a]
    only_a, only_b = ~np.isin(of_a, of_b), ~np.isin(of_b, of_a)
    unexplained = [np.count_nonzero(~at_an_edge(store, found)[only]) for found, only in ((a, only_a), (b, only_b))]
    counts = np.count_nonzero(a.n_both[in_a] != b.n_both[in_b]) + (a.never_co_active != b.never_co_active)
    return Agreement(
        links=len(in_a),
        sums=float(difference.max(initial=0.0)),
        counts=int(counts),
        one_sided=int(only_a.sum() + only_b.sum()),
        unexplained=int(sum(unexplained)),
        bins=int(np.abs(a.histograms - b.histograms).sum()) // 2,
    )


def keys(found: PairLinks) -> np.ndarray:
    """One int64 for each link."""
    return found.sources.astype(np.int64) << 32 | found.targets


def at_an_edge(store: Store, found: PairLinks) -> np.ndarray:
    """Links, bool [links], whose value by some measure equals, within rounding, the least that was kept."""
    measures = all_measures(found.counts(store))
    edge = np.zeros(len(found.sources), bool)
    for name in MEASURES:
        values = measures[name]
        for line in (found.sources, found.targets):
            edge |= near(values, kth_best(line, values, found.top)[line]) if len(line) else False
        if name in found.floor_measures:
            edge |= near(values, np.float64(found.floor))
    return edge


def kth_best(line: np.ndarray, values: np.ndarray, k: int) -> np.ndarray:
    """The k-th largest value of every line, −inf where it has fewer; NaN is no value.

    >>> kth_best(np.array([0, 0, 2, 0]), np.array([1.0, 3.0, 5.0, 2.0]), 2).tolist()
    [2.0, -inf, -inf]
    """
    best = np.full(int(line.max(initial=-1)) + 1, -np.inf)
    real = np.flatnonzero(~np.isnan(values))
    order = real[np.lexsort((-values[real], line[real]))]
    place = np.arange(len(order)) - np.searchsorted(line[order], line[order])
    chosen = order[place == k - 1]
    best[line[chosen]] = values[chosen]
    return best


def near(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Whether values equal limits within rounding."""
    with np.errstate(invalid="ignore"):
        return np.abs(values - limits) <= WITHIN * np.maximum(np.abs(limits), 1e-3)
