"""Links within a page that lead on without reloading it: HTML whose anchors come back to Python.

An anchor's ``href`` is a permalink (`ui.address.permalink`), so that it also opens in a new tab. A plain click is
taken over by the component and becomes a choice and, where it leads to another page, a change of page.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from urllib.parse import parse_qsl

import streamlit as st

from core.paths import ROOT
from ui import selection
from ui.address import leave_for, permalink

HOME = "streamlit_app.py"

_linked = st.components.v2.component(
    "strata.linked",
    html="<div class='s-linked'></div>",
    js="""
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".s-linked")
  if (root.dataset.html !== data.html) {
    root.dataset.html = data.html
    root.innerHTML = data.html
  }
  root.onclick = (event) => {
    const anchor = event.target.closest("a[data-go]")
    if (!anchor || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    setTriggerValue("go", anchor.getAttribute("href"))
  }
}
""",
    isolate_styles=False,
)


def linked(body: str, key: str) -> None:
    """Show HTML in which plain clicks on `anchor`s lead on; all text in it must be escaped."""

    def clicked() -> None:
        address = st.session_state[key].get("go")
        if isinstance(address, str):
            follow(address)

    _linked(data={"html": body}, key=key, on_go_change=clicked)


def anchor(body: str, page: str = "", label: str = "", **choices: str | None) -> str:
    """An HTML link to a view; `body` is HTML."""
    told = f' aria-label="{html.escape(label)}"' if label else ""
    return f'<a data-go href="{html.escape(permalink(page, **choices))}"{told}>{body}</a>'


def follow(address: str) -> None:
    """Take over the choices of a permalink and remember which page comes next; for callbacks.

    An empty choice takes back what was chosen.
    """
    page, _, query = address.partition("?")
    choices = dict(parse_qsl(query, keep_blank_values=True)[:40])
    if store := choices.pop(selection.STORE, ""):
        selection.open_store(store)
    choose_all(choices)
    lead_to(page)


def choose_all(choices: Mapping[str, str]) -> None:
    """Choose by name and text; an empty text goes back to the default."""
    for name, chosen in choices.items():
        if chosen:
            selection.choose(name, chosen)
        else:
            selection.drop(name)


def lead_to(page: str) -> None:
    """The next run of the script goes to `page`; "" stays. For callbacks, which cannot change the page themselves."""
    if page and page_file(page):
        st.session_state["strata:next"] = page


def next_page(current: str) -> None:
    """Go where a callback wanted to; the first thing that a page does."""
    page = st.session_state.pop("strata:next", None)
    if page and page != current:
        st.switch_page(page_file(page), query_params=leave_for(page))


def page_file(page: str) -> str:
    """The script of a page, or "" where this Strata has none."""
    if page == "home":
        return HOME
    path = f"pages/{page}.py"
    return path if page.isidentifier() and (ROOT / path).is_file() else ""
