"""All links of a pair of sites above a floor, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from core.statistics.assignment import Assignment
from core.statistics.data_free import links_above
from core.statistics.link_counts import counts_of_links
from core.statistics.margins import active_counts
from core.statistics.measures import all_measures, mutual_information
from core.statistics.pairs import PairLinks, in_order
from core.store import Store
from core.values import MEASURES, PairCounts

COLUMNS = {
    "source": pl.String,
    "target": pl.String,
    "n": pl.Int64,
    "n_source": pl.Int64,
    "n_target": pl.Int64,
    "n_both": pl.Int64,
    **dict.fromkeys(MEASURES, pl.Float64),
}


def edge_table(store: Store, found: PairLinks, measures: Sequence[str], floor: float) -> pl.DataFrame:
    """Links of `found` with any of `measures` at or above `floor`; columns as COLUMNS, undefined measures are null.

    `found` must have been computed with these measures and this floor (or a lower one), else links are missing.
    """
    values = all_measures(found.counts(store))
    chosen = np.flatnonzero(np.logical_or.reduce([values[name] >= floor for name in measures]))
    counts = found.counts(store, chosen)
    return _table(
        (found.source, found.sources[chosen]), (found.target, found.targets[chosen]), counts,
        {name: values[name][chosen] for name in MEASURES},
    )  # fmt: skip


def silent_reach(store: Store, source: str, target: str, measures: Sequence[str], activity: float = 0.0) -> float:
    """The most that a pair of features that are never active together may reach by any of `measures`: an upper bound.

    By most that is 0. Mutual information is higher the more active both are, and tells of avoidance as of company.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> on = np.array([[1.0], [0.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": on, "1": 1 - on})
    ...     [round(silent_reach(store, "0", "1", (name,)), 3) for name in ("pearson", "mutual_information")]
    [0.0, 0.693]
    """
    if "mutual_information" not in measures:
        return 0.0
    a, b = (int(active_counts(store, key, activity).max(initial=0)) for key in (source, target))
    if a + b > store.n:  # they share the tokens among them, as evenly as they may
        a = min(a, max(store.n - b, store.n // 2))
        b = store.n - a
    return float(mutual_information(PairCounts(store.n, a, b, 0, a, a, b, b, 0))) if store.n else 0.0


def weight_table(
    store: Store,
    source: str,
    target: str,
    measure: str,
    floor: float,
    activity: float = 0.0,
    progress: Callable[[float], None] = lambda share: None,
) -> pl.DataFrame:
    """All links of ever active features at or above `floor` by decoder cosine or virtual weight.

    Columns as COLUMNS, then the measure; counts and the other measures are those of the activations. Raises
    `SpacesDiffer`, `NothingRecorded`, `BadArgument` (another measure, too low a floor) and `StoreDamaged`.
    """
    source, target = in_order(store, source, target)
    i, j, values = links_above(store, measure, source, target, floor)
    counts = counts_of_links(store, source, target, i, j, activity, progress=progress)
    return _table((source, i), (target, j), counts, all_measures(counts), {measure: values})


def assigned_table(
    store: Store,
    found: Assignment,
    most: float = float("inf"),
    activity: float = 0.0,
    progress: Callable[[float], None] = lambda share: None,
) -> pl.DataFrame:
    """The pairs of a one-to-one assignment with a folded MSE of at most `most`; columns as those of `weight_table`."""
    i = np.flatnonzero(found.folded_mse <= most)
    j = found.partner[i]
    counts = counts_of_links(store, found.source, found.target, i, j, activity, progress=progress)
    more = {"folded_mse": found.folded_mse[i]}
    return _table((found.source, i), (found.target, j), counts, all_measures(counts), more)


def _table(
    source: tuple[str, np.ndarray], target: tuple[str, np.ndarray], counts: PairCounts, *values: dict[str, np.ndarray]
) -> pl.DataFrame:
    """Links with their counts and measures; what is undefined is null."""
    measures = {name: column for each in values for name, column in each.items()}
    frame = pl.DataFrame(
        {
            "source": names(*source),
            "target": names(*target),
            "n": np.full(len(source[1]), counts.n),
            "n_source": counts.n_source,
            "n_target": counts.n_target,
            "n_both": counts.n_both,
            **measures,
        },
        schema=COLUMNS | dict.fromkeys(measures, pl.Float64),
    )
    return frame.with_columns(pl.col(list(measures)).fill_nan(None))


def names(key: str, indices: np.ndarray) -> pl.Series:
    """``KEY_INDEX`` of many features of one site.

    >>> names("5", np.array([1, 23])).to_list()
    ['5_1', '5_23']
    """
    return f"{key}_" + pl.Series(indices).cast(pl.String)
