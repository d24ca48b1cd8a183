"""How the Prompt page shows things: its pickers, the strip of tokens, the table of strongest features."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import streamlit as st

from core.analyses.prompt import feature_table
from core.labels import Labels
from core.paths import hosted
from core.store import Store
from core.values import MEASURES, Feature
from core.views.graph import Picture
from core.views.tokens import strength, visible
from ui import evolution, pills, selection
from ui import prompt_page as page
from ui.go import anchor
from ui.palette import pair
from ui.share import absolute, as_csv
from ui.text import called, escape, head, measure_name

STYLE = Path(__file__).with_name("prompt.css")
NAMES = {"first": ("sequence", "text", "token"), "second": ("with", "with_text", "with_token")}
"""The settings of either text, as they stand in an address."""
WIDTHS = {"site": 40, "feature": 62, "side": 60}


# ---- choosing a text


def pickers(store: Store, asked: page.Asked) -> None:
    """Which text, which to compare it with, which tokens, and how it is linked."""
    with st.popover(_name_of(asked.first)):
        _text_picker(store, "first")
    with st.popover(f"With {_name_of(asked.second)}" if asked.second else "Compare with"):
        _text_picker(store, "second")
        if asked.second:
            st.button("Compare no longer", key="prompt:alone", on_click=_alone)
    words = measure_name(asked.measure)
    with st.popover(words[0].upper() + words[1:]):
        st.radio("Measure of links", MEASURES, format_func=measure_name, **selection.bind(page.MEASURE))
    with st.popover(f"{asked.top} a site"):
        st.slider("Strongest features of each site", 1, 12, **selection.bind(page.TOP))
    with st.popover(f"Floor {asked.floor:.2f}"):
        fine = asked.measure == "mutual_information"
        st.slider(
            f"Weakest {words} shown", 0.0, 0.2 if fine else 1.0, step=0.005 if fine else 0.05,
            **selection.bind(evolution.floor_of(asked.measure)),
        )  # fmt: skip
        st.number_input("Fewest tokens on which both are active", 0, 100_000, step=5, **selection.bind(page.BOTH))
    with st.popover("Active > 0" if not asked.activity else f"Active > {asked.activity:g} max"):
        st.slider(
            "Active above this share of a feature's maximum", 0.0, 0.9, step=0.05,
            help="It decides what the measures count, not what is shown as active here.",
            **selection.bind(page.ACTIVITY),
        )  # fmt: skip


def _name_of(text: page.Text) -> str:
    if text.typed:
        return f"“{text.typed[:18].strip()}{'…' * (len(text.typed) > 18)}”"
    return f"Sequence {text.sequence:,}" if text.sequence >= 0 else "nothing"


def _text_picker(store: Store, which: str) -> None:
    """A sequence's number, its tokens, and a box to type in where the model can run."""
    sequence, text, token = NAMES[which]
    key = f"prompt:{which}"
    st.number_input(
        f"Sequence of the store, 0 to {store.n_sequences - 1:,}", 0, store.n_sequences - 1,
        value=_current(store, sequence), key=f"{key}:sequence", on_change=_sequence_chosen,
        args=(f"{key}:sequence", sequence, text, token),
    )  # fmt: skip
    st.text_input("Tokens", placeholder="-1, 12, 3,5, 3-7 or all", **selection.bind(page.token_setting(token)))
    if hosted():
        st.caption("Typing a prompt needs the model, which does not run here.")
        return
    st.session_state[f"{key}:typed"] = selection.value(page.text_setting(text))
    st.text_area(
        "Or a prompt of your own", key=f"{key}:typed", placeholder="Once upon a time …", height=90,
        on_change=_typed, args=(f"{key}:typed", sequence, text, token),
        help="The model and SAEs that the store was made with read it; loading them takes some seconds, once.",
    )  # fmt: skip


def _current(store: Store, name: str) -> int | None:
    chosen = selection.value(page.sequence_setting(store, name))
    return chosen if chosen >= 0 else None


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
    selection.drop(token)
    selection.drop(sequence if typed else text)
    if typed:
        selection.choose(text, typed)


def _alone() -> None:
    for name in NAMES["second"]:
        selection.drop(name)


def sharing(graph: nx.DiGraph, drawn: Picture, labels: Labels, title: str, sentence: str, code: str) -> None:
    """Permalink, downloads of exactly what is shown, and the Python behind it."""
    with st.popover("Permalink"):
        st.code(absolute(selection.permalink()), language=None, wrap_lines=True)
    with st.popover("Download"), st.container(key="downloads"):
        if len(graph):
            pills.graph_downloads(graph, drawn, title, sentence)
        st.download_button(
            "Features (CSV)", lambda: as_csv(feature_table(graph, labels)), "prompt-features.csv", "text/csv",
            key="download:features", on_click="ignore", type="tertiary", width="stretch",
        )  # fmt: skip
    with st.popover("Copy as Python"):
        st.code(code, language="python")


# ---- the strip of tokens


def strip(shown: page.Shown, which: str, row: np.ndarray, top: float, store: Store, text: page.Text) -> str:
    """The text as HTML: each token leads to itself, its ground is the selected feature's activation (`row`) there."""
    sequence, typed, token = NAMES[which]
    fixed: dict[str, str | None] = {sequence: None if text.typed else str(text.sequence), typed: text.typed or None}
    parts = []
    for place, piece in enumerate(shown.prompt.tokens):
        ground = strength(float(row[place]), top)
        names = ["s-t"] * bool(ground) + ["s-chosen"] * (place in shown.places)
        names += ["s-uncounted"] * (not shown.prompt.counted[place])
        told = f"token {place}" + (f": {row[place]:.3g}" if row[place] else "")
        drawn = visible(piece) or '<span class="s-blank">·</span>'
        link = anchor(drawn, "", told, **(fixed | {token: str(place)}))
        style = f' style="--a:{ground:g}"' if ground else ""
        parts.append(f'<a class="{" ".join(names)}"{style} title="{html.escape(told)}"' + link.removeprefix("<a"))
    return f'<div class="s-tokens">{"".join(parts)}</div>'


def legend(graph: nx.DiGraph, colours: tuple[dict[str, str], dict[str, str]]) -> str:
    """What the three colours of a comparison mean, with how many of each."""
    parts = []
    for side, words in page.SIDES.items():
        count = sum(data["side"] == side for _, data in graph.nodes(data=True))
        colour = pair(colours[0][side], colours[1][side])
        parts.append(f'<span><i class="s-swatch" style="background:{colour}"></i>{count} {escape(words)}</span>')
    return f'<div class="s-sides">{"".join(parts)}</div>'


# ---- the strongest features


def strongest(frame: pl.DataFrame, key: str, act: Callable[[dict[str, str]], None]) -> None:
    """The table; choosing a row is a click on the feature."""

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            act({"kind": "node", "node": frame["feature"][rows[0]]})

    st.dataframe(
        frame, key=key, hide_index=True, selection_mode="single-row", on_select=chosen,
        height=min(248, 38 + 35 * len(frame)), column_config=_columns(frame),
    )  # fmt: skip


def _columns(frame: pl.DataFrame) -> dict[str, Any]:
    titles = {"side": "in", "first": "first", "second": "second"}
    numbers = {name: kind == pl.Float64 for name, kind in frame.schema.items()}
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(titles.get(name, name), format="%.2f", width=68)
        if number
        else st.column_config.TextColumn(titles.get(name, name), width=WIDTHS.get(name, 72))
        for name, number in numbers.items()
    }
    if "side" in frame.columns:  # the feature names its site, zeros tell the side: there is room for little
        columns |= {"activation": None, "site": None, "side": None}
    return columns


def heading(text: page.Text, shown: page.Shown, feature: str, labels: Labels, which: str = "") -> str:
    """The strip's small heading."""
    shade = f"shaded by {feature} {called(Feature.parse(feature), labels)}; " if feature else ""
    return head(f"{which}{_name_of(text)}", f"{shade}choose a token")
