"""A whole pair of sites against the rows, and the rows are tested against a dense oracle."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadArgument, Cancelled, StoreDamaged
from core.sources.planted import plant, planted_tokens
from core.statistics.margins import margins
from core.statistics.measures import BOUNDED, MEASURE_FUNCTIONS, all_measures
from core.statistics.pair_sides import rounded_down
from core.statistics.pairs import BINS, PairLinks, chunk_bounds, histogram_edges, whole_pair
from core.statistics.ranking import rank
from core.statistics.rows import RowMap, pair_counts
from core.store import Sparse, Store
from core.values import MEASURES, Feature, PairCounts
from tests.oracle import random_dense
from tests.test_damage import flip


def both_sites(store: Store, activity: float) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """(measures [d_source, d_target], n_both, Σxy) row by row."""
    rows = [pair_counts(store, Feature("0", i), "1", activity) for i in range(store.site("0").d_sae)]
    measures = {m: np.stack([all_measures(row)[m] for row in rows]) for m in MEASURES}
    return measures, np.stack([row.n_both for row in rows]), np.stack([row.sum_xy for row in rows])


def expected_links(store: Store, activity: float, top: int, floor: float) -> set[tuple[int, int]]:
    """Pairs among the best of their row or column by any measure, or above the floor, of those ever active together."""
    measures, both, sums = both_sites(store, activity)
    links = set()
    for name, values in measures.items():
        for i in range(len(values)):
            links |= {(i, int(j)) for j in rank(values[i], both[i], top, sums[i] > 0)}
        for j in range(values.shape[1]):
            links |= {(int(i), j) for i in rank(values[:, j], both[:, j], top, sums[:, j] > 0)}
        if name in BOUNDED:
            links |= set(zip(*(k.tolist() for k in np.nonzero((values >= floor) & (sums > 0))), strict=True))
    return links


@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize(("top", "floor"), [(1, 2.0), (3, 0.15), (16, 0.0)])
def test_what_is_kept_is_what_the_rows_say(random_store: Store, activity: float, top: int, floor: float) -> None:
    found = whole_pair(random_store, "0", "1", activity, top, floor)
    pairs = list(zip(found.sources.tolist(), found.targets.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert set(pairs) == expected_links(random_store, activity, top, floor)
    measures, both, sums = both_sites(random_store, activity)
    assert np.array_equal(found.n_both, both[found.sources, found.targets])
    assert np.array_equal(found.sum_xy, sums[found.sources, found.targets])  # to the bit
    assert found.never_co_active == np.count_nonzero(both == 0)
    recomputed = all_measures(found.counts(random_store))
    for name in MEASURES:
        assert np.array_equal(recomputed[name], measures[name][found.sources, found.targets], equal_nan=True)
        values = measures[name][(both > 0) & ~np.isnan(measures[name])]
        counted = np.histogram(values, histogram_edges(name))[0]
        assert found.histograms[MEASURES.index(name)].sum() == len(values)
        assert np.abs(found.histograms[MEASURES.index(name)] - counted).sum() <= 0.02 * len(values)  # values on an edge


def bits(found: PairLinks) -> bytes:
    arrays = (found.sources, found.targets, found.n_both, found.sum_xy, found.histograms)
    return b"".join(array.tobytes() for array in arrays) + str(found.never_co_active).encode()


@pytest.mark.parametrize("activity", [0.0, 0.2])
def test_any_number_of_threads_gives_the_same_bits(tmp_path: Path, activity: float) -> None:
    rng = np.random.default_rng(0)
    # Few distinct values, so that ties are everywhere.
    dense = [
        np.where(rng.random((300, d)) < rng.random(d) ** 2 * 0.3, rng.integers(1, 3, (300, d)), 0) for d in (150, 90)
    ]
    store = plant(tmp_path / "t.h5", {"0": dense[0], "1": dense[1]})
    one, two, seven = (bits(whole_pair(store, "0", "1", activity, 2, 0.5, threads=k)) for k in (1, 2, 7))
    assert one == two == seven


@pytest.mark.parametrize("activity", [0.0, 0.2])
def test_other_rows_are_as_if_the_store_held_them(tmp_path: Path, activity: float) -> None:
    dense = [np.ceil(8 * random_dense(80, d, seed)) for seed, d in enumerate((12, 9))]  # sums are exact in any order
    order = np.random.default_rng(0).permutation(80)
    store, moved = (
        plant(tmp_path / f"{name}.h5", {"0": dense[0], "1": y}) for name, y in (("s", dense[1]), ("m", dense[1][order]))
    )
    offsets = store.by_token("1").offsets
    rows = RowMap(offsets[order], offsets[order + 1], 80, margins(store, "0", activity), margins(store, "1", activity))
    expected, found = (
        whole_pair(moved, "0", "1", activity, 2, 0.3),
        whole_pair(store, "0", "1", activity, 2, 0.3, rows=rows),
    )
    assert bits(expected) == bits(found)
    for feature, to in ((Feature("0", 5), "1"), (Feature("1", 5), "0")):
        there = rows if to == "1" else RowMap(*inverse(store, order), 80, rows.target, rows.source)
        a, b = pair_counts(moved, feature, to, activity), pair_counts(store, feature, to, activity, there)
        for name in PairCounts.__dataclass_fields__:
            assert np.array_equal(getattr(a, name), getattr(b, name)), name
    none = RowMap(*np.zeros((2, 80), np.int64), 80, rows.source, rows.target)
    assert len(whole_pair(store, "0", "1", activity, rows=none).sources) == 0
    for bad in ([-1] * 80, [2**40] * 80):
        with pytest.raises(StoreDamaged):
            whole_pair(store, "0", "1", rows=RowMap(np.array(bad), np.array(bad), 80, rows.source, rows.target))


def inverse(store: Store, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of the rows of site "0" beside each position of site "1", when position p of "0" meets order[p] of "1"."""
    offsets, back = store.by_token("0").offsets, np.argsort(order)
    return offsets[back], offsets[back + 1]


def test_any_room_and_order_give_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    # More targets than a tile and than the densest that come first; few distinct values, so that ties are everywhere.
    dense = [np.where(rng.random((150, d)) < rng.random(d) ** 2, rng.integers(1, 3, (150, d)), 0) for d in (40, 701)]
    store = plant(tmp_path / "t.h5", {"0": dense[0], "1": dense[1]})
    usual = whole_pair(store, "0", "1", 0.0, 2, 0.6)
    assert set(zip(usual.sources.tolist(), usual.targets.tolist(), strict=True)) == expected_links(store, 0.0, 2, 0.6)
    monkeypatch.setattr("core.statistics.pair_workers.RECORDS", 1)  # columns are merged after every row
    assert bits(whole_pair(store, "0", "1", 0.0, 2, 0.6, threads=3)) == bits(usual)
    monkeypatch.setattr("core.statistics.pair_sides.MOST_RENUMBERED", 0)
    assert bits(whole_pair(store, "0", "1", 0.0, 2, 0.6)) == bits(usual)


@pytest.mark.parametrize("seed", range(4))
def test_extreme_sites(tmp_path: Path, seed: int) -> None:
    scale = (1e-30, 1e30, 1.0, 1.0)[seed]
    n = (40, 40, 1, 200)[seed]
    sites = {"0": random_dense(n, 12, seed, scale=scale), "1": random_dense(n, 9, seed + 9, scale=scale)}
    store = plant(tmp_path / "e.h5", sites)
    found = whole_pair(store, "1", "0", top=2, floor=0.3)  # given backwards
    assert (found.source, found.target) == ("0", "1")
    pairs = set(zip(found.sources.tolist(), found.targets.tolist(), strict=True))
    assert pairs == expected_links(store, 0.0, 2, 0.3)


def test_sites_without_links(tmp_path: Path) -> None:
    dead = plant(tmp_path / "d.h5", {"0": np.zeros((5, 3)), "1": np.ones((5, 2))})
    found = whole_pair(dead, "0", "1")
    assert (len(found.sources), found.never_co_active, found.histograms.sum()) == (0, 6, 0)


@pytest.mark.parametrize("d_sae", [65_536, 65_537])
def test_either_index_width(tmp_path: Path, d_sae: int) -> None:
    kind = np.uint16 if d_sae == 65_536 else np.uint32
    rows = Sparse(np.array([0, 2, 3, 3]), np.array([1, d_sae - 1, d_sae - 1], kind), np.array([1, 2, 3], np.float32))
    store = plant(tmp_path / "w.h5", {"0": rows, "1": rows}, tokens=planted_tokens(3), d_sae=d_sae)
    found = whole_pair(store, "0", "1", threads=2)
    last = d_sae - 1
    assert list(zip(found.sources, found.targets, found.n_both, strict=True)) == [
        (1, 1, 1), (1, last, 1), (last, 1, 1), (last, last, 2),
    ]  # fmt: skip
    assert found.never_co_active == d_sae**2 - 4


def test_progress_cancel_and_refusals(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    whole_pair(random_store, "0", "1", progress=shares.append, threads=1)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with pytest.raises(Cancelled):
        whole_pair(random_store, "0", "1", cancelled=lambda: True)
    for options in ({"target": "0"}, {"activity": 2.0}, {"top": 0}, {"floor_measures": ("likeness",)}):
        with pytest.raises(BadArgument):
            whole_pair(random_store, **{"source": "0", "target": "1", **options})
    monkeypatch.setattr("core.statistics.pairs.MOST_LINKS", 10)
    with pytest.raises(BadArgument, match="higher floor"):
        whole_pair(random_store, "0", "1")


@pytest.mark.parametrize(
    ("name", "entry", "value"),
    [
        ("sites/1/by_token/features", 100, 65_535),
        ("sites/1/by_token/offsets", 50, 2**40),
        ("sites/0/by_feature/positions", 10, 2**32 - 1),
        ("sites/0/by_feature/offsets", 4, 2**50),
        ("sites/0/by_feature/offsets", 4, -1),
    ],
)
def test_damage_is_named(random_store: Store, tmp_path: Path, name: str, entry: int, value: int) -> None:
    with pytest.raises(StoreDamaged):
        whole_pair(flip(random_store, tmp_path / "d.h5", name, entry, value), "0", "1")


def test_chunks_are_of_equal_work() -> None:
    offsets = np.concatenate([[0], np.cumsum(np.random.default_rng(0).lognormal(3, 1.5, 5000).astype(np.int64))])
    bounds = chunk_bounds(offsets, 20)
    assert (bounds[0], bounds[-1]) == (0, 5000)
    work = np.diff(offsets[bounds])
    assert work.max() < 2 * work.mean()


def test_floors_are_rounded_down_so_that_float32_decides_as_float64() -> None:
    rng = np.random.default_rng(0)
    maxima, share = rng.random(1000).astype(np.float32), 0.2
    limits = share * maxima.astype(np.float64)
    near = limits.astype(np.float32)
    for y in (near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(9))):
        assert np.array_equal(y.astype(np.float64) > limits, y > rounded_down(limits))


def test_the_registry_has_the_kernels_measures() -> None:
    assert tuple(MEASURE_FUNCTIONS) == MEASURES
    assert len(histogram_edges("pearson")) == BINS + 1
    assert not math.isnan(histogram_edges("mutual_information")[-1])
