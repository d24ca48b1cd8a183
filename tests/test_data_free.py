"""Measures of weights against dense float64 computations, in blocks of any size, with their refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from core import errors
from core.sources.planted import plant
from core.statistics import data_free
from core.statistics.data_free import (
    assign_folded,
    decoder_cosine,
    top_decoder_cosine,
    top_virtual_weight,
    virtual_weight,
)
from core.statistics.top import best_of_rows
from core.store import Store
from core.values import Feature

D_IN, D_A, D_B = 6, 23, 31


def weights(rng: np.random.Generator, d_sae: int, *, threshold: bool) -> dict[str, np.ndarray]:
    parts = {"decoder": rng.normal(size=(d_sae, D_IN)), "encoder": rng.normal(size=(D_IN, d_sae))}
    if threshold:
        parts["threshold"] = rng.random(d_sae) + 0.1
    return {name: part.astype(np.float32) for name, part in parts.items()}


def make(folder: Path, *, threshold: bool = True) -> Store:
    rng = np.random.default_rng(5)
    activations = {"0": rng.random((40, D_A)), "1": rng.random((40, D_B))}
    activations["0"][:, 4] = 0  # a dead feature
    parts = {"0": weights(rng, D_A, threshold=threshold), "1": weights(rng, D_B, threshold=threshold)}
    parts["1"]["decoder"][7] = 0  # a direction that is none
    return plant(folder / "s.h5", activations, weights=parts)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make(tmp_path_factory.mktemp("weights"))


def dense_cosine(store: Store) -> np.ndarray:
    a, b = (np.asarray(store.weights(k, "decoder"), np.float64) for k in "01")
    with np.errstate(invalid="ignore"):
        return (a / np.linalg.norm(a, axis=1)[:, None]) @ (b / np.linalg.norm(b, axis=1)[:, None]).T


def test_one_feature_equals_the_dense_matrix_in_both_directions(store: Store) -> None:
    cosine = dense_cosine(store)
    np.testing.assert_allclose(decoder_cosine(store, Feature("0", 3), "1"), cosine[3], atol=1e-6)
    np.testing.assert_allclose(decoder_cosine(store, Feature("1", 9), "0"), cosine[:, 9], atol=1e-6)
    assert np.isnan(decoder_cosine(store, Feature("1", 7), "0")).all()
    virtual = store.weights("0", "decoder").astype(float) @ store.weights("1", "encoder").astype(float)
    np.testing.assert_allclose(virtual_weight(store, Feature("0", 3), "1"), virtual[3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(virtual_weight(store, Feature("1", 9), "0"), virtual[:, 9], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cells", [1, 70, 1 << 24])
def test_the_best_of_rows_and_columns_do_not_depend_on_blocks(
    store: Store, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_free, "BLOCK_CELLS", cells)
    cosine = dense_cosine(store)
    virtual = store.weights("0", "decoder").astype(float) @ store.weights("1", "encoder").astype(float)
    for matrix, (rows, columns) in (
        (cosine, top_decoder_cosine(store, "0", "1", 5)),
        (virtual, top_virtual_weight(store, "0", "1", 5)),
    ):
        for top, dense in ((rows, matrix), (columns, matrix.T)):
            want = np.sort(np.where(np.isnan(dense), -np.inf, dense), axis=1)[:, ::-1][:, :5]
            want = np.where(np.isinf(want), np.nan, want)
            np.testing.assert_allclose(top.value, want, rtol=1e-5, atol=1e-6)
            held = top.index >= 0
            r, _ = np.nonzero(held)
            np.testing.assert_allclose(dense[r, top.index[held]], top.value[held], rtol=1e-5, atol=1e-6)
            assert np.array_equal(held, ~np.isnan(top.value))


def test_a_site_with_itself_matches_no_feature_with_itself(store: Store) -> None:
    rows, _ = top_decoder_cosine(store, "0", "0", 3)
    assert not (rows.index == np.arange(D_A)[:, None]).any()


def test_ties_go_to_the_smaller_index_and_few_candidates_are_no_error() -> None:
    block = np.array([[1, 2, 2, 2, 0], [np.nan] * 5, [5, 5, 5, 5, 5]], float)
    assert best_of_rows(block, 2).index.tolist() == [[1, 2], [-1, -1], [0, 1]]
    assert best_of_rows(block, 7).index.tolist()[0] == [1, 2, 3, 0, 4, -1, -1]


def dense_assignment(store: Store, theta_a: np.ndarray, theta_b: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    a = theta_a[:, None] * store.weights("0", "decoder").astype(float)
    b = theta_b[:, None] * store.weights("1", "decoder").astype(float)
    cost = ((a[:, None] - b[None]) ** 2).mean(2)
    rows, columns = linear_sum_assignment(cost)
    return rows, columns, float(cost[rows, columns].sum())


@pytest.mark.parametrize("dense_features", [4096, 8])
def test_folded_assignment_equals_scipys_dense_solver(
    store: Store, dense_features: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_free, "DENSE_FEATURES", dense_features)
    theta = [np.asarray(store.weights(k, "threshold"), float) for k in "01"]
    rows, columns, total = dense_assignment(store, *theta)
    found = assign_folded(store, "0", "1", candidates=31)
    assert np.array_equal(np.flatnonzero(found.partner >= 0), rows)
    assert np.array_equal(found.partner[rows], columns)
    assert found.folded_mse.sum() == pytest.approx(total, rel=1e-5)
    assert found.folded_with == "threshold"
    assert found.exact == (dense_features == 4096)


def test_with_few_candidates_some_may_stay_unmatched_and_none_is_matched_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_free, "DENSE_FEATURES", 8)
    found = assign_folded(store, "0", "1", candidates=1)
    matched = found.partner[found.partner >= 0]
    assert len(np.unique(matched)) == len(matched)
    assert np.array_equal(np.isnan(found.folded_mse), found.partner < 0)


def test_without_thresholds_the_mean_active_value_folds_and_dead_features_stay_out(tmp_path: Path) -> None:
    found = assign_folded(make(tmp_path, threshold=False), "0", "1")
    assert found.folded_with == "mean active value"
    assert found.partner[4] == -1
    assert np.isnan(found.folded_mse[4])
    assert (np.delete(found.partner, 4) >= 0).all()


def test_missing_weights_and_other_widths_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bare = plant(tmp_path / "bare.h5", {"0": np.ones((4, 3)), "1": np.ones((4, 3))})
    with pytest.raises(errors.NothingRecorded, match="no decoder"):
        decoder_cosine(bare, Feature("0", 0), "1")
    parts = {
        "0": {"decoder": rng.normal(size=(3, 4)), "encoder": rng.normal(size=(4, 3))},
        "1": {"decoder": rng.normal(size=(3, 5)), "encoder": rng.normal(size=(5, 3))},
    }
    narrow = plant(tmp_path / "narrow.h5", {"0": np.ones((4, 3)), "1": np.ones((4, 3))}, weights=parts)
    with pytest.raises(errors.SpacesDiffer):
        decoder_cosine(narrow, Feature("0", 0), "1")
    with pytest.raises(errors.SpacesDiffer):
        virtual_weight(narrow, Feature("0", 0), "1")
