"""Which links chance explains: q-values, and the floor at a stated false-discovery rate.

Of the links at or above v, about as many are chance as a null has there: FDR(v) = null links ≥ v / real links ≥ v, with
the null's mean over several draws. Under ``both`` nulls a link has to stand out from the one that has more.

High values come cheaply where features are active rarely and counts are small, so that one floor for all is too strict
for most. The same is therefore done within strata of n_source · n_target, one a factor of ten. Only features that are
alive take part: of rare ones there is too little data whatever the measures say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.statistics.measures import BOUNDED, MEASURE_FUNCTIONS
from core.statistics.nulls import draw, layout_of, row_map
from core.statistics.pairs import FLOOR, PairLinks, whole_pair
from core.statistics.rows import Margins, margins
from core.store import Store
from core.values import MIN_ACTIVE, PairCounts

RATE, DRAWS = 0.05, 3
LOWEST = dict.fromkeys(MEASURE_FUNCTIONS, FLOOR) | {"mutual_information": 0.001}
"""Below these values links are not looked at, and a floor is not looked for."""


@dataclass(frozen=True, slots=True)
class LinkValues:
    """Links of alive features at or above the lowest value that is looked at: arrays [links]."""

    value: np.ndarray  # float64, of one measure
    n_both: np.ndarray  # int64
    product: np.ndarray  # float64, n_source · n_target

    def with_both(self, min_both: int) -> LinkValues:
        """Those that are active together on `min_both` positions or more."""
        kept = self.n_both >= min_both
        return LinkValues(self.value[kept], self.n_both[kept], self.product[kept])


NO_LINKS = LinkValues(np.zeros(0), np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True, slots=True)
class NullLinks:
    """The links of several draws of a null, together."""

    links: LinkValues
    draws: int
    paired: int  # counted positions that took part, mean of the draws; 0: there was nothing to pair

    @property
    def state(self) -> str:
        """Why this null says nothing; "" where it does."""
        return "" if self.paired else "there is nothing to pair: the store has one document, or its sequences one token"


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest value from which on at most a share `rate` of the links is chance."""

    value: float  # NaN: none is
    links: int  # at or above it
    by_chance: float  # of them, expected under the null that has more

    @property
    def found(self) -> bool:
        """Whether any floor reaches the rate."""
        return not np.isnan(self.value)


def measures_kept(measure: str) -> tuple[str, ...]:
    """The measures whose links above the floor are kept together with those of `measure`: one pass for the bounded."""
    return BOUNDED if measure in BOUNDED else (measure,)


def values_of(
    store: Store, pair: PairLinks, measure: str, of: tuple[int, Margins, Margins] | None = None
) -> LinkValues:
    """The values of a pair's links of alive features, complete from LOWEST on.

    `of` gives n and the margins of both sites where they are not the store's: those of a `RowMap`.
    """
    if of is None:
        of = store.n, margins(store, pair.source, pair.activity), margins(store, pair.target, pair.activity)
    n, source, target = of
    # `best_alive` says the same, but brings SciPy, for which the first paint of a page need not wait.
    alive = [np.asarray(store.summary(key).active) >= MIN_ACTIVE for key in (pair.source, pair.target)]
    living = alive[0][pair.sources] & alive[1][pair.targets]
    i, j = pair.sources[living], pair.targets[living]
    counts = PairCounts(
        n, source.active[i], target.active[j], pair.n_both[living], source.total[i], source.squares[i],
        target.total[j], target.squares[j], pair.sum_xy[living],
    )  # fmt: skip
    value = np.asarray(MEASURE_FUNCTIONS[measure](counts), np.float64)
    product = np.asarray(counts.n_source, np.float64) * counts.n_target
    high = (value >= LOWEST[measure]) & (counts.n_both > 0)
    return LinkValues(value[high], np.asarray(counts.n_both)[high], product[high])


def null_links(
    store: Store,
    source: str,
    target: str,
    measures: Sequence[str],
    null: str,
    seed: int,
    activity: float = 0.0,
    **running: Any,
) -> tuple[int, dict[str, LinkValues]]:
    """One draw of a null: positions that took part, and the links by each of `measures`. `running`: of `whole_pair`."""
    rows = row_map(store, source, target, draw(layout_of(store), null, seed), activity)
    if not rows.n:
        return 0, dict.fromkeys(measures, NO_LINKS)
    lowest = min(LOWEST[measure] for measure in measures)
    pair = whole_pair(store, source, target, activity, 1, lowest, tuple(measures), rows=rows, **running)
    of = rows.n, rows.source, rows.target
    return rows.n, {measure: values_of(store, pair, measure, of) for measure in measures}


def pooled(parts: Sequence[LinkValues]) -> LinkValues:
    """The links of several draws, or of several pairs of sites, together."""
    fields = LinkValues.__dataclass_fields__
    return LinkValues(*(np.concatenate([getattr(part, name) for part in (NO_LINKS, *parts)]) for name in fields))


def q_values(real: np.ndarray, null: np.ndarray, draws: int) -> np.ndarray:
    """Of each real value the smallest false-discovery rate at which it is kept, float64 [real].

    q(v) = min over t ≤ v of (N(t) + 1) / (draws · R(t)), at most 1, with N null and R real values at or above t. The 1
    is the real draw itself counted among the null ones (as in permutation tests; Barber and Candès 2015 need it so that
    the rate holds): a few links above everything that few draws have shown are not yet beyond chance.

    >>> q_values(np.array([0.9, 0.8, 0.3, 0.2]), np.array([0.25, 0.1]), draws=2).tolist()
    [0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.25]
    """
    order = np.argsort(real, kind="stable")
    rising, chance = np.asarray(real)[order], np.sort(null)
    n_real = len(rising) - np.searchsorted(rising, rising, side="left")
    n_null = len(chance) - np.searchsorted(chance, rising, side="left")
    q = np.empty(len(rising))
    q[order] = np.minimum.accumulate(np.minimum((n_null + 1) / (draws * np.maximum(n_real, 1)), 1.0))
    return q


def both_q(real: LinkValues, nulls: Mapping[str, NullLinks]) -> np.ndarray:
    """The larger of the nulls' q-values of each link; 1 where no null says anything."""
    found = [q_values(real.value, null.links.value, null.draws) for null in nulls.values() if not null.state]
    return np.max(found, axis=0) if found else np.ones(len(real.value))


def floor_at(real: LinkValues, nulls: Mapping[str, NullLinks], rate: float = RATE) -> Floor:
    """The lowest real value whose q is at most `rate` under every null.

    >>> links = LinkValues(np.linspace(0.2, 0.9, 80), np.full(80, 50), np.full(80, 1e4))
    >>> null = LinkValues(np.linspace(0.2, 0.3, 60), np.full(60, 50), np.full(60, 1e4))
    >>> floor = floor_at(links, {"shift": NullLinks(null, 3, 1000)})
    >>> round(floor.value, 2), floor.links, round(floor.by_chance, 1)
    (0.29, 70, 2.3)
    """
    kept = both_q(real, nulls) <= rate
    if not kept.any():
        return Floor(float("nan"), 0, 0.0)
    value = float(real.value[kept].min())
    chance = [np.count_nonzero(null.links.value >= value) / null.draws for null in nulls.values() if not null.state]
    return Floor(value, int(np.count_nonzero(real.value >= value)), float(max(chance)))


def stratum(product: Any) -> Any:
    """The stratum of a link by n_source · n_target: k for 10^k up to 10^(k + 1).

    >>> stratum(np.array([1.0, 99.0, 100.0])).tolist()
    [0, 1, 2]
    """
    return np.floor(np.log10(np.maximum(product, 1))).astype(np.int64)


def by_stratum(real: LinkValues, nulls: Mapping[str, NullLinks]) -> dict[int, tuple[LinkValues, dict[str, NullLinks]]]:
    """The links and nulls of each stratum in which there are links."""
    return {
        int(k): (
            within(real, int(k)),
            {name: NullLinks(within(null.links, int(k)), null.draws, null.paired) for name, null in nulls.items()},
        )
        for k in np.unique(stratum(real.product))
    }


def within(links: LinkValues, k: int) -> LinkValues:
    """The links of one stratum."""
    kept = stratum(links.product) == k
    return LinkValues(links.value[kept], links.n_both[kept], links.product[kept])


def floors_at(real: LinkValues, nulls: Mapping[str, NullLinks], rate: float = RATE) -> dict[int, Floor]:
    """The floor of each stratum."""
    return {k: floor_at(*parts, rate) for k, parts in by_stratum(real, nulls).items()}


def q_of_links(real: LinkValues, nulls: Mapping[str, NullLinks]) -> np.ndarray:
    """The q-value of each link within its stratum, float64 [links]."""
    q, k = np.ones(len(real.value)), stratum(real.product)
    for each, parts in by_stratum(real, nulls).items():
        q[k == each] = both_q(*parts)
    return q
