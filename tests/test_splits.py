"""Splits and merges: planted ones are found and nothing else; every number against dense Boolean arithmetic."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.analyses.splits import Divided, merges, splits
from core.errors import BadArgument, Cancelled, UnknownSite
from core.sources.planted import plant
from core.sources.structures import Planting, one_of_each
from core.statistics.active import active_site
from core.statistics.division import blocks_of
from core.store import Store
from core.values import Feature
from tests.test_gates import PAIRS, dense, with_weak_firing


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_splits_and_merges_are_found_and_nothing_else(tmp_path: Path, seed: int) -> None:
    store, truth = one_of_each(tmp_path / "a.h5", seed=seed)
    found = {(s.whole, frozenset(s.parts)) for a, b in PAIRS for s in splits(store, a, b)}
    wanted = {(s.parent, frozenset(s.children)) for s in truth.splits}
    assert len(found & wanted) >= 0.95 * len(wanted)  # recall
    assert len(found & wanted) >= 0.95 * len(found)  # precision
    found_merges = {(m.whole, frozenset(m.parts)) for a, b in PAIRS for m in merges(store, a, b)}
    wanted_merges = {(m.child, frozenset(m.parents)) for m in truth.merges}
    # An OR gate of two or three inputs, each with hardly a token of its own, is a merge by definition.
    wanted_merges |= {(g.feature, frozenset(g.inputs)) for g in truth.gates if g.kind == "or"}
    assert len(found_merges & wanted_merges) >= 0.95 * len(wanted_merges)
    assert len(found_merges & wanted_merges) >= 0.95 * len(found_merges)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_store_without_structure_yields_none(tmp_path: Path, seed: int) -> None:
    store, _ = one_of_each(tmp_path / "twin.h5", seed=seed, twin=True)
    assert [s for a, b in PAIRS for s in splits(store, a, b)] == []
    assert [m for a, b in PAIRS for m in merges(store, a, b)] == []


@pytest.mark.parametrize("density", [0.5, 0.9, 0.97, 1.0])
def test_a_feature_that_is_nearly_always_active_is_no_parent(tmp_path: Path, density: float) -> None:
    rng = np.random.default_rng(0)
    n, part = 20_000, 0.06 if density == 1 else 0.3
    parents = (rng.random((n, 3)) < density) * 1.0
    children = (rng.random((n, 20)) < part) * 1.0
    store = plant(tmp_path / "dense.h5", {"0": parents, "1": children})
    assert splits(store, "0", "1") == []
    turned = plant(tmp_path / "turned.h5", {"0": children, "1": parents})
    assert merges(turned, "0", "1") == []


def test_few_bursts_within_a_parents_documents_are_chance(tmp_path: Path) -> None:
    """Features of one or two documents lie within some parent of bursts by luck; tokens alone would call it sure."""
    planting = Planting(sites=2, width=300, tokens=40_000, document=100)
    for _ in range(250):
        planting.bursty(0, density=0.2, documents=0.22)
        planting.bursty(1, density=0.004, documents=0.005)
    store, _ = planting.build(tmp_path / "bursts.h5")
    assert splits(store, "0", "1") == []


@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize("kind", ["split", "merge"])
def test_every_number_against_dense_arithmetic(tmp_path: Path, activity: float, kind: str) -> None:
    planting = Planting(sites=2, width=32, tokens=20_000, spread=0.1)
    for overlap in (0.0, 0.3):
        planting.split(0, children=4, overlap=overlap)
        planting.merge(1, parents=3, coverage=0.6, overlap=overlap)
    store, _ = planting.build(tmp_path / "strong.h5")
    if activity:
        store = with_weak_firing(store, tmp_path / "weak.h5")
        assert not splits(store, "0", "1", 0.0)
    wholes, parts = ("0", "1") if kind == "split" else ("1", "0")
    w, p = dense(store, wholes, activity), dense(store, parts, activity)
    found: list[Divided] = (splits if kind == "split" else merges)(store, "0", "1", activity)
    assert len(found) == 2
    for one in found:
        whole = w[:, one.whole.index]
        inside = p[whole][:, [f.index for f in one.parts]]
        count = inside.sum(1)
        assert one.coverage == pytest.approx((count > 0).mean())
        assert one.overlap == pytest.approx((count > 1).sum() / (count > 0).sum())
        assert one.division.shares == pytest.approx(
            [*(inside & (count == 1)[:, None]).mean(0), (count > 1).mean(), (count == 0).mean()]
        )
        assert sum(one.division.shares) == pytest.approx(1)
        for part, n_part, n_both in zip(one.parts, one.division.n_parts, one.division.n_both, strict=True):
            column = p[:, part.index]
            assert (n_part, n_both) == (column.sum(), (column & whole).sum())
            assert n_both / n_part >= 0.9
            assert 0.05 <= n_both / whole.sum() <= 0.9
        left_out = set(range(32)) - {f.index for f in one.parts}
        for index in left_out:  # nothing that fits the definition was left out, but for chance
            both, n = (p[:, index] & whole).sum(), p[:, index].sum()
            assert n < 10 or both / n < 0.9 or not 0.05 <= both / whole.sum() <= 0.9


def test_copies_of_a_part_count_once(tmp_path: Path) -> None:
    """Nothing is divided between a child and its copies; its twin, two children, goes on as a split of two."""
    rng = np.random.default_rng(0)
    parent = rng.random(20_000) < 0.05
    first, second = parent & (rng.random(20_000) < 0.4), parent & (rng.random(20_000) < 0.4)
    second &= ~first
    almost = first & (rng.random(20_000) < 0.96)
    only_copies = np.stack([almost, first, first], 1) * 1.0
    store = plant(tmp_path / "copies.h5", {"0": parent[:, None] * 1.0, "1": only_copies})
    assert splits(store, "0", "1") == []
    two = plant(tmp_path / "two.h5", {"0": parent[:, None] * 1.0, "1": np.c_[only_copies, second, second]})
    (one,) = splits(two, "0", "1")
    assert [str(child) for child in one.parts] == ["1_1", "1_3"]
    assert one.overlap == 0
    assert one.coverage == pytest.approx((first | second).sum() / parent.sum())
    turned = plant(tmp_path / "turned.h5", {"0": np.c_[only_copies, second], "1": parent[:, None] * 1.0})
    assert [str(part) for part in merges(turned, "0", "1")[0].parts] == ["0_1", "0_3"]


def test_merges_are_the_exact_converse(tmp_path: Path) -> None:
    """Turned round, with the later site first, every merge is a split."""
    store, _ = one_of_each(tmp_path / "a.h5")
    sites = {}
    for key in ("1", "0"):
        values = np.zeros((store.n_positions, 160))
        for index in range(160):
            positions, x = store.row(Feature(key, index))
            values[positions, index] = x
        sites[key] = values
    turned = plant(tmp_path / "turned.h5", sites, tokens=store.tokens)
    assert [s.division for s in splits(turned, "0", "1")] == [m.division for m in merges(store, "0", "1")]


def test_dead_and_rare_features_take_no_part(tmp_path: Path) -> None:
    n = 20_000
    parent, children = np.zeros((n, 1)), np.zeros((n, 4))
    parent[:: n // 100] = 1
    for k in range(3):  # 9 tokens each: 9% of the parent's, but too few to say anything
        children[(n // 100) * np.arange(9 * k, 9 * k + 9), k] = 1
    store = plant(tmp_path / "rare.h5", {"0": parent, "1": children})
    assert splits(store, "0", "1") == []


def test_blocks_are_sequences_or_a_hundred_tokens(random_store: Store) -> None:
    site, active = active_site(random_store, "1"), dense(random_store, "1")
    np.testing.assert_array_equal(blocks_of(random_store, site), active.reshape(7, 100, -1).any(1).sum(0))


def test_sites_in_either_order_and_what_cannot_be_asked(tmp_path: Path, random_store: Store) -> None:
    store, _ = one_of_each(tmp_path / "a.h5", tokens=10_000)
    assert splits(store, "1", "0") == splits(store, "0", "1")
    with pytest.raises(BadArgument):
        splits(random_store, "1", "1")
    with pytest.raises(UnknownSite):
        merges(random_store, "0", "7")

    def stop(done: int, of: int) -> None:
        raise Cancelled("stopped", "ask again")

    with pytest.raises(Cancelled):
        splits(random_store, "0", "1", report=stop)


def test_the_commands_print_the_designs_keys(tmp_path: Path) -> None:
    planting = Planting(sites=3, width=16, tokens=10_000)
    split, merge = planting.split(0), planting.merge(2)
    store, _ = planting.build(tmp_path / "a.h5")

    def ask(*words: str) -> list[dict]:
        run = subprocess.run(
            [sys.executable, "-m", "core", *words, "--json"], capture_output=True, text=True, check=True
        )
        return json.loads(run.stdout)

    (found,) = ask("splits", str(store.path))  # of all adjacent pairs
    assert list(found) == ["parent", "children", "coverage", "overlap"]
    assert found["parent"] == str(split.parent)
    assert set(found["children"]) == set(map(str, split.children))
    (merged,) = ask("merges", str(store.path), "--from", "1", "--to", "2")
    assert list(merged) == ["child", "parents", "coverage", "overlap"]
    assert merged["child"] == str(merge.child)
    assert ask("merges", str(store.path), "--from", "0") == []
