"""Lifespans: planted chains are found with their lengths and how they stop; survival and half-lives by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses.layer_tables import birth_table, chain_table
from core.analyses.lifespans import (
    THEN,
    Lifespans,
    chosen,
    half_life,
    length_table,
    lifespans,
    longest,
    survival,
    then_table,
)
from core.analyses.matches import adjacent_matches
from core.analyses.turnover import turnover
from core.errors import BadArgument
from core.labels import Labels
from core.sources.planted import plant
from core.sources.structures import Planting
from core.store import Store
from core.values import Feature


def spans(birth: list[int], length: list[int], sites: int) -> Lifespans:
    """Lifespans of which only births and lengths matter."""
    keys = tuple(str(k) for k in range(sites))
    n = len(birth)
    nothing, unknown = np.full(n, -1), np.full(n, np.nan)
    return Lifespans(
        keys, 0.9, "pearson", np.array(birth), np.array(length), np.zeros((n, sites), np.int64), np.ones(n),
        nothing, unknown, nothing,
    )  # fmt: skip


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
    assert then_table(found).sum(0).tolist() == [5, 15, 0]  # all end, but for those of the last site


def test_every_alive_feature_is_in_one_chain(random_store: Store) -> None:
    for threshold in (0.05, 0.3, 0.95):
        found = lifespans(adjacent_matches(random_store), threshold)
        for place, site in enumerate(random_store.sites):
            members = found.members[:, place]
            alive = np.flatnonzero(np.asarray(random_store.summary(site.key).active) >= 10)
            assert sorted(members[members >= 0]) == alive.tolist()


def copies(path: Path, *, heirs: int = 1, twin: bool = False) -> Store:
    """A feature and a near copy of it, one or two heirs; with `twin` the copy fires elsewhere. And one that ends."""
    rng = np.random.default_rng(3)
    base, ending, born, elsewhere = ((rng.random((6000, 4)) < 0.03) * rng.lognormal(size=(6000, 4))).T

    def near(x: np.ndarray, jitter: float) -> np.ndarray:
        return x * rng.lognormal(0, jitter, len(x))

    copy = elsewhere if twin else near(base, 0.1)
    heir = near(base, 0.05)
    later = [heir, near(copy, 0.02) if heirs == 2 else born]
    sites = {"0": [base, copy, ending], "1": later, "2": [near(row, 0.02) for row in later[:heirs]]}
    return plant(path, {key: np.column_stack([*rows, *[rows[0] * 0] * (4 - len(rows))]) for key, rows in sites.items()})


def test_of_near_copies_with_one_heir_one_goes_on_and_the_other_is_still_represented(tmp_path: Path) -> None:
    store = copies(tmp_path / "c.h5")
    found = lifespans(adjacent_matches(store))
    told = {str(found.features(c)[0]): THEN[found.then[c]] for c in range(len(found.birth))}
    assert told == {"0_0": "last site", "0_1": "no longer one to one", "0_2": "ended", "1_1": "ended"}
    (one,) = chosen(found, then="no longer one to one")
    assert found.after(int(one)) == (Feature("1", 0), Feature("0", 0))  # the heir, and whose best match that is
    assert found.value_next[one] >= 0.95
    (ended,) = chosen(found, born="0", then="ended")
    assert not found.value_next[ended] >= 0.95
    assert then_table(found).tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 0]]
    assert birth_table(found)["no_longer_one_to_one"].to_list() == [1, 0, 0]
    row = chain_table(found, [one], Labels.beside(store)).row(0, named=True)
    assert (row["then"], row["best_next"]) == ("no longer one to one", "1_0")


@pytest.mark.parametrize("twin", [False, True], ids=["each has its heir", "no copy"])
def test_where_nobody_competes_nothing_is_called_no_longer_one_to_one(tmp_path: Path, twin: bool) -> None:
    found = lifespans(adjacent_matches(copies(tmp_path / "t.h5", heirs=1 if twin else 2, twin=twin)))
    assert then_table(found).sum(0)[2] == 0
    (copy,) = np.flatnonzero(found.members[:, 0] == 1)
    assert (found.length[copy], THEN[found.then[copy]]) == ((1, "ended") if twin else (3, "last site"))


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.95])
def test_chains_stop_where_turnover_says_that_features_end_or_share_a_match(
    random_store: Store, threshold: float
) -> None:
    matched = adjacent_matches(random_store)
    found = lifespans(matched, threshold)
    last = found.birth + found.length - 1
    for site, one in enumerate(matched):
        step, then = turnover(one, threshold), np.bincount(found.then[last == site], minlength=3).tolist()
        assert then == [0, step.ended, step.passed - step.passed_mutual]
    assert (last[found.then == 0] == len(matched)).all()


def test_chains_are_chosen_by_what_comes_then(random_store: Store) -> None:
    found = lifespans(adjacent_matches(random_store), 0.3)
    every = [set(chosen(found, then=then, count=10**6).tolist()) for then in THEN]
    assert [len(each) for each in every] == then_table(found).sum(0).tolist()
    assert set.union(*every) == set(range(len(found.birth)))


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
    falling = [half_life(np.array([1.0, share])) for share in (0.5, 0.1, 1e-3, 1e-300, 0.0)]
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] == 0


def test_one_site_has_no_lifespans() -> None:
    with pytest.raises(BadArgument):
        lifespans([])


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planting = Planting(sites=3, width=10, tokens=5_000, noise=0.0)
    planting.passed_on(0, 2), planting.passed_on(0, 1), planting.unrelated(1)
    store, _ = planting.build(tmp_path / "c.h5")
    assert main(["lifespans", str(store.path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"measure", "threshold", "gap", "survival", "births", "longest", "returns"}
    assert [row["born"] for row in printed["births"]] == [2, 1, 0]
    assert printed["births"][0]["lengths"] == [0, 1, 1]
    assert [(row["censored"], row["ended"], row["no_longer_one_to_one"]) for row in printed["births"]] == [
        (1, 1, 0), (0, 1, 0), (0, 0, 0)
    ]  # fmt: skip
    assert printed["longest"][0]["features"] == ["0_0", "1_0", "2_0"]
    assert [row["then"] for row in printed["longest"]] == ["last site", "ended"]
    assert printed["longest"][0]["best_next"] is None
    assert printed["longest"][1]["value_next"] < 0.95
    assert main(["lifespans", str(store.path)]) == 0
    told = capsys.readouterr().out
    assert "half-lives are of one-to-one chains; ended: no match of 0.95 or more at the next site" in told
    assert "0 fall below the threshold and return, looked for across all sites" in told


def test_the_command_tells_a_copy_from_what_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = copies(tmp_path / "c.h5")
    assert main(["lifespans", str(store.path), "--json"]) == 0
    births = json.loads(capsys.readouterr().out)["births"]
    assert [(row["ended"], row["no_longer_one_to_one"]) for row in births] == [(1, 1), (1, 0), (0, 0)]
