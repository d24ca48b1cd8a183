"""What a draw is asked for: links and best matches against dense sums, and a part of the sources in place of all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.analyses.chance import Chance, chance_of_pair
from core.errors import BadArgument, Cancelled, StoreDamaged
from core.results import clear_cache
from core.sources.planted import plant, planted_tokens
from core.statistics import null_rows
from core.statistics.best_alive import alive
from core.statistics.measures import BOUNDED, MEASURE_FUNCTIONS
from core.statistics.null_draws import null_draw
from core.statistics.null_rows import RowLinks, rows_above, sources_asked, step_of
from core.statistics.nulls import draw, layout_of, row_map
from core.statistics.rows import pair_counts
from core.store import Store
from core.values import MEASURES, Feature
from tests.oracle import random_dense, some_uncounted
from tests.test_chance import links_at, mixed
from tests.test_damage import flip

LOWEST = dict.fromkeys(MEASURES, 0.15) | {"pearson": 0.05, "mutual_information": 0.002}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Dead, rare and always active features among others of all densities."""
    dense = {key: random_dense(400, width, seed) for seed, (key, width) in enumerate({"0": 70, "1": 45}.items())}
    for x in dense.values():
        x[:, 2], x[:, 3], x[:, 4] = 0, (np.arange(400) < 4) * 1.0, 1.0
    return plant(tmp_path / "s.h5", dense, tokens=some_uncounted(400, 0))


@pytest.mark.parametrize("measures", [("pearson",), BOUNDED, *((name,) for name in MEASURES[3:]), MEASURES])
@pytest.mark.parametrize("activity", [0.0, 0.3])
@pytest.mark.parametrize("null", [None, "shift", "document"])
def test_links_and_best_matches_are_those_of_each_row(
    store: Store, measures: tuple[str, ...], activity: float, null: str | None
) -> None:
    rows = None if null is None else row_map(store, "0", "1", draw(layout_of(store), null, 1), activity)
    lowest, chosen = {name: LOWEST[name] for name in measures}, np.arange(0, 70, 3)
    found = rows_above(store, "0", "1", chosen, lowest, activity, least=3, rows=rows, threads=2)
    links = list(zip(found.sources.tolist(), found.targets.tolist(), strict=True))
    expected, n_both, sums = set(), {}, {}
    living = alive(store, "1")
    for r, i in enumerate(chosen.tolist()):
        counts = pair_counts(store, Feature("0", i), "1", activity, rows)
        values = {name: np.nan_to_num(MEASURE_FUNCTIONS[name](counts), nan=-1.0) for name in measures}
        high = np.any([values[name] >= lowest[name] for name in measures], axis=0) & (counts.n_both >= 3) & living
        expected |= {(i, int(j)) for j in np.flatnonzero(high)}
        n_both |= {(i, j): int(counts.n_both[j]) for j in range(45)}
        sums |= {(i, j): float(counts.sum_xy[j]) for j in range(45)}
        for name in measures:
            met = living & (counts.sum_xy > 0)
            best = max(0.0, values[name][met].max(initial=0.0))
            assert found.best[r, MEASURES.index(name)] == pytest.approx(best, abs=1e-12), name
    others = [place for place, name in enumerate(MEASURES) if name not in measures]
    assert np.isnan(found.best[:, others]).all()  # nobody asked, so nobody computed
    assert len(expected) > 3
    assert set(links) == expected
    assert len(links) == len(set(links))
    assert links == sorted(links)
    assert found.n_both.tolist() == [n_both[link] for link in links]
    assert found.sum_xy.tolist() == [sums[link] for link in links]  # in the same order, so to the last bit


def test_fewer_positions_are_asked_for_fewer_common_tokens(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lengths = np.tile([20, 80, 140], 40)  # no two of a length beside each other: much of the long ones is left out
    third = np.concatenate([np.arange(length) % 17 == 3 for length in lengths])[:, None]  # a place that documents share
    dense = [((rng.random((lengths.sum(), 30)) < 0.12) & third) * 1.0 for _ in "01"]
    store = plant(tmp_path / "s.h5", dict(zip("01", dense, strict=True)), tokens=planted_tokens(lengths.sum(), lengths))
    one, every = (null_draw(store, "0", "1", ("sufficiency",), "document", 0, least=k) for k in (10, 1))
    share = one.paired / store.n
    assert share < 0.9
    n_both = every.links["sufficiency"].values.n_both
    assert np.array_equal(one.links["sufficiency"].values.n_both, n_both[n_both >= int(10 * share)])
    null = chance_of_pair(store, "0", "1", "sufficiency", null="document", draws=1).nulls["document"]
    assert np.array_equal(null.links.n_both, n_both[n_both >= 10 * share])
    assert null.links.n_both.min() < 10


def parts(found: RowLinks) -> list[bytes]:
    return [getattr(found, name).tobytes() for name in RowLinks.__dataclass_fields__]


def test_threads_and_rooms_change_nothing(store: Store) -> None:
    everything = dict.fromkeys(MEASURES, 0.0)
    one, two, seven = (rows_above(store, "0", "1", np.arange(70), everything, threads=k) for k in (1, 2, 7))
    assert parts(one) == parts(two) == parts(seven)
    assert len(one.sources) > 1000
    assert len(rows_above(store, "0", "1", np.arange(0), everything).sources) == 0


def test_output_that_does_not_fit_goes_on(tmp_path: Path) -> None:
    dense = np.ones((12, 200))  # 200 x 200 links, more than one call has room for
    dense[0] = 2
    store = plant(tmp_path / "full.h5", {"0": dense, "1": dense})
    found = rows_above(store, "0", "1", np.arange(200), {"jaccard": 1.0}, threads=1)
    assert found.sources.tolist() == np.repeat(np.arange(200), 200).tolist()
    assert found.targets.tolist() == np.tile(np.arange(200), 200).tolist()


def test_it_can_be_cancelled_and_tells_how_far_it_is(store: Store) -> None:
    shares: list[float] = []
    rows_above(store, "0", "1", np.arange(70), LOWEST, progress=shares.append, threads=1)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with pytest.raises(Cancelled):
        rows_above(store, "0", "1", np.arange(70), LOWEST, cancelled=lambda: len(shares) > 0)


def test_more_links_than_memory_should_hold_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(null_rows, "MOST_LINKS", 100)
    with pytest.raises(BadArgument, match="common tokens"):
        rows_above(store, "0", "1", np.arange(70), dict.fromkeys(MEASURES, 0.0))


def test_no_link_is_lost_in_counting_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lowest = dict.fromkeys(MEASURES, 0.0)
    many = len(rows_above(store, "0", "1", np.arange(70), lowest).sources)
    monkeypatch.setattr(null_rows, "MOST_LINKS", many)
    assert len(rows_above(store, "0", "1", np.arange(70), lowest, threads=7).sources) == many
    monkeypatch.setattr(null_rows, "MOST_LINKS", many - 1)
    with pytest.raises(BadArgument, match=f"more than {many - 1:,} links"):
        rows_above(store, "0", "1", np.arange(70), lowest, threads=7)


@pytest.mark.parametrize(
    ("name", "entry", "value"),
    [
        ("sites/1/by_token/features", 100, 65_535),
        ("sites/1/by_token/offsets", 50, 2**40),
        ("sites/0/by_feature/positions", 10, 2**32 - 1),
        ("sites/0/by_feature/offsets", 4, 2**50),
    ],
)
def test_damage_is_named(random_store: Store, tmp_path: Path, name: str, entry: int, value: int) -> None:
    with pytest.raises(StoreDamaged):
        chance_of_pair(flip(random_store, tmp_path / "d.h5", name, entry, value), "0", "1")


# ---- a part of the sources


def test_each_source_is_asked_as_often_as_another() -> None:
    active = np.random.default_rng(0).lognormal(3, 1, 500).astype(np.int64)
    living = np.flatnonzero(active >= 10)
    asked = [sources_asked(active, 5, seed) for seed in range(5)]
    assert np.array_equal(np.sort(np.concatenate(asked)), living)
    for some in asked:  # of all densities in their proportion
        assert abs(np.median(active[some]) - np.median(active[living])) <= 3
        assert abs(len(some) - len(living) / 5) <= 1
    assert np.array_equal(sources_asked(active, 1, 3), living)
    assert step_of(20_000, 2 * null_rows.MOST_PRODUCTS) == 2
    assert step_of(1500, 1e15) == 1


@pytest.fixture
def few_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the sources a draw."""
    monkeypatch.setattr(null_rows, "MOST_PRODUCTS", 1.0)
    monkeypatch.setattr(null_rows, "FEWEST_SOURCES", 50)


def test_a_part_expects_what_all_expect_and_knows_its_error(tmp_path: Path, few_asked: None) -> None:
    store, _ = mixed(tmp_path / "s.h5", 0, linked=0, unlinked=300)
    expected, errors, whole = [], [], []
    for seed in range(6):
        one = null_draw(store, "0", "1", ("pearson",), "document", seed)
        assert 40 < len(one.asked) < 0.3 * np.count_nonzero(alive(store, "0"))
    with pytest.MonkeyPatch.context() as patch:
        for k in range(12):
            clear_cache()
            patch.setattr(
                "core.statistics.null_draws.draw", lambda layout, null, seed, k=k: draw(layout, null, 9 * k + seed)
            )
            null = chance_of_pair(store, "0", "1", draws=2, min_both=1).nulls["document"]
            expected.append(null.expected(0.1))
            errors.append(null.error(0.1))
            patch.setattr(null_rows, "MOST_PRODUCTS", 1e9)
            clear_cache()
            whole.append(chance_of_pair(store, "0", "1", draws=2, min_both=1).nulls["document"].expected(0.1))
            patch.setattr(null_rows, "MOST_PRODUCTS", 1.0)
    spread = np.std(expected, ddof=1)
    print(
        f"expected {np.mean(expected):.0f} of a part, {np.mean(whole):.0f} of all; "
        f"{spread:.1f} apart, {np.mean(errors):.1f} told"
    )
    assert np.mean(expected) == pytest.approx(np.mean(whole), abs=3 * spread / np.sqrt(12))
    assert 0.5 * spread < np.mean(errors) < 2 * spread


@pytest.mark.parametrize("measure", ["pearson", "jaccard"])
def test_the_rate_holds_for_a_part_of_the_sources(tmp_path: Path, few_asked: None, measure: str) -> None:
    wrong, kept, power = 0, 0, []
    for seed in range(5):
        store, truth = mixed(tmp_path / f"{seed}.h5", seed, linked=100)
        chance = chance_of_pair(store, "0", "1", measure, min_both=1)
        assert 1 < chance.nulls["shift"].most < 3  # a draw of all sources would count 1 / 3
        floor = chance.floor(0.2)
        assert floor.found
        found = links_at(store, measure, floor.value, 1)
        wrong, kept = wrong + sum(link not in truth for link in found), kept + len(found)
        power.append(len(truth & set(found)) / len(truth))
    print(f"{measure}, a part: stated 0.2, realised {wrong / kept:.3f} of {kept} links")
    assert wrong / kept <= 0.2 + 2 * np.sqrt(0.16 / kept)
    assert np.mean(power) > 0.4


def test_a_part_of_a_store_without_links_yields_almost_none(tmp_path: Path, few_asked: None) -> None:
    found: list[Chance] = []
    for seed in range(6):
        store, _ = mixed(tmp_path / f"{seed}.h5", seed, linked=0)
        found.append(chance_of_pair(store, "0", "1", min_both=1))
    assert sum(len(one.real.value) for one in found) > 120
    assert sum(one.floor(0.05).links for one in found) <= 8
