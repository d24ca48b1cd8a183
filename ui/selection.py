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
from urllib.parse import urlencode
from weakref import ref

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.notes import note, start_anew

T = TypeVar("T")
N = TypeVar("N", int, float)

STORE, FEATURE, LINK = "store", "feature", "link"
MOST_KEPT = 50  # addresses that are remembered


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
        if setting.name in _state()["asked"]:
            refuse(setting.name, str(error), _instead(setting))
        _take_out(setting.name)  # another page's, under the same name
        return setting.default
    _mirror(setting.name)
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
    asked = name in _state()["asked"]
    _state()["asked"].discard(name)
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
    return _state()["chosen"].get(name)


def choose(name: str, chosen: str) -> None:
    """Choose by text; what a click chooses is in the address when the page has been drawn anew."""
    state = _state()
    state["asked"].discard(name)
    state["chosen"][name] = chosen
    if _drawing():
        _mirror(name)
    else:
        state["fresh"].add(name)


def drop(name: str) -> None:
    """Back to the default."""
    state = _state()
    state["asked"].discard(name)
    state["chosen"].pop(name, None)
    if _drawing():
        _take_out(name)
    else:
        state["fresh"].add(name)


def open_store(name: str) -> None:
    """Choose another store; what was chosen in the one before means nothing there."""
    if name != raw(STORE):
        forget()
    choose(STORE, name)


def forget() -> None:
    """Back to the default of everything."""
    for each in list(_state()["chosen"]):
        drop(each)


# ---- the address


def adopt_address(page: str = "") -> None:
    """Bring the choices and the address together as a page begins to be drawn.

    The choices are right but for two cases. A page that was not drawn last may have been opened by an address, which
    then tells. And the browser's Back restores an address, which is right also in what it lacks, since a default stands
    in none. Else what differs from what we have written is stale: clicks may be quicker than the address.
    All that changes does so in one step of the browser's history.
    """
    state, given = _state(), st.query_params.to_dict()
    chosen, fresh, arrived = state["chosen"], state["fresh"], page != state["page"]
    back = bool(getattr(_run(), "is_history_navigation", False))
    address = state["left"].get(_entry(page, given), given) if back else given
    written = {} if arrived else state["mirrored"]
    names = written.keys() | fresh
    if back or arrived or not (fresh or given in state["earlier"]):
        other = {name: text for name, text in address.items() if name not in fresh and text != written.get(name)}
        state["asked"] |= {name for name, text in other.items() if text != chosen.get(name)}
        chosen |= other
        names |= other.keys()
    if back:
        for name in state["uses"].get(page, set()) - address.keys() - {STORE}:
            chosen.pop(name, None)
    elif arrived:  # what it had when it was left, unless another page has chosen anew
        names |= {name for name, text in state["last"].get(page, {}).items() if chosen.get(name) == text}
    now = {name: chosen[name] for name in sorted(names) if name in chosen}
    if now != given:
        st.query_params.from_dict(now)
    if arrived:
        state["last"][state["page"]] = state["mirrored"]
        state["earlier"] = []
    state["earlier"] = [*state["earlier"], state["mirrored"], dict(now)][-MOST_KEPT:]
    state |= {"mirrored": now, "fresh": set(), "page": page, "used": set()}
    state["uses"][page] = state["used"]
    if run := _run():
        state["run"] = ref(run)


def leave_for(page: str) -> dict[str, str]:
    """The parameters with which another page begins, for `st.switch_page`: the store, what a click has just chosen, and
    what the page had when it was left.

    Streamlit writes them to the address of the page that is left first, where Back will find them: there they stand for
    what was.
    """
    state = _state()
    last = {name for name, text in state["last"].get(page, {}).items() if state["chosen"].get(name) == text}
    names = {STORE} | state["fresh"] | last
    address = {name: state["chosen"][name] for name in sorted(names) if name in state["chosen"]}
    state["left"][_entry(state["page"], address)] = state["mirrored"]
    for entry in list(state["left"])[:-MOST_KEPT]:
        del state["left"][entry]
    return address


def _entry(page: str, address: dict[str, str]) -> tuple[str, frozenset[tuple[str, str]]]:
    """A step of the browser's history."""
    return page, frozenset(address.items())


def permalink(page: str = "", **changes: str | None) -> str:
    """The relative address of this view, or of one with changes: ``permalink("feature", feature="5_1")``.

    Without a page it keeps the settings that this page has used so far; with one it keeps the store only.
    """
    state = _state()
    kept = {STORE} if page else {STORE, *state["used"]}
    chosen = {name: text for name, text in state["chosen"].items() if name in kept}
    chosen |= {name: text for name, text in changes.items() if text is not None}
    for name in [name for name, text in changes.items() if text is None]:
        chosen.pop(name, None)
    order = [STORE, FEATURE, LINK]
    ranked = sorted(chosen.items(), key=lambda item: (order.index(item[0]) if item[0] in order else 9, item[0]))
    return f"{page}?{urlencode(ranked)}" if ranked else page


def used() -> list[str]:
    """The names of the choices that this page has read so far."""
    return sorted(_state()["used"])


def _mirror(name: str) -> None:
    """Write a choice to the address; a permalink of this page has it from now on."""
    state = _state()
    state["used"].add(name)
    chosen = state["chosen"].get(name)
    if chosen is None:
        return
    state["mirrored"][name] = chosen
    if st.query_params.get(name) != chosen:
        st.query_params[name] = chosen


def _take_out(name: str) -> None:
    """The address has it no more; what is chosen stays."""
    _state()["mirrored"].pop(name, None)
    if name in st.query_params:
        del st.query_params[name]


def _drawing() -> bool:
    """Whether the page is being drawn; else a callback runs, before it is."""
    return _state()["run"]() is _run()


def _run() -> Any:
    """The run of the script that this is part of; none outside of Streamlit."""
    return get_script_run_ctx(suppress_warning=True)


def _state() -> dict[str, Any]:
    if "strata" not in st.session_state:
        st.session_state["strata"] = {
            "chosen": {},  # texts by name
            "fresh": set(),  # names that a click has chosen or dropped, not yet in the address
            "mirrored": {},  # what we have written to the address of this page
            "asked": set(),  # names that an address asks for, as long as nothing has settled them
            "page": "",
            "used": set(),  # names that this page has read so far
            "uses": {},  # the same of the last run of each page
            "earlier": [],  # addresses that this page has had: a quick click may bring one along
            "last": {},  # the address of each page when it was left
            "left": {},  # addresses of pages as they were left, by those that were written over them
            "run": lambda: None,  # the one that draws the page; weak, since it holds all that it has drawn
        }
    state: dict[str, Any] = st.session_state["strata"]
    return state
