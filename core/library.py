"""Which stores there are: the shipped demo, those that `collect` made, and those of folders that were given."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadArgument, NotPermitted
from core.paths import ROOT, cache_folder, hosted, stores_folder

DEMO = ROOT / "demo" / "demo.h5"


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a store; `name` is what permalinks call it."""

    name: str
    path: Path
    size: int  # bytes
    changed: int  # nanoseconds, with the size the file's version


def found_stores() -> list[Found]:
    """Every store at hand, the demo first; without a cache folder, the demo still opens."""
    paths = [DEMO]
    with contextlib.suppress(NotPermitted):
        paths += _in_folder(stores_folder())
    for place in given_places():
        paths += [place] if place.suffix == ".h5" else _in_folder(place)
    return _unique(paths)


def given_places() -> list[Path]:
    """Stores and folders that the user pointed at; none where Strata is hosted."""
    if hosted():
        return []
    try:
        places = json.loads(_places_file().read_text())
    except (OSError, ValueError, NotPermitted):
        return []
    return [Path(place) for place in places if isinstance(place, str)] if isinstance(places, list) else []


def give_place(text: str) -> Path:
    """Remember a store or a folder of stores; raises `BadArgument` where there is none."""
    typed = os.path.expanduser(text.strip())
    if not (os.path.isdir(typed) or (os.path.isfile(typed) and typed.endswith(".h5"))):
        raise BadArgument(f"there is no folder and no .h5 file at {text.strip()[:200]!r}", "give the path of one")
    path = Path(typed).resolve()
    _write_places([place for place in given_places() if place != path] + [path])
    return path


def forget_place(path: Path) -> None:
    """No longer look there; the files stay."""
    _write_places([place for place in given_places() if place != path])


def size_text(size: float) -> str:
    """Bytes as people read them.

    >>> size_text(0), size_text(23_400_000), size_text(8.4e8)
    ('0 B', '23 MB', '840 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.1f} {unit}" if 0 < size < 9.95 and unit != "B" else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _in_folder(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".h5" and path.is_file())
    except OSError:
        return []


def _unique(paths: Iterable[Path]) -> list[Found]:
    """One entry a file; a second file of the same name is called ``NAME~2``."""
    found: dict[str, Found] = {}
    for path in dict.fromkeys(paths):
        try:
            status = path.stat()
        except OSError:
            continue
        name, copy = path.stem, 2
        while name in found:
            name, copy = f"{path.stem}~{copy}", copy + 1
        found[name] = Found(name, path, status.st_size, status.st_mtime_ns)
    return list(found.values())


def _places_file() -> Path:
    return cache_folder() / "places.json"


def _write_places(places: Sequence[Path]) -> None:
    partial = _places_file().with_suffix(f".{uuid.uuid4().hex[:8]}.writing")  # two sessions may write at once
    partial.write_text(json.dumps([str(place) for place in places]))
    os.replace(partial, _places_file())
