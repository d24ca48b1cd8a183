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
    disagreement_table,
    disagreements,
    distribution_table,
    kept_links,
    label_pairs,
    shares,
    spearman,
)
from core.analyses.convergence import (
    SHARES,
    convergence,
    error_table,
    maximum_table,
    sample_links,
    seen_by_then,
    seen_table,
)
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


def test_maxima(store: Store) -> None:
    table = maximum_table(store)
    x = dense(store, "0").max(0)
    assert table["features"][0] == (x > 0).sum()
    assert table["largest"][0] == pytest.approx(x.max())
    assert table["median"][0] == pytest.approx(np.median(x[x > 0]))
    assert table["feature"][0] == f"0_{x.argmax()}"


def test_label_pairs_come_from_all_values_and_prefer_labels(store: Store, kept: Kept) -> None:
    labels = Labels.beside(store)
    table = label_pairs(kept, labels, "sufficiency", bins=5, each=2)
    assert table["sufficiency"].to_list() == sorted(table["sufficiency"], reverse=True)
    assert table["sufficiency"].max() - table["sufficiency"].min() > 0.3
    assert label_pairs(kept, labels, "sufficiency", bins=5, each=2).equals(table)
    narrow = label_pairs(kept, labels, "sufficiency", 0.1, 0.2)
    assert narrow["sufficiency"].is_between(0.1, 0.2).all()
    assert len(label_pairs(kept, labels, "sufficiency", 2, 3)) == 0
