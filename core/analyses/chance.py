"""How many of the links between sites are chance, and from which value on few enough are (`chance`).

The links of a pair of sites beside those of several draws of both nulls (`core.analyses.kept_nulls`); floors, strata
and q-values follow from them in milliseconds (`core.statistics.false_discoveries`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.analyses.kept_nulls import BestByChance, Drawn, Progress, drawn, kept_real
from core.errors import BadArgument
from core.statistics.chance import best_by_chance
from core.statistics.false_discoveries import (
    DRAWS,
    LOWEST,
    RATE,
    Floor,
    LinkValues,
    NullLinks,
    floor_at,
    floors_at,
    pooled,
    pooled_nulls,
    stratum,
)
from core.statistics.measures import measure_function
from core.statistics.nulls import NULLS
from core.statistics.pairs import in_order
from core.store import Store
from core.values import MIN_ACTIVE

BOTH = "both"
Sites = tuple[str, str]


@dataclass(frozen=True)
class Chance:
    """The links of one or more pairs of sites by one measure, and what the nulls have in their place."""

    pairs: tuple[Sites, ...]
    measure: str
    activity: float
    min_both: int
    draws: int
    real: LinkValues
    nulls: Mapping[str, NullLinks]
    best: Mapping[str, BestByChance]  # by null, of the first pair

    def floor(self, rate: float = RATE) -> Floor:
        """The floor under all nulls, over all strata."""
        return floor_at(self.real, self.nulls, rate)

    def share_at(self, value: float) -> float:
        """The share of the links at or above `value` that is chance, at most 1; NaN where there are none."""
        links = np.count_nonzero(self.real.value >= value)
        found = [null.expected(value) for null in self.nulls.values() if not null.state]
        return min(1.0, float(max(found) / links)) if links and found else float("nan")

    def alike(self, k: int) -> tuple[LinkValues, dict[str, NullLinks]]:
        """The links and nulls of one stratum of n_source · n_target."""
        kept = {name: null.only(stratum(null.links.product) == k) for name, null in self.nulls.items()}
        return self.real.only(stratum(self.real.product) == k), kept

    def as_json(self, rate: float = RATE) -> dict[str, Any]:
        """What `chance --json` prints of one pair; values that there are not are NaN."""
        source, target = self.pairs[0]
        floor = self.floor(rate)
        return {
            "from": source,
            "to": target,
            "measure": self.measure,
            "activity": self.activity,
            "fdr": rate,
            "min_both": self.min_both,
            "lowest": LOWEST[self.measure],
            "links": len(self.real.value),
            "floor": floor.value,
            "kept": floor.links,
            "by_chance": floor.by_chance,
            "by_chance_error": floor.error,
            "nulls": {name: self._null_json(name, rate) for name in self.nulls},
            "strata": [
                {
                    "low": 10.0**k, "high": 10.0 ** (k + 1), "links": self._within(k), "floor": each.value,
                    "kept": each.links, "by_chance": each.by_chance,
                }
                for k, each in sorted(floors_at(self.real, self.nulls, rate).items())
            ],
        }  # fmt: skip

    def _null_json(self, name: str, rate: float) -> dict[str, Any]:
        null = self.nulls[name]
        alone = floor_at(self.real, {name: null}, rate)
        told = {"draws": self.draws, "sources": null.asked, "paired": null.paired, "links": null.expected(-np.inf)}
        return told | {"floor": alone.value, "kept": alone.links, "state": null.state or "computed"}

    def best_expected(self, taus: Sequence[float] | np.ndarray) -> np.ndarray:
        """Expected number of alive sources of the first pair whose best alive match reaches each τ by chance."""
        first = next(iter(self.best.values()))
        return best_by_chance([one.value for one in self.best.values()], first.alive, taus)

    def _within(self, k: int) -> int:
        product = self.real.product
        return int(np.count_nonzero((product >= 10.0**k) & (product < 10.0 ** (k + 1))))


def chance_of_pair(
    store: Store,
    source: str,
    target: str,
    measure: str = "pearson",
    activity: float = 0.0,
    null: str = BOTH,
    draws: int = DRAWS,
    min_both: int = MIN_ACTIVE,
    *,
    notice: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda share: None,
    **running: Any,
) -> Chance:
    """The links of a pair of sites and of `draws` draws of a null, or of ``both`` of them.

    Only links of alive features that are active together on `min_both` positions or more take part. What was computed
    before comes from the cache. `running` goes to `rows_above` (threads, cancelled). Raises `BadArgument`,
    `UnknownSite`, `Cancelled`, `HostedRefusal` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=2, width=40, tokens=20_000)
    >>> for k in range(20): _ = planting.passed_on(0, 1), planting.unrelated(0), planting.unrelated(1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = chance_of_pair(planting.build(pathlib.Path(folder) / "planted.h5")[0], "0", "1")
    >>> found.floor(0.05).links
    20
    """
    measure_function(measure)
    if not 1 <= draws <= 100:
        raise BadArgument(f"{draws} draws of a null are out of range", "choose 1 to 100")
    source, target = in_order(store, source, target)
    names = nulls_of(null)
    steps = 1 + draws * len(names)
    asked = store, source, target, measure, activity, min_both
    real = kept_real(*asked, notice=notice, progress=lambda share: progress(share / steps), **running)
    found: dict[str, Drawn] = {}
    for k, name in enumerate(names):

        def report(share: float, done: int = 1 + k * draws) -> None:
            progress((done + share) / steps)

        found[name] = drawn(*asked, name, draws, notice=notice, progress=report, **running)
    progress(1.0)
    nulls, best = {name: one.links for name, one in found.items()}, {name: one.best for name, one in found.items()}
    return Chance(((source, target),), measure, activity, min_both, draws, real, nulls, best)


def nulls_of(null: str) -> tuple[str, ...]:
    """The nulls that a word names; raises `BadArgument`."""
    if null not in (*NULLS, BOTH):
        raise BadArgument(f"there is no null {null!r}", f"choose one of {', '.join((*NULLS, BOTH))}")
    return NULLS if null == BOTH else (null,)


def together(found: Sequence[Chance]) -> Chance:
    """Several pairs of sites as one: a picture that shows links of all has one floor."""
    first = found[0]
    nulls = {name: pooled_nulls([each.nulls[name] for each in found]) for name in first.nulls}
    pairs = tuple(pair for each in found for pair in each.pairs)
    return replace(first, pairs=pairs, real=pooled([each.real for each in found]), nulls=nulls)
