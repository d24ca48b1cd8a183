"""Distributions, agreement, convergence, what has been seen by when: against the answers written down the long way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from core.analyses.agreement import (
    Kept,
    agreement,
    disagreements,
    distribution_table,
    kept_links,
    shares,
    spearman,
)
from core.analyses.agreement_tables import disagreement_table, label_pairs, scatter_table
from core.analyses.convergence import BY_BOTH, SHARES, convergence, error_table, sample_links, tokens_table
from core.analyses.kept_measures import kept_apart, kept_convergence, kept_seen
from core.analyses.maxima import maximum_table
from core.analyses.unseen import LISTED, apart_table, late_features, never_together, seen_by_then, seen_table
from core.errors import BadArgument
from core.labels import Labels, labels_path, write_labels
from core.sources.planted import plant
from core.statistics.first_seen import level_of_positions, nested_documents
from core.statistics.pairs import PairLinks, whole_pair
from core.store import Store
from core.values import MEASURES, Feature, Label
from tests.oracle import dense_measures, random_dense, some_uncounted
from tests.tiny import dense


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    tokens = some_uncounted(900, seed=3)
    sites = {key: random_dense(900, width, seed) for key, width, seed in (("0", 14, 1), ("1", 11, 2))}
    made = plant(tmp_path_factory.mktemp("measures") / "random.h5", sites, tokens=tokens)
    write_labels(labels_path(made.path), [(Feature("0", i), Label(f"label {i}", "test")) for i in range(2, 9)])
    return made


@pytest.fixture(scope="module")
def found(store: Store) -> PairLinks:
    return whole_pair(store, "0", "1")


@pytest.fixture(scope="module")
def kept(store: Store, found: PairLinks) -> Kept:
    return kept_links(store, found, min_both=5)


def columns(store: Store, kept: Kept, place: int) -> tuple[np.ndarray, np.ndarray]:
    source, target = kept.link(place)
    return dense(store, "0")[:, source.index].astype(float), dense(store, "1")[:, target.index].astype(float)


def test_distributions_hold_every_pair_that_is_active_together(store: Store, found: PairLinks) -> None:
    table = distribution_table(found)
    together = (dense(store, "0") > 0).T.astype(int) @ (dense(store, "1") > 0).astype(int) > 0
    assert found.never_co_active == (~together).sum()
    for name in ("cosine", "jaccard", "sufficiency", "necessity", "mutual_information"):
        assert table.filter(pl.col("measure") == name)["pairs"].sum() == together.sum()
    assert table.filter(pl.col("measure") == "pearson")["pairs"].sum() < together.sum()  # constant features have none


def test_kept_links_have_the_oracles_measures(store: Store, kept: Kept) -> None:
    counted = store.tokens.counted.astype(bool)
    for place in range(0, len(kept), 7):
        x, y = columns(store, kept, place)
        expected = dense_measures(x[counted], y[counted])
        assert kept.n_both[place] == expected["n_both"] >= 5
        for name in MEASURES:
            assert kept.values[name][place] == pytest.approx(expected[name], rel=1e-9, abs=1e-12, nan_ok=True)


def test_rank_correlation_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 20, 300).astype(float), rng.normal(size=300)
    assert spearman(x, y + x) == pytest.approx(spearmanr(x, y + x).statistic)
    assert spearman(x, -x) == pytest.approx(-1)
    assert np.isnan(spearman(x, np.ones(300)))
    assert np.isnan(spearman(x[:1], y[:1]))


def test_agreement_counts_every_link_once_and_shows_the_best_supported(kept: Kept) -> None:
    one = agreement(kept, "pearson", "sufficiency", cells=8)
    defined = ~np.isnan(kept.values["pearson"]) & ~np.isnan(kept.values["sufficiency"])
    assert one.counts.sum() == one.links == defined.sum()
    assert len(set(zip(one.x.tolist(), one.y.tolist(), strict=True))) == len(one.x)
    for x, y, place in zip(one.x, one.y, one.example, strict=True):
        assert abs(kept.values["pearson"][place] - x) <= one.size[0] / 2 + 1e-9
        assert abs(kept.values["sufficiency"][place] - y) <= one.size[1] / 2 + 1e-9
    same = agreement(kept, "jaccard", "jaccard")
    assert same.rank_correlation == pytest.approx(1)
    with pytest.raises(BadArgument, match="nonsense"):
        agreement(kept, "pearson", "nonsense")


def test_the_planted_disagreement_comes_first_and_none_where_measures_agree(tmp_path: Path) -> None:
    # All sources say as much of their targets as these of them, but 0_7: it is a tenth of 1_7 and always within it.
    n, rng = 6000, np.random.default_rng(1)
    target = (rng.random((n, 8)) < 0.2).astype(float)
    source = np.where(rng.random((n, 8)) < np.linspace(0.9, 0.3, 8), target, rng.random((n, 8)) < 0.2).astype(float)
    source[:, 7] = target[:, 7] * (rng.random(n) < 0.1)
    store = plant(tmp_path / "planted.h5", {"0": source, "1": target})
    kept = kept_links(store, whole_pair(store, "0", "1"))
    assert [str(f) for f in kept.link(int(disagreements(kept, "necessity", "sufficiency")[0]))] == ["0_7", "1_7"]
    table = disagreement_table(kept, "jaccard", "jaccard", Labels.beside(store))
    assert (table["jaccard_rank"] - table["jaccard_rank"]).abs().max() == 0
    assert shares(kept.values["jaccard"]).max() <= 1


def test_convergence_is_what_a_dense_part_gives(store: Store, kept: Kept) -> None:
    found = convergence(store, kept, activity=0.2, shares=(0.25, 0.5, 1.0), links=12, draws=2, seed=5)
    assert found.values["pearson"].shape == (2, 3, len(found.places))
    counted = store.tokens.counted.astype(bool)
    for draw in range(2):
        levels = level_of_positions(store, nested_documents(store, (0.25, 0.5, 1.0), 5 + draw))
        for s in range(3):
            part = counted & (levels <= s)
            assert found.tokens[draw, s] == part.sum()
            for k, place in enumerate(found.places.tolist()):
                x, y = columns(store, kept, place)
                a, b = (v > np.float64(np.float32(v.max())) * 0.2 for v in (x, y))
                assert found.n_both[draw, s, k] == (a & b & part).sum()
                exact = dense_measures(x[part], y[part])["pearson"]
                assert found.values["pearson"][draw, s, k] == pytest.approx(exact, abs=1e-9, nan_ok=True)
                given = (a & b & part).sum() / max(1, (a & part).sum())
                assert (
                    found.values["sufficiency"][draw, s, k] == pytest.approx(given, nan_ok=True) or not (a & part).any()
                )


def test_parts_are_nested_and_all_documents_give_the_full_value(store: Store, kept: Kept) -> None:
    found = convergence(store, kept, links=30, draws=2)
    assert np.all(np.diff(found.n_both, axis=1) >= 0)
    for name in MEASURES:
        assert found.values[name][:, -1] == pytest.approx(np.stack([found.full[name]] * 2), nan_ok=True, abs=1e-12)
    table = error_table(found)
    assert set(table.columns) >= {"measure", "n_both", "median_error", "median_relative", "place"}
    assert (table["ninth_decile"] >= table["median_error"]).all()
    again = error_table(convergence(store, kept, links=30, draws=2))
    assert again.equals(table)


def test_samples_come_from_every_class(kept: Kept) -> None:
    places = sample_links(kept, 20, seed=1)
    assert len(set(places.tolist())) == len(places)
    classes = [
        np.searchsorted((10, 30, 100, 300), counts, side="right") for counts in (kept.n_both, kept.n_both[places])
    ]
    assert set(classes[0]) == set(classes[1])
    empty = Kept("0", "1", *(np.empty(0, np.int64) for _ in range(3)), {name: np.empty(0) for name in MEASURES})
    assert len(sample_links(empty)) == 0


def test_what_has_been_seen_by_when(store: Store, found: PairLinks) -> None:
    seen = seen_by_then(store, "0", "1", SHARES, seed=2)
    levels = level_of_positions(store, nested_documents(store, SHARES, 2))
    a, b = dense(store, "0") > 0, dense(store, "1") > 0
    for s in range(len(SHARES)):
        part = levels <= s
        assert seen.dead["0"][s] == (~a[part].any(0)).sum()
        assert seen.dead["1"][s] == (~b[part].any(0)).sum()
        assert seen.never_co_active[s] == (a[part].T.astype(int) @ b[part].astype(int) == 0).sum()
    assert seen.never_co_active[-1] == found.never_co_active
    assert seen_table(seen)["tokens"][-1] == store.n


def test_features_behind_a_dot_are_those_that_the_part_has_not_shown(store: Store) -> None:
    labels = Labels.beside(store)
    levels = level_of_positions(store, nested_documents(store, SHARES, 0))
    seen = seen_by_then(store, "0", "1")
    x = dense(store, "0") > 0
    for part in range(len(SHARES)):
        table = late_features(store, labels, "0", part)
        assert len(table) == seen.dead["0"][part]
        for name, active, after in table.select("feature", "active", "seen_after").iter_rows():
            column = x[:, Feature.parse(name).index]
            assert active == column.sum()
            assert not column[levels <= part].any()
            assert (after is None) == (not column.any())
            assert after is None or after in seen.tokens[part + 1 :]
        assert table["active"].to_list() == sorted(table["active"], reverse=True)


@pytest.mark.parametrize("part", [1, len(SHARES) - 1])
def test_pairs_behind_a_dot_never_fire_together_and_none_is_expected_more(store: Store, part: int) -> None:
    levels = level_of_positions(store, nested_documents(store, SHARES, 0))
    inside = (levels <= part) & store.tokens.counted.astype(bool)
    a, b = dense(store, "0")[inside] > 0, dense(store, "1")[inside] > 0
    expected = np.where(a.T.astype(int) @ b.astype(int) == 0, np.outer(a.sum(0), b.sum(0)) / inside.sum(), -1.0)
    table = never_together(store, Labels.beside(store), "0", "1", part)
    assert len(table) == min(LISTED, (expected > 0).sum())
    assert table["expected"].to_list() == pytest.approx(np.sort(expected.ravel())[::-1][: len(table)].tolist())
    for source, target, value in table.select("source", "target", "expected").iter_rows():
        assert expected[Feature.parse(source).index, Feature.parse(target).index] == pytest.approx(value)


def test_features_that_avoid_each_other_are_found_and_none_among_those_that_do_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    x, y = (rng.random((2000, 6)) < 0.3).astype(float), (rng.random((2000, 6)) < 0.3).astype(float)
    y[x[:, 2] > 0, 4] = 0
    store = plant(tmp_path / "apart.h5", {"0": x, "1": y})
    table = never_together(store, Labels.beside(store), "0", "1")
    assert table.select("source", "target").rows() == [("0_2", "1_4")]
    # Labels name by tokens here, in quotes: they are hints.
    assert table["source_name"][0].startswith("“")
    free = plant(tmp_path / "free.h5", {"0": x, "1": (rng.random((2000, 6)) < 0.3).astype(float)})
    assert len(never_together(free, Labels.beside(free), "0", "1")) == 0


def test_errors_by_tokens_are_those_of_the_parts(store: Store, kept: Kept) -> None:
    found = convergence(store, kept, shares=(0.25, 0.5, 1.0), links=30, draws=3)
    table = tokens_table(found).filter(pl.col("measure") == "cosine")
    classes = np.searchsorted(BY_BOTH, found.n_both[0, -1], side="right") - 1
    for low, tokens, middle, ninth in table.select("n_both", "tokens", "median_relative", "ninth_relative").iter_rows():
        part = int(np.flatnonzero(np.median(found.tokens, axis=0).astype(int) == tokens)[0])
        of = classes == BY_BOTH.index(low)
        relative = np.abs(found.values["cosine"][:, part, of] / found.full["cosine"][of] - 1).ravel()
        assert (middle, ninth) == pytest.approx(tuple(np.quantile(relative[np.isfinite(relative)], (0.5, 0.9))))
    assert table["tokens"].max() < store.n  # all documents are left out


def test_what_was_kept_on_disk_is_what_is_computed(store: Store, found: PairLinks) -> None:
    of = kept_links(store, found)
    for _ in range(2):
        again, fresh = kept_convergence(store, of), convergence(store, of)
        assert error_table(again).equals(error_table(fresh))
        assert (again.shares, again.places.tolist()) == (fresh.shares, fresh.places.tolist())
        seen, anew = kept_seen(store, "0", "1"), seen_by_then(store, "0", "1")
        assert seen_table(seen).equals(seen_table(anew))
        assert seen.features == anew.features

    def never(done: int, of: int) -> None:
        raise AssertionError("it was computed again")

    kept_convergence(store, of, report=never)
    kept_seen(store, "0", "1", report=never)
    labels = Labels.beside(store)
    for report in (lambda done, of: None, never):
        table = apart_table(kept_apart(store, "0", "1", 3, report=report), labels, "0", "1")
        assert table.equals(never_together(store, labels, "0", "1", 3))


def test_squares_of_the_scatter_as_rows(kept: Kept) -> None:
    both = agreement(kept, "pearson", "necessity", cells=8)
    table = scatter_table(kept, both)
    assert table["links"].sum() == both.links
    assert table["source"][0] == str(kept.link(int(both.example[0]))[0])
    assert scatter_table(kept, agreement(kept, "cosine", "cosine")).columns[:2] == ["cosine", "cosine_again"]


def test_maxima(store: Store) -> None:
    table = maximum_table(store)
    x = dense(store, "0").max(0)
    assert table["features"][0] == (x > 0).sum()
    assert table["largest"][0] == pytest.approx(x.max())
    assert table["median"][0] == pytest.approx(np.median(x[x > 0]))
    assert table["largest_feature"][0] == f"0_{x.argmax()}"
    near = Feature.parse(table["median_feature"][0]).index
    assert abs(x[near] - table["median"][0]) == pytest.approx(np.abs(x[x > 0] - table["median"][0]).min())


def test_label_pairs_come_from_all_values_and_prefer_labels(store: Store, kept: Kept) -> None:
    labels = Labels.beside(store)
    table = label_pairs(kept, labels, "sufficiency", bins=5, each=2)
    assert table["sufficiency"].to_list() == sorted(table["sufficiency"], reverse=True)
    assert table["sufficiency"].max() - table["sufficiency"].min() > 0.3
    assert label_pairs(kept, labels, "sufficiency", bins=5, each=2).equals(table)
    narrow = label_pairs(kept, labels, "sufficiency", 0.1, 0.2)
    assert narrow["sufficiency"].is_between(0.1, 0.2).all()
    assert len(label_pairs(kept, labels, "sufficiency", 2, 3)) == 0
