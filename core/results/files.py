"""Files of results in the cache folder: written all or nothing, read with suspicion, counted and cleared.

Any number of processes read, write and clear at once. Two that write the same result both succeed, and the later one
replaces equal data.
"""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.errors import NoDiskSpace, NotPermitted
from core.paths import cache_place

DAMAGED = (
    OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, MemoryError,
)  # fmt: skip
"""What reading a file raises that is not what was written, whatever is wrong with it."""

Notice = Callable[[str], None]


def unheard(text: str) -> None:
    """The `Notice` of who does not listen."""


def results_folder() -> Path:
    """Where results lie; the first that is kept makes it. Asking for one must work where nothing can be written."""
    return cache_place() / "results"


def opened(path: Path) -> h5py.File:
    """A kept file for reading. Complete files never change, and some shared disks know no locks: none is asked for."""
    return h5py.File(path, "r", locking=False)


def complaint(path: Path, error: BaseException) -> str:
    """What the user hears of a file that is there and of no use."""
    state = "cannot be read" if isinstance(error, PermissionError) else "is damaged"
    return f"{path.name} {state} and will be computed again: {str(error)[:100]}"


def digest_of(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of named arrays, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + str(arrays[name].dtype).encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def write(path: Path, attributes: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """One file of arrays, complete or not there; raises `NoDiskSpace` or `NotPermitted`."""
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


def cache_size() -> int:
    """Bytes of all kept results."""
    return sum(_size(path) for path in results_folder().glob("*.h5"))


def clear_cache() -> int:
    """Remove all kept results, and what killed processes left of theirs; returns the bytes freed.

    Others may read, write and clear meanwhile. Raises `NotPermitted`.
    """
    freed = 0
    for path in [*results_folder().glob("*-*.h5"), *results_folder().glob("*-*.writing")]:
        size = _size(path)
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NotPermitted(f"{path.name} cannot be removed: {error.strerror}", f"see to {path.parent}") from error
        freed += size
    return freed


def _size(path: Path) -> int:
    """Bytes of a file; 0 where somebody has just removed it."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
