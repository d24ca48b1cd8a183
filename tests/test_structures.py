"""Planted stores hold what their truth says, their twins fire as often without holding it; analyses recover it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recovery import KINDS, Recovery, recoveries
from core.sources.structures import Planting, one_of_each
from core.statistics.margins import active_counts
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


def test_a_feature_that_returns_is_nowhere_in_between(tmp_path: Path) -> None:
    planting = Planting(sites=3, width=4, tokens=20_000)
    one = planting.returning(0, 2)
    store, truth = planting.build(tmp_path / "returns.h5")
    assert truth.returns == (one,)
    assert not active_counts(store, "1").any()
    before, after = fires(store, one.before), fires(store, one.after)
    assert (before & after).sum() > 0.9 * max(before.sum(), after.sum())


def test_noise_of_a_chain_is_as_large_as_the_chain(tmp_path: Path) -> None:
    """Else its few undue activations can be all that Pearson sees."""
    planting = Planting(sites=2, width=30, tokens=20_000, noise=0.2)
    chains = [planting.passed_on(0, 1) for _ in range(30)]
    store, _ = planting.build(tmp_path / "noise.h5")
    for chain in chains:
        positions, values = store.row(chain.features[1])
        due = fires(store, chain.features[0])[positions]
        assert 0.5 < np.median(values[~due]) / np.median(values[due]) < 2


# ---- what the analyses recover of all structures at once: the count that the benchmark prints


@pytest.fixture(scope="module")
def recovered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recovery]:
    return recoveries(tmp_path_factory.mktemp("recovered"), seed=0)


@pytest.mark.parametrize("name", KINDS)
def test_what_was_planted_is_recovered_and_nothing_in_the_negative_twin(
    recovered: dict[str, Recovery], name: str
) -> None:
    one = recovered[name]
    assert one.planted >= 3
    assert one.recall == one.precision == 1
    assert one.in_twin == 0


def test_recall_and_precision_by_hand() -> None:
    both = Recovery(planted=3, hits=2, found=4, right=3) + Recovery(planted=1, hits=1, found=0, in_twin=2)
    assert (both.recall, both.precision, both.in_twin) == (0.75, 0.75, 2)
    assert np.isnan(Recovery().recall)
    assert np.isnan(Recovery().precision)
