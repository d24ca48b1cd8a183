"""The result cache: the same numbers as fresh, shared by processes, and never trusted blindly."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest

from core import results
from core.__main__ import main
from core.analyses.chance import chance_of_pair
from core.errors import NotPermitted
from core.paths import ROOT
from core.results import cache_size, clear_cache, files, pair_links, pair_path, results_folder
from core.statistics.pairs import whole_pair
from core.statistics.rows import pair_counts
from core.store import Store
from core.values import MEASURES, Feature
from tests.test_pairs import bits


def test_a_kept_pair_equals_a_fresh_one(random_store: Store) -> None:
    fresh, cached = pair_links(random_store, "0", "1", 0.2)
    kept, again = pair_links(random_store, "1", "0", 0.2)
    assert (cached, again) == (False, True)
    assert bits(kept) == bits(fresh) == bits(whole_pair(random_store, "0", "1", 0.2))
    assert (kept.seconds, kept.top, kept.floor_measures) == (fresh.seconds, fresh.top, fresh.floor_measures)


def test_everything_that_matters_is_in_the_key(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [
        pair_path(random_store, "0", "1"),
        pair_path(random_store, "0", "2"),
        pair_path(random_store, "0", "1", 0.2),
        pair_path(random_store, "0", "1", top=8),
        pair_path(random_store, "0", "1", floor=0.2),
        pair_path(random_store, "0", "1", floor_measures=("cosine",)),
    ]
    monkeypatch.setattr(results.pairs, "STATISTICS_VERSION", 99)
    paths.append(pair_path(random_store, "0", "1"))
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("spoil", ["cut", "flip", "garbage", "foreign"])
def test_a_damaged_file_is_computed_again_with_a_notice(random_store: Store, spoil: str) -> None:
    fresh, _ = pair_links(random_store, "0", "1")
    path = pair_path(random_store, "0", "1")
    whole = bytearray(path.read_bytes())
    if spoil == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif spoil == "flip":
        where = bytes(whole).find(fresh.sum_xy.tobytes())
        whole[where + 5] ^= 1
        path.write_bytes(whole)
    elif spoil == "garbage":
        path.write_bytes(b"not HDF5")
    else:
        pair_links(random_store, "0", "2")
        pair_path(random_store, "0", "2").replace(path)
    heard: list[str] = []
    found, cached = pair_links(random_store, "0", "1", notice=heard.append)
    assert not cached
    assert len(heard) == 1
    assert bits(found) == bits(fresh)
    assert pair_links(random_store, "0", "1")[1]


def test_size_and_clear(random_store: Store) -> None:
    assert cache_size() == 0
    pair_links(random_store, "0", "1")
    (results_folder() / "pair-x.1-2.writing").write_bytes(b"left by a killed process")
    size = cache_size()
    assert size == pair_path(random_store, "0", "1").stat().st_size + 24
    assert clear_cache() == size
    assert list(results_folder().iterdir()) == []


def test_an_unwritable_cache_costs_a_notice_only(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "denied")

    monkeypatch.setattr("core.results.files.os.replace", refuse)
    heard: list[str] = []
    found, _ = pair_links(random_store, "0", "1", notice=heard.append)
    assert len(found.sources)
    assert len(heard) == 1
    assert list(results_folder().iterdir()) == []


def test_what_is_no_longer_there_is_no_damage(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path, heard = pair_path(random_store, "0", "1"), list[str]()
    monkeypatch.setattr(Path, "is_file", lambda self: True)  # cleared just after somebody looked
    assert results.read_pair(path, random_store, heard.append) is None
    assert results.read_arrays(path, heard.append) is None
    assert heard == []


def test_where_nothing_can_be_written_everything_is_still_answered(
    random_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STRATA_CACHE", str(tmp_path / "file" / "cache"))
    heard: list[str] = []
    found, cached = pair_links(random_store, "0", "1", notice=heard.append)
    assert (len(found.sources) > 0, cached) == (True, False)
    assert chance_of_pair(random_store, "0", "1", notice=heard.append).draws == 3
    assert len(heard) == 4
    assert all("was not kept: cannot write to" in sentence for sentence in heard)
    assert (cache_size(), clear_cache()) == (0, 0)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("Unable to flush file's cached data")]
)
def test_a_full_disk_costs_a_notice_only(
    random_store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    heard: list[str] = []
    pair_links(random_store, "0", "1", notice=heard.append)
    assert [sentence.split(": ")[1] for sentence in heard] == ["the disk is full"]
    assert list(results_folder().iterdir()) == []


def test_a_file_of_another_version_is_not_found(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pair_links(random_store, "0", "1")
    monkeypatch.setattr(results.pairs, "STATISTICS_VERSION", results.pairs.STATISTICS_VERSION + 1)
    assert not pair_links(random_store, "0", "1")[1]
    assert pair_links(random_store, "0", "1")[1]
    assert len(list(results_folder().iterdir())) == 2
    clear_cache()  # with what nobody finds any more
    assert list(results_folder().iterdir()) == []


def spoil(path: Path, how: str) -> None:
    """Change a kept file as only a hostile or a very unlucky one is."""
    with h5py.File(path, "r+") as file:
        if how == "group":
            del file["n_both"]
            file.create_group("n_both")
        elif how == "text":
            del file["n_both"]
            file["n_both"] = "many"
        elif how == "length":
            shorter = file["n_both"][:-1]
            del file["n_both"]
            file["n_both"] = shorter
        elif how == "attribute":
            del file.attrs["top"]
        elif how == "kind":
            file.attrs["top"] = float("inf")
        elif how == "json":
            file.attrs["floor_measures"] = "[1"
        else:
            del file["n_both"]
            file.create_dataset("n_both", shape=(1 << 48,), dtype=np.int64, chunks=(1 << 10,))  # it says it has 2 PB


@pytest.mark.parametrize("how", ["group", "text", "length", "attribute", "kind", "json", "huge"])
def test_no_content_of_a_file_raises(random_store: Store, how: str) -> None:
    fresh, _ = pair_links(random_store, "0", "1")
    spoil(pair_path(random_store, "0", "1"), how)
    heard: list[str] = []
    found, cached = pair_links(random_store, "0", "1", notice=heard.append)
    assert (cached, len(heard)) == (False, 1)
    assert "is damaged and will be computed again" in heard[0]
    assert bits(found) == bits(fresh)


def test_a_file_that_may_not_be_read_is_said_so(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pair_links(random_store, "0", "1")

    opened = files.h5py.File

    def denied(path: Path, mode: str, **more: object) -> object:
        if mode == "r":
            raise PermissionError(13, "Permission denied")
        return opened(path, mode, **more)

    with monkeypatch.context() as patch:
        patch.setattr(files.h5py, "File", denied)
        heard: list[str] = []
        assert not pair_links(random_store, "0", "1", notice=heard.append)[1]
        assert "cannot be read" in heard[0]

    def refused(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(NotPermitted, match="cannot be removed"):
        clear_cache()


def test_what_was_cleared_while_it_was_written_is_written_again(
    random_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, calls = results.files.os.replace, list[str]()

    def cleared_before(partial: Path, path: Path) -> None:
        calls.append(path.name)
        if len(calls) == 1:
            clear_cache()
        replace(partial, path)

    monkeypatch.setattr("core.results.files.os.replace", cleared_before)
    heard: list[str] = []
    pair_links(random_store, "0", "1", notice=heard.append)
    assert (len(calls), heard) == (2, [])
    assert pair_links(random_store, "0", "1")[1]


def test_readers_writers_and_somebody_who_clears_at_once(random_store: Store) -> None:
    expected, heard = bits(whole_pair(random_store, "0", "1")), list[str]()
    until, kept = time.monotonic() + 1.5, list[bool]()

    def ask() -> None:
        while time.monotonic() < until:
            found, cached = pair_links(random_store, "0", "1", threads=1, notice=heard.append)
            assert bits(found) == expected
            kept.append(cached)

    def clear() -> None:
        while time.monotonic() < until:
            clear_cache()
            assert cache_size() >= 0
            time.sleep(0.02)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ask), pool.submit(ask), pool.submit(ask), pool.submit(clear)]:
            done.result()
    assert True in kept
    assert False in kept
    assert not [sentence for sentence in heard if "damaged" in sentence]


def test_two_processes_at_once(random_store: Store) -> None:
    command = [sys.executable, "-m", "core", "pairs", str(random_store.path), "--from", "0", "--to", "1", "--json"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(2)]
    outputs = [json.loads(process.communicate(timeout=120)[0])[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    for name in ("links", "never_co_active", "histograms"):
        assert outputs[0][name] == outputs[1][name]
    assert len(list(results_folder().iterdir())) == 1


def test_pairs_and_edges_commands(random_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(random_store.path)
    assert main(["pairs", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(pair["from"], pair["to"], pair["cached"]) for pair in found] == [("0", "1", False), ("1", "2", False)]
    assert set(found[0]) == {
        "from", "to", "activity", "seconds", "device", "cached", "never_co_active", "links", "histograms",
    }  # fmt: skip
    assert len(found[0]["histograms"]["pearson"]["edges"]) == len(found[0]["histograms"]["pearson"]["counts"]) + 1
    assert main(["pairs", path, "--all", "--json"]) == 0
    assert [pair["cached"] for pair in json.loads(capsys.readouterr().out)] == [True, False, True]
    assert main(["pairs", path]) == 0
    for name, options in (("a.parquet", ["--measure", "sufficiency", "--floor", "0.2"]), ("b.csv", [])):
        assert main(["edges", path, "--from", "0", "--to", "1", "--out", str(tmp_path / name), *options]) == 0
    table = pl.read_parquet(tmp_path / "a.parquet")
    assert table.columns == ["source", "target", "n", "n_source", "n_target", "n_both", *MEASURES]
    expected = 0
    for i in range(30):
        counts = pair_counts(random_store, Feature("0", i), "1")
        with np.errstate(invalid="ignore"):
            expected += int(np.count_nonzero(counts.n_both / np.float64(counts.n_source) >= 0.2))
    assert len(table) == expected > 0
    assert table["sufficiency"].min() >= 0.2
    assert pl.read_csv(tmp_path / "b.csv").columns == table.columns


def test_commands_name_what_is_wrong(random_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(random_store.path)
    for command in (
        ["pairs", path, "--from", "0", "--to", "0"],
        ["pairs", path, "--top", "0"],
        ["edges", path, "--out", str(tmp_path / "edges.xlsx")],
        ["edges", path, "--out", str(tmp_path / "missing" / "edges.csv")],
    ):
        assert main(command) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
