"""Computed pairs of sites, one file each, shared by the app and the command line.

A file's name is the hash of all that determines its content (store fingerprint, sites, activity rule, k, floor, version
of the statistics), so that a stale one is never found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import HostedRefusal, NoDiskSpace, NotPermitted
from core.paths import hosted
from core.results.files import Notice, read_kept, unheard, write
from core.results.folder import results_folder
from core.statistics.devices import pair_on, work
from core.statistics.measures import BOUNDED, COMPILED
from core.statistics.pairs import BINS, FLOOR, TOP, PairLinks, in_order
from core.store import Store

FORMAT = "strata-pair"
STATISTICS_VERSION = 1
"""Goes up with any change of what a kept pair means; older files are then no longer found."""

ARRAYS = {"sources": np.int32, "targets": np.int32, "n_both": np.int64, "sum_xy": np.float64}
SETTINGS = ("source", "target", "activity", "top", "floor")

MOST_HOSTED = 40_000_000
"""Products of activations (`devices.work`) of a pair that a hosted app computes: nine times the shipped demo's most."""


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
    notice: Notice = unheard,
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


def read_pair(path: Path, store: Store, notice: Notice = unheard) -> PairLinks | None:
    """What a file holds; None where there is none, or where it is damaged (then `notice` hears of it)."""

    def read(file: Any) -> PairLinks:
        attributes = dict(file.attrs)
        arrays = {name: np.asarray(file[name][:], kind) for name, kind in ARRAYS.items()}
        if attributes["format"] != FORMAT or attributes["name"] != path.name:
            raise ValueError("it belongs to something else")
        return _checked(attributes, arrays, np.asarray(file["histograms"][:], np.int64), store)

    return read_kept(path, read, notice)


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
    if len({len(array) for array in arrays.values()}) != 1 or histograms.shape != (len(COMPILED), BINS):
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
    write(path, attributes, arrays | {"histograms": found.histograms})


def _digest(arrays: dict[str, np.ndarray], histograms: np.ndarray) -> str:
    digest = hashlib.sha256()
    for name, kind in ARRAYS.items():
        digest.update(np.ascontiguousarray(arrays[name], kind).tobytes())
    digest.update(np.ascontiguousarray(histograms, np.int64).tobytes())
    return digest.hexdigest()
