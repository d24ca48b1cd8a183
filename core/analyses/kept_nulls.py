"""Links and draws of nulls in the result cache: what `chance`, `link` and the pages read, and who is first computes.

One file holds the links of a pair of sites by the measures that are looked for together, one more all draws of a null.
Links with fewer common tokens than MIN_ACTIVE are far more than the others, and kept only where somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.results import Notice, arrays_path, kept_arrays, mark_used, pair_links, pair_path
from core.statistics import null_rows, nulls
from core.statistics.best_alive import alive
from core.statistics.devices import work
from core.statistics.false_discoveries import DRAWS, LOWEST, LinkValues, NullLinks
from core.statistics.measures import BOUNDED
from core.statistics.null_draws import Links, measures_kept, null_draw, of_store, real_links, share_of, values_of
from core.statistics.null_rows import RowLinks, step_of
from core.statistics.nulls import NULLS
from core.statistics.pairs import TOP, PairLinks, in_order
from core.store import Store
from core.values import MIN_ACTIVE

KIND = "chance"
VERSION = 3  # of these files
PRODUCTS_A_SECOND, OVERHEAD = 1.5e8, 0.05  # of one core

Progress = Callable[[float], None]
Arrays = Mapping[str, np.ndarray]
Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class BestByChance:
    """The best matches of the sources asked, in all draws of a null: arrays [rows]."""

    active: np.ndarray  # int64, how often the source is active
    value: np.ndarray  # float64; 0 where nothing positive is found
    alive: int  # alive sources of the site, asked or not


@dataclass(frozen=True, slots=True)
class Drawn:
    """All draws of a null, by one measure."""

    links: NullLinks
    best: BestByChance


def key_of(
    source: str, target: str, measure: str, activity: float, min_both: int = MIN_ACTIVE, null: str = "", draws: int = 0
) -> list[Any]:
    """All that determines the draws of a null, or without one the links themselves, beside the store."""
    key = [source, target, float(activity), list(measures_kept(measure)), LOWEST[measure], least_kept(min_both)]
    how = [null_rows.MOST_PRODUCTS, null_rows.FEWEST_SOURCES, nulls.BLOCK, nulls.JITTER] if null else []
    return [*key, null, draws, *how, VERSION]


def least_kept(min_both: int) -> int:
    """The fewest common tokens of links that are kept, for who asks for `min_both`.

    >>> least_kept(3), least_kept(10), least_kept(50)
    (1, 10, 10)
    """
    return MIN_ACTIVE if min_both >= MIN_ACTIVE else 1


def files_of(
    store: Store,
    source: str,
    target: str,
    measure: str,
    activity: float = 0.0,
    min_both: int = MIN_ACTIVE,
    draws: int = DRAWS,
) -> list[Path]:
    """The files of the links of two sites and of each null, whether they are there or not."""
    asked = *in_order(store, source, target), measure, activity, min_both
    return [arrays_path(KIND, store, key_of(*asked, *which)) for which in (("", 0), *((null, draws) for null in NULLS))]


def stamp_of(paths: Sequence[Path]) -> Stamp | None:
    """Time and size of each file, which differ once one was replaced; None where one is missing.

    Who asks has them in memory, or is about to: they must not give way on the disk meanwhile.
    """
    try:
        told = [path.stat() for path in paths]
    except OSError:
        return None
    for path in paths:
        mark_used(path)
    return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in told)


def is_kept(
    store: Store,
    pairs: Sequence[tuple[str, str]],
    measure: str,
    activity: float = 0.0,
    min_both: int = MIN_ACTIVE,
    draws: int = DRAWS,
) -> bool:
    """Whether the cache has files for all of these pairs of sites, under both nulls, whatever is in them."""
    return all(stamp_of(files_of(store, *pair, measure, activity, min_both, draws)) is not None for pair in pairs)


def seconds_of(store: Store, source: str, target: str, draws: int = DRAWS) -> float:
    """About how long one core draws both nulls of two sites, and counts their links."""
    products = work(store, source, target)
    part = products / step_of(int(np.count_nonzero(alive(store, source))), products)
    return OVERHEAD + (products + len(NULLS) * draws * part) / PRODUCTS_A_SECOND


def kept_real(
    store: Store, source: str, target: str, measure: str, activity: float, min_both: int,
    *, notice: Notice, progress: Progress, **running: Any,
) -> LinkValues:  # fmt: skip
    """The links with `min_both` common tokens or more."""
    measures, least = measures_kept(measure), least_kept(min_both)
    running |= {"progress": progress}

    def compute() -> dict[str, np.ndarray]:
        found: RowLinks | PairLinks
        if measures == BOUNDED and pair_path(store, source, target, activity).is_file():
            found, _ = pair_links(store, source, target, activity, TOP, notice=notice, **running)
        else:
            found = real_links(store, source, target, measures, activity, least, **running)
        of = of_store(store, source, target, activity)
        return arrays_of({name: values_of(store, (source, target), found, name, of) for name in measures}, least)

    key = key_of(source, target, measure, activity, min_both)
    return links_in(kept_arrays(KIND, store, key, compute, notice), measure).values.with_both(min_both)


def drawn(
    store: Store, source: str, target: str, measure: str, activity: float, min_both: int, null: str, draws: int,
    *, notice: Notice = lambda text: None, progress: Progress = lambda share: None, **running: Any,
) -> Drawn:  # fmt: skip
    """`draws` draws of a null, and of its links those with `min_both` common tokens or more (see `share_of`)."""

    def compute() -> dict[str, np.ndarray]:
        least = least_kept(min_both)
        return draw_all(store, source, target, measure, null, draws, activity, least, progress=progress, **running)

    key = key_of(source, target, measure, activity, min_both, null, draws)
    return drawn_in(kept_arrays(KIND, store, key, compute, notice), store, source, measure, min_both)


def drawn_in(kept: Arrays, store: Store, source: str, measure: str, min_both: int) -> Drawn:
    """The draws of a null by one measure, of what was kept by several."""
    found, asked = links_in(kept, measure), kept["asked"].astype(np.int64)
    living = int(np.count_nonzero(alive(store, source)))
    unit = living / max(len(asked), 1)
    links = NullLinks(
        found.values, int(kept["paired"]), found.source, np.full(len(found.source), unit), unit, len(np.unique(asked))
    )
    active = np.asarray(store.summary(source).active, np.int64)[asked]
    best = BestByChance(active, kept[f"{measure}_best"].astype(np.float64), living)
    return Drawn(links.only(links.links.n_both >= min_both * share_of(store, links.paired)), best)


def draw_all(
    store: Store, source: str, target: str, measure: str, null: str, draws: int, activity: float, least: int,
    *, progress: Progress, **running: Any,
) -> dict[str, np.ndarray]:  # fmt: skip
    """All draws as named arrays: links by measure, the sources asked with their best, positions that took part."""
    measures, found = measures_kept(measure), []
    for seed in range(draws):

        def report(share: float, seed: int = seed) -> None:
            progress(seed + share)

        found.append(
            null_draw(store, source, target, measures, null, seed, activity, least, progress=report, **running)
        )
    arrays: dict[str, np.ndarray] = {}
    for name in measures:
        parts = [arrays_of({name: one.links[name]}, 1) for one in found]  # with fewer common tokens in a part of all
        arrays |= {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        arrays[f"{name}_best"] = np.concatenate([one.best[name] for one in found])
    asked = np.concatenate([one.asked for one in found]).astype(np.uint32)
    return arrays | {"asked": asked, "paired": np.array(round(np.mean([one.paired for one in found])))}


def arrays_of(links: Mapping[str, Links], least: int) -> dict[str, np.ndarray]:
    """Links by measure as named arrays, of those with `least` common tokens or more."""
    arrays: dict[str, np.ndarray] = {}
    for name, one in links.items():
        kept = one.values.n_both >= least
        values = one.values.only(kept)
        arrays |= {f"{name}_{part}": getattr(values, part) for part in LinkValues.__dataclass_fields__}
        arrays[f"{name}_source"] = one.source[kept].astype(np.uint32)
    return arrays


def links_in(arrays: Arrays, measure: str) -> Links:
    """The links of one measure."""
    values = LinkValues(*(arrays[f"{measure}_{part}"] for part in LinkValues.__dataclass_fields__))
    return Links(values, arrays[f"{measure}_source"].astype(np.int64))
