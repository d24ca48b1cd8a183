"""Lifespans: planted chains are found with their lengths; survival and half-lives worked out by hand; returns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses.lifespans import (
    Lifespans,
    half_life,
    length_table,
    lifespans,
    longest,
    matches_for_returns,
    returns,
    survival,
)
from core.analyses.turnover import adjacent_matches
from core.errors import BadArgument
from core.sources.planted import plant
from core.sources.structures import Planting
from core.store import Store


def spans(birth: list[int], length: list[int], sites: int) -> Lifespans:
    """Lifespans of which only births and lengths matter."""
    keys = tuple(str(k) for k in range(sites))
    n = len(birth)
    return Lifespans(
        keys, 0.9, "pearson", np.array(birth), np.array(length), np.zeros((n, sites), np.int64), np.ones(n)
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_chains_are_found_whole(tmp_path: Path, seed: int) -> None:
    planting = Planting(sites=5, width=30, tokens=20_000, seed=seed, noise=0.0)
    planted = [planting.passed_on(a, b) for a, b in ((0, 4), (0, 2), (1, 3), (1, 4), (2, 4), (3, 4), (0, 1))]
    single = [planting.unrelated(site) for site in range(5)]
    planting.rare(0), planting.dead(1)
    store, _ = planting.build(tmp_path / "c.h5")
    found = lifespans(adjacent_matches(store))
    chains = {found.features(c) for c in range(len(found.birth))}
    assert chains == {chain.features for chain in planted} | {(feature,) for feature in single}
    for c in range(len(found.birth)):
        assert found.censored[c] == (found.features(c)[-1].key == "4")
        assert np.isnan(found.weakest[c]) == (found.length[c] == 1)
        assert np.isnan(found.weakest[c]) or found.weakest[c] >= 0.95
    assert found.features(int(longest(found)[0])) == planted[0].features
    assert length_table(found).sum() == len(chains)


def test_twins_live_at_one_site_only(tmp_path: Path) -> None:
    planting = Planting(sites=4, width=30, tokens=10_000, noise=0.0, twin=True)
    for _ in range(5):
        planting.passed_on(0, 3)
    store, _ = planting.build(tmp_path / "t.h5")
    found = lifespans(adjacent_matches(store), 0.5)
    assert found.length.tolist() == [1] * 20
    assert len(longest(found)) == 0
    keys = [site.key for site in store.sites]
    assert returns(keys, matches_for_returns(store, gap=3), 0.5) == []


def test_every_alive_feature_is_in_one_chain(random_store: Store) -> None:
    for threshold in (0.05, 0.3, 0.95):
        found = lifespans(adjacent_matches(random_store), threshold)
        for place, site in enumerate(random_store.sites):
            members = found.members[:, place]
            alive = np.flatnonzero(np.asarray(random_store.summary(site.key).active) >= 10)
            assert sorted(members[members >= 0]) == alive.tolist()


def test_survival_by_hand() -> None:
    # Born at 0: lengths 1, 1, 2, 4 of 4 sites (the last one censored). At 2: 1 and 2 (censored). At 3: 1 (censored).
    found = spans([0, 0, 0, 0, 2, 2, 3], [1, 1, 2, 4, 1, 2, 1], 4)
    assert found.censored.tolist() == [False, False, False, True, False, True, True]
    assert survival(found, 0).tolist() == [1.0, 0.5, 0.25, 0.25]
    np.testing.assert_allclose(survival(found, 2), [1.0, 0.5, np.nan, np.nan])
    np.testing.assert_allclose(survival(found, 3), [1.0, np.nan, np.nan, np.nan])
    # Of all: 6 chains can be followed for one site, 3 of them end; 2 for another, 1 ends; the last one goes on.
    np.testing.assert_allclose(survival(found), [1.0, 0.5, 0.25, 0.25])


def test_censored_chains_do_not_count_as_ended() -> None:
    """All that were born at the last site but one and go on: nobody has been seen to end."""
    found = spans([2, 2, 2], [2, 2, 2], 4)
    np.testing.assert_allclose(survival(found), [1.0, 1.0, np.nan, np.nan])
    assert np.isnan(half_life(survival(found)))
    naive = np.mean(found.length > 2)  # who forgets censoring sees all of them end
    assert naive == 0


def test_once_all_have_ended_nobody_comes_back() -> None:
    assert survival(spans([0, 0], [1, 1], 4)).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_half_lives() -> None:
    steady = 0.8 ** np.arange(10)
    assert half_life(steady) == pytest.approx(np.log(2) / np.log(1 / 0.8))
    assert half_life(np.array([1.0, 0.9, 0.7, np.nan])) != half_life(np.array([1.0, 0.5]))
    assert np.isnan(half_life(np.array([1.0, 0.9, np.nan])))


def test_a_feature_that_vanishes_and_reappears(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = (rng.random((6000, 6)) < 0.03) * rng.lognormal(size=(6000, 6))
    other = (rng.random((6000, 6)) < 0.03) * rng.lognormal(size=(6000, 6))
    at_1, at_2 = other.copy(), base.copy()
    at_1[:, 0] = base[:, 0]  # 0_0 does not vanish
    at_1[:, 1] = base[:, 1] * (rng.random(6000) < 0.7)  # 0_1 vanishes only for a high threshold
    at_2[:, 5] = 0  # 0_5 does not come back
    store = plant(tmp_path / "v.h5", {"0": base, "1": at_1, "2": at_2})
    keys, found = [site.key for site in store.sites], matches_for_returns(store)
    high, low = (
        {(str(one.before), str(one.after)) for one in returns(keys, found, threshold)} for threshold in (0.95, 0.6)
    )
    assert high == {(f"0_{i}", f"2_{i}") for i in (1, 2, 3, 4)}
    assert low == high - {("0_1", "2_1")}
    for one in returns(keys, found):
        assert one.between < 0.95 <= one.value


def test_a_gap_of_two_sites_is_looked_across_only_when_asked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sites = [(rng.random((4000, 3)) < 0.03) * rng.lognormal(size=(4000, 3)) for _ in range(3)]
    store = plant(tmp_path / "g.h5", {str(k): each for k, each in enumerate([sites[0], sites[1], sites[2], sites[0]])})
    keys = [site.key for site in store.sites]
    assert returns(keys, matches_for_returns(store)) == []
    found = returns(keys, matches_for_returns(store, gap=3))
    assert {(str(one.before), str(one.after)) for one in found} == {(f"0_{i}", f"3_{i}") for i in range(3)}


def test_one_site_has_no_lifespans() -> None:
    with pytest.raises(BadArgument):
        lifespans([])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planting = Planting(sites=3, width=10, tokens=5_000, noise=0.0)
    planting.passed_on(0, 2), planting.passed_on(0, 1), planting.unrelated(1)
    store, _ = planting.build(tmp_path / "c.h5")
    assert main(["lifespans", str(store.path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"measure", "threshold", "survival", "births", "longest", "returns"}
    assert [row["born"] for row in printed["births"]] == [2, 1, 0]
    assert printed["births"][0]["lengths"] == [0, 1, 1]
    assert printed["longest"][0]["features"] == ["0_0", "1_0", "2_0"]
    assert main(["lifespans", str(store.path)]) == 0
    assert "half_life" in capsys.readouterr().out
