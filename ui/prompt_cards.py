"""How the Prompt page shows things: its pickers, the strip of tokens, the table of strongest features."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import streamlit as st

from core.errors import StrataError
from core.paths import hosted
from core.store import Store
from core.views.graph import Picture
from core.views.tokens import strength, visible
from ui import evolution, measure_choice, pills, selection
from ui import prompt_page as page
from ui.address import permalink
from ui.columns import columns
from ui.errors import error_box
from ui.go import anchor
from ui.share import as_csv, as_parquet, offers
from ui.tables import choosing
from ui.text import measure_name

STYLE = Path(__file__).with_name("prompt.css")
NAMES = {"first": ("sequence", "text", "token"), "second": ("with", "with_text", "with_token")}
"""The settings of either text, as they stand in an address."""
HELP = {
    "activation": "the largest on the chosen tokens",
    "community": "its number on the page Communities",
    "first": "the largest on the chosen tokens of the first text; 0 where it is silent",
    "second": "the largest on the chosen tokens of the second text; 0 where it is silent",
}
ROWS = 468  # pixels of the table


# ---- choosing a text


def pickers(store: Store, asked: page.Asked) -> None:
    """Which text to compare with, and how features are linked; a text that is there is chosen on its own card."""
    if not asked.second:
        with st.popover("Compare with"):
            text_picker(store, "second", asked.second)
    words = measure_name(asked.measure)
    with st.popover(words[0].upper() + words[1:]):
        bound = selection.bind(evolution.measure_setting(store))
        bound |= {"on_change": pills.measure_chosen, "args": (store,)}
        st.radio("Measure of links", measure_choice.of_graphs(store), format_func=measure_name, **bound)
    with st.popover(f"{asked.top} a site"):
        st.slider("Strongest features of each site", 1, 12, **selection.bind(page.TOP))
    with st.popover(f"Floor {asked.floor:.2f}"):
        fine = asked.measure == "mutual_information"
        st.slider(
            f"Weakest {words} shown", 0.0, evolution.HIGHEST_FLOORS.get(asked.measure, 1.0),
            step=0.005 if fine else 0.05, **selection.bind(evolution.floor_of(asked.measure)),
        )  # fmt: skip
        st.number_input(
            "Fewest tokens on which both are active", 0, 100_000, step=5,
            **selection.bind(evolution.both_of(asked.measure)),
        )  # fmt: skip
    with st.popover("Active > 0" if not asked.activity else f"Active > {asked.activity:g} max"):
        st.slider(
            "Active above this share of a feature's maximum", 0.0, 0.9, step=0.05,
            help="It decides what the measures count, not what is shown as active here.",
            **selection.bind(page.ACTIVITY),
        )  # fmt: skip
    pills.colour_pill("text" if asked.second else "site")


def text_picker(store: Store, which: str, asked: page.Text) -> None:
    """A box to type in where the model can run, else a sequence of the store, and which tokens are looked at."""
    sequence, text, token = NAMES[which]
    key = f"prompt:{which}"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key=f"prompt-picker-{which}"):
        if not hosted():
            _typing(f"{key}:typed", sequence, text, token)
        number = f"{key}:sequence"
        st.session_state[number] = asked.sequence if asked.sequence >= 0 and not asked.typed else None
        st.number_input(
            "Sequence of the store", 0, store.n_sequences - 1, value=None, key=number, width=150,
            placeholder=f"0 to {store.n_sequences - 1:,}", on_change=_sequence_chosen,
            args=(number, sequence, text, token),
        )  # fmt: skip
        st.text_input(
            "Tokens", placeholder=asked.tokens or "the last one", width=150,
            help="-1 for the last one; 12, 3,5, 3-7 or all", **selection.bind(page.token_setting(token)),
        )  # fmt: skip
        if which == "second" and asked:
            st.button("Compare no longer", key="prompt:alone", on_click=_leave, args=("second",))
    if hosted():
        st.caption("Typing a prompt needs the model, which does not run here.")


def _typing(key: str, sequence: str, text: str, token: str) -> None:
    """The box for a text of one's own; it shows what the address says."""
    st.session_state[key] = selection.value(page.text_setting(text))
    st.text_area(
        "A prompt of your own", key=key, placeholder="Type a prompt …", height=68, max_chars=page.LONGEST_TYPED,
        on_change=_typed, args=(key, sequence, text, token),
        help="The model and SAEs that the store was made with read it; loading them takes some seconds, once.",
    )  # fmt: skip
    st.button("Run", key=f"{key}:run", on_click=_typed, args=(key, sequence, text, token))


def _sequence_chosen(key: str, sequence: str, text: str, token: str) -> None:
    chosen = st.session_state[key]
    selection.drop(text)
    selection.drop(token)
    if chosen is None:
        selection.drop(sequence)
    else:
        selection.choose(sequence, str(int(chosen)))


def _typed(key: str, sequence: str, text: str, token: str) -> None:
    typed = st.session_state[key].strip()
    if typed == selection.value(page.text_setting(text)).strip():
        return  # leaving the box has run it already, when the button is clicked
    selection.drop(token)
    selection.drop(sequence if typed else text)
    if typed:
        selection.choose(text, typed)


def refused(error: StrataError, store: Store, which: str, asked: page.Text) -> None:
    """What is wrong with a text, and what one can do about it here."""
    error_box(error)
    text_picker(store, which, asked)
    with st.container(horizontal=True, gap="small"):
        if asked.tokens:
            st.button("Its last token", key=f"prompt:{which}:last", on_click=selection.drop, args=(NAMES[which][2],))
        st.button("Another text" if which == "first" else "Without it", key=f"prompt:{which}:drop",
                  on_click=_leave, args=(which,))  # fmt: skip


def _leave(which: str) -> None:
    for name in NAMES[which]:
        selection.drop(name)


def sharing(
    graph: nx.DiGraph, drawn: Picture, title: str, sentence: str, code: str, frames: Mapping[str, pl.DataFrame]
) -> None:
    """Permalink, downloads of exactly what is shown, and the Python behind it; `frames` are tables by name."""

    def downloads() -> None:
        if len(graph):
            pills.graph_downloads(graph, drawn, title, sentence)
        for name, frame in frames.items():
            for kind, told, make in (("csv", "CSV", as_csv), ("parquet", "Parquet", as_parquet)):
                st.download_button(
                    f"{name} ({told})", lambda make=make, frame=frame: make(frame),  # type: ignore[misc]
                    f"prompt-{name.casefold().replace(' ', '-')}.{kind}", key=f"download:{name}:{kind}",
                    on_click="ignore", type="tertiary", width="stretch",
                )  # fmt: skip

    offers(permalink(), downloads, code)


# ---- the strip of tokens


def strip(shown: page.Shown, which: str, row: np.ndarray, top: float, store: Store, text: page.Text) -> str:
    """The text as HTML: each token leads to itself, its ground is the selected feature's activation (`row`) there.

    What was chosen is framed, neighbours together; a line break breaks the line.
    """
    sequence, typed, token = NAMES[which]
    fixed: dict[str, str | None] = {sequence: None if text.typed else str(text.sequence), typed: text.typed or None}
    chosen = set() if shown.every else set(shown.places)
    parts = []
    for place, piece in enumerate(shown.prompt.tokens):
        ground = strength(float(row[place]), top)
        names = ["s-t"] * bool(ground)
        if place in chosen:
            names += ["s-chosen"] + ["s-first"] * (place - 1 not in chosen) + ["s-last"] * (place + 1 not in chosen)
        names += ["s-uncounted"] * (not shown.prompt.counted[place])
        told = f"token {place}" + (f": {row[place]:.3g}" if row[place] else "")
        drawn = visible(piece).replace("↵</span>", "↵</span><br>") or '<span class="s-blank">·</span>'
        link = anchor(drawn, "", told, **(fixed | {token: str(place)}))
        style = f' style="--a:{ground:g}"' if ground else ""
        parts.append(f'<a class="{" ".join(names)}"{style} title="{html.escape(told)}"' + link.removeprefix("<a"))
    return f'<div class="s-tokens">{"".join(parts)}</div>'


# ---- the strongest features


def strongest(frame: pl.DataFrame, key: str, act: Callable[[dict[str, str]], None], feature: str) -> None:
    """The table, the feature that is marked ticked; choosing another row is a click on it."""
    names = frame["feature"].to_list()
    shown = columns(frame, more=HELP, widths={"activation": 84, "community": 90})
    if "side" in frame.columns:  # the feature names its site, and the larger of the two stands beside it
        shown |= {"activation": None, "site": None}
    choosing(
        frame, key, lambda row: act({"kind": "node", "node": names[row]}),
        names.index(feature) if feature in names else None, columns=shown, height=ROWS,
    )  # fmt: skip
