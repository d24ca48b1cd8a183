"""Draws of a null for two sites: the links that chance leaves, and the best match of each source that was asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.statistics.best_alive import alive
from core.statistics.devices import work
from core.statistics.false_discoveries import LOWEST, LinkValues
from core.statistics.margins import Margins, margins
from core.statistics.measures import BOUNDED, COMPILED, MEASURE_FUNCTIONS
from core.statistics.null_rows import RowLinks, rows_above, sources_asked, step_of
from core.statistics.nulls import draw, layout_of, row_map
from core.statistics.pairs import PairLinks
from core.store import Store
from core.values import PairCounts


@dataclass(frozen=True, slots=True)
class Links:
    """Links of alive features by one measure, from LOWEST on, and whose they are."""

    values: LinkValues
    source: np.ndarray  # int64 [links]


@dataclass(frozen=True, slots=True)
class NullDraw:
    """One draw of a null."""

    paired: int  # counted positions that took part
    asked: np.ndarray  # int64 [rows], the sources, rising
    links: dict[str, Links]  # by measure
    best: dict[str, np.ndarray]  # by measure: the best match of each source asked, float64 [rows]; 0: nothing positive


def measures_kept(measure: str) -> tuple[str, ...]:
    """The measures whose links are looked for together with those of `measure`: one pass for the bounded."""
    return BOUNDED if measure in BOUNDED else (measure,)


def values_of(
    store: Store,
    sites: tuple[str, str],
    found: RowLinks | PairLinks,
    measure: str,
    of: tuple[int, Margins, Margins],
) -> Links:
    """The values of links of alive features from LOWEST on; `of` is n and the margins of both sites."""
    living = [alive(store, key) for key in sites]
    kept = living[0][found.sources] & living[1][found.targets] & (found.n_both > 0)
    i, j = np.asarray(found.sources[kept], np.int64), found.targets[kept]
    n, a, b = of
    counts = PairCounts(
        n, a.active[i], b.active[j], found.n_both[kept], a.total[i], a.squares[i], b.total[j], b.squares[j],
        found.sum_xy[kept],
    )  # fmt: skip
    value = np.asarray(MEASURE_FUNCTIONS[measure](counts), np.float64)
    product = np.asarray(counts.n_source, np.float64) * counts.n_target
    high = value >= LOWEST[measure]
    return Links(LinkValues(value, np.asarray(counts.n_both), product).only(high), i[high])


def of_store(store: Store, source: str, target: str, activity: float) -> tuple[int, Margins, Margins]:
    """n and the margins of both sites."""
    return store.n, margins(store, source, activity), margins(store, target, activity)


def null_draw(
    store: Store,
    source: str,
    target: str,
    measures: Sequence[str],
    null: str,
    seed: int,
    activity: float = 0.0,
    least: int = 1,
    **running: Any,
) -> NullDraw:
    """One draw, for every alive source or, where that is much work, for a part of them that differs from draw to draw.

    Links have `least` common tokens or more, in proportion to the positions that take part (`share_of`). `running`
    goes to `rows_above` (threads, progress, cancelled).
    """
    rows = row_map(store, source, target, draw(layout_of(store), null, seed), activity)
    step = step_of(int(np.count_nonzero(alive(store, source))), work(store, source, target))
    asked = sources_asked(store.summary(source).active, step, seed)
    if not rows.n:
        asked = asked[:0]
    fewest = int(least * share_of(store, rows.n))  # whoever reads them decides where this is no whole number
    found = rows_above(store, source, target, asked, lowest_of(measures), activity, fewest, rows=rows, **running)
    of = rows.n, rows.source, rows.target
    links = {name: values_of(store, (source, target), found, name, of) for name in measures}
    return NullDraw(rows.n, asked, links, {name: found.best[:, COMPILED.index(name)] for name in measures})


def share_of(store: Store, paired: int) -> float:
    """The share of the counted positions that take part in a draw: so many common tokens of a link are to be expected.

    Asked for as many as in the whole store, fewer links would be left by chance than there are in its place.
    """
    return paired / max(store.n, 1)


def real_links(
    store: Store, source: str, target: str, measures: Sequence[str], activity: float, least: int, **running: Any
) -> RowLinks:
    """The links that there are, of all alive sources, as those of a draw."""
    asked = sources_asked(store.summary(source).active, 1)
    return rows_above(store, source, target, asked, lowest_of(measures), activity, least, **running)


def lowest_of(measures: Sequence[str]) -> dict[str, float]:
    """The lowest value of each measure that is looked at."""
    return {name: LOWEST[name] for name in measures}
