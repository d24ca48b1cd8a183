"""The nulls as maps of positions: what they keep, what they take apart, and the counts that follow from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadArgument, StoreDamaged
from core.sources.planted import plant, planted_tokens
from core.statistics.nulls import NULLS, Layout, Pairing, draw, layout_of, partners_of, row_map
from core.statistics.pairs import whole_pair
from core.statistics.rows import pair_counts
from core.store import Store
from core.values import Feature
from tests.oracle import dense_measures, random_dense, some_uncounted
from tests.test_damage import flip


@st.composite
def layouts(draw_from: st.DrawFn) -> Layout:
    """Any sequences, empty ones too, of any documents, any positions uncounted."""
    lengths = draw_from(st.lists(st.integers(0, 9), min_size=1, max_size=90))
    documents = draw_from(st.lists(st.integers(0, 6), min_size=len(lengths), max_size=len(lengths)))
    n = sum(lengths)
    counted = np.random.default_rng(draw_from(st.integers(0, 99))).random(n) < draw_from(st.sampled_from([0, 0.7, 1]))
    return Layout(np.concatenate([[0], np.cumsum(lengths)]), np.unique(documents, return_inverse=True)[1], counted)


def sequences_of(layout: Layout, positions: np.ndarray) -> np.ndarray:
    return np.searchsorted(layout.offsets, positions, side="right") - 1


@settings(max_examples=150, deadline=None)
@given(layouts(), st.sampled_from(NULLS), st.integers(0, 3))
def test_a_map_is_one_to_one_and_never_stays(layout: Layout, null: str, seed: int) -> None:
    p = np.arange(len(layout.counted))
    q = partners_of(layout, draw(layout, null, seed), p)
    assert np.array_equal(q, partners_of(layout, draw(layout, null, seed), p))
    p, q = p[q >= 0], q[q >= 0]
    assert len(np.unique(q)) == len(q)
    assert layout.counted[p].all()
    assert layout.counted[q].all()
    assert not np.any(p == q)
    a, b = sequences_of(layout, p), sequences_of(layout, q)
    if null == "shift":
        assert np.array_equal(a, b)
        assert len(p) == layout.lengths[layout.lengths > 1].sum()  # nothing else is left out
    else:
        assert not np.any(layout.document[a] == layout.document[b])
        assert np.array_equal(p - layout.offsets[a], q - layout.offsets[b])


def test_an_even_store_is_paired_without_a_rest() -> None:
    layout = Layout(np.arange(0, 40_001, 100), np.arange(400) // 3, np.ones(40_000, bool))
    for null in NULLS:
        assert (partners_of(layout, draw(layout, null), layout.positions) >= 0).all()


def test_partners_are_of_about_the_same_length() -> None:
    lengths = np.random.default_rng(0).lognormal(5, 0.5, 1000).astype(np.int64)
    layout = Layout(np.concatenate([[0], np.cumsum(lengths)]), np.arange(1000), np.ones(lengths.sum(), bool))
    kept = np.mean(partners_of(layout, draw(layout, "document"), layout.positions) >= 0)
    assert kept > 0.95


@pytest.mark.parametrize("null", NULLS)
def test_draws_differ_and_partners_are_drawn_evenly(null: str) -> None:
    layout = Layout(np.arange(0, 501, 10), np.arange(50), np.ones(500, bool))
    found = np.stack([partners_of(layout, draw(layout, null, seed), layout.positions) for seed in range(200)])
    distinct = [len(np.unique(column)) for column in found.T]
    assert min(distinct) >= (45 if null == "document" else 4)


def test_one_document_leaves_everything_out() -> None:
    layout = Layout(np.array([0, 5, 10]), np.array([0, 0]), np.ones(10, bool))
    assert (partners_of(layout, draw(layout, "document"), np.arange(10)) == -1).all()
    empty = Layout(np.array([0]), np.zeros(0, np.int64), np.zeros(0, bool))
    for null in NULLS:
        assert len(partners_of(empty, draw(empty, null), np.arange(0))) == 0
    with pytest.raises(BadArgument):
        draw(empty, "likeness")


def planted(path: Path, seed: int = 0) -> tuple[Store, list[np.ndarray]]:
    tokens = some_uncounted(300, seed)
    dense = [random_dense(300, d, seed + d) for d in (12, 9)]
    dense[0][:, 5] = np.where(np.arange(300) % 7 == 3, 2.5, 0)
    return plant(path, {"0": dense[0], "1": dense[1]}, tokens=tokens), [x * tokens.counted[:, None] for x in dense]


@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("activity", [0.0, 0.3])
def test_counts_of_a_row_and_of_a_pair_are_those_of_the_mapped_positions(
    tmp_path: Path, null: str, activity: float
) -> None:
    store, (x, y) = planted(tmp_path / "s.h5")
    layout = layout_of(store)
    pairing = draw(layout, null, seed=1)
    q = partners_of(layout, pairing, layout.positions)
    p, q = layout.positions[q >= 0], q[q >= 0]
    assert 0 < len(p) < store.n
    rows = row_map(store, "0", "1", pairing, activity)
    assert rows.n == len(p)
    limits = [activity * dense.max(axis=0) for dense in (x, y)]  # over the whole store
    pair = whole_pair(store, "0", "1", activity, 3, 0.0, rows=rows)
    kept = dict(zip(zip(pair.sources.tolist(), pair.targets.tolist(), strict=True), pair.n_both, strict=True))
    for i in range(12):
        found = pair_counts(store, Feature("0", i), "1", activity, rows)
        a, b = x[p, i] > limits[0][i], y[q] > limits[1]
        assert found.n == len(p)
        assert found.n_source == a.sum()
        assert np.array_equal(found.n_target, b.sum(axis=0))
        assert np.array_equal(found.n_both, (a[:, None] & b).sum(axis=0))
        for name, value in {
            "sum_x": x[p, i].sum(), "sum_xx": (x[p, i] ** 2).sum(), "sum_y": y[q].sum(0), "sum_yy": (y[q] ** 2).sum(0),
            "sum_xy": x[p, i] @ y[q],
        }.items():  # fmt: skip
            assert np.allclose(getattr(found, name), value, rtol=1e-9), name
        for j in range(9):
            assert kept.get((i, j), found.n_both[j]) == found.n_both[j]
    if activity == 0:
        from core.statistics.measures import all_measures

        found = pair_counts(store, Feature("0", 5), "1", 0.0, rows)
        for j in (4, 8):
            expected = dense_measures(x[p, 5], y[q, j])
            for name, values in all_measures(found).items():
                assert np.isclose(values[j], expected[name], equal_nan=True), name


def test_the_shift_is_a_rotation_of_the_counted_positions(tmp_path: Path) -> None:
    layout = layout_of(planted(tmp_path / "s.h5")[0])
    pairing = draw(layout, "shift", 3)
    for s in np.flatnonzero(layout.lengths > 1):
        inside = layout.positions[sequences_of(layout, layout.positions) == s]
        met = partners_of(layout, pairing, inside)
        assert np.array_equal(met, np.roll(inside, -pairing.by_sequence[s]))


def test_damaged_sequences_are_named(random_store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreDamaged):
        layout_of(flip(random_store, tmp_path / "d.h5", "tokens/sequence_offsets", 1, 2**40))


def test_a_store_of_one_document_pairs_nothing(tmp_path: Path) -> None:
    dense = np.ones((20, 2))
    store = plant(tmp_path / "one.h5", {"0": dense, "1": dense}, tokens=planted_tokens(20, [20]))
    rows = row_map(store, "0", "1", draw(layout_of(store), "document"))
    assert (rows.n, rows.source.active.tolist()) == (0, [0, 0])
    assert len(whole_pair(store, "0", "1", rows=rows).sources) == 0
    assert isinstance(draw(layout_of(store), "document"), Pairing)
