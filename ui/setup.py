"""The same one-line call at the top of each page: configuration, style, the open store, the sidebar.

page = set_up("Feature")
page.store, page.labels, page.links
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import streamlit as st

from core.analyses.neighbours import StoreLinks
from core.errors import StrataError
from core.labels import Labels
from core.library import Found, found_stores
from core.store import Store
from core.values import Feature
from ui import address, feature_choice, selection
from ui.errors import error_box, show_later
from ui.go import next_page
from ui.notes import note, take_notes
from ui.readers import Reading, no_labels, read_labels, read_store
from ui.sidebar import sidebar
from ui.text import escape

STYLE = Path(__file__).with_name("style.css")
ICON = Path(__file__).with_name("icon.svg")


@dataclass(frozen=True)
class Page:
    """What every page starts from; `found` tells all stores at hand, `name` the open one's."""

    title: str
    found: list[Found]
    name: str
    opened: Store | None

    @property
    def store(self) -> Store:
        """The open store; pages that can do without one look at `opened` first."""
        assert self.opened is not None
        return self.opened

    @cached_property
    def reading(self) -> Reading:
        """The open store with its labels; a damaged label file is said and then as good as none."""
        try:
            labels = read_labels(self.store)
        except StrataError as error:
            error_box(error)
            labels = no_labels(self.store)
        return Reading(self.store, labels)

    @property
    def labels(self) -> Labels:
        """The labels beside the store."""
        return self.reading.labels

    @property
    def links(self) -> StoreLinks:
        """Neighbours and links, out of kept pairs where they are at hand."""
        return self.reading.links

    def feature(self) -> Feature:
        """The chosen feature, else the one that Home's finding starts with; a wrong one leaves a note."""

        def first() -> str:
            found = self.reading.finding()
            return str(found.features[0] if found else Feature(self.store.sites[0].key, 0))

        chosen = selection.value(feature_choice.feature(self.store, instead=first))
        if not chosen:
            chosen = first()
            selection.choose(selection.FEATURE, chosen)
        return Feature.parse(chosen)


def set_up(title: str, *, needs_store: bool = True) -> Page:
    """Configure the page, draw the sidebar and open the store; without one, show the way out and stop."""
    st.set_page_config(f"{title} · Strata", ICON, layout="wide", initial_sidebar_state="auto")
    st.html(STYLE)
    next_page(title.casefold())
    address.adopt(title.casefold())
    found = found_stores()
    chosen = _choose(found)
    opened, problem = _open(chosen)
    page = Page(title, found, chosen.name if chosen else "", opened)
    sidebar(page)
    show_notes()
    if problem is not None:
        error_box(problem)
    if opened is None and needs_store:
        if problem is None:
            no_store()
        st.stop()
    return page


def show_notes() -> None:
    """What had to be put right, quietly, and what a click could not do."""
    for sentence in take_notes():
        st.html(f'<div class="s-note">{escape(sentence)}</div>')
    show_later()


def theme() -> str:
    """``light`` or ``dark``, for what cannot follow the theme through CSS."""
    return "dark" if st.context.theme.type == "dark" else "light"


def no_store() -> None:
    """What to do where there is no store at all."""
    error_box(StrataError("There is no store to look at yet", "collect one on the Data page, or name a folder there"))
    st.page_link("pages/data.py", label="Go to Data")


def _choose(found: list[Found]) -> Found | None:
    """The store that the address or the session names, else the first: the shipped demo."""
    wanted = selection.raw(selection.STORE)
    by_name = {store.name: store for store in found}
    if wanted is not None and wanted not in by_name:
        selection.forget()  # what else the address asks for is about that store
        instead = f"; {found[0].name} is open instead, at its beginning" if found else ""
        note(f"There is no store called “{wanted[:60]}” here{instead}.")
    chosen = by_name.get(wanted or "") or (found[0] if found else None)
    if chosen is not None:
        selection.choose(selection.STORE, chosen.name)
    return chosen


def _open(chosen: Found | None) -> tuple[Store | None, StrataError | None]:
    if chosen is None:
        return None, None
    try:
        return read_store(chosen), None
    except StrataError as error:
        return None, error
