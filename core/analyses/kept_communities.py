"""What communities are made of, kept on disk: the feature graphs of a store and of its halves, partitions, stability.

Four kinds of files (`core.results.kept_arrays`), so that what is asked again costs only what is new in it:

- ``graph``, ``halves``: the links of the store, and those on two halves of its documents, by measure, floor, activity
  rule, pairs of sites and `min_both`: all that takes long, for any method;
- ``parts``, ``stability``: the partition, and how much of it comes back, by the above and method, resolution, seed.

The app and the command line read the same files. What a label says is not in them, since labels change.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np

from core.analyses.feature_graph import FeatureGraph, check_floor
from core.analyses.grouping import RUNS, Settings, Stability, partition_of, stability_of
from core.analyses.store_graph import Report, half_graphs, pair_settings, site_pairs, store_graph
from core.results import Notice, arrays_path, kept_arrays, pair_path, unheard
from core.statistics.devices import work
from core.statistics.partitions import LIBRARIES, check
from core.store import Store
from core.values import DATA_FREE

VERSION = 1
"""Goes up with any change of what one of these files means; older ones are then no longer found."""

HALVES_SEED = 42
"""Deals the documents into two halves."""

LIGHT = 500_000_000
"""Products of activations (`devices.work`) that two cores count in some seconds: done unasked by `prompt`."""

PER_PRODUCT = 500
"""Multiplications of a matrix product that take as long as one product of activations."""

NODES, LINKS = ("site", "index"), ("source", "target")


def _untold(what: str, share: float) -> None: ...


def kept_graph(
    store: Store, asked: Settings, *, notice: Notice = unheard, report: Report = _untold, **running: Any
) -> FeatureGraph:
    """`store_graph` of these settings, from the cache where it is there. Raises what `store_graph` raises."""
    check_floor(asked.measure, asked.floor)

    def compute() -> dict[str, np.ndarray]:
        pairs = site_pairs(store, asked.every)
        graph = store_graph(
            store, asked.measure, asked.floor, asked.activity, pairs=pairs, min_both=asked.min_both, report=report,
            notice=notice, **running,
        )  # fmt: skip
        return as_arrays(graph)

    return as_graph(store, kept_arrays("graph", store, graph_key(asked), compute, notice, pairs=()))


def kept_halves(
    store: Store, asked: Settings, *, notice: Notice = unheard, report: Report = _untold, **running: Any
) -> tuple[FeatureGraph, ...]:
    """`half_graphs` of these settings, from the cache where they are there; () for a single document."""
    pairs = site_pairs(store, asked.every)

    def compute() -> dict[str, np.ndarray]:
        graphs = half_graphs(
            store, asked.measure, asked.floor, asked.activity, pairs=pairs, min_both=asked.min_both, seed=HALVES_SEED,
            report=report, **running,
        )  # fmt: skip
        return {f"{half}.{name}": part for half, graph in enumerate(graphs) for name, part in as_arrays(graph).items()}

    kept = kept_arrays("halves", store, [*graph_key(asked), HALVES_SEED], compute, notice, pairs=pairs)
    halves = sorted({name.partition(".")[0] for name in kept})
    return tuple(
        as_graph(store, {name.partition(".")[2]: part for name, part in kept.items() if name.startswith(half + ".")})
        for half in halves
    )


def kept_parts(store: Store, asked: Settings, graph: FeatureGraph, *, notice: Notice = unheard) -> np.ndarray:
    """`partition_of` the graph of these settings, int64 [nodes], from the cache where it is there."""
    of = (graph, asked.method, asked.resolution, asked.seed)
    check(*of[1:])
    kept = kept_arrays(
        "parts", store, parts_key(asked), lambda: {"parts": partition_of(*of).astype(np.int32)}, notice, pairs=()
    )
    return kept["parts"].astype(np.int64)


def kept_stability(
    store: Store, asked: Settings, graph: FeatureGraph, parts: np.ndarray, *, notice: Notice = unheard, **running: Any
) -> Stability:
    """`stability_of` the partition of these settings, from the cache where it is there; else from `kept_halves`."""

    def compute() -> dict[str, np.ndarray]:
        halves = kept_halves(store, asked, notice=notice, **running)
        found = stability_of(graph, parts, asked.method, asked.resolution, asked.seed, halves)
        agreement = np.array([found.agreement_seeds, found.agreement_halves])
        return {"over_seeds": found.over_seeds, "over_halves": found.over_halves, "agreement": agreement}

    kept = kept_arrays("stability", store, stability_key(asked), compute, notice, pairs=())
    return Stability(kept["over_seeds"], kept["over_halves"], *kept["agreement"].tolist())


# ---- what is at hand


def at_hand(store: Store, asked: Settings | None = None, most: float = LIGHT) -> bool:
    """Whether the partition is kept already, or at most so many products of activations are missing for it."""
    asked = asked or Settings()
    return arrays_path("parts", store, parts_key(asked)).is_file() or products_left(store, asked) <= most


def stability_at_hand(store: Store, asked: Settings) -> bool:
    """Whether the stability of this partition is kept already."""
    return arrays_path("stability", store, stability_key(asked)).is_file()


def products_left(store: Store, asked: Settings) -> float:
    """Products of activations that the links of these settings still take: 0 where they are kept."""
    if arrays_path("graph", store, graph_key(asked)).is_file():
        return 0.0
    if asked.measure in DATA_FREE:
        return products_of(store, asked)
    kept = pair_settings(asked.measure, asked.floor)
    pairs = site_pairs(store, asked.every)
    return sum(work(store, a, b) for a, b in pairs if not pair_path(store, a, b, asked.activity, *kept).is_file())


def products_of(store: Store, asked: Settings) -> float:
    """Products of activations of all links of these settings, or what takes as long by weights, kept or not."""
    pairs = site_pairs(store, asked.every)
    if asked.measure in DATA_FREE:
        sites = [(store.site(a), store.site(b)) for a, b in pairs]
        return sum(a.d_sae * b.d_sae * a.d_in / PER_PRODUCT for a, b in sites)
    return sum(work(store, a, b) for a, b in pairs)


# ---- keys and arrays


def graph_key(asked: Settings) -> list[Any]:
    """All that determines a graph of one store."""
    return [VERSION, asked.measure, float(asked.floor), float(asked.activity), bool(asked.every), int(asked.min_both)]


def parts_key(asked: Settings) -> list[Any]:
    """All that determines a partition of one store, the library that looks for it among it."""
    library = _version(LIBRARIES.get(asked.method, ""))
    return [*graph_key(asked), asked.method, float(asked.resolution), int(asked.seed), library]


def stability_key(asked: Settings) -> list[Any]:
    """All that determines how stable a partition of one store is."""
    return [*parts_key(asked), HALVES_SEED, RUNS]


@lru_cache(maxsize=4)
def _version(package: str) -> str:
    try:
        return metadata.version(package) if package else ""
    except metadata.PackageNotFoundError:
        return ""


def as_arrays(graph: FeatureGraph) -> dict[str, np.ndarray]:
    """A graph without its keys, which the store knows; nodes and links in 32 bits."""
    return {name: getattr(graph, name).astype(np.int32) for name in (*NODES, *LINKS)} | {"weight": graph.weight}


def as_graph(store: Store, kept: Mapping[str, np.ndarray]) -> FeatureGraph:
    """The graph of `as_arrays`."""
    whole = {name: kept[name].astype(np.int64) for name in (*NODES, *LINKS)}
    return FeatureGraph(tuple(site.key for site in store.sites), **whole, weight=kept["weight"])
