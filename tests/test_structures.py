"""Planted stores hold what their truth says, and their twins fire as often without holding it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from core.sources.structures import Planting, one_of_each
from core.statistics.rows import active_counts
from core.store import Store
from core.values import MIN_ACTIVE, Feature


def fires(store: Store, feature: Feature) -> np.ndarray:
    out = np.zeros(store.n_positions, bool)
    out[store.row(feature)[0]] = True
    return out


def test_the_same_seed_gives_the_same_store(tmp_path: Path) -> None:
    stores = [one_of_each(tmp_path / f"{k}.h5", seed=seed)[0] for k, seed in enumerate((3, 3, 4))]
    first, same, other = (store.fingerprint for store in stores)
    assert first == same != other


def test_truth_is_what_fires(tmp_path: Path) -> None:
    store, truth = one_of_each(tmp_path / "a.h5")
    active = {key: active_counts(store, key) for key in truth.sites}
    for feature in truth.dead:
        assert active[feature.key][feature.index] == 0
    for feature in truth.rare:
        assert 1 <= active[feature.key][feature.index] < MIN_ACTIVE
    for gate in truth.gates:
        inputs = [fires(store, f) for f in gate.inputs]
        literals = [~f if k >= len(inputs) - gate.negated else f for k, f in enumerate(inputs)]
        due = np.logical_or.reduce(literals) if gate.kind == "or" else np.logical_and.reduce(literals)
        target = fires(store, gate.feature)
        assert (due & target).sum() > 0.9 * max(due.sum(), target.sum())
    for split in truth.splits:
        parent, children = fires(store, split.parent), [fires(store, f) for f in split.children]
        assert (parent & np.logical_or.reduce(children)).sum() == pytest.approx(0.9 * parent.sum(), rel=0.1)
    for chain in truth.chains:
        rows = [fires(store, feature) for feature in chain.features]
        for a, b in itertools.pairwise(rows):
            assert (a & b).sum() > 0.9 * a.sum()


def test_a_twin_fires_as_often_and_as_burstily_but_elsewhere(tmp_path: Path) -> None:
    made = []
    for twin in (False, True):
        planting = Planting(sites=2, width=8, tokens=20_000, seed=5)
        gate = planting.gate("and", site=1, twin=twin)
        store, truth = planting.build(tmp_path / f"{twin}.h5")
        assert bool(truth.gates) is not twin
        made.append((fires(store, gate.feature), fires(store, gate.inputs[0])))
    (target, source), (target_twin, source_twin) = made
    np.testing.assert_array_equal(source, source_twin)
    per_document = [np.sort(f.reshape(-1, 50).sum(1)) for f in (target, target_twin)]
    np.testing.assert_array_equal(*per_document)
    assert (source & target).sum() > 0.9 * target.sum() > 10 * (source & target_twin).sum() / 2


def test_births_ends_and_passing_on_follow_from_chains(tmp_path: Path) -> None:
    planting = Planting(sites=3, width=8, tokens=5_000)
    born, ended = planting.passed_on(1, 2), planting.passed_on(0, 1)
    truth = planting.build(tmp_path / "chains.h5")[1]
    assert truth.born("1") == {born.features[0]}
    assert truth.ended("1") == {ended.features[1]}
    assert truth.born("0") == truth.ended("2") == set()
    assert truth.passed("0", "1") == {ended.features}
    assert truth.passed("1", "2") == {born.features}


def test_bursts_stay_within_few_documents(tmp_path: Path) -> None:
    planting = Planting(sites=1, width=4, tokens=20_000)
    feature = planting.bursty(0, density=0.02, documents=0.05)
    store = planting.build(tmp_path / "bursty.h5")[0]
    documents = fires(store, feature).reshape(-1, 50).any(1)
    assert 0 < documents.mean() < 0.1
    assert fires(store, feature).mean() == pytest.approx(0.02, rel=0.5)
