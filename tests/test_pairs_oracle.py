"""A whole pair of sites against dense float64 sums of everything in it, over random sites with every extreme case."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Cancelled
from core.sources.planted import plant, planted_tokens
from core.statistics.measures import BOUNDED, all_measures
from core.statistics.pairs import PairLinks, histogram_edges, whole_pair
from core.statistics.rows import pair_counts
from core.store import Sparse, Store
from core.store.format import index_dtype
from core.values import MEASURES, Feature
from tests.oracle import dense_measures, some_uncounted
from tests.test_pairs import bits

NEAR = 1e-9  # relative: what rounding decides is left open
SCALES = (1.0, 1.0, 1e-30, 1e30, 1e-44, 3e38)
DENSITIES = (0.0, 0.02, 0.3, 0.3, 0.9, 1.0)
WIDTHS = (0, 0, 65_536, 65_537)
"""0: as wide as there are features; else the last feature lies at 65,535 or at 65,536."""


@st.composite
def activations(draw: st.DrawFn) -> tuple[int, list[np.ndarray], int]:
    """A seed of tokens, two dense sites float64 [n, d], and how wide they are said to be."""
    n, seed = draw(st.sampled_from([1, 2, 7, 60, 200])), draw(st.integers(0, 2**20))
    rng, sites = np.random.default_rng(seed), []
    for _ in range(2):
        d = draw(st.integers(1, 9))
        dense = np.zeros((n, d))
        for j in range(d):
            density, scale = draw(st.sampled_from(DENSITIES)), draw(st.sampled_from(SCALES))
            values = rng.exponential(1, n) if draw(st.booleans()) else np.ones(n)
            dense[:, j] = np.where(rng.random(n) < density, np.minimum(values, 1) * scale, 0)
        if draw(st.booleans()):
            dense[:, -1] = dense[:, 0]
        sites.append(dense.astype(np.float32).astype(np.float64))
    if draw(st.booleans()):
        sites[1][:, 0] = sites[0][:, 0]
    return seed, sites, draw(st.sampled_from(WIDTHS))


def placed(dense: np.ndarray, counted: np.ndarray, width: int, seed: int) -> tuple[Sparse, np.ndarray]:
    """The site with its features spread over `width`, the last one at its end; and where they lie."""
    d = dense.shape[1]
    where = np.sort(np.random.default_rng(seed).choice(width - 1, d - 1, replace=False))
    where = np.append(where, width - 1)
    active = (dense > 0) & counted[:, None]
    offsets = np.append(0, np.cumsum(active.sum(axis=1))).astype(np.int64)
    rows, columns = np.nonzero(active)
    return Sparse(offsets, where[columns].astype(index_dtype(width)), dense[rows, columns].astype(np.float32)), where


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=activations(), activity=st.sampled_from([0.0, 0.0, 0.2, 0.7]), top=st.sampled_from([1, 2]),
    floor=st.sampled_from([0.0, 0.3, 2.0]), threads=st.sampled_from([1, 2, 7]),
)  # fmt: skip
def test_what_is_kept_and_counted_is_what_dense_sums_say(
    tmp_path_factory: pytest.TempPathFactory, found: tuple[int, list[np.ndarray], int], activity: float, top: int,
    floor: float, threads: int,
) -> None:  # fmt: skip
    seed, dense, wide = found
    tokens = some_uncounted(len(dense[0]), seed)
    counted = tokens.counted.astype(bool)
    width = wide or max(site.shape[1] for site in dense)
    sites = [placed(site, counted, width, seed + k) for k, site in enumerate(dense)]
    path = tmp_path_factory.mktemp("stores") / "s.h5"
    store = plant(path, {str(k): site for k, (site, _) in enumerate(sites)}, tokens=tokens, d_sae=width)
    pair = whole_pair(store, "0", "1", activity, top, floor, threads=threads)
    table = dense_table([site[counted] for site in dense], activity)
    places = [{int(j): k for k, j in enumerate(where)} for _, where in sites]
    kept = [(places[0][int(i)], places[1][int(j)]) for i, j in zip(pair.sources, pair.targets, strict=True)]
    assert kept == sorted(set(kept))
    check_values(store, pair, kept, table)
    check_choice(set(kept), table, top, floor)
    check_totals(pair, table, width)
    if threads > 1:
        assert bits(pair) == bits(whole_pair(store, "0", "1", activity, top, floor, threads=1))


def dense_table(dense: list[np.ndarray], activity: float) -> dict[str, np.ndarray]:
    """Counts, measures and Σxy of all pairs, each float64 [d_source, d_target]."""
    x, y = dense
    pairs = [[dense_measures(x[:, i], y[:, j], activity) for j in range(y.shape[1])] for i in range(x.shape[1])]
    table = {name: np.array([[pair[name] for pair in row] for row in pairs]) for name in pairs[0][0]}
    together = [[np.any((x[:, i] > 0) & (y[:, j] > 0)) for j in range(y.shape[1])] for i in range(x.shape[1])]
    return table | {"sum_xy": x.T @ y, "together": np.array(together)}


def check_values(store: Store, pair: PairLinks, kept: list[tuple[int, int]], table: dict[str, np.ndarray]) -> None:
    """Counts exactly, the rest to rounding; and the identity of the three ratios on every link."""
    i, j = np.array(kept, np.int64).reshape(-1, 2).T
    assert np.array_equal(pair.n_both, table["n_both"][i, j])
    assert np.allclose(pair.sum_xy, table["sum_xy"][i, j], rtol=1e-12, atol=0)
    counts = pair.counts(store)
    for name in ("n_source", "n_target"):
        assert np.array_equal(getattr(counts, name), table[name][i, j])
    found = all_measures(counts)
    for name in MEASURES:
        assert np.allclose(found[name], table[name][i, j], rtol=1e-6, atol=1e-9, equal_nan=True), name
    both = pair.n_both > 0
    jaccard, sufficiency, necessity = (found[name][both] for name in ("jaccard", "sufficiency", "necessity"))
    assert np.allclose(1 / jaccard, 1 / sufficiency + 1 / necessity - 1, rtol=1e-12)


def check_choice(kept: set[tuple[int, int]], table: dict[str, np.ndarray], top: int, floor: float) -> None:
    """All that clearly belong are kept, and nothing that clearly does not."""
    together, may, must = table["together"], set(), set()
    for name in MEASURES:
        values = np.where(together & ~np.isnan(table[name]), table[name], -np.inf)
        least = [np.full(values.shape, np.inf)] * 2
        for axis in (0, 1):
            falling = -np.sort(-values, axis=axis)
            size = falling.shape[axis]
            nth = np.take(falling, [min(top, size) - 1], axis=axis)
            beyond = np.take(falling, [top], axis=axis) if top < size else np.full(nth.shape, -np.inf)
            slack = NEAR * np.abs(np.where(np.isfinite(values), values, 0)) + 1e-12
            least[axis] = np.broadcast_to(nth, values.shape)
            may |= indices((values > -np.inf) & (values >= least[axis] - slack))
            must |= indices((values > -np.inf) & (values > beyond + slack))
        if name in BOUNDED:
            may |= indices(values >= floor - 1e-9)
            must |= indices((values >= floor + 1e-9) & (values > -np.inf))
    assert must <= kept <= may


def indices(mask: np.ndarray) -> set[tuple[int, int]]:
    return {(int(i), int(j)) for i, j in np.argwhere(mask)}


def check_totals(pair: PairLinks, table: dict[str, np.ndarray], width: int) -> None:
    """Histograms of all pairs that are active together, and how many never are."""
    both = table["n_both"] > 0
    assert pair.never_co_active == width**2 - np.count_nonzero(both)
    for m, name in enumerate(MEASURES):
        values = np.sort(table[name][both & ~np.isnan(table[name])])
        assert pair.histograms[m].sum() == len(values), name
        edges = histogram_edges(name)
        for k in range(1, len(edges) - 1):  # below each edge: all but those that rounding may put on either side
            below = pair.histograms[m][:k].sum()
            assert np.sum(values < edges[k] - 1e-9) <= below <= np.sum(values < edges[k] + 1e-9), (name, k)


def test_all_dead_and_one_token(tmp_path: Path) -> None:
    one = plant(tmp_path / "one.h5", {"0": np.array([[2.0, 0]]), "1": np.array([[0, 3.0]])})
    found = whole_pair(one, "0", "1")
    assert (found.sources.tolist(), found.targets.tolist(), found.sum_xy.tolist()) == ([0], [1], [6.0])
    assert math.isnan(all_measures(found.counts(one))["pearson"][0])
    assert found.histograms.sum(axis=1).tolist() == [0, 1, 1, 1, 1, 1]  # it has no Pearson
    dead = plant(tmp_path / "dead.h5", {"0": np.zeros((30, 4)), "1": np.zeros((30, 5))})
    nothing = whole_pair(dead, "0", "1", threads=7)
    assert (len(nothing.sources), nothing.never_co_active, nothing.histograms.sum()) == (0, 20, 0)


def test_sums_over_ten_million_tokens(tmp_path: Path) -> None:
    """Counts beyond what float32 tells apart, sums of ten million terms, and c ln c beyond its table."""
    n, rarely = 10_000_000, 1000
    rng = np.random.default_rng(0)
    x, y = rng.random(n, np.float32) + 1000, rng.random(n, np.float32) + 1000
    y[: n // 2] = x[: n // 2]
    rare = np.arange(n) % rarely == 0  # feature 1 of both sites
    offsets = np.append(0, np.cumsum(1 + rare))
    features = np.zeros(offsets[-1], np.uint16)
    features[offsets[1:][rare] - 1] = 1
    sites = {}
    for key, always in (("0", x), ("1", y)):
        values = np.full(offsets[-1], 7, np.float32)
        values[offsets[:-1]] = always
        sites[key] = Sparse(offsets, features, values)
    store = plant(tmp_path / "ten.h5", sites, tokens=planted_tokens(n, [n]), d_sae=2)
    found = whole_pair(store, "0", "1", threads=2)
    assert list(zip(found.sources, found.targets, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert found.n_both.tolist() == [n, n // rarely, n // rarely, n // rarely]
    exact = [(np.longdouble(x) * y).sum(), 7 * np.longdouble(x[rare]).sum(), 7 * np.longdouble(y[rare]).sum()]
    assert found.sum_xy == pytest.approx([*map(float, exact), 49 * n / rarely], rel=1e-12)
    measures = all_measures(found.counts(store))
    assert measures["pearson"][[0, 3]] == pytest.approx([float(np.corrcoef(x, y)[0, 1]), 1], abs=1e-6)
    assert measures["jaccard"].tolist() == [1.0, 1 / rarely, 1 / rarely, 1.0]
    p = 1 / rarely
    information = -p * math.log(p) - (1 - p) * math.log(1 - p)
    assert measures["mutual_information"] == pytest.approx([0, 0, 0, information], rel=1e-9)
    edges, m = histogram_edges("mutual_information"), MEASURES.index("mutual_information")
    expected = np.zeros(len(edges) - 1)
    expected[0], expected[np.searchsorted(edges, information) - 1] = 3, 1
    assert np.array_equal(found.histograms[m], expected)
    assert np.array_equal(pair_counts(store, Feature("0", 0), "1").sum_xy, found.sum_xy[:2])


@pytest.mark.parametrize("threads", [1, 3])
def test_it_stops_between_chunks(tmp_path: Path, threads: int) -> None:
    dense = (np.random.default_rng(0).random((300, 200)) < 0.2) * 1.0
    store = plant(tmp_path / "s.h5", {"0": dense, "1": dense})
    every, shares = list[float](), list[float]()
    whole_pair(store, "0", "1", threads=threads, progress=every.append)
    assert len(every) > 30
    with pytest.raises(Cancelled):
        whole_pair(store, "0", "1", threads=threads, progress=shares.append, cancelled=lambda: len(shares) >= 5)
    assert 5 <= len(shares) <= 5 + threads
