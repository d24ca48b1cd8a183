"""How many of the links between sites are chance, and from which value on few enough are (`chance`).

The links of a pair of sites beside those of several draws of both nulls (`core.analyses.kept_nulls`); floors, strata
and q-values follow from them in milliseconds (`core.statistics.false_discoveries`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.analyses.kept_nulls import (
    Arrays,
    BestByChance,
    Drawn,
    Progress,
    drawn,
    drawn_in,
    files_of,
    kept_real,
    links_in,
)
from core.errors import BadArgument
from core.results import read_arrays
from core.statistics.chance import best_by_chance
from core.statistics.false_discoveries import (
    DRAWS,
    LOWEST,
    RATE,
    Floor,
    LinkValues,
    NullLinks,
    by_stratum,
    floor_at,
    pooled,
    pooled_nulls,
)
from core.statistics.measures import check_compiled
from core.statistics.null_draws import measures_kept
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
    _floors: dict[tuple[float, str], Floor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def floor(self, rate: float = RATE, null: str = BOTH) -> Floor:
        """The floor under all nulls, or one of them, over all strata; found once, since pages ask at every click."""
        if (rate, null) not in self._floors:
            nulls = self.nulls if null == BOTH else {null: self.nulls[null]}
            self._floors[rate, null] = floor_at(self.real, nulls, rate)
        return self._floors[rate, null]

    def share_at(self, value: float) -> float:
        """The share of the links at or above `value` that is chance, at most 1; NaN where there are none."""
        links = np.count_nonzero(self.real.value >= value)
        found = [null.expected(value) for null in self.nulls.values() if not null.state]
        return min(1.0, float(max(found) / links)) if links and found else float("nan")

    def why_no_floor(self, rate: float = RATE) -> str:
        """Where `floor` finds none: what can be said instead, a clause."""
        if not len(self.real.value):
            return f"there are no links of {LOWEST[self.measure]:g} or more between these sites"
        if all(null.state for null in self.nulls.values()):
            return f"there is nothing to compare with: {next(iter(self.nulls.values())).state.split(': ')[-1]}"
        return f"no floor can be shown at which at most {100 * rate:g}% of the links between these sites are chance"

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
            "strata": self._strata_json(rate),
        }

    def _strata_json(self, rate: float) -> list[dict[str, Any]]:
        told = []
        for k, (real, nulls) in sorted(by_stratum(self.real, self.nulls).items()):
            floor = floor_at(real, nulls, rate)
            one = {"low": 10.0**k, "high": 10.0 ** (k + 1), "links": len(real.value)}
            told.append(one | {"floor": floor.value, "kept": floor.links, "by_chance": floor.by_chance})
        return told

    def _null_json(self, name: str, rate: float) -> dict[str, Any]:
        null = self.nulls[name]
        alone = self.floor(rate, name)
        told = {"draws": self.draws, "sources": null.asked, "paired": null.paired, "links": null.expected(-np.inf)}
        return told | {"floor": alone.value, "kept": alone.links, "state": null.state or "computed"}

    def best_expected(self, taus: Sequence[float] | np.ndarray) -> np.ndarray:
        """Expected number of alive sources of the first pair whose best alive match reaches each τ by chance."""
        first = next(iter(self.best.values()))
        return best_by_chance([one.value for one in self.best.values()], first.alive, taus)


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
    check_compiled((measure,))
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
    return _chance((source, target), measure, activity, min_both, draws, real, found)


def kept_chances(
    store: Store,
    source: str,
    target: str,
    measure: str = "pearson",
    activity: float = 0.0,
    min_both: int = MIN_ACTIVE,
    draws: int = DRAWS,
) -> dict[str, Chance]:
    """What the cache has by `measure` and all that are kept with it, under both nulls, without drawing anything.

    Each file is read once. Nothing where one is missing or damaged: `chance_of_pair` computes it again.
    """
    source, target = in_order(store, source, target)
    kept: dict[str, Arrays] = {}
    for name, path in zip(
        ("", *NULLS), files_of(store, source, target, measure, activity, min_both, draws), strict=True
    ):
        found = read_arrays(path)
        if found is None:
            return {}
        kept[name] = found
    chances = {}
    for each in measures_kept(measure):
        real = links_in(kept[""], each).values.with_both(min_both)
        drawn_ones = {name: drawn_in(kept[name], store, source, each, min_both) for name in NULLS}
        chances[each] = _chance((source, target), each, activity, min_both, draws, real, drawn_ones)
    return chances


def _chance(
    pair: Sites, measure: str, activity: float, min_both: int, draws: int, real: LinkValues, found: Mapping[str, Drawn]
) -> Chance:
    nulls, best = {name: one.links for name, one in found.items()}, {name: one.best for name, one in found.items()}
    return Chance((pair,), measure, activity, min_both, draws, real, nulls, best)


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
