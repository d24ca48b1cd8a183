"""The folder of results: how much is in it, how much may be, and what gives way to what is new.

Any number of processes read, write, clear and make room at once. A file that one of them removes while another one
looks for it is computed again; one that is open is read to its end.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from pathlib import Path

from core.errors import NotPermitted
from core.paths import cache_place, hosted

MOST_KEPT = 10_000_000_000
"""Bytes of all results together, unless ``STRATA_CACHE_GB`` says otherwise: those of eight stores of GPT-2's shape."""
MOST_HOSTED = 1_000_000_000
MARKED = 60
"""Seconds in which a use need not be noted again."""
RECENT = 600
"""Seconds in which a result that was read or written does not give way, whatever the bound."""
ABANDONED = 86_400
"""Seconds after which what is half-written has been left by a process that was killed."""


def results_folder() -> Path:
    """Where results lie; the first that is kept makes it. Asking for one must work where nothing can be written."""
    return cache_place() / "results"


def most_kept() -> int:
    """Bytes that all results together may take; ``STRATA_CACHE_GB`` where that is a number above 0."""
    with suppress(ValueError):
        asked = float(os.environ.get("STRATA_CACHE_GB", ""))
        if 0 < asked < math.inf:
            return int(1e9 * asked)
    return MOST_HOSTED if hosted() else MOST_KEPT


def cache_size() -> int:
    """Bytes of all kept results."""
    return sum(size for _, size, _ in _kept())


def mark_used(path: Path) -> None:
    """Note that a result is of use, in its time of access, which many disks do not keep by themselves."""
    with suppress(OSError):  # it is gone, or another user's
        told, now = path.stat(), time.time_ns()
        if told.st_atime_ns < now - int(1e9 * MARKED):
            os.utime(path, ns=(now, told.st_mtime_ns))


def make_room() -> int:
    """Remove what was not used for longest until the rest fits `most_kept`; returns the bytes freed.

    What was read or written in the last `RECENT` seconds stays, so that what somebody works with may go beyond the
    bound until the next result is written. What cannot be removed stays too.
    """
    kept, most, now = sorted(_kept()), most_kept(), time.time_ns()
    total = before = sum(size for _, size, _ in kept)
    for _, size, path in kept:
        if total <= most:
            break
        until = now - int(1e9 * (ABANDONED if path.suffix == ".writing" else RECENT))
        try:
            if _last_use(path.stat()) > until:  # asked once more: somebody may have read it since
                continue
            path.unlink()
        except FileNotFoundError:  # another process has made the same room
            pass
        except OSError:
            continue
        total -= size
    return before - total


def clear_cache() -> int:
    """Remove all kept results, and what killed processes left of theirs; returns the bytes freed.

    Others may read, write and clear meanwhile. Raises `NotPermitted`.
    """
    freed = 0
    for _, size, path in _kept():
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NotPermitted(f"{path.name} cannot be removed: {error.strerror}", f"see to {path.parent}") from error
        freed += size
    return freed


def _kept() -> list[tuple[int, int, Path]]:
    """Every result, also half-written ones: when it was last used (nanoseconds), its bytes, its file."""
    found = []
    for path in [*results_folder().glob("*-*.h5"), *results_folder().glob("*-*.writing")]:
        with suppress(OSError):  # somebody has just removed it
            told = path.stat()
            found.append((_last_use(told), told.st_size, path))
    return found


def _last_use(told: os.stat_result) -> int:
    return max(told.st_atime_ns, told.st_mtime_ns)
