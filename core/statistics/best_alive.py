"""The best match of every feature among the alive ones of another site: exact, whatever fills the kept links.

A kept pair (`core.results`) holds the best k of each row and column among all that are ever active, and every link
above a floor. Rare features can fill a row's k places: two that fire once, together, correlate perfectly. Where an
alive one may have been pushed out, the store is asked for that row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.statistics.data_free import require_one_space, unit_rows
from core.statistics.measures import measure_function
from core.statistics.pairs import PairLinks
from core.statistics.ranking import rank
from core.statistics.rows import pair_counts
from core.statistics.top import top_of_product
from core.store import Store
from core.values import MIN_ACTIVE, Feature


@dataclass(frozen=True, slots=True)
class Best:
    """The best alive partner of each feature of one site; -1 and NaN for features that are not alive or have none."""

    partner: np.ndarray  # int64 [d_sae]
    value: np.ndarray  # float64 [d_sae]


def alive(store: Store, key: str) -> np.ndarray:
    """Features that are neither dead nor rare, bool [d_sae]."""
    return np.asarray(store.summary(key).active) >= MIN_ACTIVE


def best_of_pair(store: Store, pair: PairLinks, measure: str) -> tuple[Best, Best]:
    """For every alive source its best alive target, and for every alive target its best alive source.

    Ties go to the larger n_both, then to the smaller index (DESIGN 4, "Ranking"). `pair` must have been computed at
    r = 0. Raises `BadArgument` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> from core.statistics.pairs import whole_pair
    >>> a = np.zeros((40, 2)); a[:20, 0] = a[30:, 1] = 1
    >>> b = a.copy(); b[:5, 0] = 0
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b})
    ...     down, up = best_of_pair(store, whole_pair(store, "0", "1"), "jaccard")
    >>> down.partner.tolist(), down.value.tolist()
    ([0, 1], [0.75, 1.0])
    """
    counts = pair.counts(store)
    values = np.asarray(measure_function(measure)(counts), np.float64)
    living = alive(store, pair.source), alive(store, pair.target)
    usable = living[0][pair.sources] & living[1][pair.targets] & ~np.isnan(values)
    complete = pair.floor if measure in pair.floor_measures else np.inf
    sides = []
    for here, lines, others in ((0, pair.sources, pair.targets), (1, pair.targets, pair.sources)):
        partner, value, place = best_usable(lines, others, values, counts.n_both, usable, len(living[here]))
        # Beyond what is kept there are pairs that are never active together: their Pearson is below 0, the rest 0.
        settled = (value > 0) & ((place < pair.top) | (value > complete))
        keys = (pair.source, pair.target) if here == 0 else (pair.target, pair.source)
        for index in np.flatnonzero(living[here] & ~settled):
            partner[index], value[index] = ask(store, Feature(keys[0], int(index)), keys[1], measure, living[1 - here])
        sides.append(Best(np.where(living[here], partner, -1), np.where(living[here], value, np.nan)))
    return sides[0], sides[1]


def best_usable(
    lines: np.ndarray, others: np.ndarray, values: np.ndarray, n_both: np.ndarray, usable: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each line of a sparse table its best usable entry: partner, value, and how many entries come before it.

    All inputs are [entries], results [size]; -1, NaN and 0 where a line has none.

    >>> line, other = np.array([0, 0, 0, 1]), np.array([5, 6, 7, 5])
    >>> value, both = np.array([0.9, 0.8, 0.8, 0.1]), np.array([1, 20, 30, 20])
    >>> [a.tolist() for a in best_usable(line, other, value, both, both >= 10, 2)]
    [[7, 5], [0.8, 0.1], [1, 0]]
    """
    best = np.full(size, -np.inf)
    np.maximum.at(best, lines[usable], values[usable])
    near = np.flatnonzero((values >= best[lines]) & (best[lines] > -np.inf))
    order = near[np.lexsort((others[near], -n_both[near], -values[near], lines[near]))]
    sorted_lines = lines[order]
    places = np.arange(len(order)) - np.searchsorted(sorted_lines, sorted_lines)
    found, first = np.unique(sorted_lines[usable[order]], return_index=True)
    chosen = np.flatnonzero(usable[order])[first]
    partner, place = np.full(size, -1, np.int64), np.zeros(size, np.int64)
    partner[found], place[found] = others[order][chosen], places[chosen]
    return partner, np.where(np.isinf(best), np.nan, best), place


def ask(store: Store, feature: Feature, to: str, measure: str, candidates: np.ndarray) -> tuple[int, float]:
    """The best candidate of one feature, from the store; (-1, NaN) where there is none."""
    counts = pair_counts(store, feature, to)
    values = np.asarray(measure_function(measure)(counts), np.float64)
    found = rank(values, counts.n_both, 1, candidates)
    return (int(found[0]), float(values[found[0]])) if len(found) else (-1, float("nan"))


def best_by_direction(store: Store, source: str, target: str, **running: Any) -> tuple[Best, Best]:
    """As `best_of_pair`, by the cosine of decoder rows; raises `SpacesDiffer`, `NothingRecorded` and `Cancelled`.

    Zero rows have no direction, and so no partner. `running` goes to `top_of_product` (progress, cancelled).
    """
    require_one_space(store, source, target)
    living = [alive(store, key) for key in (source, target)]
    rows, columns = (np.flatnonzero(each) for each in living)
    a, b = (
        unit_rows(store.weights(key, "decoder")[some]) for key, some in ((source, rows), (target, columns))
    )  # fmt: skip
    known = len(a) and len(b)
    both = top_of_product(len(a), len(b), 1, lambda part: a[part] @ b.T, **running) if known else (None, None)
    sides = []
    for top, mine, theirs, each in zip(both, (rows, columns), (columns, rows), living, strict=True):
        partner, value = np.full(len(each), -1, np.int64), np.full(len(each), np.nan)
        if top is not None:
            index = top.index[:, 0]
            partner[mine] = np.where(index >= 0, theirs[index], -1)
            value[mine] = np.clip(top.value[:, 0], -1.0, 1.0)
        sides.append(Best(partner, value))
    return sides[0], sides[1]
