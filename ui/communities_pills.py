"""The quiet row above the communities: settings, search, permalink, downloads, and the Python behind the page."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analyses.communities import Settings
from core.analyses.community_tables import MOST
from core.paths import hosted
from core.statistics.partitions import METHODS
from core.store import Store
from core.values import DATA_FREE
from core.views.graph import Picture
from ui import communities as com
from ui import communities_page as parts
from ui import communities_shown as shown_parts
from ui import measure_choice, selection
from ui.address import permalink
from ui.pills import STYLE, graph_downloads
from ui.share import as_csv, as_parquet, offers, path_told
from ui.text import measure_name


def settings(store: Store, asked: Settings) -> None:
    """What determines the communities: there before they are, so that nobody has to wait to change it."""
    st.html(STYLE)
    _links(store, asked)
    _grouping(asked)
    st.text_input(
        "Find", placeholder="label, token or feature", label_visibility="collapsed", width=170,
        **selection.bind(parts.FIND),
    )  # fmt: skip


def of_the_view(
    store: Store, asked: Settings, view: parts.View | None, drawn: Picture | None, told: str,
    communities: pl.DataFrame, members: pl.DataFrame, shown: pl.DataFrame | None,
) -> None:  # fmt: skip
    """The rest of the row; call it when every setting of the page has been read."""
    if view is not None:
        _drawn(view)

    def downloads() -> None:
        _tables(communities, members, shown)
        if view is not None and drawn is not None:
            graph_downloads(view.graph, drawn, told, shown_parts.cut(view))

    offers(permalink(), downloads, _python(store, asked, view))


def _drawn(view: parts.View) -> None:
    by = f", by {selection.value(parts.SHADE)}" if view.divided else ""
    with st.popover(f"{len(view.graph)} drawn{by}"):
        bound = selection.bind(parts.drawn_setting())
        st.slider("Best connected features that are drawn", 10, parts.most_nodes(), step=10, **bound)
        if view.divided:
            st.radio("Colour by", ("part", "site"), **selection.bind(parts.SHADE))


def _links(store: Store, asked: Settings) -> None:
    words = measure_name(asked.measure)
    with st.popover(words[0].upper() + words[1:]):
        bound = selection.bind(com.links_setting(store)) | {"on_change": com.links_chosen, "args": (store,)}
        st.radio("Links by", measure_choice.of_graphs(store), format_func=measure_name, **bound)
        if not hosted():
            st.radio("Between", ("adjacent", "all"), format_func=_pairs, **selection.bind(com.PAIRS))
    with st.popover(f"Floor {asked.floor:.2f}"):
        fine = asked.measure == "mutual_information"
        top, step = (0.2, 0.005) if fine else (com.HIGHEST.get(asked.measure, 1.0), 0.05)
        setting = com.floor_of(asked.measure)
        chosen = selection.value(setting)  # an address may go further than the slider
        low, high = min(step, chosen), max(top, chosen)
        st.slider(f"Weakest {words} of a link", low, high, step=step, **selection.bind(setting))
        if asked.measure not in DATA_FREE:
            st.caption("Links of fewer than 10 common tokens, and those that chance would give, are left out.")
    with st.popover("Active > 0" if not asked.activity else f"Active > {asked.activity:g} max"):
        st.slider("Active above this share of a feature's maximum", 0.0, 0.9, step=0.05, **selection.bind(com.ACTIVITY))


def _grouping(asked: Settings) -> None:
    with st.popover(f"{asked.method.capitalize()}, resolution {asked.resolution:g}"):
        st.radio("Method", METHODS, format_func=str.capitalize, **selection.bind(com.METHOD))
        st.number_input(
            "Resolution", 0.01, 100.0, step=0.5, help="Above 1: more and smaller communities; below: fewer and larger.",
            **selection.bind(com.RESOLUTION),
        )  # fmt: skip
        st.number_input("Seed", 0, 10_000, step=1, **selection.bind(com.SEED))


def _pairs(which: str) -> str:
    return {"adjacent": "adjacent sites", "all": "all pairs of sites"}[which]


def _tables(communities: pl.DataFrame, members: pl.DataFrame, shown: pl.DataFrame | None) -> None:
    frames = [("Communities", "communities", communities), ("Features of all", "members", members)]
    if shown is not None:
        frames.append(("Features of this one", "community", shown))
    for label, name, frame in frames:
        for kind, make in (("csv", as_csv), ("parquet", as_parquet)):
            told = kind.upper() if kind == "csv" else "Parquet"
            st.download_button(
                f"{label} ({told})", lambda make=make, frame=frame: make(frame),  # type: ignore[misc]
                f"{name}.{kind}", key=f"download:{name}:{kind}", on_click="ignore", type="tertiary", width="stretch",
            )  # fmt: skip


def _python(store: Store, asked: Settings, view: parts.View | None) -> str:
    find = selection.value(parts.FIND)
    if view is None:
        return shown_parts.as_python(path_told(store), asked, 1, MOST, find)
    part, most = view.part.id if view.part else 0, selection.value(parts.drawn_setting())
    of = path_told(store), asked, view.one.id, most, find, part
    return shown_parts.as_python(*of, view.first, view.link)
