"""The address of the page that is shown, and what the session has chosen: how the two are kept together.

`ui.selection` is how pages read and change choices. Streamlit writes the address, and tells when the browser's Back has
brought one; this room decides which of the two is right as a page begins, and writes what was chosen in one step.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from weakref import ref

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

STORE, FEATURE, LINK = "store", "feature", "link"
MOST_KEPT = 50  # addresses that are remembered


def adopt(page: str = "") -> None:
    """Bring the choices and the address together as a page begins to be drawn.

    The choices are right but for two cases. A page that was not drawn last may have been opened by an address, which
    then tells. And the browser's Back restores an address, which is right also in what it lacks, since a default stands
    in none. Else an address that this page has had before is stale: clicks may be quicker than it. All that changes
    does so in one step of the browser's history.
    """
    state, given = session(), st.query_params.to_dict()
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
    state = session()
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
    state = session()
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
    return sorted(session()["used"])


def mirror(name: str) -> None:
    """Write a choice to the address; a permalink of this page has it from now on."""
    state = session()
    state["used"].add(name)
    chosen = state["chosen"].get(name)
    if chosen is None:
        return
    state["mirrored"][name] = chosen
    if st.query_params.get(name) != chosen:
        st.query_params[name] = chosen


def take_out(name: str) -> None:
    """The address has it no more; what is chosen stays."""
    session()["mirrored"].pop(name, None)
    if name in st.query_params:
        del st.query_params[name]


def drawing() -> bool:
    """Whether the page is being drawn; else a callback runs, before it is."""
    return session()["run"]() is _run()


def _run() -> Any:
    """The run of the script that this is part of; none outside of Streamlit."""
    return get_script_run_ctx(suppress_warning=True)


def session() -> dict[str, Any]:
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
