"""The parts of the Data page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.collect.settings import Settings
from core.errors import StrataError
from core.library import DEMO, Found, forget_place, found_stores, give_place, given_places, size_text
from core.paths import hosted, stores_place
from core.results import cache_size, clear_cache, most_kept
from core.store import verify
from ui import collecting, selection
from ui.errors import error_box, show_later, told_later
from ui.go import anchor, linked
from ui.readers import read_store
from ui.setup import Page
from ui.text import escape, head, quiet, short_count, table, title

PLACE, FREED = "data:place", "data:freed"
DEVICES = ("auto", "cpu", "cuda", "mps")


def heading(page: Page) -> None:
    """How many stores, and how large."""
    title(told_of(page.found) or "No store yet", "" if hosted() else where(page.found, stores_place()))


def told_of(stores: Sequence[Found]) -> str:
    """How many stores, and their size together; "" for none.

    >>> told_of([Found("a", Path("a.h5"), 2_000_000, 0)]), told_of([])
    ('1 store, 2.0 MB', '')
    """
    n, size = len(stores), size_text(sum(found.size for found in stores))
    return f"{n} store{'s' * (n != 1)}, {size}" if n else ""


def where(stores: Sequence[Found], folder: Path) -> str:
    """Which of them lie where; `folder` is for those that are collected.

    >>> where([Found("demo", DEMO, 9, 0), Found("a", Path("/x/a.h5"), 2_000_000, 0)], Path("/x"))
    'demo ships with Strata; 1 store, 2.0 MB, in /x'
    >>> where([Found("b", Path("/y/b.h5"), 2_000_000, 0)], Path("/x"))
    'Collected stores will lie in /x; 1 store, 2.0 MB, elsewhere'
    """
    collected = [found for found in stores if found.path.parent == folder]
    others = [found for found in stores if found.path != DEMO and found not in collected]
    parts = [f"{found.name} ships with Strata" for found in stores if found.path == DEMO]
    begins = "collected" if parts else "Collected"
    parts.append(f"{told_of(collected)}, in {folder}" if collected else f"{begins} stores will lie in {folder}")
    return "; ".join([*parts, *[f"{told_of(others)}, elsewhere"] * bool(others)])


# ---- stores


def stores(page: Page) -> None:
    """Every store with its model, sites and tokens; a click opens it."""
    if not page.found:
        return
    rows = [_row(page, found) for found in page.found]
    names = ("store", "model", "sites", "tokens", "size")
    with st.container(key="card-stores"):
        linked(head("Stores") + table(names, rows, [False, False, True, True, True]), key="data:stores")


def _row(page: Page, found: Found) -> list[str]:
    name = f'<span class="s-long">{escape(found.name)}</span>'
    is_open = page.opened is not None and found.name == page.name
    link = f"<b>{name}</b>" if is_open else anchor(name, store=found.name, feature=None, link=None)
    try:
        store = read_store(found)
    except StrataError as error:
        return [link, f'<span class="s-quiet">{escape(error.what)}</span>', "–", "–", size_text(found.size)]
    return [link, escape(store.model), f"{len(store.sites)}", short_count(store.n), size_text(found.size)]


def details(page: Page) -> None:
    """How the open store was made, and whether its bytes are what was written."""
    store = page.store
    rows = [("created", _moment(store.created)), ("recipe", store.recipe[:16]), ("fingerprint", store.fingerprint[:16])]
    rows += [
        (SETTINGS.get(name, name.replace("_", " ")), _value(value))
        for name, value in sorted(store.settings.items())
        if _to_show(value)
    ]
    if not hosted():
        rows.append(("file", str(store.path)))
    cells = [
        [f'<span class="s-quiet">{escape(name)}</span>', f'<span class="s-wrap">{escape(v)}</span>'] for name, v in rows
    ]
    with st.container(key="card-details"):
        st.html(head(page.name) + table(("", ""), cells, [False, False]))
        if not hosted() and st.button("Verify every byte", key="data:verify"):
            _verify(page)


def _to_show(value: object) -> bool:
    """Whether a setting says something; where hosted, what may be a folder of the machine it came from is left out."""
    text = str(value)
    may_be_folder = ("/" in text or "\\" in text) and not text.startswith("hf:")
    return value not in (None, {}, "") and not (hosted() and may_be_folder)


SETTINGS = {"model_source": "model from", "prepend_bos": "begins with BOS", "pack": "documents packed", "saes": "SAEs"}
"""What settings of a store are called where their names say too little."""


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _moment(created: str) -> str:
    """When, to the minute.

    >>> _moment("2026-11-22T19:45:28Z"), _moment("")
    ('2026-11-22, 19:45 UTC', '')
    """
    day, _, time = created.partition("T")
    return f"{day}, {time[:5]} UTC" if time.endswith("Z") else created


def _verify(page: Page) -> None:
    with st.spinner("comparing every dataset with its checksum"):
        bad = verify(page.store)
    if bad:
        error_box(
            StrataError(f"{', '.join(bad)} differ from their checksums", "collect it again, or restore it from a copy")
        )
    else:
        st.html(quiet("Every dataset agrees with its checksum."))


# ---- collecting


def collect(page: Page) -> None:
    """Model, SAEs, text; disk and time are told before anything starts."""
    with st.container(key="card-collect"):
        st.html(head("Collect a store"))
        if not collecting.can_collect():
            st.html(quiet("The model packages are not installed here: pip install -r requirements.txt"))
            return
        left, middle, right = st.columns(3)
        model = left.text_input(
            "Model",
            "demo",
            key="collect:model",
            persist_state="session",
            help="demo, a Hugging Face name or a local folder",
        )
        saes = middle.text_input(
            "SAEs",
            "demo",
            key="collect:saes",
            persist_state="session",
            help="demo, a SAELens release, or a folder of SAEs",
        )
        text = right.text_input(
            "Text", "demo", key="collect:text", persist_state="session", help="demo, a text file, or hf:DATASET"
        )
        tokens = left.number_input(
            "Tokens", 1_000, 10**9, 300_000, 50_000, key="collect:tokens", persist_state="session"
        )
        context = middle.number_input(
            "Context size",
            0,
            10**6,
            0,
            64,
            key="collect:context",
            persist_state="session",
            help="0: as the SAEs were trained",
        )
        device = right.selectbox("Device", DEVICES, key="collect:device", persist_state="session")
        told = collecting.costs(model, saes, int(tokens))
        st.html(quiet(collecting.cost_line(told, int(tokens))))
        settings = _settings(model, saes, text, int(tokens), int(context), device)
        with st.container(horizontal=True, vertical_alignment="center"):
            ready = bool(model.strip() and saes.strip() and text.strip()) and told.estimate.fits
            st.button(
                "Collect", type="primary", disabled=not ready, key="collect:start",
                on_click=collecting.begin, args=(settings,),
            )  # fmt: skip
            with st.popover("Copy as command"):
                words = ["python", "-m", "core", *collecting.command_of(settings)]
                st.code(shlex.join(words), language="bash", wrap_lines=True)
        if not told.estimate.fits:
            error_box(StrataError("The disk cannot hold this", "ask for fewer tokens, or free some room"))


def _settings(model: str, saes: str, text: str, tokens: int, context: int, device: str) -> Settings:
    names = model.strip(), saes.strip(), text.strip()
    return Settings(*names, tokens=tokens, context_size=context or None, device=device)


# ---- other places, and the cache


def places(page: Page) -> None:
    """Stores and folders outside of the cache."""
    with st.container(key="card-places"):
        st.html(head("Look elsewhere too"))
        st.text_input(
            "Folder or store", key=PLACE, placeholder="/path/to/a/folder or a/store.h5",
            on_change=told_later(_give, PLACE), label_visibility="collapsed",
        )  # fmt: skip
        show_later(PLACE)
        for path in given_places():
            n = sum(path in (found.path, found.path.parent) for found in page.found)
            told = "" if path.suffix == ".h5" else f' <span class="s-quiet">{n or "no"} store{"s" * (n != 1)}</span>'
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(f'<span class="s-small s-wrap">{escape(str(path))}{told}</span>', width="stretch")
                st.button("Forget", key=f"forget:{path}", on_click=told_later(forget_place, PLACE), args=(path,))


def _give() -> None:
    typed = st.session_state[PLACE]
    if not typed.strip():
        return
    path = give_place(typed)
    st.session_state[PLACE] = ""
    for found in found_stores():
        if found.path == path:  # its name here may not be its file's: another one may be called the same
            selection.open_store(found.name)


def cache() -> None:
    """How much room results take that can be computed again, how much they may, and what was just freed."""
    size, freed = cache_size(), st.session_state.pop(FREED, None)
    told = f"{size_text(size)}, computed again when needed." if size else "None yet."
    told += f" They may take {size_text(most_kept())}: beyond that, what was not used for longest gives way."
    with st.container(key="card-cache"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'{head("Results kept")}<div class="s-small">{told}</div>', width="stretch")
            st.button("Clear", on_click=told_later(_clear, FREED), disabled=not size)
        if freed is not None:
            st.html(quiet(f"Cleared: {size_text(freed)} are free again."))
        show_later(FREED)


def _clear() -> None:
    st.session_state[FREED] = clear_cache()
