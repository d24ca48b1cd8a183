"""The folder of a run that is not finished: raw arrays that only grow, and a manifest that alone says what counts.

A killed run leaves bytes behind the manifest's lengths; opening cuts them off. One process at a time holds the lock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import NoDiskSpace, NotPermitted, RecipeChanged, StoreBusy, StoreDamaged

VERSION = 1
MANIFEST = "manifest.json"
LOCK = "lock"


def partial_folder(target: Path) -> Path:
    """``NAME.partial`` beside the store ``NAME.h5``."""
    return target.with_name(target.name.removesuffix(".h5") + ".partial")


class Partial:
    """An open folder, exclusively ours: arrays are appended, `commit` makes them count."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state: dict[str, Any] = {}
        self._files: dict[str, Any] = {}
        self._lengths: dict[str, int] = {}

    @property
    def building(self) -> Path:
        """Where the finished file grows."""
        return self.folder / "store.h5"

    def begin(self, recipe: str, created: str) -> None:
        """Start a run, or resume the one in the folder; raises `RecipeChanged` or `StoreDamaged`."""
        manifest = self._read_manifest()
        if manifest is None or "tokens" not in manifest["state"]:  # nothing there that could be lost
            self.state = {"recipe": recipe, "created": created}
            self._cut()
            self.commit()
            return
        if manifest["state"]["recipe"] != recipe:
            raise RecipeChanged(
                f"{self.folder} was begun with another model, other SAEs, text or settings",
                "run the command that began it, remove the folder, or choose another --out",
            )
        self.state = manifest["state"]
        self._lengths = {str(name): int(length) for name, length in manifest["lengths"].items()}
        self._cut()

    def _read_manifest(self) -> dict[str, Any] | None:
        path = self.folder / MANIFEST
        if not path.exists():
            return None
        try:
            manifest = json.loads(path.read_text())
            if manifest["version"] != VERSION or not isinstance(manifest["state"]["recipe"], str):
                raise ValueError("another version")
            return dict(manifest)
        except (ValueError, KeyError, TypeError) as error:
            raise StoreDamaged(f"{path} cannot be read: {error}", f"remove {self.folder} and begin again") from error

    def _cut(self) -> None:
        """Truncate every array to its committed length."""
        for name in self._lengths.keys() | {path.stem for path in self.folder.glob("*.raw")}:
            path, length = self._path(name), self._lengths.get(name, 0)
            size = path.stat().st_size if path.exists() else 0
            if size < length:
                raise StoreDamaged(f"{path} is shorter than its manifest says", f"remove {self.folder} and begin again")
            if size > length:
                os.truncate(path, length)

    def append(self, name: str, array: np.ndarray) -> None:
        """Add an array's bytes to the named one; they count from the next `commit` on."""
        if name not in self._files:
            self._files[name] = self._path(name).open("ab", buffering=0)
        data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        self._lengths.setdefault(name, 0)
        while len(data):
            written = self._files[name].write(data)
            self._lengths[name] += written
            data = data[written:]

    def discard(self, *names: str) -> None:
        """Empty the named arrays (of a stage that is begun anew)."""
        for name in names:
            self._files.pop(name).close() if name in self._files else None
            self._path(name).unlink(missing_ok=True)
            self._lengths.pop(name, None)

    def commit(self, **state: Any) -> None:
        """Make everything appended count, together with `state`: data to the disk first, then the manifest."""
        self.state |= state
        for file in self._files.values():
            os.fsync(file.fileno())
        temporary = self.folder / (MANIFEST + ".new")
        with temporary.open("w") as file:
            json.dump({"version": VERSION, "state": self.state, "lengths": self._lengths}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.folder / MANIFEST)
        flush_folder(self.folder)

    def read(self, name: str, dtype: Any, shape: tuple[int, ...] = (-1,)) -> np.ndarray:
        """A read-only memory map of what was committed under `name`."""
        length = self._lengths.get(name, 0)
        if not length:
            return np.empty([max(0, n) for n in shape], dtype)
        flat = np.memmap(self._path(name), dtype, "r", shape=(length // np.dtype(dtype).itemsize,))
        return flat.reshape(shape)

    def bytes_written(self) -> int:
        """The size of all arrays."""
        return sum(self._lengths.values())

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.raw"

    def close(self) -> None:
        """Close the files; what was not committed is cut off next time."""
        for file in self._files.values():
            file.close()
        self._files = {}

    def remove(self) -> None:
        """Delete the folder; the lock goes last."""
        self.close()
        for path in self.folder.iterdir():
            if path.name != LOCK:
                path.unlink()
        shutil.rmtree(self.folder)


@contextmanager
def open_partial(target: Path) -> Iterator[Partial]:
    """The folder of `target`'s run, made and locked; raises `StoreBusy`, `NotPermitted` or `NoDiskSpace`."""
    folder = partial_folder(target)
    with named_disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder)
        partial = Partial(folder)
        try:
            yield partial
        finally:
            partial.close()
            os.close(lock)


def _lock(folder: Path) -> int:
    """An exclusive lock on ``folder/lock``, held until its descriptor is closed (or the process dies)."""
    while True:
        folder.mkdir(exist_ok=True)
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:  # the run that was here has just finished and removed its folder
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == (folder / LOCK).stat().st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise StoreBusy(f"another process is writing {folder}", "wait for it, or choose another --out") from None
        except FileNotFoundError:
            pass
        os.close(descriptor)


@contextmanager
def named_disk_errors(folder: Path) -> Iterator[None]:
    """Name what a file system refuses: no space, no permission."""
    try:
        yield
    except PermissionError as error:
        raise NotPermitted(
            f"cannot write {error.filename or folder}: {error.strerror}", "choose another --out"
        ) from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise NotPermitted(f"cannot write {folder}: {error.strerror}", "choose another --out") from error
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise NoDiskSpace(
            f"the disk of {folder} is full", "free some space and run the same command again: it goes on"
        ) from error


def flush_folder(folder: Path) -> None:
    """A rename counts once its folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def site_files(position: int) -> Mapping[str, str]:
    """The names of one site's arrays."""
    return {name: f"{position}.{name}" for name in ("offsets", "features", "values", "input_norm", "error_norm")}
