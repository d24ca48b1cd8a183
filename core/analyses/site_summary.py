"""What each site looks like: how much is active, how densities and maxima spread, what is dead after how many tokens.

Balcells et al. 2024, appendices B (maximum activations) and C (dead features against the number of tokens).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from core.store import Store
from core.store.reader import dead_and_rare
from core.values import MIN_ACTIVE, Feature


@dataclass(frozen=True, slots=True)
class SiteSummary:
    """One site in numbers; medians are over alive features."""

    key: str
    hook_name: str
    d_sae: int
    l0: float  # active features a counted token
    dead: int
    rare: int
    median_density: float
    densest: Feature
    largest_density: float
    median_maximum: float
    strongest: Feature
    largest_maximum: float


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram over decades."""

    edges: np.ndarray  # float64 [bins + 1]
    counts: np.ndarray  # int64 [bins]


def site_summary(store: Store, key: str) -> SiteSummary:
    """The numbers of one site; raises `UnknownSite`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> dense = np.zeros((100, 3)); dense[:50, 0] = 2; dense[:3, 1] = 7
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = site_summary(plant(pathlib.Path(folder) / "tiny.h5", {"0": dense}), "0")
    >>> found.l0, found.dead, found.rare, str(found.densest), found.median_density, str(found.strongest)
    (0.53, 1, 1, '0_0', 0.5, '0_1')
    """
    site, summary = store.site(key), store.summary(key)
    active, maximum = np.asarray(summary.active), np.asarray(summary.maximum, np.float64)
    alive = active >= MIN_ACTIVE
    dead, rare = dead_and_rare(summary)
    n = max(1, store.n)
    densest, strongest = int(active.argmax()), int(maximum.argmax())
    return SiteSummary(
        key=key,
        hook_name=site.hook_name,
        d_sae=site.d_sae,
        l0=float(active.sum()) / n,
        dead=dead,
        rare=rare,
        median_density=float(np.median(active[alive])) / n if alive.any() else float("nan"),
        densest=Feature(key, densest),
        largest_density=float(active[densest]) / n,
        median_maximum=float(np.median(maximum[alive])) if alive.any() else float("nan"),
        strongest=Feature(key, strongest),
        largest_maximum=float(maximum[strongest]),
    )


def density_spread(store: Store, key: str, per_decade: int = 4) -> Spread:
    """How many features have which density; dead ones are left out. Edges from 1/n to 1."""
    active = np.asarray(store.summary(key).active)
    return _spread(active[active > 0] / max(1, store.n), 1 / max(1, store.n), 1.0, per_decade)


def maximum_spread(store: Store, key: str, low: float, high: float, per_decade: int = 12) -> Spread:
    """How many alive features have which maximum activation; what lies beyond `low` or `high` counts as lying there."""
    summary = store.summary(key)
    alive = np.asarray(summary.active) >= MIN_ACTIVE
    return _spread(np.asarray(summary.maximum, np.float64)[alive], low, high, per_decade)


def range_of_maxima(store: Store) -> tuple[float, float]:
    """Where the maxima of alive features of all sites lie, but for the least in a hundred; (0.1, 1) without any."""
    summaries = [store.summary(site.key) for site in store.sites]
    every = np.concatenate([np.asarray(s.maximum, np.float64)[np.asarray(s.active) >= MIN_ACTIVE] for s in summaries])
    return (float(np.quantile(every, 0.01)), float(every.max())) if len(every) else (0.1, 1.0)


def silent_after(store: Store, key: str, tokens: np.ndarray, times: int = 1) -> np.ndarray:
    """How many features have been active on fewer than `times` of the first `tokens` counted tokens, int64 [points].

    With `times` = 1 those are dead so far, with MIN_ACTIVE dead or rare so far. Exact, from where each feature fires
    for the `times`-th time.
    """
    reached = nth_firing(store, key, times)
    return len(reached) - np.searchsorted(np.sort(reached[reached > 0]), tokens, side="right")


def nth_firing(store: Store, key: str, times: int = 1) -> np.ndarray:
    """The counted token, from 1, at which each feature fires for the `times`-th time, int64 [d_sae]; 0 for never."""
    rows = store.by_feature(key)
    offsets = np.asarray(rows.offsets)
    enough = np.flatnonzero(np.diff(offsets) >= times)
    position = np.asarray(rows.indices)[offsets[:-1][enough] + times - 1].astype(np.int64)
    found = np.zeros(len(offsets) - 1, np.int64)
    found[enough] = np.cumsum(np.asarray(store.tokens.counted), dtype=np.int64)[position]
    return found


def token_steps(store: Store, points: int = 40) -> np.ndarray:
    """Numbers of tokens from 100 to all, evenly on a logarithmic scale, int64."""
    low = min(100, max(1, store.n))
    return np.unique(np.geomspace(low, max(1, store.n), points).round().astype(np.int64))


def sites_table(store: Store) -> pl.DataFrame:
    """One row a site: the numbers of `SiteSummary`."""
    rows = []
    for site in store.sites:
        found = site_summary(store, site.key)
        values = {name: getattr(found, name) for name in found.__dataclass_fields__}
        rows.append({name: str(v) if isinstance(v, Feature) else v for name, v in values.items()})
    return pl.DataFrame(rows).fill_nan(None)


def _spread(values: np.ndarray, low: float, high: float, per_decade: int) -> Spread:
    decades = max(np.log10(max(high, low) / low), 1e-9)
    edges = np.geomspace(low, max(high, low * (1 + 1e-9)), max(1, int(np.ceil(decades * per_decade))) + 1)
    # The ends come out of a power and may miss the extremes by a rounding.
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return Spread(edges, counts)
