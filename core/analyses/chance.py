"""How many of the links between sites are chance, and from which value on few enough are (`chance`).

The links of a pair of sites beside those of several draws of both nulls (`core.statistics.nulls`), all kept in the
result cache; floors, strata and q-values follow from them in milliseconds (`core.statistics.false_discoveries`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import BadArgument
from core.results import arrays_path, kept_arrays, pair_links
from core.statistics.false_discoveries import (
    DRAWS,
    LOWEST,
    RATE,
    Floor,
    LinkValues,
    NullLinks,
    floor_at,
    floors_at,
    measures_kept,
    null_links,
    pooled,
    values_of,
)
from core.statistics.measures import measure_function
from core.statistics.nulls import NULLS
from core.statistics.pairs import TOP, in_order
from core.store import Store
from core.values import MIN_ACTIVE

KIND = "chance"
MANY = 1 << 24  # pairs of features
BOTH = "both"

Progress = Callable[[float], None]
Sites = tuple[str, str]


@dataclass(frozen=True)
class Chance:
    """The links of one or more pairs of sites by one measure, and what the nulls have in their place."""

    pairs: tuple[Sites, ...]
    measure: str
    activity: float
    min_both: int
    real: LinkValues
    nulls: Mapping[str, NullLinks]

    def floor(self, rate: float = RATE) -> Floor:
        """The floor under all nulls, over all strata."""
        return floor_at(self.real, self.nulls, rate)

    def share_at(self, value: float) -> float:
        """The share of the links at or above `value` that is chance, at most 1; NaN where there are none."""
        links = np.count_nonzero(self.real.value >= value)
        found = [np.count_nonzero(n.links.value >= value) / n.draws for n in self.nulls.values() if not n.state]
        return min(1.0, float(max(found) / links)) if links and found else float("nan")

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
        links = len(null.links.value) / null.draws
        told = {"draws": null.draws, "paired": null.paired, "links": links, "floor": alone.value, "kept": alone.links}
        return told | {"state": null.state or "computed"}

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
    draws: int | None = None,
    min_both: int = MIN_ACTIVE,
    *,
    notice: Callable[[str], None] = lambda text: None,
    progress: Progress = lambda share: None,
    **running: Any,
) -> Chance:
    """The links of a pair of sites and of `draws` draws (default: `usual_draws`) of a null, or of ``both`` of them.

    Only links of alive features that are active together on `min_both` positions or more take part. What was computed
    before comes from the cache. `running` goes to `whole_pair` (threads, cancelled). Raises `BadArgument`,
    `UnknownSite`, `Cancelled` and `StoreDamaged`.

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
    draws = usual_draws(store, [(source, target)]) if draws is None else draws
    if not 1 <= draws <= 100:
        raise BadArgument(f"{draws} draws of a null are out of range", "choose 1 to 100")
    source, target = in_order(store, source, target)
    names = nulls_of(null)
    measures = measures_kept(measure)
    steps = 1 + draws * len(names)
    kept = kept_arrays(
        KIND, store, null_key(source, target, measure, activity),
        lambda: real_links(
            store, source, target, measures, activity,
            notice=notice, progress=lambda share: progress(share / steps), **running,
        ),
        notice,
    )  # fmt: skip
    real = links_in(kept, measure).with_both(min_both)
    found = {}
    for k, name in enumerate(names):
        done = 1 + k * draws

        def report(share: float, done: int = done) -> None:
            progress((done + share) / steps)

        kept = kept_arrays(
            KIND, store, null_key(source, target, measure, activity, name, draws),
            lambda name=name, report=report: draw_all(  # type: ignore[misc]
                store, source, target, measures, name, draws, activity, progress=report, **running
            ),
            notice,
        )  # fmt: skip
        found[name] = NullLinks(links_in(kept, measure).with_both(min_both), draws, int(kept["paired"]))
    progress(1.0)
    return Chance(((source, target),), measure, activity, min_both, real, found)


def usual_draws(store: Store, pairs: Sequence[Sites]) -> int:
    """Draws of each null: few where there are so many pairs of features that one draw has thousands of links."""
    return DRAWS if all(store.site(a).d_sae * store.site(b).d_sae <= MANY for a, b in pairs) else 1


def nulls_of(null: str) -> tuple[str, ...]:
    """The nulls that a word names; raises `BadArgument`."""
    if null not in (*NULLS, BOTH):
        raise BadArgument(f"there is no null {null!r}", f"choose one of {', '.join((*NULLS, BOTH))}")
    return NULLS if null == BOTH else (null,)


def null_key(source: str, target: str, measure: str, activity: float, null: str = "", draws: int = 0) -> list[Any]:
    """All that determines the draws of a null, or without one the values of the links, beside the store."""
    return [source, target, float(activity), list(measures_kept(measure)), LOWEST[measure], null, draws]


def real_links(
    store: Store, source: str, target: str, measures: Sequence[str], activity: float, **running: Any
) -> dict[str, np.ndarray]:
    """The links themselves as named arrays."""
    lowest = min(LOWEST[measure] for measure in measures)
    pair, _ = pair_links(store, source, target, activity, TOP, lowest, measures, **running)
    return arrays_of({measure: values_of(store, pair, measure) for measure in measures})


def arrays_of(links: Mapping[str, LinkValues]) -> dict[str, np.ndarray]:
    """Values by measure as named arrays."""
    names = LinkValues.__dataclass_fields__
    return {f"{measure}_{name}": getattr(each, name) for measure, each in links.items() for name in names}


def links_in(arrays: Mapping[str, np.ndarray], measure: str) -> LinkValues:
    """The values of one measure."""
    return LinkValues(*(arrays[f"{measure}_{name}"] for name in LinkValues.__dataclass_fields__))


def draw_all(
    store: Store,
    source: str,
    target: str,
    measures: Sequence[str],
    null: str,
    draws: int,
    activity: float,
    *,
    progress: Progress,
    **running: Any,
) -> dict[str, np.ndarray]:
    """The links of all draws as named arrays, and how many positions took part on average."""
    found = []
    for seed in range(draws):

        def report(share: float, seed: int = seed) -> None:
            progress(seed + share)

        found.append(null_links(store, source, target, measures, null, seed, activity, progress=report, **running))
    arrays = arrays_of({measure: pooled([each[measure] for _, each in found]) for measure in measures})
    return arrays | {"paired": np.array(round(np.mean([paired for paired, _ in found])))}


def is_kept(store: Store, pairs: Sequence[Sites], measure: str, activity: float, draws: int) -> bool:
    """Whether `chance_of_pair` answers for all of these pairs from the cache, under both nulls."""
    keys = [("", 0), *((name, draws) for name in NULLS)]
    return all(
        arrays_path(KIND, store, null_key(*in_order(store, *pair), measure, activity, *key)).is_file()
        for pair in pairs
        for key in keys
    )


def together(found: Sequence[Chance]) -> Chance:
    """Several pairs of sites, by as many draws each, as one: a picture that shows links of all has one floor."""
    first = found[0]
    assert len({null.draws for each in found for null in each.nulls.values()}) <= 1
    nulls = {
        name: replace(null, links=pooled([each.nulls[name].links for each in found]))
        for name, null in first.nulls.items()
    }
    pairs = tuple(pair for each in found for pair in each.pairs)
    return replace(first, pairs=pairs, real=pooled([each.real for each in found]), nulls=nulls)
