"""Computed pairs of sites, and other results, under the cache folder: one HDF5 file each, shared by all processes.

A file's name is the hash of all that determines its content (store fingerprint, sites, activity rule, k, floor, version
of the statistics), so that a stale one is never found. It is written to a name of its own and renamed when complete:
two processes that compute the same pair at once both succeed, and the later one replaces equal data.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.errors import HostedRefusal, NoDiskSpace, NotPermitted
from core.paths import cache_place, hosted
from core.statistics.devices import pair_on, work
from core.statistics.measures import BOUNDED
from core.statistics.pairs import BINS, FLOOR, TOP, PairLinks, in_order
from core.store import Store
from core.values import MEASURES

FORMAT = "strata-pair"
STATISTICS_VERSION = 1
"""Goes up with any change of what a kept pair means; older files are then no longer found."""

ARRAYS = {"sources": np.int32, "targets": np.int32, "n_both": np.int64, "sum_xy": np.float64}
SETTINGS = ("source", "target", "activity", "top", "floor")

MOST_HOSTED = 40_000_000
"""Products of activations (`devices.work`) of a pair that a hosted app computes: nine times the shipped demo's most."""

DAMAGED = (
    OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, MemoryError,
)  # fmt: skip
"""What reading a file raises that is not what was written, whatever is wrong with it."""

Notice = Callable[[str], None]


def results_folder() -> Path:
    """Where results lie; the first that is kept makes it. Asking for one must work where nothing can be written."""
    return cache_place() / "results"


def refuse_if_hosted(store: Store, source: str, target: str) -> None:
    """Raise `HostedRefusal` where Strata is hosted and the pair of sites would keep a shared machine busy."""
    if hosted() and (products := work(store, source, target)) > MOST_HOSTED:
        raise HostedRefusal(
            f"sites {source} and {target} have about {products:,.0f} products of activations, "
            f"and a hosted Strata computes up to {MOST_HOSTED:,}",
            "choose the shipped demo, or run Strata on your own machine",
        )


def pair_path(
    store: Store,
    source: str,
    target: str,
    activity: float = 0.0,
    top: int = TOP,
    floor: float = FLOOR,
    floor_measures: Sequence[str] = BOUNDED,
) -> Path:
    """The file that holds this pair, whether it is there or not."""
    key = [store.fingerprint, source, target, float(activity), top, float(floor), list(floor_measures)]
    digest = hashlib.sha256(json.dumps([FORMAT, STATISTICS_VERSION, *key]).encode()).hexdigest()
    return results_folder() / f"pair-{digest[:32]}.h5"


def pair_links(
    store: Store,
    source: str,
    target: str,
    activity: float = 0.0,
    top: int = TOP,
    floor: float = FLOOR,
    floor_measures: Sequence[str] = BOUNDED,
    *,
    device: str = "auto",
    notice: Notice = lambda text: None,
    **running: Any,
) -> tuple[PairLinks, bool]:
    """The pair, and whether it came from the cache; computed and kept where it was not there or cannot be used.

    `running` are the options of `whole_pair` for threads, progress and cancelling; `notice` hears of files that were
    damaged and of results that could not be kept. `device` (auto, cpu, cuda) says where to compute what is not there
    yet. It is no part of the file's name, since devices differ in the last bits of the sums at most: a kept pair serves
    all of them, and its own `device` and `seconds` tell of the one that computed it. Raises what `pair_on` raises,
    and `HostedRefusal`.
    """
    source, target = in_order(store, source, target)
    settings = (activity, top, floor, tuple(floor_measures))
    path = pair_path(store, source, target, *settings)
    found = read_pair(path, store, notice)
    if found is not None:
        return found, True
    refuse_if_hosted(store, source, target)
    found = pair_on(device, store, source, target, *settings, notice=notice, **running)
    try:
        write_pair(path, store, found)
    except (NoDiskSpace, NotPermitted) as error:
        notice(f"the result was not kept: {error}")
    return found, False


def read_pair(path: Path, store: Store, notice: Notice = lambda text: None) -> PairLinks | None:
    """What a file holds; None where there is none, or where it is damaged (then `notice` hears of it)."""
    if not path.is_file():
        return None
    try:
        with _opened(path) as file:
            attributes = dict(file.attrs)
            arrays = {name: np.asarray(file[name][:], kind) for name, kind in ARRAYS.items()}
            histograms = np.asarray(file["histograms"][:], np.int64)
        if attributes["format"] != FORMAT or attributes["name"] != path.name:
            raise ValueError("it belongs to something else")
        found = _checked(attributes, arrays, histograms, store)
    except FileNotFoundError:  # cleared since we looked
        return None
    except DAMAGED as error:
        notice(_why(path, error))
        return None
    return found


def _opened(path: Path) -> h5py.File:
    """A kept file for reading. Complete files never change, and some shared disks know no locks: none is asked for."""
    return h5py.File(path, "r", locking=False)


def _why(path: Path, error: BaseException) -> str:
    """What the user hears of a file that is there and of no use."""
    state = "cannot be read" if isinstance(error, PermissionError) else "is damaged"
    return f"{path.name} {state} and will be computed again: {str(error)[:100]}"


def _checked(
    attributes: dict[str, Any], arrays: dict[str, np.ndarray], histograms: np.ndarray, store: Store
) -> PairLinks:
    """The pair; raises `ValueError` where sizes, ranges or the checksum say that it is not what was written."""
    if attributes["sha256"] != _digest(arrays, histograms):
        raise ValueError("its checksum differs")
    source, target = str(attributes["source"]), str(attributes["target"])
    for name, key in (("sources", source), ("targets", target)):
        indices = arrays[name]
        if len(indices) and not 0 <= indices.min() <= indices.max() < store.site(key).d_sae:
            raise ValueError(f"{name} are out of bounds")
    if len({len(array) for array in arrays.values()}) != 1 or histograms.shape != (len(MEASURES), BINS):
        raise ValueError("its sizes differ")
    return PairLinks(
        source=source,
        target=target,
        activity=float(attributes["activity"]),
        top=int(attributes["top"]),
        floor=float(attributes["floor"]),
        floor_measures=tuple(json.loads(attributes["floor_measures"])),
        histograms=histograms,
        never_co_active=int(attributes["never_co_active"]),
        device=str(attributes["device"]),
        seconds=float(attributes["seconds"]),
        **arrays,
    )


def write_pair(path: Path, store: Store, found: PairLinks) -> None:
    """Keep a pair, all or nothing; raises `NoDiskSpace` or `NotPermitted`."""
    arrays = {name: getattr(found, name) for name in ARRAYS}
    attributes = {name: getattr(found, name) for name in (*SETTINGS, "never_co_active", "device", "seconds")}
    attributes |= {"floor_measures": json.dumps(found.floor_measures), "format": FORMAT, "name": path.name}
    attributes["sha256"] = _digest(arrays, found.histograms)
    _write(path, attributes, arrays | {"histograms": found.histograms})


def _write(path: Path, attributes: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
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


# ---- other results: named arrays of any kind


def kept_arrays(
    kind: str,
    store: Store,
    key: Sequence[Any],
    compute: Callable[[], Mapping[str, np.ndarray]],
    notice: Notice = lambda text: None,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
) -> dict[str, np.ndarray]:
    """Arrays by name, as `compute` gives them, kept under the hash of the store's fingerprint and `key`.

    `pairs` are the pairs of sites whose activations `compute` counts; unless told, `key` begins with the one. A damaged
    file is computed again, and `notice` hears of it, as of results that could not be kept. Raises what `compute`
    raises, and `HostedRefusal`.
    """
    path = arrays_path(kind, store, key)
    found = read_arrays(path, notice)
    if found is None:
        for source, target in [(key[0], key[1])] if pairs is None else pairs:
            refuse_if_hosted(store, source, target)
        found = dict(compute())
        try:
            _write(path, {"format": f"strata-{kind}", "name": path.name, "sha256": _digest_of(found)}, found)
        except (NoDiskSpace, NotPermitted) as error:
            notice(f"the result was not kept: {error}")
    return found


def arrays_path(kind: str, store: Store, key: Sequence[Any]) -> Path:
    """The file of a result of this kind, whether it is there or not; `key` is plain JSON data."""
    text = json.dumps([f"strata-{kind}", STATISTICS_VERSION, store.fingerprint, *key])
    return results_folder() / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}.h5"


def read_arrays(path: Path, notice: Notice = lambda text: None) -> dict[str, np.ndarray] | None:
    """What a file of `kept_arrays` holds; None where there is none, or where it is damaged (`notice` hears of it)."""
    if not path.is_file():
        return None
    try:
        with _opened(path) as file:
            found = {name: np.asarray(file[name][()]) for name in sorted(file)}
            if file.attrs["name"] != path.name or file.attrs["sha256"] != _digest_of(found):
                raise ValueError("it is not what was written")
    except FileNotFoundError:  # cleared since we looked
        return None
    except DAMAGED as error:
        notice(_why(path, error))
        return None
    return found


def _digest_of(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + str(arrays[name].dtype).encode() + np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


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


def _digest(arrays: dict[str, np.ndarray], histograms: np.ndarray) -> str:
    digest = hashlib.sha256()
    for name, kind in ARRAYS.items():
        digest.update(np.ascontiguousarray(arrays[name], kind).tobytes())
    digest.update(np.ascontiguousarray(histograms, np.int64).tobytes())
    return digest.hexdigest()
