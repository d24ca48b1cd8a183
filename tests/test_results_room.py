"""Results give way to new ones, the longest unused first, and never what anybody is working with."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.analyses.chance import chance_of_pair
from core.analyses.kept_links import KeptPairs
from core.analyses.kept_nulls import files_of
from core.analyses.known_chance import known_chance
from core.errors import NoDiskSpace
from core.results import cache_size, files, folder, kept_arrays, most_kept, pair_links, pair_path, results_folder
from core.results.arrays import arrays_path, read_arrays
from core.results.folder import MOST_HOSTED, MOST_KEPT, RECENT, make_room, mark_used
from core.store import Store, open_store

SIZE = 200_000  # bytes of the arrays of a result
DAY = 86_400
MANY = 200


def keep(store: Store, number: int) -> dict[str, np.ndarray]:
    """A result that says which one it is."""
    return kept_arrays("test", store, [number], lambda: {"x": np.full(SIZE // 8, number, np.int64)}, pairs=())


def path_of(store: Store, number: int) -> Path:
    return arrays_path("test", store, [number])


def age(path: Path, seconds: float) -> None:
    """As if it had been written, and last read, so long ago."""
    then = time.time_ns() - int(1e9 * seconds)
    os.utime(path, ns=(then, then))


def age_access(path: Path) -> int:
    """As if it had been read last nine days ago; returns when it was written, which stays."""
    told = path.stat()
    written = told.st_mtime_ns - 9 * DAY * 10**9
    os.utime(path, ns=(written, written))
    return written


def there(store: Store, numbers: range) -> list[int]:
    return [number for number in numbers if path_of(store, number).is_file()]


def aged(store: Store, days: Sequence[float]) -> None:
    """Results 0, 1, 2, ..., last used so many days ago."""
    for number in range(len(days)):
        keep(store, number)
    for number, ago in enumerate(days):
        age(path_of(store, number), ago * DAY)


@pytest.fixture
def _room_for_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_CACHE_GB", str(3.5 * SIZE / 1e9))


@pytest.mark.usefixtures("_room_for_three")
def test_the_longest_unused_give_way_when_something_is_written(random_store: Store) -> None:
    aged(random_store, (3, 6, 1, 5, 2, 4))
    assert there(random_store, range(6)) == [0, 1, 2, 3, 4, 5]  # they were new when they were written
    keep(random_store, 6)
    assert there(random_store, range(7)) == [2, 4, 6]
    assert cache_size() <= most_kept()


@pytest.mark.usefixtures("_room_for_three")
def test_reading_makes_a_result_new_again_and_leaves_what_says_whether_it_changed(random_store: Store) -> None:
    aged(random_store, (9, 8, 7, 6))
    before = path_of(random_store, 0).stat()
    keep(random_store, 0)  # out of the cache
    after = path_of(random_store, 0).stat()
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (before.st_mtime_ns, before.st_size, before.st_ino)
    keep(random_store, 4)
    assert there(random_store, range(5)) == [0, 3, 4]


@pytest.mark.usefixtures("_room_for_three")
def test_a_pair_in_memory_keeps_its_file_from_going(random_store: Store) -> None:
    pair_links(random_store, "0", "1")
    path, pairs = pair_path(random_store, "0", "1"), KeptPairs()
    assert pairs.get(random_store, "0", "1", 0.0) is not None
    written = age_access(path)
    assert pairs.get(random_store, "0", "1", 0.0) is not None
    assert path.stat().st_atime_ns > time.time_ns() - 10**10
    assert path.stat().st_mtime_ns == written  # it was not replaced


@pytest.mark.usefixtures("_room_for_three")
def test_draws_in_memory_keep_their_files_from_going(random_store: Store) -> None:
    """As those of an open Evolution page, whose floor and inspector are told from memory."""
    chance_of_pair(random_store, "0", "1")
    assert known_chance(random_store, "0", "1")
    paths = files_of(random_store, "0", "1", "pearson")
    for path in paths:
        age_access(path)
    assert known_chance(random_store, "0", "1")
    for number in range(5):
        keep(random_store, number)
    assert all(path.is_file() for path in paths)
    assert known_chance(random_store, "0", "1")


def test_a_use_is_not_noted_again_at_once(random_store: Store) -> None:
    keep(random_store, 0)
    mark_used(path_of(random_store, 0))
    before = path_of(random_store, 0).stat().st_atime_ns
    mark_used(path_of(random_store, 0))
    assert path_of(random_store, 0).stat().st_atime_ns == before


@pytest.mark.parametrize("replaced", [True, False])
def test_a_file_that_was_replaced_while_it_was_opened_is_read_and_not_called_damaged(
    random_store: Store, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    keep(random_store, 3)
    path, heard, opened = path_of(random_store, 3), list[str](), files.h5py.File

    def first(*arguments: object, **more: object) -> object:
        monkeypatch.setattr(files.h5py, "File", opened)
        if replaced:  # another process: cleared it, and has computed it again
            path.unlink()
            keep(random_store, 3)
        raise OSError("Can't synchronously open file")

    monkeypatch.setattr(files.h5py, "File", first)
    found = read_arrays(path, heard.append)
    assert (found is not None, len(heard)) == (replaced, 1 - replaced)


def test_nothing_goes_while_there_is_room(random_store: Store) -> None:
    aged(random_store, (100, 100, 100, 100))
    keep(random_store, 4)
    assert make_room() == 0
    assert there(random_store, range(5)) == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("_room_for_three")
def test_what_was_used_in_the_last_minutes_stays_whatever_the_bound(random_store: Store) -> None:
    aged(random_store, [(RECENT - 60) / DAY] * 8)
    assert make_room() == 0
    aged(random_store, [(RECENT + 60) / DAY] * 8)
    assert make_room() >= 5 * SIZE


@pytest.mark.usefixtures("_room_for_three")
def test_what_killed_processes_left_gives_way_and_what_may_still_be_written_does_not(random_store: Store) -> None:
    keep(random_store, 0)
    for name, days in (("left", 3.0), ("under-way", 0.5)):
        half = results_folder() / f"test-{name}.1-2.writing"
        half.write_bytes(bytes(3 * SIZE))
        age(half, days * DAY)
    assert make_room() == 3 * SIZE
    assert [path.name for path in results_folder().glob("*.writing")] == ["test-under-way.1-2.writing"]


@pytest.mark.usefixtures("_room_for_three")
def test_what_cannot_be_removed_stays_and_another_one_goes(
    random_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(random_store, (9, 8, 7, 6))
    unlink, fixed = Path.unlink, path_of(random_store, 0)

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path == fixed:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    keep(random_store, 4)
    assert there(random_store, range(5)) == [0, 3, 4]


def test_a_result_that_cannot_be_written_costs_no_other(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(random_store, 0)
    age(path_of(random_store, 0), DAY)
    monkeypatch.setenv("STRATA_CACHE_GB", "1e-9")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(NoDiskSpace):
        files.write(path_of(random_store, 1), {}, {"x": np.zeros(3)})
    assert there(random_store, range(2)) == [0]


@pytest.mark.parametrize(
    ("asked", "most"),
    [("2.5", 2_500_000_000), *((text, MOST_KEPT) for text in ("", "0", "-1", "nan", "inf", "much"))],
)
def test_the_bound_can_be_chosen(asked: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_CACHE_GB", asked)
    assert most_kept() == most
    monkeypatch.setenv("STRATA_HOSTED", "1")
    assert most_kept() == (MOST_HOSTED if most == MOST_KEPT else most)


def test_marking_what_is_gone_is_no_error(tmp_path: Path) -> None:
    mark_used(tmp_path / "gone.h5")


# ---- several processes


def read_for(path: Path, reading: object, done: object) -> None:
    """In a process of its own: open a result, and hold it open until told."""

    def read(file: Any) -> bool:
        reading.set()  # type: ignore[attr-defined]
        done.wait(60)  # type: ignore[attr-defined]
        return bool((file["x"][()] == 0).all())

    assert files.read_kept(path, read, files.unheard)


@pytest.mark.usefixtures("_room_for_three")
def test_what_another_process_reads_right_now_stays(random_store: Store) -> None:
    aged(random_store, (9, 8, 7, 6, 5))
    context = multiprocessing.get_context("spawn")
    reading, done = context.Event(), context.Event()
    reader = context.Process(target=read_for, args=(path_of(random_store, 0), reading, done))
    reader.start()
    try:
        assert reading.wait(60)
        keep(random_store, 5)
        assert there(random_store, range(6)) == [0, 4, 5]
    finally:
        done.set()
        reader.join(60)
    assert reader.exitcode == 0


def work(store_path: Path, seed: int, seconds: float) -> None:
    """In a process of its own: ask for results of all numbers, over and over, where nothing stays for long."""
    folder.RECENT = 0.05
    store, rng = open_store(store_path), np.random.default_rng(seed)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number = int(rng.integers(MANY))
        heard: list[str] = []
        found = kept_arrays(
            "test", store, [number], lambda n=number: {"x": np.full(SIZE // 8, n, np.int64)}, heard.append, pairs=()
        )
        assert (found["x"] == number).all()
        assert heard == [], heard


@pytest.mark.usefixtures("_room_for_three")
def test_processes_that_read_write_and_make_room_at_once_hinder_nobody(
    random_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(random_store.path, seed, 2.0)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert not list(results_folder().glob("*.writing"))
    assert len(there(random_store, range(MANY))) < MANY  # while they worked, some gave way
    time.sleep(0.1)
    monkeypatch.setattr(folder, "RECENT", 0.05)
    make_room()
    assert 0 < cache_size() <= most_kept()
