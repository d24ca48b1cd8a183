"""Whether the weights say the same as the data: the one-to-one assignment beside the best matches by Pearson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.analyses.matches import Matches
from core.results import Notice, arrays_path, kept_arrays, unheard
from core.statistics.assignment import CANDIDATES, DENSE_FEATURES, Assignment, assign_folded
from core.statistics.data_free import folding
from core.statistics.pairs import in_order
from core.store import Store

KIND = "assignment"


@dataclass(frozen=True, slots=True)
class Agreed:
    """How many of the assigned pairs are also mutual best matches, and the other way round; alive features only."""

    source: str
    target: str
    measure: str
    assigned: int  # pairs of the assignment of which both are alive
    mutual: int  # pairs that are each other's best alive match by the measure
    both: int
    folded_with: str
    exact: bool

    @property
    def share(self) -> float:
        """both / assigned; NaN where nothing is assigned."""
        return self.both / self.assigned if self.assigned else float("nan")

    @property
    def found(self) -> float:
        """both / mutual: how many of the mutual best matches the assignment finds; NaN where there are none."""
        return self.both / self.mutual if self.mutual else float("nan")


def assignment(store: Store, source: str, target: str, *, notice: Notice = unheard) -> Assignment:
    """`assign_folded` of two sites, kept in the result cache; raises `SpacesDiffer`, `NothingRecorded`."""
    source, target = in_order(store, source, target)

    def compute() -> dict[str, np.ndarray]:
        found = assign_folded(store, source, target)
        return {"partner": found.partner, "folded_mse": found.folded_mse, "exact": np.array(found.exact)}

    kept = kept_arrays(KIND, store, _key(source, target), compute, notice)
    folded_with = folding(store, source, target)[1]
    return Assignment(source, target, kept["partner"], kept["folded_mse"], folded_with, bool(kept["exact"]))


def is_kept(store: Store, source: str, target: str) -> bool:
    """Whether `assignment` has been computed before."""
    return arrays_path(KIND, store, _key(*in_order(store, source, target))).is_file()


def _key(source: str, target: str) -> list[str | int]:
    return [source, target, CANDIDATES, DENSE_FEATURES]


def agreed(found: Matches, by_weights: Assignment) -> Agreed:
    """The assignment of two sites beside their matches.

    >>> from core.statistics.best_alive import Best
    >>> ones, active = np.ones(3), np.full(3, 20)
    >>> down, up = Best(np.array([1, 0, 0]), ones), Best(np.array([1, 0, 2]), ones)
    >>> found = Matches("0", "1", "pearson", active, active, down, up, {})
    >>> one = agreed(found, Assignment("0", "1", np.array([1, 2, 0]), ones, "threshold", True))
    >>> one.assigned, one.mutual, one.both
    (3, 2, 1)
    """
    partner = by_weights.partner
    living = (partner >= 0) & found.alive_from & found.alive_to[partner]
    both = living & found.mutual & (found.forward.partner == partner)
    return Agreed(
        found.source, found.target, found.measure, int(living.sum()), int(found.mutual.sum()), int(both.sum()),
        by_weights.folded_with, by_weights.exact,
    )  # fmt: skip


def agreement_table(found: Sequence[Agreed]) -> pl.DataFrame:
    """One row a pair of sites: how many are assigned, mutual best and both, the two shares, θ, and whether exact."""
    columns = {
        "from": [one.source for one in found],
        "to": [one.target for one in found],
        "measure": [one.measure for one in found],
        "assigned": [one.assigned for one in found],
        "mutual_best": [one.mutual for one in found],
        "both": [one.both for one in found],
        "share_of_assigned": [one.share for one in found],
        "share_of_mutual_best": [one.found for one in found],
        "theta": [one.folded_with for one in found],
        "exact": [one.exact for one in found],
    }
    shares = pl.col("share_of_assigned", "share_of_mutual_best")
    return pl.DataFrame(columns).with_columns(shares.fill_nan(None))
