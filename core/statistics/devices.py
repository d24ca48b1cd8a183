"""Where a whole pair of sites is computed: on the CPU, or on a GPU where there is one and the pair is worth it.

torch takes seconds to import and is no part of browsing: it is only imported where a GPU was asked for, or where the
choice is free, the machine has an NVIDIA driver and the pair has much work.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

from core.errors import BadArgument, DeviceMissing, OutOfMemory, PackageMissing
from core.paths import hosted
from core.statistics.pairs import PairLinks, whole_pair
from core.store import Store

DEVICES = ("auto", "cpu", "cuda")

LEAST_WORK = 200_000_000
"""Products of activations from which on a GPU pays: some seconds of two cores, as torch takes to import."""


def pair_on(
    device: str,
    store: Store,
    source: str,
    target: str,
    *settings: Any,
    notice: Callable[[str], None] = lambda text: None,
    threads: int | None = None,
    **running: Any,
) -> PairLinks:
    """`pairs.whole_pair` on a device of DEVICES; `settings` and `running` are its own, `threads` are the CPU's.

    Left to choose (``auto``), a GPU whose memory is too small hands over to the CPU, and `notice` hears of it. Raises
    what `whole_pair` raises, `DeviceMissing`, `PackageMissing` and, where ``cuda`` was asked for, `OutOfMemory`.
    """
    if chosen_device(device, work(store, source, target)) == "cuda":
        from core.statistics import cuda

        try:
            return cuda.whole_pair(store, source, target, *settings, notice=notice, **running)
        except OutOfMemory as error:
            if device == "cuda":
                raise
            notice(f"{error.what}: the CPU takes over")
    return whole_pair(store, source, target, *settings, threads=threads, **running)


def work(store: Store, source: str, target: str) -> float:
    """Products of activations that a pair consists of, Σ_t L0(t) · L0(t), as if both L0 were even."""
    active = [float(store.by_feature(key).offsets[-1]) for key in (source, target)]
    return active[0] * active[1] / max(store.n, 1)


def chosen_device(device: str, products: float) -> str:
    """``cpu`` or ``cuda``; raises `BadArgument`, `PackageMissing` and `DeviceMissing`.

    >>> chosen_device("cpu", 1e12), chosen_device("auto", 1000)
    ('cpu', 'cpu')
    """
    if device not in DEVICES:
        raise BadArgument(f"there is no device {device!r}", f"choose one of {', '.join(DEVICES)}")
    if device == "cpu" or (device == "auto" and (products < LEAST_WORK or hosted() or not driver_present())):
        return "cpu"
    try:
        there = gpu_present()
    except ImportError as error:
        if device == "cuda":
            raise PackageMissing(
                "torch is not installed", "pip install -r requirements.txt, or --device cpu"
            ) from error
        there = False
    if device == "cuda" and not there:
        raise DeviceMissing("there is no device 'cuda' here", "choose --device auto or cpu")
    return "cuda" if there else "cpu"


def driver_present() -> bool:
    """Whether NVIDIA's driver is installed: asked before torch is imported."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def gpu_present() -> bool:
    """Whether torch can use a GPU; imports torch, and raises `ImportError` where it is not installed."""
    from core.statistics import cuda

    return cuda.available()
