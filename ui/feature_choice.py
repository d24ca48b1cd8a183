"""The feature and the link that an address names, read against the open store: what is none of it is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from core.errors import StrataError
from core.store import Store
from core.values import Feature
from ui import selection
from ui.clicks import MOST_EXPANDED, link_ends


def feature(store: Store, name: str = selection.FEATURE, instead: Callable[[], str] | None = None) -> selection.Setting:
    """A feature of the store as text, "" for none; `instead` says what stands in for one that is not there."""
    return selection.Setting(name, "", lambda text: text and str(known(store, text)), instead=instead)


def features(store: Store, name: str) -> selection.Setting[tuple[str, ...]]:
    """Several features, with commas between; the last MOST_EXPANDED count."""

    def read(text: str) -> tuple[str, ...]:
        return tuple(str(known(store, each)) for each in text.split(",") if each)[-MOST_EXPANDED:]

    return selection.Setting(name, (), read, ",".join)


def link(store: Store, instead: str = "the strongest link") -> selection.Setting[str]:
    """Two features as ``SOURCE,TARGET`` whichever way they are written, "" for none."""

    def read(text: str) -> str:
        if not text:
            return ""
        ends = link_ends(text)
        if not ends:
            raise ValueError("it is two features with a comma between")
        source, target = store.order(*(known(store, end) for end in ends))
        if source == target:
            raise ValueError(f"{source} is given twice")
        return f"{source},{target}"

    return selection.Setting(selection.LINK, "", read, instead=lambda: instead)


def is_known(store: Store, text: str) -> bool:
    """Whether a text names a feature of the store."""
    with suppress(ValueError):
        return bool(known(store, text))
    return False


def known(store: Store, text: str) -> Feature:
    """The feature of the store that a text names; raises ValueError with what is wrong."""
    try:
        return store.feature(text)
    except StrataError as error:
        raise ValueError(error.what) from error
