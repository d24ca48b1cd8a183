"""The sidebar of every page: the open store, the jump box, the navigation, a surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.navigation import Jump, parse_jump
from ui import selection
from ui.errors import told_later
from ui.go import anchor, lead_to, linked, page_file
from ui.text import escape, named, short_count

if TYPE_CHECKING:
    from ui.setup import Page

PAGES = ("feature", "evolution", "prompt", "layers", "gates", "communities", "causes", "measures", "data")
ABOUT_A_FEATURE = ("Feature", "Evolution", "Causes")
JUMP, ANSWER = "strata:jump", "strata:answer"
MOST_SHOWN = 12


def sidebar(page: Page) -> None:
    """Draw it."""
    with st.sidebar:
        st.html(f'<div class="s-word">Strata</div><div class="s-store">{_store_line(page)}</div>')
        if page.opened is not None:
            _jump_box(page)
        _navigation()
        if page.opened is not None:
            st.button(
                "Surprise me", key="strata:surprise", type="tertiary", on_click=_surprise, args=(page,),
                help="Opens a feature with good links, another one at each click",
            )  # fmt: skip


def _store_line(page: Page) -> str:
    if page.opened is None:
        return "no store open"
    sites = len(page.store.sites)
    return f"{escape(page.name)} · {sites} site{'s' * (sites != 1)} · {short_count(page.store.n)} tokens"


def _navigation() -> None:
    """The pages that exist, in the order in which one meets the questions."""
    with st.container(key="navigation", gap=None):
        for name in ("home", *PAGES):
            if file := page_file(name):
                st.page_link(file, label=name.capitalize())


# ---- the jump box


def _jump_box(page: Page) -> None:
    example = f"{page.store.sites[-1].key}_{min(169, page.store.sites[-1].d_sae - 1)}"
    st.text_input(
        "Jump to", key=JUMP, on_change=_jump, args=(page,), label_visibility="collapsed",
        placeholder=f"{example}, a label, a token…",
    )  # fmt: skip
    asked_of, answer = st.session_state.get(ANSWER, ("", None))
    if answer is not None and asked_of == page.store.fingerprint:
        _show_answer(page, answer)


@told_later
def _jump(page: Page) -> None:
    """What was typed leads on, or leaves an answer below the box."""
    typed = st.session_state[JUMP]
    answer = parse_jump(typed, page.store, page.labels) if typed.strip() else None
    st.session_state[ANSWER] = page.store.fingerprint, answer
    if answer is not None and answer.kind == "feature":
        del st.session_state[ANSWER]
        st.session_state[JUMP] = ""
        show_feature(str(answer.found[0].feature), page.title)


def _show_answer(page: Page, answer: Jump) -> None:
    """Matches as links, or what can be typed."""
    if answer.kind == "nothing":
        st.html(f'<div class="s-quiet s-small">{escape(answer.message)}</div>')
        return
    target = page.title.casefold() if page.title in ABOUT_A_FEATURE else "feature"
    shown = answer.found[:MOST_SHOWN]
    why = "strongest on this token" if answer.kind == "tokens" else "by label"
    why += f", {len(shown)} of {answer.total:,}" if answer.total > len(shown) else ""
    rows = "".join(
        anchor(
            f'<span>{found.feature}</span><span class="s-two-lines">{named(found.feature, page.labels)}</span>',
            target,
            feature=str(found.feature),
        )
        for found in shown
    )
    linked(f'<div class="s-head">{why}</div><div class="s-found">{rows}</div>', key="strata:found")


def show_feature(feature: str, title: str) -> None:
    """Select a feature; pages that are about one stay, others lead to Feature. For callbacks."""
    selection.choose(selection.FEATURE, feature)
    selection.drop(selection.LINK)
    if title not in ABOUT_A_FEATURE:
        lead_to("feature")


@told_later
def _surprise(page: Page) -> None:
    from core.analyses.findings import surprise

    found = surprise(page.store, page.links, np.random.default_rng())
    if found is not None:
        show_feature(str(found), page.title)
