"""Pair counts, measures and ranking against a dense float64 oracle."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.analyses.neighbours import StoreLinks
from core.errors import BadArgument, UnknownFeature, UnknownSite
from core.sources.planted import plant, planted_tokens
from core.statistics.margins import active_counts
from core.statistics.measures import all_measures, lift
from core.statistics.ranking import rank
from core.statistics.rows import pair_counts, two_feature_counts
from core.store import Sparse, Store
from core.values import MEASURES, Feature, PairCounts
from tests.oracle import dense_measures, random_dense, ranking, some_uncounted

SITES = {"0": 9, "1": 13, "2": 7}


def planted(folder: Path, seed: int, n: int = 150, scale: float = 1.0) -> tuple[Store, dict[str, np.ndarray]]:
    tokens = some_uncounted(n, seed)
    counted = tokens.counted.astype(bool)
    dense = {key: random_dense(n, width, seed + width, scale=scale) for key, width in SITES.items()}
    if SITES["1"] <= SITES["0"]:
        raise AssertionError
    dense["1"][:, 6] = dense["0"][:, 5]  # identical features across sites
    return plant(folder / f"{seed}.h5", dense, tokens=tokens), {key: rows[counted] for key, rows in dense.items()}


def same(a: float, b: float, tolerance: float = 1e-9) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    sites=st.sampled_from([("0", "1"), ("0", "2"), ("1", "0"), ("2", "0"), ("1", "1")]),
    activity=st.sampled_from([0.0, 0.2]),
    scale=st.sampled_from([1.0, 1e-30, 1e30]),
    n=st.sampled_from([2, 30, 150]),
)
def test_every_pair_equals_the_oracle(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    sites: tuple[str, str],
    activity: float,
    scale: float,
    n: int,
) -> None:
    store, dense = planted(tmp_path_factory.mktemp("stores"), seed, n, scale)
    asked, to = sites
    for i in range(SITES[asked]):
        counts = pair_counts(store, Feature(asked, i), to, activity)
        found = all_measures(counts)
        for j in range(SITES[to]):
            x, y = dense[asked][:, i], dense[to][:, j]
            if (store.site(asked).position, i) > (store.site(to).position, j):
                x, y = y, x
            expected = dense_measures(x, y, activity)
            for name in ("n_source", "n_target", "n_both"):
                assert np.broadcast_to(getattr(counts, name), SITES[to])[j] == expected[name]
            for name in MEASURES:
                assert same(float(found[name][j]), expected[name]), (name, i, j, found[name][j], expected[name])


@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize("measure", MEASURES)
def test_neighbours_are_the_oracles_in_its_order(tmp_path: Path, measure: str, activity: float) -> None:
    store, dense = planted(tmp_path, 3, scale=1.0)
    links = StoreLinks(store)
    for asked, to in (("0", "1"), ("2", "0"), ("1", "1")):
        for i in range(SITES[asked]):
            found = links.neighbours(Feature(asked, i), to, measure, top=99, activity=0.0)
            here = [link.other(Feature(asked, i)).index for link in found]
            flip = store.site(asked).position > store.site(to).position
            if asked == to:  # the smaller index is the source
                assert sorted(here) == sorted(ranking(dense[asked][:, i], dense[to], measure, False, skip=i))
            else:
                expected = ranking(dense[asked][:, i], dense[to], measure, flip)
                values = [round(link.measures[measure], 12) for link in found]
                assert sorted(here) == sorted(expected)
                assert values == sorted(values, reverse=True)
                if measure not in ("pearson", "mutual_information", "cosine"):  # exact: order and ties are the oracle's
                    assert here == expected
            for link in links.neighbours(Feature(asked, i), to, measure, top=3, activity=activity):
                assert repr(link) == repr(links.link(link.target, link.source, activity))


def test_dead_features_have_no_neighbours_and_are_none(tmp_path: Path) -> None:
    store, _ = planted(tmp_path, 5)
    links = StoreLinks(store)
    for measure in MEASURES:
        assert links.neighbours(Feature("0", 0), "1", measure, 10) == []
        assert links.neighbours(Feature("2", 0), "1", measure, 10) == []
        assert all(link.target.index != 0 for link in links.neighbours(Feature("0", 4), "1", measure, 99))
    assert links.neighbours(Feature("0", 4), "1", "pearson", 0) == []


def test_min_both_leaves_out_what_rests_on_less(tmp_path: Path) -> None:
    store, _ = planted(tmp_path, 5)
    found = StoreLinks(store).neighbours(Feature("0", 4), "1", "jaccard", 99, min_both=5)
    assert found
    assert min(link.n_both for link in found) >= 5


def test_a_measure_reads_forward_whichever_way_one_asks(tmp_path: Path) -> None:
    store, _ = planted(tmp_path, 8)
    down, up = pair_counts(store, Feature("0", 4), "2"), pair_counts(store, Feature("2", 5), "0")
    assert down.n_both[5] == up.n_both[4]
    assert down.sum_xy[5] == up.sum_xy[4]
    a, b = ({k: np.broadcast_to(v, (n,)) for k, v in all_measures(c).items()} for c, n in ((down, 7), (up, 9)))
    assert {k: v[5] for k, v in a.items()} == {k: v[4] for k, v in b.items()}


def test_jaccard_sufficiency_and_necessity_agree(tmp_path: Path) -> None:
    store, _ = planted(tmp_path, 9)
    for i in range(9):
        found = all_measures(pair_counts(store, Feature("0", i), "1", 0.2))
        both = found["jaccard"] > 0
        assert np.allclose(
            1 / found["jaccard"][both], 1 / found["sufficiency"][both] + 1 / found["necessity"][both] - 1
        )


def test_planted_answers_and_their_negative_twin(tmp_path: Path) -> None:
    n = 400
    rng = np.random.default_rng(0)
    source = np.where(rng.random(n) < 0.2, rng.exponential(1, n), 0)
    part = np.where(rng.random(n) < 0.5, source, 0)  # fires on half of the source's tokens and nowhere else
    other = np.where(source > 0, 0, (rng.random(n) < 0.3).astype(float))  # never together
    store = plant(tmp_path / "p.h5", {"0": source[:, None], "1": np.stack([2 * source, part, other], axis=1)})
    links = {link.target.index: link for link in StoreLinks(store).neighbours(Feature("0", 0), "1", "pearson", 9)}
    assert [links[0].measures[m] for m in MEASURES[:5]] == pytest.approx([1, 1, 1, 1, 1])
    assert links[1].measures["necessity"] == 1
    assert links[1].measures["sufficiency"] == links[1].n_target / links[1].n_source < 0.7
    assert links[1].lift == pytest.approx(n / links[1].n_source)
    assert [links[2].measures[m] for m in ("cosine", "jaccard", "sufficiency", "necessity")] == [0, 0, 0, 0]
    assert links[2].measures["pearson"] < 0
    assert list(links) == [0, 1, 2]


@pytest.mark.parametrize("d_sae", [65_536, 65_537])
def test_the_last_feature_of_either_index_width(tmp_path: Path, d_sae: int) -> None:
    kind = np.uint16 if d_sae == 65_536 else np.uint32
    rows = Sparse(np.array([0, 2, 3, 3]), np.array([1, d_sae - 1, d_sae - 1], kind), np.array([1, 2, 3], np.float32))
    store = plant(tmp_path / "w.h5", {"0": rows, "1": rows}, tokens=planted_tokens(3), d_sae=d_sae)
    counts = pair_counts(store, Feature("0", d_sae - 1), "1")
    assert counts.n_both[[0, 1, d_sae - 1]].tolist() == [0, 1, 2]
    assert counts.sum_xy[d_sae - 1] == 13
    found = StoreLinks(store).neighbours(Feature("0", d_sae - 1), "1", "jaccard", 5)
    assert [link.target.index for link in found] == [d_sae - 1, 1]


def test_one_token_and_empty_sites(tmp_path: Path) -> None:
    one = plant(tmp_path / "one.h5", {"0": np.array([[1.0, 0]]), "1": np.array([[2.0]])})
    link = StoreLinks(one).link(Feature("0", 0), Feature("1", 0))
    assert math.isnan(link.measures["pearson"])
    assert (link.measures["jaccard"], link.measures["mutual_information"]) == (1, 0)
    empty = plant(tmp_path / "empty.h5", {"0": np.zeros((5, 2)), "1": np.zeros((5, 3))})
    assert StoreLinks(empty).neighbours(Feature("0", 0), "1", "jaccard", 5) == []
    assert all(
        np.isnan(v).all() or name == "mutual_information"
        for name, v in all_measures(pair_counts(empty, Feature("0", 0), "1")).items()
    )


def test_many_threads_at_once_give_the_same_bits(tmp_path: Path) -> None:
    store, _ = planted(tmp_path, 21)

    def ask(i: int) -> bytes:
        counts = pair_counts(store, Feature("0", i % 9), "1", 0.2)
        return counts.n_both.tobytes() + counts.sum_xy.tobytes()

    answers = []
    for threads in (1, 2, 7):
        with ThreadPoolExecutor(threads) as pool:
            answers.append(list(pool.map(ask, range(45))))
    assert answers[0] == answers[1] == answers[2]


def test_counts_under_a_rule_are_kept_and_refused_when_senseless(tmp_path: Path) -> None:
    store, dense = planted(tmp_path, 22)
    counts = active_counts(store, "1", 0.2)
    assert counts is active_counts(store, "1", 0.2)
    assert counts.tolist() == (dense["1"] > 0.2 * dense["1"].max(axis=0)).sum(axis=0).tolist()
    for activity in (-0.1, 1.0, math.nan):
        with pytest.raises(BadArgument):
            pair_counts(store, Feature("0", 1), "1", activity)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    store, _ = planted(tmp_path, 23)
    links = StoreLinks(store)
    with pytest.raises(UnknownSite):
        links.neighbours(Feature("0", 1), "9", "pearson", 5)
    with pytest.raises(UnknownFeature):
        links.neighbours(Feature("0", 99), "1", "pearson", 5)
    with pytest.raises(BadArgument):
        links.neighbours(Feature("0", 1), "1", "likeness", 5)
    with pytest.raises(BadArgument):
        links.link(Feature("0", 1), Feature("0", 1))


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, math.nan]), st.integers(0, 2))), st.integers(0, 9))
def test_rank_sorts_as_the_rules_say(pairs: list[tuple[float, int]], top: int) -> None:
    values, both = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], np.int64)
    expected = sorted((-v, -c, j) for j, (v, c) in enumerate(pairs) if not math.isnan(v))[:top]
    assert rank(values, both, top).tolist() == [j for _, _, j in expected]


@given(st.integers(1, 10**6), st.data())
def test_mutual_information_keeps_its_digits(n: int, data: st.DataObject) -> None:
    from fractions import Fraction

    n_i, n_j = data.draw(st.integers(0, n)), data.draw(st.integers(0, n))
    n_ij = data.draw(st.integers(max(0, n_i + n_j - n), min(n_i, n_j)))
    value = float(all_measures(PairCounts(n, n_i, n_j, n_ij, 1, 1, 1, 1, 1))["mutual_information"])
    # log1p of exact fractions: the terms cancel to first order, so the check is in Fractions up to the logarithm.
    total = 0.0
    surplus = n * n_ij - n_i * n_j
    for p, q, sign in ((n_i, n_j, 1), (n_i, n - n_j, -1), (n - n_i, n_j, -1), (n - n_i, n - n_j, 1)):
        if p * q:
            d = Fraction(sign * surplus, p * q)
            if abs(d) < Fraction(1, 1000):
                term = d * d / 2 - d**3 / 6 + d**4 / 12 - d**5 / 20 + d**6 / 30
                total += float(term * p * q / n**2)
            elif d == -1:
                total += p * q / n**2
            else:
                total += p * q / n**2 * ((1 + float(d)) * math.log1p(float(d)) - float(d))
    assert value >= 0
    assert math.isclose(value, total, rel_tol=1e-9, abs_tol=1e-300)


def test_lift_is_one_under_independence() -> None:
    assert float(lift(PairCounts(100, 20, 50, 10, 1, 1, 1, 1, 1))) == 1
    assert math.isnan(float(lift(PairCounts(100, 0, 50, 0, 1, 1, 1, 1, 1))))


def test_pair_and_row_agree_to_the_bit(random_store: Store) -> None:
    counts = pair_counts(random_store, Feature("0", 1), "1")
    for j in range(40):
        pair = two_feature_counts(random_store, Feature("1", j), Feature("0", 1))
        assert pair.sum_xy == counts.sum_xy[j]
        assert pair.n_both == counts.n_both[j]
