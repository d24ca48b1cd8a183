"""What decoder cosine reaches by chance: one of two sites' directions turned at random, so that none has kin.

A measure of weights has no tokens to shift: the nulls of activations (`core.statistics.nulls`) say nothing of it. A
random rotation keeps all angles within each site, and leaves of those between the sites what the number of dimensions
and of features alone gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.results import Notice, arrays_path, kept_arrays
from core.statistics.chance import SAMPLE, direction_maxima
from core.statistics.pairs import in_order
from core.store import Store

KIND = "turned"
VERSION = 1  # of these files
SHARE = 0.05

Sites = tuple[str, str]


@dataclass(frozen=True)
class Turned:
    """The best alive match of a sample of alive sources once directions are turned, by pair of sites."""

    best: Mapping[Sites, np.ndarray]  # float64 [sampled]

    def floors(self, share: float = SHARE) -> dict[Sites, float]:
        """By pair the cosine that the best match of `share` of the features reaches by chance; NaN where none lives."""
        return {
            pair: float(np.quantile(values, 1 - share)) if len(values) else float("nan")
            for pair, values in self.best.items()
        }

    def floor(self, share: float = SHARE) -> float:
        """The largest of `floors`, for a picture that shows links of all; NaN where there is none."""
        known = [value for value in self.floors(share).values() if not np.isnan(value)]
        return max(known, default=float("nan"))


def turned(store: Store, pairs: Sequence[Sites], seed: int = 0) -> Turned:
    """Turn the later site of each pair, or take what was kept of it; raises `SpacesDiffer` and `NothingRecorded`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> rng = np.random.default_rng(0)
    >>> weights = {"decoder": rng.standard_normal((40, 300))}
    >>> ones = {key: np.ones((20, 40)) for key in "01"}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "s.h5", ones, weights={key: weights for key in "01"})
    ...     0.1 < turned(store, [("0", "1")]).floor() < 0.3  # though each feature is there again
    True
    """
    ordered = [in_order(store, *pair) for pair in pairs]
    return Turned({pair: turned_maxima(store, *pair, seed) for pair in ordered})


def turned_maxima(
    store: Store, source: str, target: str, seed: int = 0, *, notice: Notice = lambda text: None, **running: Any
) -> np.ndarray:
    """`direction_maxima` of two sites, the earlier one first, from the cache if they are there; float64 [sampled].

    `running` goes on to it (progress, cancelled); `notice` hears of a file that was damaged or could not be kept.
    """

    def compute() -> dict[str, np.ndarray]:
        return {"best": direction_maxima(store, source, target, seed, **running)}

    return kept_arrays(KIND, store, _key(source, target, seed), compute, notice)["best"]


def is_kept(store: Store, pairs: Sequence[Sites], seed: int = 0) -> bool:
    """Whether `turned` has them all already."""
    return all(arrays_path(KIND, store, _key(*in_order(store, *pair), seed)).is_file() for pair in pairs)


def _key(source: str, target: str, seed: int) -> list[str | int]:
    return [source, target, seed, SAMPLE, VERSION]
