"""The best matches of two sites' features, both ways, and what chance gives: turnover and lifespans follow from them.

A match is the best partner among the *alive* features of the other site, by a measure that is symmetric and 1 for
features that do the same. Two features that are each other's best match are mutual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from core.analyses.turned import turned_maxima
from core.errors import BadArgument
from core.results import Notice, kept_arrays, pair_links
from core.statistics.best_alive import Best, best_by_direction, best_of_pair
from core.statistics.chance import SAMPLE, best_by_chance, row_maxima
from core.statistics.measures import BOUNDED
from core.statistics.nulls import BLOCK, JITTER
from core.statistics.pairs import in_order
from core.store import Store
from core.values import MIN_ACTIVE

ADMISSIBLE = (*BOUNDED, "decoder_cosine")
"""Symmetric measures that are 1 for features that do the same; others say nothing about sameness at a threshold."""

VERSION = 1  # of what is kept of best matches and of their nulls
BEST = ("partner", "value")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Matches:
    """The best alive matches of a pair of sites by one measure, both ways, and what chance gives.

    Everything about turnover at any τ follows from it.
    """

    source: str
    target: str
    measure: str
    active_from: np.ndarray  # int64 [d_source], counted positions
    active_to: np.ndarray  # int64 [d_target]
    forward: Best  # of each source its best target
    backward: Best  # of each target its best source
    chance: dict[str, np.ndarray]  # by null: best matches of a sample of sources, float64 [sampled]

    @cached_property
    def mutual(self) -> np.ndarray:
        """Which sources are the best match of their best match, bool [d_source]."""
        partner = self.forward.partner
        return (partner >= 0) & (self.backward.partner[partner] == np.arange(len(partner)))

    @property
    def alive_from(self) -> np.ndarray:
        """Which sources are alive, bool [d_source]."""
        return self.active_from >= MIN_ACTIVE

    @property
    def alive_to(self) -> np.ndarray:
        """Which targets are alive, bool [d_target]."""
        return self.active_to >= MIN_ACTIVE

    def mutual_at(self, threshold: float) -> np.ndarray:
        """Index of each source's mutual match at τ or above, -1 where there is none, int64 [d_source]."""
        return np.where(self.mutual & (self.forward.value >= threshold), self.forward.partner, -1)

    def by_chance(self, threshold: float) -> float:
        """Expected number of alive sources that pass at τ by chance: the larger of the nulls; NaN where none speaks."""
        return float(best_by_chance(self.chance.values(), int(self.alive_from.sum()), [threshold])[0])


def check_measure(measure: str) -> None:
    """Raise `BadArgument` unless a threshold on this measure can mean "the same feature"."""
    if measure not in ADMISSIBLE:
        raise BadArgument(
            f"turnover by {measure!r} has no meaning: it must be symmetric, and 1 for features that do the same",
            f"choose one of {', '.join(ADMISSIBLE)}",
        )


def matches(
    store: Store,
    source: str,
    target: str,
    measure: str = "pearson",
    *,
    seed: int = 0,
    **running: Any,
) -> Matches:
    """The best alive matches of two sites; computes the pair where it is not in the cache.

    `running` goes to `matches_by_measure` (progress, cancelled, notice, and what `core.results.pair_links` takes).
    Raises `BadArgument`, `UnknownSite`, `SpacesDiffer`, `NothingRecorded`, `Cancelled` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=2, width=8, tokens=5_000, noise=0)
    >>> _ = planting.passed_on(0, 1), planting.unrelated(0), planting.unrelated(1), planting.rare(0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = matches(planting.build(pathlib.Path(folder) / "planted.h5")[0], "0", "1")
    >>> int(found.alive_from.sum()), int(found.alive_to.sum())
    (2, 2)
    >>> int(found.mutual.sum()), int((found.mutual_at(0.95) >= 0).sum()), found.by_chance(0.95)
    (2, 1, 0.0)
    """
    return matches_by_measure(store, source, target, (measure,), seed=seed, **running)[measure]


def matches_by_measure(
    store: Store,
    source: str,
    target: str,
    measures: Sequence[str],
    *,
    seed: int = 0,
    nulls: bool = True,
    progress: Progress = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
    notice: Notice = lambda text: None,
    **running: Any,
) -> dict[str, Matches]:
    """As `matches`, by several measures at once: pair and nulls are computed, or read, once for all.

    Without `nulls` there is no chance to compare with, which saves half of the time. `progress` gets shares of all of
    it, `cancelled` is asked before each part of the work, and `notice` hears of files that were damaged or not kept.
    """
    for measure in measures:
        check_measure(measure)
    source, target = in_order(store, source, target)
    active = np.asarray(store.summary(source).active), np.asarray(store.summary(target).active)
    found: dict[str, Matches] = {}
    counted = [measure for measure in measures if measure in BOUNDED]
    turning = "decoder_cosine" in measures
    watched: list[dict[str, Any]] = [
        {"progress": part, "cancelled": cancelled, "notice": notice}
        for part in parts_of(progress, (1 + nulls) * (bool(counted) + turning))
    ]
    if counted:
        watch = watched.pop(0)
        best = {measure: kept_best(store, source, target, measure, **watch, **running) for measure in counted}
        maxima = kept_maxima(store, source, target, seed, **watched.pop(0)) if nulls else {}
        for measure in counted:
            chance = {name: values[:, BOUNDED.index(measure)] for name, values in maxima.items()}
            found[measure] = Matches(source, target, measure, *active, *best[measure], chance)
    if turning:
        best_ones = kept_best(store, source, target, "decoder_cosine", **watched.pop(0))
        chance = {"rotated": turned_maxima(store, source, target, seed, **watched.pop(0))} if nulls else {}
        found["decoder_cosine"] = Matches(source, target, "decoder_cosine", *active, *best_ones, chance)
    progress(1.0)
    return found


def parts_of(progress: Progress, parts: int) -> list[Progress]:
    """What each of so many parts of the work, one after another, reports its own shares to.

    >>> shares = []
    >>> first, second = parts_of(shares.append, 2)
    >>> first(0.5), second(0.5), shares
    (None, None, [0.25, 0.75])
    """
    return [lambda share, k=k: progress((k + share) / parts) for k in range(parts)]  # type: ignore[misc]


def kept_maxima(
    store: Store, source: str, target: str, seed: int = 0, *, notice: Notice = lambda text: None, **running: Any
) -> dict[str, np.ndarray]:
    """`row_maxima` of two sites, the earlier one first, from the cache if they are there."""
    key = [source, target, seed, SAMPLE, BLOCK, JITTER, VERSION]
    return kept_arrays("maxima", store, key, lambda: row_maxima(store, source, target, seed, **running), notice)


def kept_best(
    store: Store, source: str, target: str, measure: str, *, notice: Notice = lambda text: None, **running: Any
) -> tuple[Best, Best]:
    """The best alive partner of each feature of both sites, from the cache where it is there.

    What is kept is as small as the sites; the pair of sites it comes from is not read again.
    """

    def compute() -> dict[str, np.ndarray]:
        if measure == "decoder_cosine":
            both = best_by_direction(store, source, target, **running)
        else:
            both = best_of_pair(store, pair_links(store, source, target, notice=notice, **running)[0], measure)
        return {f"{name}_{side}": getattr(best, name) for side, best in enumerate(both) for name in BEST}

    key = [source, target, measure, MIN_ACTIVE, VERSION]
    kept = kept_arrays("matches", store, key, compute, notice, pairs=())
    return Best(kept["partner_0"], kept["value_0"]), Best(kept["partner_1"], kept["value_1"])


def adjacent_by_measure(store: Store, measures: Sequence[str], **options: Any) -> list[dict[str, Matches]]:
    """The matches of every site with the next one by each measure; options as those of `matches_by_measure`."""
    return [matches_by_measure(store, a.key, b.key, measures, **options) for a, b in pairwise(store.sites)]


def adjacent_matches(store: Store, measure: str = "pearson", **options: Any) -> list[Matches]:
    """The matches of every site with the next one; options as those of `matches`."""
    return [by[measure] for by in adjacent_by_measure(store, (measure,), **options)]
