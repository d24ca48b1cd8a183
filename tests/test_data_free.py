"""Measures of weights against dense float64 computations, in blocks of any size, with their refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from core import errors
from core.sources.planted import plant
from core.statistics import assignment, data_free, top
from core.statistics.assignment import assign_folded
from core.statistics.data_free import link_values, links_above, pair_values, row_values, top_links
from core.statistics.top import top_of_product
from core.store import Store
from core.values import ALL_MEASURES, DATA_FREE, MEASURES, Feature, about, likeness

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


def dense_virtual(store: Store) -> np.ndarray:
    return store.weights("0", "decoder").astype(float) @ store.weights("1", "encoder").astype(float)


def dense_folded(store: Store) -> np.ndarray:
    theta = [
        np.asarray(store.weights(k, "threshold"), float)
        if store.has(k, "threshold")
        else np.array([float(np.mean(x[x > 0])) if (x > 0).any() else np.nan for x in columns(store, k)])
        for k in "01"
    ]
    a, b = (theta[k][:, None] * np.asarray(store.weights(str(k), "decoder"), float) for k in (0, 1))
    return ((a[:, None] - b[None]) ** 2).mean(2)


def columns(store: Store, key: str) -> list[np.ndarray]:
    return [np.asarray(store.row(Feature(key, i))[1], float) for i in range(store.site(key).d_sae)]


DENSE = {"decoder_cosine": dense_cosine, "virtual_weight": dense_virtual, "folded_mse": dense_folded}


@pytest.mark.parametrize("measure", DATA_FREE)
@pytest.mark.parametrize("threshold", [True, False])
def test_values_equal_the_dense_matrix_in_both_directions(tmp_path: Path, measure: str, threshold: bool) -> None:
    store = make(tmp_path, threshold=threshold)
    dense = DENSE[measure](store)
    i, j = (each.ravel() for each in np.meshgrid(np.arange(D_A), np.arange(D_B), indexing="ij"))
    table = pair_values(store, measure, "0", "1", i, j).reshape(D_A, D_B)
    np.testing.assert_allclose(table, dense, rtol=1e-12, atol=1e-12)
    assert np.isnan(table).any() == (measure == "decoder_cosine" or (measure == "folded_mse" and not threshold))
    for feature, to, row in ((Feature("0", 3), "1", table[3]), (Feature("1", 9), "0", table[:, 9])):
        assert row_values(store, measure, feature, to).tobytes() == np.ascontiguousarray(row).tobytes()
    assert link_values(store, Feature("0", 3), Feature("1", 9))[measure] == table[3, 9]


def test_within_a_site_the_smaller_index_is_the_source(store: Store) -> None:
    row = row_values(store, "virtual_weight", Feature("1", 9), "1")
    decoder, encoder = store.weights("1", "decoder").astype(float), store.weights("1", "encoder").astype(float)
    np.testing.assert_allclose(row[:9], decoder[:9] @ encoder[:, 9], atol=1e-12)
    np.testing.assert_allclose(row[10:], decoder[9] @ encoder[:, 10:], atol=1e-12)


@pytest.mark.parametrize("cells", [1, 70, 1 << 24])
def test_the_best_of_rows_and_columns_do_not_depend_on_blocks(
    store: Store, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top, "BLOCK_CELLS", cells)
    for measure in ("decoder_cosine", "virtual_weight"):
        matrix = DENSE[measure](store)
        both = top_links(store, measure, "0", "1", 5)
        for found, dense in zip(both, (matrix, matrix.T), strict=True):
            want = np.sort(np.where(np.isnan(dense), -np.inf, dense), axis=1)[:, ::-1][:, :5]
            want = np.where(np.isinf(want), np.nan, want)
            np.testing.assert_allclose(found.value, want, rtol=1e-5, atol=1e-6)
            held = found.index >= 0
            r, _ = np.nonzero(held)
            np.testing.assert_allclose(dense[r, found.index[held]], found.value[held], rtol=1e-5, atol=1e-6)
            assert np.array_equal(held, ~np.isnan(found.value))


def test_a_site_with_itself_matches_no_feature_with_itself(store: Store) -> None:
    rows, _ = top_links(store, "decoder_cosine", "0", "0", 3)
    assert not (rows.index == np.arange(D_A)[:, None]).any()


def test_ties_go_to_the_smaller_index_and_few_candidates_are_no_error() -> None:
    block = np.array([[1, 2, 2, 2, 0], [np.nan] * 5, [5, 5, 5, 5, 5]], np.float32)
    rows, columns = top_of_product(3, 5, 2, lambda part: block[part])
    assert rows.index.tolist() == [[1, 2], [-1, -1], [0, 1]]
    assert columns.index.tolist() == [[2, 0]] * 5
    assert top_of_product(3, 5, 7, lambda part: block[part])[0].index.tolist()[0] == [1, 2, 3, 0, 4, -1, -1]


@pytest.mark.parametrize("cells", [1, 100, 1 << 24])
@pytest.mark.parametrize("measure", ["decoder_cosine", "virtual_weight"])
def test_links_above_a_floor_are_all_of_them(
    store: Store, measure: str, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(top, "BLOCK_CELLS", cells)
    dense = DENSE[measure](store)
    dense[4] = np.nan  # it is dead
    exact = pair_values(store, measure, "0", "1", np.array([3]), np.array([9]))[0]
    for floor in (-np.inf, -0.2, 0.0, 0.31, float(exact), float(np.nextafter(exact, np.inf)), 1e9):
        i, j, values = links_above(store, measure, "0", "1", floor)
        at_edge = np.isclose(dense, floor, rtol=1e-12)
        want = np.argwhere((dense >= floor) & ~at_edge)
        assert {(a, b) for a, b in zip(i, j, strict=True)} >= {(a, b) for a, b in want}
        assert (values >= floor).all()
        assert len(i) == len(want) + (floor == exact)
        assert np.array_equal(np.lexsort((j, i)), np.arange(len(i)))
        np.testing.assert_allclose(values, dense[i, j], rtol=1e-12)


def test_a_floor_that_keeps_too_much_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_free, "MOST_LINKS", 100)
    assert len(links_above(store, "decoder_cosine", "0", "1", 0.5)[0]) <= 100
    with pytest.raises(errors.BadArgument, match="more than 100 links"):
        links_above(store, "decoder_cosine", "0", "1", -1.0)


def test_what_is_known_of_each_measure() -> None:
    assert (*MEASURES, *DATA_FREE) == ALL_MEASURES
    assert [name for name in ALL_MEASURES if about(name).lower_is_better] == ["folded_mse"]
    assert [name for name in ALL_MEASURES if about(name).by_rule] == [
        "jaccard", "sufficiency", "necessity", "mutual_information",
    ]  # fmt: skip
    assert all(about(name).meaning and about(name).words for name in ALL_MEASURES)
    assert likeness("folded_mse", np.array([1.0])).tolist() == [-1.0]


def dense_assignment(store: Store) -> tuple[np.ndarray, np.ndarray, float]:
    """Over the features that are ever active: number 4 of site 0 is not."""
    ever = np.delete(np.arange(D_A), 4)
    cost = dense_folded(store)[ever]
    rows, columns = linear_sum_assignment(cost)
    return ever[rows], columns, float(cost[rows, columns].sum())


@pytest.mark.parametrize("dense_features", [2048, 8])
def test_folded_assignment_equals_scipys_dense_solver(
    store: Store, dense_features: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "DENSE_FEATURES", dense_features)
    rows, columns, total = dense_assignment(store)
    found = assign_folded(store, "0", "1", candidates=31)
    assert np.array_equal(np.flatnonzero(found.partner >= 0), rows)
    assert np.array_equal(found.partner[rows], columns)
    assert np.nansum(found.folded_mse) == pytest.approx(total, rel=1e-5)
    assert found.folded_with == "threshold"
    assert found.exact == (dense_features == 2048)


@pytest.mark.parametrize("dense_features", [2048, 8])
@pytest.mark.parametrize("scale", [1e-12, 1e9])
def test_the_assignment_does_not_depend_on_the_scale(
    tmp_path: Path, dense_features: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "DENSE_FEATURES", dense_features)
    rng = np.random.default_rng(1)
    parts = [{"decoder": rng.normal(size=(25, D_IN)).astype(np.float32)} for _ in "01"]
    found = []
    for k, times in enumerate((1.0, scale)):
        scaled = {str(key): {"decoder": part["decoder"] * np.float32(times)} for key, part in enumerate(parts)}
        store = plant(tmp_path / f"{k}.h5", {"0": np.ones((4, 25)), "1": np.ones((4, 25))}, weights=scaled)
        found.append(assign_folded(store, "0", "1", candidates=24))
    assert found[0].partner.tolist() == found[1].partner.tolist()
    np.testing.assert_allclose(found[1].folded_mse, found[0].folded_mse * scale**2, rtol=1e-4)


@pytest.mark.parametrize("dense_features", [2048, 2])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_no_numbers_have_no_partner(
    tmp_path: Path, dense_features: int, wrong: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "DENSE_FEATURES", dense_features)
    rows = np.eye(4, dtype=np.float32)
    spoilt = rows.copy()
    spoilt[2, 1] = wrong
    parts = {"0": {"decoder": spoilt}, "1": {"decoder": rows[::-1].copy()}}
    store = plant(tmp_path / "s.h5", {"0": np.ones((4, 4)), "1": np.ones((4, 4))}, weights=parts)
    found = assign_folded(store, "0", "1", candidates=3)
    assert found.partner.tolist() == [3, 2, -1, 0]
    assert np.isnan(found.folded_mse).tolist() == [False, False, True, False]
    assert not np.isfinite(row_values(store, "decoder_cosine", Feature("0", 2), "1")).any()


def test_sites_where_nothing_is_ever_active(tmp_path: Path) -> None:
    parts = {key: {"decoder": np.ones((3, 2), np.float32), "encoder": np.ones((2, 3), np.float32)} for key in "01"}
    store = plant(tmp_path / "s.h5", {"0": np.zeros((4, 3)), "1": np.ones((4, 3))}, weights=parts)
    assert assign_folded(store, "0", "1").partner.tolist() == [-1, -1, -1]
    for measure in ("decoder_cosine", "virtual_weight"):
        assert [len(part) for part in links_above(store, measure, "0", "1", -np.inf)] == [0, 0, 0]


def test_with_few_candidates_some_may_stay_unmatched_and_none_is_matched_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "DENSE_FEATURES", 8)
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
        row_values(bare, "decoder_cosine", Feature("0", 0), "1")
    one = {"0": {"decoder": rng.normal(size=(3, 4)), "encoder": rng.normal(size=(4, 3))}}
    half = plant(tmp_path / "half.h5", {"0": np.ones((4, 3)), "1": np.ones((4, 3))}, weights=one)
    for feature, to in ((Feature("0", 0), "1"), (Feature("1", 0), "0")):
        for measure in DATA_FREE:
            with pytest.raises((errors.NothingRecorded, errors.SpacesDiffer)):  # its encoder is not known to read it
                row_values(half, measure, feature, to)
    assert np.isnan(list(link_values(half, Feature("0", 0), Feature("1", 1)).values())).all()
    parts = {
        "0": {"decoder": rng.normal(size=(3, 4)), "encoder": rng.normal(size=(4, 3))},
        "1": {"decoder": rng.normal(size=(3, 5)), "encoder": rng.normal(size=(5, 3))},
    }
    narrow = plant(tmp_path / "narrow.h5", {"0": np.ones((4, 3)), "1": np.ones((4, 3))}, weights=parts)
    for measure in DATA_FREE:
        with pytest.raises(errors.SpacesDiffer):
            row_values(narrow, measure, Feature("0", 0), "1")
    assert np.isnan(list(link_values(narrow, Feature("0", 0), Feature("1", 1)).values())).all()
    with pytest.raises(errors.BadArgument, match="no measure of weights"):
        row_values(narrow, "pearson", Feature("0", 0), "1")
