"""Compiled loops: `kernel` is the one way in which Strata uses numba.

No ``parallel=True``: under numba's fallback threading layer it aborts the process when two threads enter (a server has
many). Kernels release the GIL instead, and callers run them on chunks in a pool of threads.

>>> @kernel
... def _double(x):
...     return 2 * x
>>> _double(21)
42
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = "strata-kernels"
KEPT_SECONDS = 7 * 86_400  # what no process has started with for so long is cleared away


def cache_folder_for_kernels(package: Path) -> str | None:
    """Where compiled kernels of this version are kept; None where the user's NUMBA_CACHE_DIR says so.

    Beside the source, or in a private temporary folder where that is read-only: numba raises at import time when it
    finds no place to write to, and a hosted app's install is read-only. numba looks at the file of a kernel alone, and
    would keep one whose callee in another file has changed: so each state of the sources has a folder of its own.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given and not Path(given).name.startswith(f"{FOLDER}-"):  # ours comes from a parent process, maybe an older one
        return None
    parent = package / "__pycache__" if os.access(package, os.W_OK) else _private_folder()
    folder = parent / f"{FOLDER}-{stamp(package)}"
    _clear_away(parent, in_use=folder)
    return str(folder)


def stamp(package: Path) -> str:
    """A name for the state of all sources that kernels are made of, by their times and sizes."""
    files = [
        package / "kernels.py",
        *(file for room in ("statistics", "store") for file in (package / room).glob("*.py")),
    ]
    states = [(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(files)]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:16]


def _private_folder() -> Path:
    """A temporary folder that nobody else can write to: cached kernels are machine code."""
    folder = Path(tempfile.gettempdir()) / f"{FOLDER}-{os.getuid() if hasattr(os, 'getuid') else 0}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat(follow_symlinks=False)
    except OSError:
        return Path(tempfile.mkdtemp(prefix=f"{FOLDER}-"))
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o022
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return folder if private and mine else Path(tempfile.mkdtemp(prefix=f"{FOLDER}-"))


def _clear_away(parent: Path, in_use: Path) -> None:
    """Remove the kernels of versions that have not been in use for long; several processes may do so at once."""
    with suppress(OSError):  # it is not there yet, or belongs to somebody else
        os.utime(in_use)
    for old in parent.glob(f"{FOLDER}-*"):
        with suppress(OSError):  # another process was quicker
            if old != in_use and old.stat().st_mtime < time.time() - KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)


_folder = cache_folder_for_kernels(Path(__file__).resolve().parent)
if _folder is not None:
    os.environ["NUMBA_CACHE_DIR"] = _folder

import numba  # noqa: E402  (it reads NUMBA_CACHE_DIR when it is imported)
import numpy as np  # noqa: E402
from llvmlite import ir  # noqa: E402
from numba import types  # noqa: E402
from numba.core import cgutils  # noqa: E402
from numba.extending import intrinsic  # noqa: E402

if _folder is not None:
    vars(numba.config)["CACHE_DIR"] = _folder  # in case somebody imported numba before


def _leave_blas_out() -> None:
    """Load what numba loads with its first kernel, without the SciPy that it looks into for a BLAS.

    That is 0.2 s of the first paint and of every command, and no kernel here multiplies matrices (nor would it fail if
    one did: numba asks again).
    """
    from numba.np import linalg

    def not_asked() -> None:
        raise ImportError("asked for when a kernel multiplies matrices")

    asked = linalg.ensure_blas
    linalg.ensure_blas = not_asked
    try:
        import numba.np.arraymath  # noqa: F401  (it asks while it is imported)
    finally:
        linalg.ensure_blas = asked


_leave_blas_out()


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` at its first call, without the GIL, and keep the result on disk.

    Division follows NumPy (0/0 is NaN), which also lets loops over measures use vector instructions.
    """
    try:
        return numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    except RuntimeError:  # no file behind it (a doctest, a notebook): nothing to key a cache on
        return numba.njit(nogil=True, error_model="numpy")(function)


@intrinsic
def _prefetch(typing_context, array, index):  # type: ignore[no-untyped-def]
    """In a kernel: have array[index] fetched into the cache, without waiting; `index` is not checked and may be any."""

    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        insert: Any = cgutils.get_or_insert_function
        instruction = insert(builder.module, kind, "llvm.prefetch.p0")
        builder.call(instruction, [place, word(0), word(3), word(1)])  # to be read, keep it near, data
        return context.get_dummy_value()

    return types.void(array, types.intp), code


prefetch: Any = _prefetch  # numba hands it the typing context


@intrinsic
def _uncounted(typing_context, arrays):  # type: ignore[no-untyped-def]
    """In a kernel: the arrays of a tuple, whose references nobody counts; their owner has to outlive the kernel.

    numba counts them atomically, twice for each array of each call, which costs more than a short loop.
    """

    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        found = arguments[0]
        for k, kind in enumerate(signature.args[0]):
            same = context.make_array(kind)(context, builder, builder.extract_value(found, k))
            same.meminfo, same.parent = same.meminfo.type(None), same.parent.type(None)
            found = builder.insert_value(found, same._getvalue(), k)
        return found

    return arrays(arrays), code


uncounted: Any = _uncounted


@intrinsic
def _copy_eight(typing_context, source, first, plus, target, at):  # type: ignore[no-untyped-def]
    """In a kernel: target[at : at + 8] = source[first : first + 8] + plus, uint32 each, without checks, in one go.

    numba cannot know that the two arrays do not overlap, and would write one after the other.
    """

    def code(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        eight = ir.VectorType(ir.IntType(32), 8)
        arrays = [context.make_array(signature.args[k])(context, builder, arguments[k]) for k in (0, 3)]
        places = [
            builder.bitcast(builder.gep(array.data, [arguments[k]]), eight.as_pointer())
            for array, k in zip(arrays, (1, 4), strict=True)
        ]
        added = ir.Constant(eight, ir.Undefined)
        for lane in range(8):
            added = builder.insert_element(added, arguments[2], ir.IntType(32)(lane))
        builder.store(builder.add(builder.load(places[0], align=4), added), places[1], align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.uint32, target, types.intp), code


copy_eight: Any = _copy_eight


def frozen(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """Read-only plain views of arrays and memory maps: one type each, so that a kernel is compiled once.

    >>> frozen(np.zeros(2))[0].flags.writeable
    False
    """
    views = tuple(np.asarray(array).view() for array in arrays)
    for view in views:
        view.flags.writeable = False
    return views
