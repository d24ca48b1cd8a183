"""Turnover: which features of a site are still there at the next one, which end there, which are born.

Balcells et al. 2024, 3.1. An alive feature is *passed on* where its best match among the alive features of the later
site reaches τ, else it has *ended*; seen from the later site, a feature is *inherited* where its best match among the
alive features of the earlier one reaches τ, else it is *born*. So passed + ended = alive_from, and inherited + born =
alive_to. Two features that are each other's best match at τ or above are *mutual*, one to one.

Dead features (never active) and rare ones (active on fewer than MIN_ACTIVE tokens) are counted apart and are never
ended or born: the seed's code counts dead ones as disappearing. Births are counted at the later site of their pair: the
seed's plots shift them by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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

THRESHOLD = 0.95
VERSION = 1  # of what is kept of best matches and of their nulls
BEST = ("partner", "value")
Progress = Callable[[float], None]
BANDS = ("mutual", "passed", "ended", "inherited", "born", "dead_from", "rare_from", "dead_to", "rare_to")


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


@dataclass(frozen=True, slots=True)
class Turnover:
    """What becomes of the features of a site until a later one, at one threshold; numbers of features."""

    source: str
    target: str
    measure: str
    threshold: float
    alive_from: int
    alive_to: int
    dead_from: int
    rare_from: int
    dead_to: int
    rare_to: int
    passed: int
    passed_mutual: int
    passed_by_chance: float
    ended: int
    inherited: int
    born: int

    @property
    def share(self) -> float:
        """passed / alive_from; NaN where nothing is alive."""
        return self.passed / self.alive_from if self.alive_from else float("nan")

    @property
    def raw_share(self) -> float:
        """passed / all features of the earlier site, dead and rare ones included."""
        return self.passed / max(1, self.alive_from + self.dead_from + self.rare_from)

    def as_json(self) -> dict[str, Any]:
        """The JSON of one pair (DESIGN 9)."""
        rest = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("source", "target")}
        return {"from": self.source, "to": self.target, **rest}


def check_measure(measure: str) -> None:
    """Raise `BadArgument` unless a threshold on this measure can mean "the same feature"."""
    if measure not in ADMISSIBLE:
        raise BadArgument(
            f"turnover by {measure!r} has no meaning: it must be symmetric, and 1 for features that do the same",
            f"choose one of {', '.join(ADMISSIBLE)}",
        )


def check_threshold(threshold: float) -> None:
    """Raise `BadArgument` unless 0 < τ ≤ 1."""
    if not 0 < threshold <= 1:
        raise BadArgument(f"threshold {threshold} is out of range", "choose one above 0 and at most 1, such as 0.95")


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
    >>> told = turnover(found, 0.95)
    >>> told.passed, told.ended, told.inherited, told.born, told.rare_from, told.dead_from, told.passed_by_chance
    (1, 1, 1, 1, 1, 5, 0.0)
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


def turnover(found: Matches, threshold: float = THRESHOLD) -> Turnover:
    """What is passed on, ended, inherited and born at τ = `threshold`; raises `BadArgument`."""
    check_threshold(threshold)
    passed = int(np.count_nonzero(found.forward.value >= threshold))
    inherited = int(np.count_nonzero(found.backward.value >= threshold))
    alive_from, alive_to = int(found.alive_from.sum()), int(found.alive_to.sum())
    dead_from, dead_to = (int(np.count_nonzero(active == 0)) for active in (found.active_from, found.active_to))
    return Turnover(
        source=found.source,
        target=found.target,
        measure=found.measure,
        threshold=threshold,
        alive_from=alive_from,
        alive_to=alive_to,
        dead_from=dead_from,
        rare_from=len(found.active_from) - alive_from - dead_from,
        dead_to=dead_to,
        rare_to=len(found.active_to) - alive_to - dead_to,
        passed=passed,
        passed_mutual=int(np.count_nonzero(found.mutual_at(threshold) >= 0)),
        passed_by_chance=found.by_chance(threshold),
        ended=alive_from - passed,
        inherited=inherited,
        born=alive_to - inherited,
    )


def band(found: Matches, name: str, threshold: float = THRESHOLD) -> np.ndarray:
    """The features behind one number of a turnover, rising indices: of the earlier site or of the later one.

    ``mutual``, ``passed`` (without the mutual ones), ``ended``, ``dead_from`` and ``rare_from`` are features of the
    earlier site, ``inherited`` (without the mutual ones), ``born``, ``dead_to`` and ``rare_to`` of the later one.
    """
    if name not in BANDS:
        raise BadArgument(f"there is no band {name!r}", f"choose one of {', '.join(BANDS)}")
    mutual = found.mutual_at(threshold)
    heirs = np.zeros(len(found.active_to), bool)
    heirs[mutual[mutual >= 0]] = True
    passed, inherited = found.forward.value >= threshold, found.backward.value >= threshold
    masks = {
        "mutual": mutual >= 0,
        "passed": passed & (mutual < 0),
        "ended": found.alive_from & ~passed,
        "inherited": inherited & ~heirs,
        "born": found.alive_to & ~inherited,
        "dead_from": found.active_from == 0,
        "rare_from": (found.active_from > 0) & ~found.alive_from,
        "dead_to": found.active_to == 0,
        "rare_to": (found.active_to > 0) & ~found.alive_to,
    }
    return np.flatnonzero(masks[name])


def of_source(name: str) -> bool:
    """Whether a band holds features of the earlier site."""
    return name in ("mutual", "passed", "ended", "dead_from", "rare_from")


def share_at(values: np.ndarray, thresholds: np.ndarray, of: int | None = None) -> np.ndarray:
    """The share of `values` at or above each threshold, float64, exact; NaN values reach none.

    `of` divides instead of the number of values: the alive features, or all.

    >>> share_at(np.array([0.2, 0.9, np.nan]), np.array([0.0, 0.5, 0.9, 1.0]), of=2).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    known = np.sort(values[~np.isnan(values)])
    count = len(known) - np.searchsorted(known, thresholds, side="left")
    total = len(values) if of is None else of
    return count / total if total else np.full(len(thresholds), np.nan)


def share_curves(found: Iterable[Matches], thresholds: np.ndarray) -> list[dict[str, Any]]:
    """Of each pair the share passed on at every threshold, one to one, and by chance (the larger of the nulls).

    By chance is NaN where no null says anything.
    """
    curves = []
    for one in found:
        n = int(one.alive_from.sum())
        mutual = np.where(one.mutual, one.forward.value, np.nan)
        curves.append(
            {
                "from": one.source,
                "to": one.target,
                "measure": one.measure,
                "passed": share_at(one.forward.value, thresholds, n),
                "mutual": share_at(mutual, thresholds, n),
                "chance": best_by_chance(one.chance.values(), 1, thresholds),
            }
        )
    return curves
