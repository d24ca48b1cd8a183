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

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analyses.matches import Matches
from core.errors import BadArgument
from core.statistics.chance import best_by_chance

THRESHOLD = 0.95
BANDS = ("mutual", "passed", "ended", "inherited", "born", "dead_from", "rare_from", "dead_to", "rare_to")


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


def check_threshold(threshold: float) -> None:
    """Raise `BadArgument` unless 0 < τ ≤ 1."""
    if not 0 < threshold <= 1:
        raise BadArgument(f"threshold {threshold} is out of range", "choose one above 0 and at most 1, such as 0.95")


def turnover(found: Matches, threshold: float = THRESHOLD) -> Turnover:
    """What is passed on, ended, inherited and born at τ = `threshold`; raises `BadArgument`.

    >>> import tempfile, pathlib
    >>> from core.analyses.matches import matches
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=2, width=8, tokens=5_000, noise=0)
    >>> _ = planting.passed_on(0, 1), planting.unrelated(0), planting.unrelated(1), planting.rare(0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     told = turnover(matches(planting.build(pathlib.Path(folder) / "planted.h5")[0], "0", "1"), 0.95)
    >>> told.passed, told.ended, told.inherited, told.born, told.rare_from, told.dead_from, told.passed_by_chance
    (1, 1, 1, 1, 1, 5, 0.0)
    """
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
