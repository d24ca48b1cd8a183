"""Where Strata keeps what it writes: stores, results and jobs under the cache folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from core.errors import BadArgument, NotPermitted

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the checkout: streamlit_app.py, demo/ and cache/ lie in it."""


def cache_folder() -> Path:
    """``STRATA_CACHE``, or ``cache/`` beside the app; made when it is missing. Raises `NotPermitted`."""
    return _made(cache_place())


def cache_place() -> Path:
    """The same folder, whether it is there or not."""
    return Path(os.environ.get("STRATA_CACHE") or ROOT / "cache")


def stores_folder() -> Path:
    """Where `collect` puts stores and the app looks for them. Raises `NotPermitted`."""
    return _made(stores_place())


def stores_place() -> Path:
    """The same folder, whether it is there or not."""
    return cache_place() / "stores"


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotPermitted(
            f"the cache folder {folder} cannot be made: {error.strerror}", "name another one in STRATA_CACHE"
        ) from error
    return folder


def safe_name(text: str) -> str:
    """A file name made of `text` that cannot lead out of its folder; raises `BadArgument` when nothing is left.

    >>> safe_name("gpt2-small/../res jb")
    'gpt2-small-res-jb'
    """
    parts = re.findall(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", text)
    name = "-".join(part.strip(".-") for part in parts)[:120]
    if not name:
        raise BadArgument(f"{text!r} leaves no file name", "use letters and digits")
    return name


def hosted() -> bool:
    """Whether this is a public deployment: ``STRATA_HOSTED=1``, or Streamlit Community Cloud's home folder."""
    return os.environ.get("STRATA_HOSTED") == "1" or Path("/mount/src") in ROOT.parents
