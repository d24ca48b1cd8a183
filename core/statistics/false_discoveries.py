"""Which links chance explains: q-values, and the floor at a stated false-discovery rate.

Of the links at or above v, about as many are chance as a null has there: FDR(v) = null links ≥ v / real links ≥ v, with
the null's mean over several draws. Under ``both`` nulls a link has to stand out from the one that has more.

High values come cheaply where features are active rarely and counts are small, so that one floor for all is too strict
for most. The same is therefore done within strata of n_source · n_target, one a factor of ten. Only features that are
alive take part: of rare ones there is too little data whatever the measures say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.statistics.measures import MEASURE_FUNCTIONS
from core.statistics.pairs import FLOOR

RATE, DRAWS = 0.05, 3
LOWEST = dict.fromkeys(MEASURE_FUNCTIONS, FLOOR) | {"mutual_information": 0.001}
"""Below these values links are not looked at, and a floor is not looked for."""


@dataclass(frozen=True, slots=True)
class LinkValues:
    """Links of alive features at or above the lowest value that is looked at: arrays [links]."""

    value: np.ndarray  # float64, of one measure
    n_both: np.ndarray  # int64
    product: np.ndarray  # float64, n_source · n_target

    def only(self, kept: np.ndarray) -> LinkValues:
        """Those that a bool array [links] names."""
        return LinkValues(self.value[kept], self.n_both[kept], self.product[kept])

    def with_both(self, min_both: int) -> LinkValues:
        """Those that are active together on `min_both` positions or more."""
        return self.only(self.n_both >= min_both)


NO_LINKS = LinkValues(np.zeros(0), np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True, slots=True)
class NullLinks:
    """The links of several draws of a null, together; arrays [links].

    A draw may ask a part of the sources only. Each link stands for `unit` links of one draw of all of them, so that the
    sum of the units is what one draw has.
    """

    links: LinkValues
    paired: int  # counted positions that took part, mean of the draws; 0: there was nothing to pair
    source: np.ndarray  # int64, of which source each is
    unit: np.ndarray  # float64: sources / sources asked in all draws together
    most: float  # the largest unit, also where there are no links
    asked: int  # different sources, asked in one draw or more

    @property
    def state(self) -> str:
        """Why this null says nothing; "" where it does."""
        return "" if self.paired else "there is nothing to pair: the store has one document, or its sequences one token"

    def only(self, kept: np.ndarray) -> NullLinks:
        """With the links that a bool array [links] names."""
        return replace(self, links=self.links.only(kept), source=self.source[kept], unit=self.unit[kept])

    def expected(self, value: float) -> float:
        """Links at or above `value` in one draw, the mean of what was drawn."""
        return float(self.unit[self.links.value >= value].sum())

    def error(self, value: float) -> float:
        """Standard error of `expected`: links of one source come together, so that sources are what varies.

        √(k/(k − 1) · Σ_s (c_s − c̄)²) with c_s what source s adds to the expected number, over the k sources asked.
        """
        kept = self.links.value >= value
        _, place = np.unique(self.source[kept], return_inverse=True)
        sums = np.bincount(place, self.unit[kept])
        spread = float((sums**2).sum() - sums.sum() ** 2 / max(self.asked, 1))
        return float(np.sqrt(max(spread, 0.0) * self.asked / (self.asked - 1))) if self.asked > 1 else float("nan")


@dataclass(frozen=True, slots=True)
class Floor:
    """The lowest value from which on at most a share `rate` of the links is chance."""

    value: float  # NaN: none is
    links: int  # at or above it
    by_chance: float  # of them, expected under the null that has more
    error: float = 0.0  # standard error of that

    @property
    def found(self) -> bool:
        """Whether any floor reaches the rate."""
        return not np.isnan(self.value)


def pooled(parts: Sequence[LinkValues]) -> LinkValues:
    """The links of several pairs of sites together."""
    fields = LinkValues.__dataclass_fields__
    return LinkValues(*(np.concatenate([getattr(part, name) for part in (NO_LINKS, *parts)]) for name in fields))


def pooled_nulls(parts: Sequence[NullLinks]) -> NullLinks:
    """The same null of several pairs of sites together; their sources are told apart."""
    apart = [part.source + (k << 32) for k, part in enumerate(parts)]
    return NullLinks(
        pooled([part.links for part in parts]),
        sum(part.paired for part in parts),
        np.concatenate(apart),
        np.concatenate([part.unit for part in parts]),
        max(part.most for part in parts),
        sum(part.asked for part in parts),
    )


def q_values(real: np.ndarray, null: np.ndarray, unit: float | np.ndarray, most: float | None = None) -> np.ndarray:
    """Of each real value the smallest false-discovery rate at which it is kept, float64 [real].

    q(v) = min over t ≤ v of (E(t) + most) / R(t), at most 1, with R real values at or above t, and E the sum of the
    units of null values there: with D draws of all sources a unit is 1/D. `most`, the largest unit, is the real draw
    itself counted among the null ones (as in permutation tests; Barber and Candès 2015 need it so that the rate
    holds): a few links above everything that few draws have shown are not yet beyond chance.

    >>> q_values(np.array([0.9, 0.8, 0.3, 0.2]), np.array([0.25, 0.1]), unit=1 / 2).tolist()
    [0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.25]
    """
    order, falling = np.argsort(real, kind="stable"), np.argsort(null, kind="stable")[::-1]
    rising, chance = np.asarray(real)[order], np.asarray(null)[falling][::-1]
    units = np.broadcast_to(np.asarray(unit, np.float64), chance.shape)[falling]
    n_real = len(rising) - np.searchsorted(rising, rising, side="left")
    n_null = len(chance) - np.searchsorted(chance, rising, side="left")
    expected = np.append(0.0, np.cumsum(units))[n_null] + (np.max(unit) if most is None else most)
    q = np.empty(len(rising))
    q[order] = np.minimum.accumulate(np.minimum(expected / np.maximum(n_real, 1), 1.0))
    return q


def both_q(real: np.ndarray, nulls: Mapping[str, NullLinks]) -> np.ndarray:
    """The larger of the nulls' q-values of each real value; 1 where no null says anything."""
    told = [null for null in nulls.values() if not null.state]
    found = [q_values(real, null.links.value, null.unit, null.most) for null in told]
    return np.max(found, axis=0) if found else np.ones(len(real))


@dataclass(frozen=True, slots=True)
class Curve:
    """The q-value of a link against its value: a step down at each of `value`, arrays [steps]."""

    value: np.ndarray  # float64, rising
    q: np.ndarray  # float64, falling; NaN where no null says anything

    def at(self, value: float) -> float:
        """The q-value of a link of this value, which is one of the real ones; NaN where no null says anything."""
        # Its last bits depend on how it was summed; q does not rise with the value.
        place = int(np.searchsorted(self.value, value * (1 + 1e-9), side="right")) - 1
        return float(self.q[place]) if place >= 0 else float("nan")


def curve_of(real: LinkValues, nulls: Mapping[str, NullLinks]) -> Curve:
    """The q-values of all links, under all nulls, of which any one can be looked up without sorting them again.

    >>> links = LinkValues(np.array([0.9, 0.3, 0.8, 0.2]), np.full(4, 50), np.full(4, 1e4))
    >>> null = LinkValues(np.array([0.25]), np.full(1, 50), np.full(1, 1e4))
    >>> curve = curve_of(links, {"shift": NullLinks(null, 1000, np.zeros(1, int), np.ones(1), 1.0, 1)})
    >>> curve.value.tolist(), curve.q.round(2).tolist(), round(curve.at(0.8), 2)
    ([0.2, 0.3], [0.5, 0.33], 0.33)
    """
    rising = np.sort(real.value)
    if all(null.state for null in nulls.values()):
        return Curve(rising[:1], np.full(len(rising[:1]), np.nan))
    q = both_q(rising, nulls)
    steps = np.flatnonzero(np.diff(q, prepend=np.inf))
    return Curve(rising[steps], q[steps])


def floor_at(real: LinkValues, nulls: Mapping[str, NullLinks], rate: float = RATE) -> Floor:
    """The lowest real value whose q is at most `rate` under every null.

    >>> links = LinkValues(np.linspace(0.2, 0.9, 80), np.full(80, 50), np.full(80, 1e4))
    >>> null = LinkValues(np.linspace(0.2, 0.3, 60), np.full(60, 50), np.full(60, 1e4))
    >>> shift = NullLinks(null, paired=1000, source=np.arange(60), unit=np.full(60, 1 / 3), most=1 / 3, asked=60)
    >>> floor = floor_at(links, {"shift": shift})
    >>> round(floor.value, 2), floor.links, round(floor.by_chance, 1)
    (0.29, 70, 2.3)
    """
    kept = both_q(real.value, nulls) <= rate
    if not kept.any():
        return Floor(float("nan"), 0, 0.0)
    value = float(real.value[kept].min())
    chance, error = max((null.expected(value), null.error(value)) for null in nulls.values() if not null.state)
    return Floor(value, int(np.count_nonzero(real.value >= value)), chance, error)


def stratum(product: Any) -> Any:
    """The stratum of a link by n_source · n_target: k for 10^k up to 10^(k + 1).

    >>> stratum(np.array([1.0, 99.0, 100.0])).tolist()
    [0, 1, 2]
    """
    return np.floor(np.log10(np.maximum(product, 1))).astype(np.int64)


def by_stratum(real: LinkValues, nulls: Mapping[str, NullLinks]) -> dict[int, tuple[LinkValues, dict[str, NullLinks]]]:
    """The links and nulls of each stratum in which there are links."""
    of, of_null = stratum(real.product), {name: stratum(null.links.product) for name, null in nulls.items()}
    return {
        int(k): (real.only(of == k), {name: null.only(of_null[name] == k) for name, null in nulls.items()})
        for k in np.unique(of)
    }
