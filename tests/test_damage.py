"""Damaged stores: a named error or a number, never a crash of the process."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core.analyses.findings import variety
from core.analyses.link import link_report
from core.analyses.neighbours import StoreLinks
from core.analyses.tables import token_shares
from core.errors import StoreDamaged, StrataError
from core.statistics.margins import active_counts
from core.statistics.pairs import whole_pair
from core.statistics.rows import pair_counts, two_feature_counts
from core.store import Store, open_store
from core.values import Feature


def flip(store: Store, copy: Path, name: str, entry: int, value: float) -> Store:
    """A copy of the store with one entry of a dataset overwritten behind the store's back."""
    shutil.copy(store.path, copy)
    extent = store._extents[name]
    with copy.open("r+b") as file:
        file.seek(extent.offset + entry * extent.dtype.itemsize)
        file.write(np.array([value]).astype(extent.dtype).tobytes())
    return open_store(copy)


def busy_feature(store: Store, key: str) -> Feature:
    return Feature(key, int(np.argmax(store.summary(key).active)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sites/1/by_token/features", 65_535),
        ("sites/1/by_token/offsets", 2**40),
        ("sites/1/by_token/offsets", -5),
        ("sites/0/by_feature/positions", 2**32 - 1),
        ("sites/0/by_feature/positions", 0),
        ("sites/0/by_feature/offsets", 2**50),
        ("sites/0/by_feature/offsets", -7),
    ],
)
def test_a_flipped_entry_is_named(random_store: Store, tmp_path: Path, name: str, value: int) -> None:
    asked = busy_feature(random_store, "0")
    rows = random_store.by_feature("0")
    start = int(rows.offsets[asked.index])
    position = int(rows.indices[start + 1])
    entry = {
        "sites/1/by_token/features": int(random_store.by_token("1").offsets[position]),
        "sites/1/by_token/offsets": position + 1,
        "sites/0/by_feature/positions": start + 1,
        "sites/0/by_feature/offsets": asked.index + 1,
    }[name]
    if name == "sites/1/by_token/features":  # a position that has any
        held = random_store.by_token("1").offsets
        position = next(int(p) for p in rows.indices[start : start + 50] if held[p + 1] > held[p])
        entry = int(held[position])
    damaged = flip(random_store, tmp_path / "d.h5", name, entry, value)
    with pytest.raises(StoreDamaged):
        pair_counts(damaged, asked, "1")
    if name.startswith("sites/0/by_feature"):
        with pytest.raises(StoreDamaged):
            link_report(damaged, asked, Feature("1", 0))
    if name.endswith("by_feature/offsets"):
        with pytest.raises(StoreDamaged):
            active_counts(damaged, "0", 0.2)


def test_what_a_card_and_a_finding_read_is_checked(random_store: Store, tmp_path: Path) -> None:
    asked = busy_feature(random_store, "0")
    entry = int(random_store.by_feature("0").offsets[asked.index + 1]) - 1
    damaged = flip(random_store, tmp_path / "d.h5", "sites/0/by_feature/positions", entry, 2**32 - 1)
    for reads in (token_shares, variety):
        assert reads(random_store, asked)
        with pytest.raises(StoreDamaged):
            reads(damaged, asked)


def test_random_flips_never_crash(random_store: Store, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    names = [name for name in random_store._extents if "by_" in name or name.startswith("tokens/") or "summary" in name]
    damaged = tmp_path / "d.h5"
    outcomes = {"named": 0, "answered": 0}
    for _ in range(150):
        shutil.copy(random_store.path, damaged)
        with damaged.open("r+b") as file:
            for name in rng.choice(names, 3):
                extent = random_store._extents[name]
                size = int(np.prod(extent.shape)) * extent.dtype.itemsize
                file.seek(extent.offset + int(rng.integers(size)))
                file.write(bytes([int(rng.integers(256))]))
        try:
            with np.errstate(all="ignore"):
                ask(open_store(damaged))
            outcomes["answered"] += 1
        except StrataError:
            outcomes["named"] += 1
    assert outcomes["named"] > 10


def ask(store: Store) -> None:
    links = StoreLinks(store)
    for i in range(0, 30, 5):
        for activity in (0.0, 0.2):
            links.neighbours(Feature("0", i), "1", "pearson", 3, activity=activity)
            links.neighbours(Feature("1", i), "0", "mutual_information", 3, activity=activity)
    link_report(store, Feature("0", 1), Feature("1", 1), contexts=2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_activations_that_are_no_numbers_are_named(random_store: Store, tmp_path: Path, value: float) -> None:
    asked = busy_feature(random_store, "0")
    positions, _ = random_store.row(asked)
    offsets = random_store.by_token("1").offsets
    entry = next(int(offsets[p]) for p in positions if offsets[p + 1] > offsets[p])
    other = Feature("1", int(random_store.by_token("1").indices[entry]))
    hurt = flip(random_store, tmp_path / "nan.h5", "sites/1/by_token/values", entry, value)
    with pytest.raises(StoreDamaged, match="no positive numbers"):
        pair_counts(hurt, asked, "1")
    with pytest.raises(StoreDamaged, match="activations of site 1 are no positive numbers"):
        whole_pair(hurt, "0", "1")
    theirs = random_store.row(other)[0]
    shared = np.searchsorted(theirs, np.intersect1d(positions, theirs)[0])
    entry = int(random_store.by_feature("1").offsets[other.index]) + int(shared)
    hurt = flip(random_store, tmp_path / "row.h5", "sites/1/by_feature/values", entry, value)
    with pytest.raises(StoreDamaged, match="no positive numbers"):
        two_feature_counts(hurt, asked, other)
