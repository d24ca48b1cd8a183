"""All links of a pair of sites above a floor, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from core.statistics.measures import all_measures
from core.statistics.pairs import PairLinks
from core.store import Store
from core.values import MEASURES

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
    frame = pl.DataFrame(
        {
            "source": names(found.source, found.sources[chosen]),
            "target": names(found.target, found.targets[chosen]),
            "n": np.full(len(chosen), store.n),
            "n_source": counts.n_source,
            "n_target": counts.n_target,
            "n_both": counts.n_both,
            **{name: values[name][chosen] for name in MEASURES},
        },
        schema=COLUMNS,
    )
    return frame.with_columns(pl.col(list(MEASURES)).fill_nan(None))


def names(key: str, indices: np.ndarray) -> pl.Series:
    """``KEY_INDEX`` of many features of one site.

    >>> names("5", np.array([1, 23])).to_list()
    ['5_1', '5_23']
    """
    return f"{key}_" + pl.Series(indices).cast(pl.String)
