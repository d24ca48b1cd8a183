"""Files of results in the cache folder: written all or nothing, read with suspicion.

Any number of processes read and write at once. Two that write the same result both succeed, and the later one replaces
equal data.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from core.errors import NoDiskSpace, NotPermitted
from core.results.folder import make_room, mark_used

DAMAGED = (
    OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, MemoryError,
)  # fmt: skip
"""What reading a file raises that is not what was written, whatever is wrong with it."""

T = TypeVar("T")
Notice = Callable[[str], None]


def unheard(text: str) -> None:
    """The `Notice` of who does not listen."""


def read_kept(path: Path, read: Callable[[h5py.File], T], notice: Notice) -> T | None:
    """What `read` makes of a kept file; None where there is none, or it is of no use: `notice` hears of that.

    A file that was cleared, gave way or was replaced while it was opened is not of no use; what has come in its place
    is read. Complete files never change, and some shared disks know no locks: none is asked for.
    """
    while (found := _identity(path)) is not None:
        try:
            mark_used(path)
            with h5py.File(path, "r", locking=False) as file:
                return read(file)
        except DAMAGED as error:
            if _identity(path) == found:
                state = "cannot be read" if isinstance(error, PermissionError) else "is damaged"
                notice(f"{path.name} {state} and will be computed again: {str(error)[:100]}")
                return None
    return None


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from one that was written in its place; None where there is none."""
    try:
        told = path.stat()
    except OSError:
        return None
    return (told.st_ino, told.st_mtime_ns, told.st_size) if stat.S_ISREG(told.st_mode) else None


def digest_of(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of named arrays, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + str(arrays[name].dtype).encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def write(path: Path, attributes: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """One file of arrays, complete or not there, for which older ones may give way.

    Raises `NoDiskSpace` or `NotPermitted`.
    """
    try:
        try:
            _write_once(path, attributes, arrays)
        except FileNotFoundError:  # somebody cleared the cache meanwhile, and with it what was half written
            _write_once(path, attributes, arrays)
    except (OSError, RuntimeError) as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or any(
            words in str(error) for words in ("space left", "write failed", "Unable to flush")
        )
        if full:
            raise NoDiskSpace(f"the disk is full: {path.parent}", "free some space or clear the cache") from error
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise NotPermitted(f"cannot write to {path.parent}: {why}", "choose another folder as STRATA_CACHE") from error
    make_room()


def _write_once(path: Path, attributes: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{os.getpid()}-{uuid.uuid4().hex[:8]}.writing")
    try:
        with h5py.File(partial, "w", locking=False) as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array)
            file.attrs.update(attributes)
        os.replace(partial, path)
    finally:
        with suppress(OSError):  # what matters is what was raised before
            partial.unlink(missing_ok=True)
