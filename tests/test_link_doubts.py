"""What the nulls of two sites say of one link: q, the p of a best match, and why there is none."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses import known_chance
from core.analyses.chance import Chance, chance_of_pair
from core.analyses.link_doubts import Doubt, drawn_measures, link_doubts
from core.analyses.neighbours import link_of
from core.results import read_arrays, results_folder
from core.sources.planted import plant
from core.statistics.best_alive import alive
from core.statistics.chance import p_of_best
from core.statistics.measures import BOUNDED, MEASURE_FUNCTIONS
from core.statistics.rows import pair_counts, two_feature_counts
from core.store import Store
from core.values import MEASURES, Feature
from tests.test_chance import mixed


def doubts(store: Store, i: int, j: int, activity: float = 0.0) -> dict[str, Doubt]:
    a, b = Feature("0", i), Feature("1", j)
    return link_doubts(store, link_of(a, b, two_feature_counts(store, a, b, activity)), activity)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, list[tuple[int, int]]]:
    store, truth = mixed(tmp_path_factory.mktemp("doubts") / "s.h5", 0, linked=60)
    return store, sorted(truth)


def test_q_is_that_of_the_link_among_all_by_brute_force(planted: tuple[Store, list[tuple[int, int]]]) -> None:
    store, truth = planted
    chance, looked_at = chance_of_pair(store, "0", "1", "pearson"), 0
    active, there, differ, apart = np.asarray(store.summary("0").active), np.asarray(store.summary("1").active), 0, 0
    for i, j in truth:
        found = doubts(store, i, j)["pearson"]
        value = float(MEASURE_FUNCTIONS["pearson"](pair_counts(store, Feature("0", i), "1"))[j])
        if found.state:
            continue
        looked_at += 1
        every = [
            np.ones(len(one.value), bool) for one in (chance.real, *(null.links for null in chance.nulls.values()))
        ]
        assert found.q == pytest.approx(by_brute_force(chance, value, every))
        power = int(np.log10(active[i] * there[j]))
        low, high = 10.0**power, 10.0 ** (power + 1)
        alike = [
            (one.product >= low) & (one.product < high)
            for one in (chance.real, *(null.links for null in chance.nulls.values()))
        ]
        assert found.q_alike == pytest.approx(by_brute_force(chance, value, alike))
        apart += abs(found.q_alike - found.q) > 0.001
        if found.best:
            each = [p_of_best([value], [active[i]], one.value, one.active)[0] for one in chance.best.values()]
            assert found.p_best == max(each)
            differ += each[0] != each[1]
        assert (found.q <= 0.05) == (value >= chance.floor(0.05).value - 1e-12)
    assert looked_at > 15
    assert differ > 0
    assert apart > 5


def by_brute_force(chance: Chance, value: float, kept: list[np.ndarray]) -> float:
    """q among the real links and the links of each null that are named, the long way."""
    real, rates = chance.real.value[kept[0]], []
    for null, among in zip(chance.nulls.values(), kept[1:], strict=True):
        levels = [t for t in real if t <= value * (1 + 1e-9)]
        reached = [null.most * (np.sum(null.links.value[among] >= t) + 1) / np.sum(real >= t) for t in levels]
        rates.append(min(1.0, *reached))
    return max(rates)


def test_nothing_is_drawn_where_a_file_is_damaged_or_gone(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    chance_of_pair(random_store, "0", "1")
    before = doubts(random_store, 0, 0)
    assert before["pearson"].state == ""
    kept = sorted(results_folder().glob("chance-*.h5"))
    assert len(kept) == 3
    with monkeypatch.context() as patch:
        for name in ("null_draw", "real_links", "pair_links"):
            patch.setattr(f"core.analyses.kept_nulls.{name}", lambda *asked, **rest: pytest.fail("drawn"))
        for path in kept:
            sound = path.read_bytes()
            path.write_bytes(b"junk" * 500)
            assert {one.state for one in doubts(random_store, 0, 0).values()} == {"not drawn"}
            assert drawn_measures(random_store, "0", "1") == ()
            path.unlink()
            assert {one.state for one in doubts(random_store, 0, 0).values()} == {"not drawn"}
            path.write_bytes(sound)
            assert doubts(random_store, 0, 0) == before
        kept[0].write_bytes(b"junk")
    chance_of_pair(random_store, "0", "1")  # who draws makes it whole again
    assert doubts(random_store, 0, 0) == before


def test_each_file_is_read_once_and_then_remembered(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for measure in ("pearson", "sufficiency"):
        chance_of_pair(random_store, "0", "1", measure)
    read: list[Path] = []
    monkeypatch.setattr("core.analyses.chance.read_arrays", lambda path: read.append(path) or read_arrays(path))
    monkeypatch.setattr(known_chance, "_known", OrderedDict())
    first = doubts(random_store, 0, 0)
    assert len(read) == len(set(read)) == 6  # by bounded measures together, and by sufficiency
    assert doubts(random_store, 0, 0) == first
    assert len(read) == 6
    monkeypatch.setattr(known_chance, "MOST_BYTES", 0)  # the newest stay, whatever they take
    doubts(random_store, 0, 0, 0.2)
    chance_of_pair(random_store, "0", "1", "necessity")
    doubts(random_store, 0, 0)
    assert len(known_chance._known) == 1


def test_a_best_match_that_is_planted_is_beyond_chance_and_one_that_is_not_is_even(tmp_path: Path) -> None:
    planted_p, chance_p, stated = [], [], []
    for seed in range(2):
        store, truth = mixed(tmp_path / f"{seed}.h5", seed, linked=40)
        chance_of_pair(store, "0", "1")
        living, partner = alive(store, "1"), dict(truth)
        for i in np.flatnonzero(alive(store, "0"))[::4]:
            values = MEASURE_FUNCTIONS["pearson"](pair_counts(store, Feature("0", int(i)), "1"))
            j = int(np.argmax(np.where(living & ~np.isnan(values), values, -2)))
            found = doubts(store, int(i), j)["pearson"]
            assert found.best
            assert 0 < found.p_best <= 1
            other = int(np.flatnonzero(living & (values < values[j]))[0])
            second = doubts(store, int(i), other)["pearson"]
            stated.append(second.best is False and np.isnan(second.p_best))
            if int(i) not in partner:
                chance_p.append(found.p_best)
            elif partner[int(i)] == j and values[j] > 0.5:
                planted_p.append(found.p_best)
    print(
        f"p of a best match: planted {np.max(planted_p):.3f} at most; "
        f"by chance p <= 0.1 for {np.mean(np.array(chance_p) <= 0.1):.3f}"
    )
    assert all(stated)
    assert len(planted_p) > 4
    assert max(planted_p) < 0.02
    assert len(chance_p) > 80
    assert np.mean(np.array(chance_p) <= 0.1) < 0.2
    assert 0.3 < np.mean(chance_p) < 0.8


def test_what_is_not_known_says_why(random_store: Store) -> None:
    assert {one.state for one in doubts(random_store, 0, 0).values()} == {"not drawn"}
    assert drawn_measures(random_store, "0", "1") == ()
    chance_of_pair(random_store, "0", "1", "cosine")
    assert drawn_measures(random_store, "0", "1") == BOUNDED
    assert drawn_measures(random_store, "0", "1", 0.2) == ()
    strong = doubts(random_store, 0, 0)
    assert [name for name in MEASURES if not strong[name].state] == list(BOUNDED)
    assert all(0 < strong[name].q <= 1 for name in BOUNDED)
    assert strong["sufficiency"] == Doubt("not drawn")
    assert {one.state for one in doubts(random_store, 5, 0).values()} == {"too little data"}  # a rare source
    counts = pair_counts(random_store, Feature("0", 10), "1")
    few = int(np.flatnonzero((counts.n_both < 10) & alive(random_store, "1"))[0])
    assert doubts(random_store, 10, few)["pearson"].state == "too little data"
    a, b = Feature("0", 0), Feature("0", 1)
    inside = link_doubts(random_store, link_of(a, b, two_feature_counts(random_store, a, b)))
    assert {one.state for one in inside.values()} == {"within one site"}


def test_a_weak_link_is_not_compared(tmp_path: Path) -> None:
    dense = (np.random.default_rng(0).random((2000, 4)) < 0.3) * 1.0
    store = plant(tmp_path / "dense.h5", {"0": dense, "1": np.roll(dense, 1, axis=1)})
    chance_of_pair(store, "0", "1")
    assert doubts(store, 0, 1)["pearson"].state == ""  # itself
    assert doubts(store, 0, 0)["pearson"].state == "below 0.1"
    assert doubts(store, 0, 0)["jaccard"].state == ""


def test_the_command_tells_it_and_the_way_to_find_out(random_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["link", str(random_store.path), "0_0", "1_0", "--contexts", "0"]
    assert main([*words, "--json"]) == 0
    before = json.loads(capsys.readouterr().out)["chance"]["measures"]
    assert list(before) == list(MEASURES)
    assert before["pearson"] == {
        "q": None, "q_alike": None, "best_match": None, "p_best_match": None, "state": "not drawn",
    }  # fmt: skip
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "no q yet by pearson, cosine" in told
    way = told.split("python -m core ")[1].split(" draws")[0].replace("STORE", str(random_store.path))
    assert main(way.split()) == 0
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    after = json.loads(capsys.readouterr().out)["chance"]["measures"]
    assert after["pearson"]["state"] == "computed"
    assert 0 < after["pearson"]["q"] <= 1
    assert isinstance(after["pearson"]["best_match"], bool)
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "no q yet by sufficiency" in told
    assert "q: of the links" in told
