"""`neighbours`, `link` and `edges` by the measures of weights, against dense float64 matrices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linear_sum_assignment

from core.__main__ import main
from core.analyses.link import link_report
from core.analyses.neighbours import StoreLinks
from core.errors import Cancelled
from core.sources.planted import plant
from core.statistics import assignment
from core.statistics.link_counts import counts_of_links
from core.statistics.rows import two_feature_counts
from core.store import Store
from core.values import DATA_FREE, MEASURES, Feature
from tests.oracle import dense_measures, random_dense
from tests.test_data_free import D_A, D_B, DENSE, make, weights

BEST_FIRST = {"decoder_cosine": -1, "virtual_weight": -1, "folded_mse": 1}
Run = Any


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two sites with weights, in which feature 0 is dead and the direction of 1_7 is none."""
    rng = np.random.default_rng(3)
    sites = {"0": random_dense(400, D_A, 0), "1": random_dense(400, D_B, 1)}
    parts = {key: weights(rng, sites[key].shape[1], threshold=True) for key in sites}
    parts["1"]["decoder"][7] = 0
    return plant(tmp_path_factory.mktemp("commands") / "s.h5", sites, weights=parts)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: object) -> Any:
        assert main([str(word) for word in words]) == 0
        return json.loads(capsys.readouterr().out)

    return command


def ranked(values: np.ndarray, measure: str, key: str) -> list[str]:
    """All candidates, best first: those that are not dead and whose value is one."""
    values = values.copy()
    values[0] = np.nan
    order = np.argsort(BEST_FIRST[measure] * values, kind="stable")
    return [f"{key}_{i}" for i in order if not np.isnan(values[i])]


@pytest.mark.parametrize("measure", DATA_FREE)
def test_neighbours_are_ranked_as_the_dense_matrix_says(store: Store, run: Run, measure: str) -> None:
    dense = DENSE[measure](store)
    for feature, to, values in (("0_6", "1", dense[6]), ("1_9", "0", dense[:, 9])):
        found = run("neighbours", store.path, feature, "--to", to, "--measure", measure, "--top", 99, "--json")
        assert [row["feature"] for row in found] == ranked(values, measure, to)
        assert set(found[0]) == {"feature", "n", "n_source", "n_target", "n_both", *MEASURES, measure, "lift", "label"}
        for row in found:
            assert row[measure] == pytest.approx(values[int(row["feature"][2:])], rel=1e-12)
            link = StoreLinks(store).link(Feature.parse(feature), Feature.parse(row["feature"]))
            assert {name: row[name] for name in ("n_source", "n_target", "n_both")} == {
                "n_source": link.n_source, "n_target": link.n_target, "n_both": link.n_both,
            }  # fmt: skip
            assert row["jaccard"] == link.measures["jaccard"]


@pytest.mark.parametrize("measure", DATA_FREE)
def test_dead_sources_have_no_neighbours_and_a_feature_is_not_its_own(store: Store, run: Run, measure: str) -> None:
    options = ("--measure", measure, "--top", 99, "--json")
    assert run("neighbours", store.path, "0_0", "--to", "1", *options) == []
    found = run("neighbours", store.path, "0_6", "--to", "0", *options)
    assert len(found) == D_A - 2
    assert "0_6" not in {row["feature"] for row in found}
    assert "0_0" not in {row["feature"] for row in found}


def test_fewest_common_tokens_are_asked_for_by_weights_too(store: Store) -> None:
    links = StoreLinks(store).neighbours(Feature("0", 4), "1", "decoder_cosine", 99, min_both=15)
    every = StoreLinks(store).neighbours(Feature("0", 4), "1", "decoder_cosine", 99)
    assert repr([link for link in every if link.n_both >= 15]) == repr(links)
    assert 0 < len(links) < len(every)


def test_link_tells_all_three_and_what_theta_was(store: Store, run: Run, tmp_path: Path) -> None:
    found = run("link", store.path, "1_9", "0_6", "--json")
    for measure in DATA_FREE:
        assert found[measure] == pytest.approx(DENSE[measure](store)[6, 9], rel=1e-12)
        near = run("neighbours", store.path, "0_6", "--to", "1", "--measure", measure, "--top", 99, "--json")
        assert {row["feature"]: row[measure] for row in near}["1_9"] == found[measure]
    assert found["folded_with"] == "threshold"
    assert link_report(store, Feature("0", 6), Feature("1", 9)) == link_report(store, Feature("1", 9), Feature("0", 6))
    assert run("link", store.path, "0_6", "1_7", "--json")["decoder_cosine"] is None
    other = make(tmp_path, threshold=False)
    assert run("link", other.path, "0_6", "1_9", "--json")["folded_with"] == "mean active value"
    dead = run("link", other.path, "0_4", "1_9", "--json")
    assert dead["folded_mse"] is dead["folded_with"] is None


# ---- edges


def edges(store: Store, folder: Path, *options: object) -> pl.DataFrame:
    out = folder / "edges.parquet"
    assert main(["edges", str(store.path), "--out", str(out), *map(str, options)]) == 0
    return pl.read_parquet(out)


@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize("measure", ["decoder_cosine", "virtual_weight"])
def test_edges_are_all_links_at_or_above_the_floor_with_their_counts(
    store: Store, tmp_path: Path, measure: str, activity: float
) -> None:
    table = edges(store, tmp_path, "--measure", measure, "--floor", 0.25, "--activity", activity)
    dense = DENSE[measure](store)
    dense[0], dense[:, 0] = np.nan, np.nan
    i, j = np.nonzero(dense >= 0.25)
    assert table.columns == ["source", "target", "n", "n_source", "n_target", "n_both", *MEASURES, measure]
    assert table.select("source", "target").rows() == [(f"0_{a}", f"1_{b}") for a, b in zip(i, j, strict=True)]
    np.testing.assert_allclose(table[measure], dense[i, j], rtol=1e-12)
    x, y = random_dense(400, D_A, 0), random_dense(400, D_B, 1)
    for row, a, b in zip(table.iter_rows(named=True), i, j, strict=True):
        want = dense_measures(x[:, a], y[:, b], activity)
        assert (row["n"], row["n_source"], row["n_target"], row["n_both"]) == (
            400, want["n_source"], want["n_target"], want["n_both"],
        )  # fmt: skip
        for name in MEASURES:
            assert row[name] == (None if np.isnan(want[name]) else pytest.approx(want[name], abs=1e-9))


@pytest.mark.parametrize("dense_features", [2048, 8])
def test_edges_of_the_assignment_are_one_to_one_and_the_cheapest(
    store: Store,
    tmp_path: Path,
    dense_features: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(assignment, "DENSE_FEATURES", dense_features)
    table = edges(store, tmp_path, "--measure", "folded_mse")
    assert "θ is the JumpReLU threshold" in capsys.readouterr().err
    cost = DENSE["folded_mse"](store)[1:, 1:]
    i, j = linear_sum_assignment(cost)
    assert table.select("source", "target").rows() == [(f"0_{a + 1}", f"1_{b + 1}") for a, b in zip(i, j, strict=True)]
    np.testing.assert_allclose(table["folded_mse"], cost[i, j], rtol=1e-5)
    most = float(np.median(cost[i, j]))
    below = edges(store, tmp_path, "--measure", "folded_mse", "--floor", most)
    assert below.equals(table.filter(pl.col("folded_mse") <= most))
    assert 0 < len(below) < len(table)


def test_nothing_above_the_floor_is_an_empty_table(store: Store, tmp_path: Path) -> None:
    assert edges(store, tmp_path, "--measure", "decoder_cosine", "--floor", 1).shape == (0, 13)
    assert edges(store, tmp_path, "--measure", "folded_mse", "--floor", 0).shape == (0, 13)


def test_counts_of_links_in_any_order_and_stopped(store: Store) -> None:
    rng = np.random.default_rng(0)
    i, j = rng.integers(0, D_A, 200), rng.integers(0, D_B, 200)
    found = counts_of_links(store, "0", "1", i, j, 0.2)
    for p in range(200):
        want = two_feature_counts(store, Feature("0", int(i[p])), Feature("1", int(j[p])), 0.2)
        assert [getattr(found, f)[p] for f in ("n_source", "n_target", "n_both")] == [
            want.n_source, want.n_target, want.n_both,
        ]  # fmt: skip
        assert (found.sum_x[p], found.sum_yy[p], found.sum_xy[p]) == (want.sum_x, want.sum_yy, want.sum_xy)
    with pytest.raises(Cancelled):
        counts_of_links(store, "0", "1", i, j, cancelled=lambda: True)


def test_spaces_that_differ_and_stores_without_weights_are_named(
    random_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    parts = {
        key: {"decoder": rng.normal(size=(3, d)), "encoder": rng.normal(size=(d, 3))}
        for key, d in zip("01", (4, 5), strict=True)
    }
    narrow = plant(tmp_path / "narrow.h5", {"0": np.ones((4, 3)), "1": np.ones((4, 3))}, weights=parts)
    for path, told in ((random_store.path, "no decoder"), (narrow.path, "")):
        for measure in DATA_FREE:
            for command in (
                ["neighbours", str(path), "0_1", "--to", "1", "--measure", measure],
                [
                    "edges",
                    str(path),
                    "--from",
                    "0",
                    "--to",
                    "1",
                    "--measure",
                    measure,
                    "--out",
                    str(tmp_path / "e.csv"),
                ],
            ):
                assert main(command) == 1
                captured = capsys.readouterr()
                assert captured.out == ""
                assert captured.err.startswith("error: ")
                assert told in captured.err
                assert "a measure of activations" in captured.err or told
    assert not (tmp_path / "e.csv").exists()
