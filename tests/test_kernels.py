"""Compiled kernels: kept per state of the sources, wherever there is a place to write to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core.kernels import FOLDER, KEPT_SECONDS, cache_folder_for_kernels, copy_eight, kernel, stamp, uncounted
from core.paths import ROOT


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of two files, one calling the other."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (tmp_path / "statistics").mkdir()
    for name in ("kernels.py", "statistics/caller.py", "statistics/callee.py"):
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def test_a_changed_callee_makes_another_folder(package: Path) -> None:
    before = cache_folder_for_kernels(package)
    assert before == cache_folder_for_kernels(package)
    (package / "statistics" / "callee.py").write_text("x = 12\n")
    assert cache_folder_for_kernels(package) != before


def test_the_folder_of_an_older_parent_process_is_not_taken_over(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(package / f"{FOLDER}-0123456789abcdef"))
    assert str(cache_folder_for_kernels(package)).endswith(stamp(package))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(package / "mine"))
    assert cache_folder_for_kernels(package) is None


def test_kernels_of_long_ago_are_cleared_away(package: Path) -> None:
    old, recent, other = (package / "__pycache__" / name for name in (f"{FOLDER}-old", f"{FOLDER}-new", "else"))
    for folder in (old, recent, other):
        folder.mkdir(parents=True)
    long_ago = time.time() - 2 * KEPT_SECONDS
    for folder in (old, other):
        os.utime(folder, (long_ago, long_ago))
    cache_folder_for_kernels(package)
    assert not old.exists()
    assert recent.exists()
    assert other.exists()


def test_kernels_in_use_stay_however_old_they_are(package: Path) -> None:
    folder = Path(str(cache_folder_for_kernels(package)))
    folder.mkdir(parents=True)
    long_ago = time.time() - 2 * KEPT_SECONDS
    os.utime(folder, (long_ago, long_ago))
    assert cache_folder_for_kernels(package) == str(folder)
    assert folder.stat().st_mtime > long_ago + KEPT_SECONDS  # and is in use from now on


def test_a_folder_that_somebody_else_clears_meanwhile_is_no_error(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = package / "__pycache__" / f"{FOLDER}-gone"
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [gone] if pattern.startswith(FOLDER) else [])
    assert cache_folder_for_kernels(package)


def test_a_read_only_install_computes_all_the_same(tmp_path: Path) -> None:
    """`os.access` says no, as it does for another user's install; root could write anyway."""
    code = (
        "import os; real = os.access\n"
        "os.access = lambda path, mode: mode != os.W_OK and real(path, mode)\n"
        "from core.kernels import kernel, _folder\n"
        "from core.statistics.measures import pearson\n"
        "from core.statistics.pair_kernels import fill_xlogx\n"
        "import numpy as np; table = np.zeros(3); fill_xlogx(table)\n"
        "print(_folder); print(table[2])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment["TMPDIR"] = str(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    folder, value = ran.stdout.split()
    assert Path(folder).is_relative_to(tmp_path)
    assert any(Path(folder).rglob("*.nbc"))
    assert float(value) == pytest.approx(2 * np.log(2))


@kernel
def _eights(source, first, plus, target, at):  # type: ignore[no-untyped-def]
    copy_eight(source, first, np.uint32(plus), target, at)


@pytest.mark.parametrize(("first", "at"), [(0, 0), (3, 5), (9, 1)])  # whatever they are aligned to
def test_eight_numbers_are_copied_at_once(first: int, at: int) -> None:
    source, target = np.arange(100, 120, dtype=np.uint32), np.zeros(16, np.uint32)
    source[first] = 2**32 - 1
    expected = target.copy()
    expected[at : at + 8] = source[first : first + 8] + np.uint32(7)
    _eights(source, first, 7, target, at)
    assert target.tolist() == expected.tolist()


@kernel
def _added(array, times):  # type: ignore[no-untyped-def]
    (array,) = uncounted((array,))
    for _ in range(times):
        part = array[1:]
        part += 1


def test_an_uncounted_array_is_the_same_array_and_stays_its_owners() -> None:
    array = np.zeros(3)
    before = sys.getrefcount(array)
    _added(array, 5)
    assert array.tolist() == [0, 5, 5]
    assert sys.getrefcount(array) == before
