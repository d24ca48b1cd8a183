"""What the user has chosen: store, feature, link, settings. It lives in the session and is mirrored to the address.

Each choice is a short text under the name of its query parameter, so that an address opened cold restores the view.
Pages read and change choices through a `Setting`, which says how to read one and what to fall back to:

    MEASURE = choice("measure", MEASURES)
    st.selectbox("Measure", MEASURES, **bind(MEASURE))
    links.neighbours(feature, key, value(MEASURE), ...)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from ui import address
from ui.notes import note, start_anew

T = TypeVar("T")
N = TypeVar("N", int, float)

STORE, FEATURE, LINK = address.STORE, address.FEATURE, address.LINK


@dataclass(frozen=True)
class Setting(Generic[T]):
    """A named choice; `read` raises ValueError on a text that is none, and the default stands in.

    `instead` says what that is where the default's own text does not.
    """

    name: str
    default: T
    read: Callable[[str], T]
    write: Callable[[T], str] = str
    instead: Callable[[], str] | None = None


def choice(name: str, options: Sequence[str], default: str | None = None) -> Setting[str]:
    """One of a few words; the first is the default."""

    def read(text: str) -> str:
        if text not in options:
            raise ValueError(f"it is one of {', '.join(options)}")
        return text

    return Setting(name, options[0] if default is None else default, read)


def number(name: str, default: float, low: float, high: float) -> Setting[float]:
    """A number within bounds."""
    return Setting(name, default, _within(float, low, high), lambda x: f"{x:g}")


def count(name: str, default: int, low: int, high: int, instead: str = "") -> Setting[int]:
    """A whole number within bounds; `instead` says what the default stands for where it is no number."""
    return Setting(name, default, _within(int, low, high), instead=(lambda: instead) if instead else None)


def _within(kind: Callable[[str], N], low: float, high: float) -> Callable[[str], N]:
    def read(text: str) -> N:
        with suppress(ValueError):
            if low <= (found := kind(text)) <= high:
                return found
        raise ValueError(f"it goes from {low:,} to {high:,}" if kind is int else f"it goes from {low:g} to {high:g}")

    return read


def text(name: str, default: str = "", longest: int = 2000) -> Setting[str]:
    """Any text, such as a search or a prompt."""
    return Setting(name, default, lambda given: given[:longest])


# ---- reading and changing


def value(setting: Setting[T]) -> T:
    """The choice, or its default; a text of the address that cannot be read is refused."""
    given = raw(setting.name)
    if given is None:
        return setting.default
    try:
        found = setting.read(given)
    except ValueError as error:
        if setting.name in address.session()["asked"]:
            refuse(setting.name, str(error), _instead(setting))
        address.take_out(setting.name)  # another page's, under the same name
        return setting.default
    address.mirror(setting.name)
    return found


def _instead(setting: Setting[Any]) -> str:
    if setting.instead is not None:
        return setting.instead()
    return "" if setting.default is None else setting.write(setting.default)


def refuse(name: str, why: str, instead: str = "") -> None:
    """Forget what the address says under a name, and begin the page anew with a note of what was asked and is shown.

    A choice that is not in the address is left alone: another page has made it for itself, under the same name.
    """
    given = raw(name)
    if given is None or name not in st.query_params:
        return
    drop(name)
    note(f"{name} = “{given[:60]}” cannot be used: {why}{f'; {instead} stands in' if instead else ''}.")
    start_anew()  # the note stands at the top, where the page has been drawn already


def settle(name: str, fits: bool, why: str, instead: str = "") -> None:
    """Refuse what the address asks for under a name unless it fits what there is to choose from on the page.

    An address is asked once. What was clicked, or has been settled, and no longer fits since something else was
    changed, is passed over without a word.
    """
    asked = name in address.session()["asked"]
    address.session()["asked"].discard(name)
    if asked and not fits:
        refuse(name, why, instead)


def put(setting: Setting[T], chosen: T) -> None:
    """Choose; the default leaves no trace in the address."""
    if chosen == setting.default:
        drop(setting.name)
    else:
        choose(setting.name, setting.write(chosen))


def bind(setting: Setting[Any]) -> dict[str, Any]:
    """Keyword arguments that tie a widget to a setting, across pages and in the address."""
    key = f"w:{setting.name}"
    st.session_state[key] = value(setting)
    return {"key": key, "on_change": _taken_over, "args": (setting, key)}


def _taken_over(setting: Setting[Any], key: str) -> None:
    chosen = st.session_state[key]
    put(setting, setting.default if chosen is None else chosen)


def raw(name: str) -> str | None:
    """The text chosen under a name."""
    return address.session()["chosen"].get(name)


def choose(name: str, chosen: str) -> None:
    """Choose by text; what a click chooses is in the address when the page has been drawn anew."""
    state = address.session()
    state["asked"].discard(name)
    state["chosen"][name] = chosen
    if address.drawing():
        address.mirror(name)
    else:
        state["fresh"].add(name)


def drop(name: str) -> None:
    """Back to the default."""
    state = address.session()
    state["asked"].discard(name)
    state["chosen"].pop(name, None)
    if address.drawing():
        address.take_out(name)
    else:
        state["fresh"].add(name)


def open_store(name: str) -> None:
    """Choose another store; what was chosen in the one before means nothing there."""
    if name != raw(STORE):
        forget()
    choose(STORE, name)


def forget() -> None:
    """Back to the default of everything."""
    for each in list(address.session()["chosen"]):
        drop(each)
