"""Gates: planted ones are found and nothing else; every number against dense Boolean arithmetic; the seed's flaw."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.analyses.gate import Gate
from core.analyses.gates import gates, halves
from core.analyses.seed_gates import seed_candidates
from core.analyses.splits import splits
from core.errors import BadArgument, Cancelled, NothingRecorded, StoreDamaged
from core.sources.planted import plant, planted_tokens
from core.sources.structures import Planting, one_of_each
from core.statistics.active import active_site
from core.statistics.truth_table import chance_score, distinct_inputs, f1_score, gate_mask, truth_tables
from core.store import Store, open_store
from core.values import Feature

PAIRS = (("0", "1"), ("1", "2"), ("2", "3"))


def dense(store: Store, key: str, activity: float = 0.0) -> np.ndarray:
    """Activity of a site by definition, bool [n_positions, d_sae]."""
    out = np.zeros((store.n_positions, store.site(key).d_sae), bool)
    for index in range(out.shape[1]):
        positions, values = store.row(Feature(key, index))
        if len(values):
            out[positions[values.astype(np.float64) > activity * float(values.max())], index] = True
    return out


def said(gate: Gate, source: np.ndarray) -> np.ndarray:
    literals = [source[:, f.index] ^ (k >= len(gate.inputs) - gate.negated) for k, f in enumerate(gate.inputs)]
    return np.logical_or.reduce(literals) if gate.kind == "or" else np.logical_and.reduce(literals)


def f1(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / max(a.sum() + b.sum(), 1)


def singles(gate: Gate, source: np.ndarray) -> list[np.ndarray]:
    return [source[:, f.index] ^ (k >= len(gate.inputs) - gate.negated) for k, f in enumerate(gate.inputs)]


def with_weak_firing(store: Store, path: Path) -> Store:
    """The same store, every feature also firing at 1/100 of its maximum on half of the tokens."""
    rng, sites = np.random.default_rng(0), {}
    for site in store.sites:
        values = np.zeros((store.n_positions, site.d_sae))
        for index in range(site.d_sae):
            positions, x = store.row(Feature(site.key, index))
            values[positions, index] = x
        weak = (rng.random(values.shape) < 0.5) * 0.01 * values.max(0)
        sites[site.key] = np.maximum(values, weak)
    return plant(path, sites)


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_gates_are_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    store, truth = one_of_each(tmp_path / "a.h5", seed=seed)
    found = {
        (g.feature, g.kind, frozenset(g.written)) for source, target in PAIRS for g in gates(store, source, target)
    }
    wanted = {(g.feature, g.kind, frozenset(g.written)) for g in truth.gates}
    merged = {(m.child, "or", frozenset(map(str, m.parents))) for m in truth.merges}  # a merge is an OR gate too
    assert len(found & wanted) >= 0.95 * len(wanted)  # recall
    assert len(found - wanted - merged) <= 0.05 * len(found)  # precision


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_store_without_gates_yields_none(tmp_path: Path, seed: int) -> None:
    store, truth = one_of_each(tmp_path / "twin.h5", seed=seed, twin=True)
    assert truth.gates == ()
    assert [gate for source, target in PAIRS for gate in gates(store, source, target)] == []


def test_dense_independent_features_are_no_gates(tmp_path: Path) -> None:
    """OR of dense independent features has a higher F1 than any of them: chance, not a gate."""
    rng = np.random.default_rng(0)
    sites = {key: rng.random((20_000, 12)) * (rng.random((20_000, 12)) < 0.3) for key in "01"}
    store = plant(tmp_path / "dense.h5", sites)
    a, target = dense(store, "0"), dense(store, "1")[:, 0]
    assert f1(a[:, :4].any(1), target) > max(f1(a[:, i], target) for i in range(4)) + 0.1
    assert gates(store, "0", "1") == []


def test_features_of_one_cause_and_copies_are_no_gates(tmp_path: Path) -> None:
    planting = Planting(sites=2, width=40, tokens=30_000)
    planting.community((0, 1), size=6)
    for _ in range(8):
        planting.passed_on(0, 1, noise=0.3)
    store, _ = planting.build(tmp_path / "causes.h5")
    assert gates(store, "0", "1") == []


@pytest.mark.parametrize("activity", [0.0, 0.2])
def test_every_number_against_dense_arithmetic(tmp_path: Path, activity: float) -> None:
    planting = Planting(sites=2, width=32, tokens=20_000, spread=0.1)
    planted = [planting.gate(kind, 1, inputs) for kind in ("or", "and", "and_not") for inputs in (2, 3)]
    store, _ = planting.build(tmp_path / "strong.h5")
    if activity:
        store = with_weak_firing(store, tmp_path / "weak.h5")
        assert not gates(store, "0", "1", 0.0)
    source, target = dense(store, "0", activity), dense(store, "1", activity)
    found = gates(store, "0", "1", activity)
    assert {(g.feature, frozenset(g.written)) for g in found} == {(g.feature, frozenset(g.written)) for g in planted}
    held_out = ~halves(store).searched
    for gate in found:
        y, says = target[:, gate.feature.index], said(gate, source)
        best = max(f1(single, y) for single in singles(gate, source))
        best_held_out = max(f1(single[held_out], y[held_out]) for single in singles(gate, source))
        assert gate.precision == pytest.approx((says & y).sum() / says.sum())
        assert gate.recall == pytest.approx((says & y).sum() / y.sum())
        assert gate.f1 == pytest.approx(f1(says, y))
        assert gate.gain == pytest.approx(gate.f1 - best)
        assert gate.held_out_f1 == pytest.approx(f1(says[held_out], y[held_out]))
        assert gate.held_out_gain == pytest.approx(gate.held_out_f1 - best_held_out)
        assert gate.held_out_gain >= 0.05
        assert 0 < gate.held_out_interval[0] <= gate.held_out_gain <= gate.held_out_interval[1]
        for row in gate.rows:
            there = np.all(source[:, [f.index for f in gate.inputs]] == row.active, axis=1)
            assert (row.n, row.n_target) == (there.sum(), (there & y).sum())
            assert not there.any() or says[there].all() == row.says


def test_truth_tables_by_block_on_a_random_store(random_store: Store) -> None:
    source, target = dense(random_store, "0"), dense(random_store, "1")
    left, right = active_site(random_store, "0"), active_site(random_store, "1")
    block = (np.arange(700) // 100 % 3).astype(np.int32)
    marks = np.zeros(700, np.uint8), np.zeros(700, np.uint8)
    inputs, goal = (0, 1, 7), 2
    args = [left.row(i) for i in inputs], right.row(goal), block, np.bincount(block), marks
    tables = truth_tables(*args)
    for b, pattern in itertools.product(range(3), itertools.product((False, True), repeat=3)):
        there = (block == b) & np.all(source[:, inputs] == pattern, axis=1)
        row = int("".join(str(int(v)) for v in pattern), 2)
        assert tables[b, row].tolist() == [there.sum(), (there & target[:, goal]).sum()]
    assert not marks[0].any()
    assert not marks[1].any()


def test_scores_of_a_table_worked_out_by_hand() -> None:
    table = np.array([[80, 2], [10, 8], [6, 6], [4, 4]])  # rows 00, 01, 10, 11; the target fires 20 times
    assert f1_score(table, gate_mask("or", 2, 0)) == pytest.approx(2 * 18 / (20 + 20))
    assert f1_score(table, gate_mask("and_not", 2, 1)) == pytest.approx(2 * 6 / (6 + 20))
    # 01 and 11 are the second input: 12 of 14 right; the 6 positions added would be right at 8 of the other 86
    second = np.array([False, True, False, True])
    assert chance_score(table, second, gate_mask("or", 2, 0)) == pytest.approx(2 * (12 + 6 * 8 / 86) / (20 + 20))
    assert distinct_inputs(table, "or", 2, 0, (0, 1)) == (0, 1)
    copies = np.array([[90, 0], [1, 1], [1, 1], [8, 6]])
    assert len(distinct_inputs(copies, "or", 2, 0, (0, 1))) == 1


def test_the_same_for_any_number_of_threads(tmp_path: Path) -> None:
    store, _ = one_of_each(tmp_path / "a.h5")
    assert gates(store, "1", "2", workers=1) == gates(store, "1", "2", workers=3)


def test_progress_and_cancelling(tmp_path: Path) -> None:
    store, _ = one_of_each(tmp_path / "a.h5")
    seen: list[tuple[int, int]] = []
    gates(store, "0", "1", report=lambda done, of: seen.append((done, of)))
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)

    def stop(done: int, of: int) -> None:
        raise Cancelled("stopped", "ask again")

    with pytest.raises(Cancelled):
        gates(store, "0", "1", report=stop)


def test_what_cannot_be_asked(tmp_path: Path, random_store: Store) -> None:
    for source, target in (("1", "0"), ("1", "1")):
        with pytest.raises(BadArgument):
            gates(random_store, source, target)
    with pytest.raises(BadArgument):
        gates(random_store, "0", "1", most_inputs=9)
    one = plant(tmp_path / "one.h5", {"0": np.ones((50, 2)), "1": np.ones((50, 2))}, tokens=planted_tokens(50, [50]))
    with pytest.raises(NothingRecorded, match="single document"):
        gates(one, "0", "1")


def test_an_empty_site_has_no_gates(tmp_path: Path) -> None:
    store = plant(tmp_path / "empty.h5", {"0": np.zeros((400, 3)), "1": np.zeros((400, 3))})
    assert gates(store, "0", "1") == []
    assert seed_candidates(store, "0", "1") == []


# ---- the seed's candidates


@pytest.mark.parametrize("activity", [0.0, 0.2])
def test_the_seeds_candidates_are_those_of_its_definition(tmp_path: Path, activity: float) -> None:
    planting = Planting(sites=2, width=24, tokens=20_000, noise=0.0)
    for kind in ("or", "and", "or", "and"):
        planting.gate(kind, site=1)
    planting.rare(0)
    planting.dead(0)
    store, _ = planting.build(tmp_path / "exact.h5")
    a, b = dense(store, "0", activity), dense(store, "1", activity)
    wanted = set()
    for j in np.flatnonzero(b.sum(0) >= 10):
        alive = a.sum(0) >= 10
        both = (a & b[:, [j]]).sum(0)
        with np.errstate(invalid="ignore"):
            for kind, share in (("and", both / b[:, j].sum()), ("or", both / a.sum(0))):
                above = np.flatnonzero(alive & (share >= 0.999))
                if len(above) == 2:
                    wanted.add((Feature("1", int(j)), kind, tuple(Feature("0", int(i)) for i in above)))
    found = seed_candidates(store, "0", "1", activity)
    assert {(c.feature, c.kind, c.inputs) for c in found} == wanted
    if activity == 0:
        assert len(wanted) == 4
        assert all(c.holds and c.f1 == 1 for c in found)


def test_a_candidate_of_the_seed_that_explains_nothing(tmp_path: Path) -> None:
    """The seed's flaw: always-on features are necessary for everything, and a sliver of a feature suffices for it."""
    rng = np.random.default_rng(1)
    n = 20_000
    a, b = np.zeros((n, 4)), np.zeros((n, 2))
    b[rng.random(n) < 0.05, 0] = 1  # "and" of two features that are always on
    a[:, :2] = 1
    b[rng.random(n) < 0.2, 1] = 1  # "or" of two slivers: 1% of its firing each
    inside = rng.permutation(np.flatnonzero(b[:, 1]))
    a[inside[:40], 2] = a[inside[40:80], 3] = 1
    store = plant(tmp_path / "flaw.h5", {"0": a, "1": b})
    found = {c.kind: c for c in seed_candidates(store, "0", "1") if c.feature.index == (c.kind == "or")}
    assert {k: c.inputs for k, c in found.items()} == {
        "and": (Feature("0", 0), Feature("0", 1)),
        "or": (Feature("0", 2), Feature("0", 3)),
    }
    assert not found["and"].holds
    assert found["and"].precision == pytest.approx(0.05, abs=0.01)
    assert not found["or"].holds
    assert found["or"].recall == pytest.approx(0.02, abs=0.005)
    assert gates(store, "0", "1") == []
    assert [found[kind].fault for kind in ("and", "or")] == ["wrong", "member"]


def test_a_candidate_that_another_single_feature_outdoes_does_not_hold(tmp_path: Path) -> None:
    """Two slivers of the feature, each sufficient, gain over each other; but the site has the feature itself."""
    rng = np.random.default_rng(1)
    n = 20_000
    a, b = np.zeros((n, 3)), np.zeros((n, 1))
    b[rng.random(n) < 0.1, 0] = 1
    a[:, 2] = b[:, 0]
    a[rng.choice(np.flatnonzero(b == 0), 40), 2] = 1  # but for some tokens, so that it is no candidate
    half = rng.random(n) < 0.5
    a[:, 0], a[:, 1] = b[:, 0] * half, b[:, 0] * ~half
    (alone,) = seed_candidates(plant(tmp_path / "alone.h5", {"0": a[:, :2], "1": b}), "0", "1")
    assert (alone.kind, alone.fault, alone.f1) == ("or", "", 1)
    (beaten,) = seed_candidates(plant(tmp_path / "beaten.h5", {"0": a, "1": b}), "0", "1")
    assert (beaten.inputs, beaten.fault) == (alone.inputs, "rival")
    assert beaten.gain > 0.3  # over its own inputs, as before


def test_a_single_document_tests_no_candidate(tmp_path: Path) -> None:
    a = np.zeros((90, 2))
    a[:40, 0] = a[20:60, 1] = 1
    store = plant(tmp_path / "one.h5", {"0": a, "1": a.min(1, keepdims=True)})
    assert [c.fault for c in seed_candidates(store, "0", "1")] == ["untested"]


# ---- the command


def test_the_command_prints_the_designs_keys(tmp_path: Path) -> None:
    planting = Planting(sites=2, width=8, tokens=10_000)
    planted = planting.gate("and_not", site=1)
    store, _ = planting.build(tmp_path / "a.h5")
    run = [sys.executable, "-m", "core", "gates", str(store.path), "--to", "1", "--json"]
    (gate,) = json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    assert list(gate) == [
        *("feature", "kind", "inputs", "precision", "recall"),
        *("f1", "gain", "held_out_f1", "held_out_gain"),
        *("held_out_interval", "truth_table"),
    ]
    assert (gate["feature"], gate["kind"], gate["inputs"]) == ("1_0", "and_not", list(planted.written))
    failed = subprocess.run([*run[:5], "--to", "0"], capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")


def test_a_damaged_store_is_a_named_error(tmp_path: Path) -> None:
    store, _ = one_of_each(tmp_path / "a.h5", tokens=10_000)
    copies = {"features": store.by_token("0").indices, "sequences": store.tokens.sequence_offsets}
    path = store.path.read_bytes()
    for name, array in copies.items():
        broken = tmp_path / f"{name}.h5"
        bad = np.array(array)
        bad[len(bad) // 2] = np.iinfo(bad.dtype).max
        broken.write_bytes(path.replace(array.tobytes(), bad.tobytes()))
        opened = open_store(broken)
        for analysis in (gates, splits):
            with pytest.raises(StoreDamaged):
                analysis(opened, "0", "1")
