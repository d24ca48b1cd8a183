"""Gates, splits, merges and candidates on disk: what is read is what was found, and nothing is searched twice."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses import kept_gates
from core.analyses.gates import gates
from core.analyses.kept_gates import is_kept, kept_candidates, kept_divided
from core.analyses.kept_gates import kept_gates as kept
from core.analyses.seed_gates import seed_candidates
from core.analyses.splits import merges, splits
from core.errors import BadArgument, Cancelled, HostedRefusal, UnknownSite
from core.results import results_folder
from core.sources.planted import plant
from core.sources.structures import Planting
from core.store import Store

ANALYSES: dict[str, tuple[Callable[..., list], Callable[..., list]]] = {
    "gates": (gates, kept),
    "seed": (seed_candidates, kept_candidates),
    "splits": (splits, lambda *asked, **running: kept_divided("split", *asked, **running)),
    "merges": (merges, lambda *asked, **running: kept_divided("merge", *asked, **running)),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    planting = Planting(sites=2, width=32, tokens=10_000, noise=0.0)
    for kind in ("or", "and", "and_not"):
        planting.gate(kind, site=1)
    planting.gate("or", site=1, inputs=3)
    planting.split(0, children=3, overlap=0.2)
    planting.merge(1)
    return planting.build(tmp_path_factory.mktemp("kept") / "planted.h5")[0]


@pytest.mark.parametrize("name", ANALYSES)
@pytest.mark.parametrize("activity", [0.0, 0.2])
def test_what_is_read_is_what_was_found(
    store: Store, name: str, activity: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, ask = ANALYSES[name]
    wanted = find(store, "0", "1", activity)
    assert wanted or activity
    assert not is_kept(name, store, "0", "1", activity)
    assert ask(store, "0", "1", activity) == wanted
    assert is_kept(name, store, "0", "1", activity)
    attribute = {"seed": "seed_candidates"}.get(name, name)
    monkeypatch.setattr(kept_gates, attribute, lambda *asked, **running: pytest.fail("searched again"))
    assert ask(store, "0", "1", activity) == wanted


@pytest.mark.parametrize("name", ANALYSES)
def test_nothing_found_is_kept_too(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    twin = plant(tmp_path / "twin.h5", {key: (rng.random((2000, 6)) < 0.05) * 1.0 for key in "01"})
    assert ANALYSES[name][1](twin, "0", "1") == []
    assert ANALYSES[name][1](twin, "0", "1") == []
    assert is_kept(name, twin, "0", "1")


def test_a_single_document_has_candidates_that_nothing_tests(tmp_path: Path) -> None:
    a = np.zeros((90, 2))
    a[:40, 0] = a[20:60, 1] = 1
    alone = plant(tmp_path / "alone.h5", {"0": a, "1": a.min(1, keepdims=True)})
    (found,) = kept_candidates(alone, "0", "1")
    (again,) = kept_candidates(alone, "0", "1")
    assert (found.fault, found.f1, found.rows) == (again.fault, again.f1, again.rows) == ("untested", 1.0, found.rows)
    assert math.isnan(again.held_out_f1)
    assert math.isnan(again.held_out_interval[0])


def test_a_damaged_file_is_searched_again_and_told_of(store: Store) -> None:
    wanted = kept(store, "0", "1")
    (file,) = results_folder().glob("gates-*.h5")
    file.write_bytes(file.read_bytes()[:-300] + b"x" * 300)
    heard: list[str] = []
    assert kept(store, "0", "1", notice=heard.append) == wanted
    assert "damaged" in heard[0]


def test_a_search_that_was_stopped_leaves_nothing(store: Store) -> None:
    def stop(done: int, of: int) -> None:
        raise Cancelled("stopped", "ask again")

    for name, (_, ask) in ANALYSES.items():
        with pytest.raises(Cancelled):
            ask(store, "0", "1", report=stop)
        assert not is_kept(name, store, "0", "1")
    assert not list(results_folder().glob("*"))


def test_what_cannot_be_asked_is_told_and_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownSite):
        kept(store, "0", "7")
    with pytest.raises(BadArgument):
        kept(store, "1", "0")
    with pytest.raises(BadArgument):
        kept_divided("split", store, "1", "1")
    monkeypatch.setenv("STRATA_HOSTED", "1")
    monkeypatch.setattr("core.results.pairs.MOST_HOSTED", 10)
    with pytest.raises(HostedRefusal):
        kept(store, "0", "1")
    assert not list(results_folder().glob("*"))


@pytest.mark.parametrize("name", ["gates", "splits", "merges"])
def test_the_command_reads_and_leaves_what_the_app_does(
    store: Store, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "STRATA_CACHE" in os.environ
    assert main([name, str(store.path), "--to", "1"]) == 0
    assert is_kept(name, store, "0", "1")
    first = capsys.readouterr().out
    assert main([name, str(store.path), "--to", "1"]) == 0
    assert capsys.readouterr().out == first
