"""Pair counts of any list of links of two sites: exact, row by row, for links that no whole pair has kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from core.errors import Cancelled
from core.statistics.margins import active_counts
from core.statistics.rows import pair_counts
from core.store import Store
from core.values import Feature, PairCounts

CHUNK = 32  # sources that a thread takes at a time


def counts_of_links(
    store: Store,
    source: str,
    target: str,
    sources: np.ndarray,
    targets: np.ndarray,
    activity: float = 0.0,
    *,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> PairCounts:
    """Pair counts of the links (sources[p], targets[p]), arrays [links]; `source` is the earlier site.

    Each different source is asked once against the whole target site, as `pair_counts` does, so that the numbers are
    the same as those of its neighbours. Raises `BadArgument`, `Cancelled` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b})
    ...     counts_of_links(store, "0", "1", np.array([1, 0]), np.array([0, 0])).n_both.tolist()
    [0, 2]
    """
    n_source = active_counts(store, source, activity)[sources]
    n_target = active_counts(store, target, activity)[targets]
    order = np.argsort(sources, kind="stable")
    asked, starts = np.unique(sources[order], return_index=True)
    bounds = np.append(starts, len(order))
    n_both, sum_xy = np.empty(len(order), np.int64), np.empty(len(order))

    def ask(first: int) -> int:
        for k in range(first, min(first + CHUNK, len(asked))):
            if cancelled():
                raise Cancelled("counting the links was stopped", "start it again; nothing was kept")
            places = order[bounds[k] : bounds[k + 1]]
            row = pair_counts(store, Feature(source, int(asked[k])), target, activity)
            n_both[places], sum_xy[places] = row.n_both[targets[places]], row.sum_xy[targets[places]]
        return min(first + CHUNK, len(asked))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done in pool.map(ask, range(0, len(asked), CHUNK)):
            progress(done / len(asked))
    a, b = store.summary(source), store.summary(target)
    return PairCounts(
        n=store.n,
        n_source=n_source,
        n_target=n_target,
        n_both=n_both,
        sum_x=np.asarray(a.total)[sources],
        sum_xx=np.asarray(a.total_of_squares)[sources],
        sum_y=np.asarray(b.total)[targets],
        sum_yy=np.asarray(b.total_of_squares)[targets],
        sum_xy=sum_xy,
    )
