"""Maximum activations of the features of each site (Balcells et al. 2024, appendix B)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from core.store import Store

QUANTILES = {"low": 0.05, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "high": 0.95, "largest": 1.0}
"""What is told of each site, and the share of its features below."""


def maximum_table(store: Store) -> pl.DataFrame:
    """The spread of maximum activations over each site's features that are ever active, and a feature at each place.

    Columns ``site``, ``features``, one a name of `QUANTILES` and the same with ``_feature``: the one whose maximum is
    nearest (of equals the first). A site with nothing active has nulls.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = maximum_table(plant(pathlib.Path(folder) / "tiny.h5", {"0": np.array([[1.0, 5.0, 3.0, 0.0]])}))
    >>> table.select("features", "median", "median_feature", "largest_feature").row(0)
    (3, 3.0, '0_2', '0_1')
    """
    rows = []
    for site in store.sites:
        maximum = np.asarray(store.summary(site.key).maximum, np.float64)
        there = np.flatnonzero(np.asarray(store.summary(site.key).active) > 0)
        spread = np.quantile(maximum[there], list(QUANTILES.values())).tolist() if len(there) else []
        nearest = [int(there[np.abs(maximum[there] - value).argmin()]) for value in spread]
        nothing = [None] * len(QUANTILES)
        rows.append((site.key, len(there), *(spread or nothing), *([f"{site.key}_{i}" for i in nearest] or nothing)))
    schema: dict[str, Any] = {"site": pl.String, "features": pl.Int64, **dict.fromkeys(QUANTILES, pl.Float64)}
    return pl.DataFrame(rows, schema | {f"{name}_feature": pl.String for name in QUANTILES}, orient="row")
