"""Returns: features that fall below τ and are there again, how deep they fall, how far one looks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses.layer_tables import return_table
from core.analyses.returns import gap_of, matches_for_returns, pairs_for_returns, returns
from core.labels import Labels
from core.sources.planted import plant
from core.sources.structures import Planting


def test_a_feature_that_falls_below_the_threshold_and_returns(tmp_path: Path) -> None:
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
    back = returns(keys, found)
    for one in back:
        assert one.between < 0.95 <= one.value
        assert one.depth == pytest.approx(0.95 - one.between)
    assert [one.depth for one in back] == sorted((one.depth for one in back), reverse=True)
    assert str(back[-1].before) == "0_1"  # which keeps 70% of its firing: the least deep


def test_a_gap_of_two_sites_is_looked_across_only_when_asked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sites = [(rng.random((4000, 3)) < 0.03) * rng.lognormal(size=(4000, 3)) for _ in range(3)]
    store = plant(tmp_path / "g.h5", {str(k): each for k, each in enumerate([sites[0], sites[1], sites[2], sites[0]])})
    keys = [site.key for site in store.sites]
    assert returns(keys, matches_for_returns(store, gap=2)) == []
    found = returns(keys, matches_for_returns(store, gap=3))
    assert {(str(one.before), str(one.after)) for one in found} == {(f"0_{i}", f"3_{i}") for i in range(3)}


def test_twins_do_not_return(tmp_path: Path) -> None:
    planting = Planting(sites=4, width=30, tokens=10_000, noise=0.0, twin=True)
    for _ in range(5):
        planting.returning(0, 3)
    store, _ = planting.build(tmp_path / "t.h5")
    assert returns([site.key for site in store.sites], matches_for_returns(store, gap=3), 0.5) == []


def test_a_hair_breadth_is_told_from_a_fall(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base, other = ((rng.random((6000, 2)) < 0.03) * rng.lognormal(size=(6000, 2)) for _ in range(2))
    nearly = base * rng.lognormal(0, 0.5, base.shape)
    store = plant(tmp_path / "h.h5", {"0": base, "1": np.column_stack([nearly[:, 0], other[:, 1]]), "2": base})
    deep, shallow = returns(["0", "1", "2"], matches_for_returns(store, nulls=False))
    assert (str(deep.before), deep.shallow) == ("0_1", False)
    assert (str(shallow.before), shallow.shallow) == ("0_0", True)
    assert 0.85 < shallow.between < 0.95


def test_a_site_without_alive_features_in_between_has_no_match_to_tell(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    base = (rng.random((4000, 2)) < 0.03) * rng.lognormal(size=(4000, 2))
    store = plant(tmp_path / "n.h5", {"0": base, "1": base * 0, "2": base})
    back = returns(["0", "1", "2"], matches_for_returns(store, nulls=False))
    assert [str(one.before) for one in back] == ["0_0", "0_1"]
    assert all(np.isnan(one.between) and np.isnan(one.depth) and not one.shallow for one in back)
    assert return_table(back, Labels.beside(store))["between"].to_list() == [None, None]


@pytest.mark.parametrize(("sites", "apart"), [(4, 3), (7, 6), (8, 2)])
def test_page_and_command_look_equally_far(sites: int, apart: int) -> None:
    keys = [str(k) for k in range(sites)]
    pairs = pairs_for_returns(keys, gap_of(sites))
    assert max(int(b) - int(a) for a, b in pairs) == apart
    assert len(set(pairs)) == len(pairs)


def test_the_command_says_how_far_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    sites = [(rng.random((4000, 3)) < 0.03) * rng.lognormal(size=(4000, 3)) for _ in range(3)]
    store = plant(tmp_path / "g.h5", {str(k): each for k, each in enumerate([*sites, sites[0]])})
    assert main(["lifespans", str(store.path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["gap"] == 3
    assert [(one["before"], one["after"]) for one in printed["returns"]] != []
    assert all(one["depth"] == pytest.approx(0.95 - one["between"]) for one in printed["returns"])
    assert main(["lifespans", str(store.path)]) == 0
    assert "3 fall below the threshold and return, looked for across all sites, 0 of them" in capsys.readouterr().out
    assert main(["lifespans", str(store.path), "--gap", "2"]) == 0
    assert "0 fall below the threshold and return, looked for up to 2 sites on" in capsys.readouterr().out
