"""The parts of the Feature page, in the order in which it shows them."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analyses import tables
from core.analyses.contexts import Context
from core.errors import NothingRecorded, SpacesDiffer
from core.labels import token_hint
from core.navigation import neuronpedia_address
from core.paths import hosted
from core.results import pair_links
from core.values import MIN_ACTIVE, Feature
from core.views.tokens import concordance
from ui import cards, measure_choice, selection, snippets
from ui.errors import guarded
from ui.go import anchor, linked, page_file
from ui.notes import start_anew
from ui.palette import site_colour
from ui.selection import bind, value
from ui.setup import Page
from ui.share import path_told, share
from ui.text import called, escape, figure, head, measure_name, measured, name_cell, quiet, table, title

SHOW = selection.choice("contexts", ("strongest", "sampled"))
FIND = selection.text("find", longest=80)
STATE = selection.choice("state", ("all", "alive", "rare", "dead"))
WINDOW = 24
STRONGEST, SAMPLED, NEIGHBOURS, MOST_WORDS = 12, 4, 8, 4
MOST_WORK = 3e9
"""Token-wise products of active features that a page waits for: some seconds to half a minute."""
BANDS = {(0, 0.5): "the weaker half", (0.5, 0.9): "50 to 90%", (0.9, 1): "the strongest tenth"}


def heading(page: Page, feature: Feature) -> DeltaGenerator:
    """What the feature is, in a title and a sentence; returns the place of the toolbar."""
    name = called(feature, page.labels)
    at = f" at site {feature.key}" if name != str(feature) else ""
    title(f"{name}{at}", _fires_on(page, feature))
    return st.container(horizontal=True, gap="small", key="toolbar", vertical_alignment="center")


def _fires_on(page: Page, feature: Feature) -> str:
    shares = tables.token_shares(page.store, feature, top=MOST_WORDS)
    if not shares:
        return f"Feature {feature} is never active on the tokens of this store."
    if len(shares) == 1:
        return f"Feature {feature} fires on {_word(page, shares[0][0])} alone."
    words = [f"{_word(page, token)} ({100 * share:.0f}%)" for token, share in shares]
    if len(shares) < MOST_WORDS:
        return f"Feature {feature}. Its activation is on {' and '.join(words)}."
    return f"Feature {feature}. Its activation is spread over {', '.join(words)} and other tokens."


def _word(page: Page, token: int) -> str:
    return token_hint(page.store.token_bytes(token))


def toolbar(page: Page, feature: Feature, place: DeltaGenerator) -> None:
    """Where else this feature can be seen, and what to take along."""
    path = path_told(page.store)
    frames = {
        f"{feature}-contexts": lambda: tables.context_table(_contexts(page, feature)),
        f"{feature}-neighbours": lambda: _neighbour_frame(page, feature),
        f"site-{feature.key}-features": lambda: _site_frame(page, feature),
    }
    sampled = value(SHOW) == "sampled"
    code = snippets.together(
        contexts=snippets.contexts(path, feature, SAMPLED if sampled else STRONGEST, sampled=sampled, window=WINDOW),
        neighbours=snippets.neighbours(path, feature, value(_to(page, feature)), value(_measure(page)), NEIGHBOURS),
        features=snippets.site_table(path, feature.key, value(FIND), value(STATE), _best_at(page, feature)),
    )
    with place:
        if file := page_file("evolution"):
            st.page_link(file, label="Evolution graph", query_params={"store": page.name, "feature": str(feature)})
        if address := neuronpedia_address(page.store.site(feature.key), feature):
            st.link_button("Neuronpedia", address)
        share("feature", frames, code)


# ---- contexts


def contexts(page: Page, feature: Feature) -> None:
    """Where it fires: the strongest, or a sample of all strengths."""
    with st.container(key="card-contexts"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(head("Contexts", "the deeper the blue, the stronger"), width="stretch")
            st.segmented_control("Contexts", ("strongest", "sampled"), label_visibility="collapsed", **bind(SHOW))
        top = float(page.store.summary(feature.key).maximum[feature.index])
        if value(SHOW) == "strongest":
            st.html(concordance(_contexts(page, feature), top))
            return
        for band, found in page.reading.sampled(feature, SAMPLED, WINDOW).items():
            st.html(head(BANDS[band], "of its activations") + concordance(found, top))


def _contexts(page: Page, feature: Feature) -> list[Context]:
    if value(SHOW) == "strongest":
        return list(page.reading.strongest(feature, STRONGEST, WINDOW))
    return [context for band in page.reading.sampled(feature, SAMPLED, WINDOW).values() for context in band]


# ---- neighbours


def neighbours(page: Page, feature: Feature) -> None:
    """The best links with any site by any measure; each leads to the feature and to the link's contexts."""
    if len(page.store.sites) < 2 and page.store.sites[0].d_sae < 2:
        return
    to = _to(page, feature)
    keys = [site.key for site in page.store.sites]
    with st.container(key="card-neighbours"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(head("Most similar features", f"at site {value(to)}"), width="stretch")
            st.selectbox(
                "Site", keys, label_visibility="collapsed", format_func=lambda k: f"site {k}", width=110, **bind(to)
            )
            st.selectbox(
                "Measure", measure_choice.of_features(page.store), label_visibility="collapsed",
                format_func=measure_name, width=180, **bind(_measure(page)),
            )  # fmt: skip
        with guarded():
            linked(_neighbour_rows(page, feature), key="feature:neighbours")


def _neighbour_rows(page: Page, feature: Feature) -> str:
    measure = value(_measure(page))
    found = page.reading.neighbours(feature, value(_to(page, feature)), measure, NEIGHBOURS)
    if not found:
        dead = not page.store.summary(feature.key).active[feature.index]
        return quiet("none: this feature is never active" if dead else "none has a value by this measure")
    shown = ("pearson", "jaccard", "sufficiency", "necessity")
    shown = shown if measure in shown else (measure, *shown[:3])
    rows = []
    for link in found:
        other = link.other(feature)
        few = "" if link.n_both >= MIN_ACTIVE else ' <span class="s-quiet">too little data</span>'
        numbers = [measured(name, link.measures[name]) for name in shown]
        numbers = [f"<b>{text}</b>" if name == measure else text for name, text in zip(shown, numbers, strict=True)]
        lift = "–" if link.lift != link.lift else f"{link.lift:,.0f}×" if link.lift >= 9.5 else f"{link.lift:.1f}×"
        inspect = anchor("contexts", "evolution", feature=str(feature), link=f"{link.source},{link.target}")
        cells = [anchor(str(other), feature=str(other), link=None), name_cell(other, page.labels, few)]
        rows.append([*cells, f"{link.n_both:,}", *numbers, lift, *([inspect] if page_file("evolution") else [])])
    names = ["feature", "", "both, tokens", *(measure_name(name) for name in shown), "lift"]
    names += [""] if page_file("evolution") else []
    return table(names, rows, [False, False] + [True] * (len(names) - 2))


def _measure(page: Page) -> selection.Setting[str]:
    """The measure, out of those that this store can be asked for."""
    return measure_choice.setting(measure_choice.of_features(page.store))


def _to(page: Page, feature: Feature) -> selection.Setting[str]:
    """The site to compare with; by default the next one, for the last site the one before."""
    keys = [site.key for site in page.store.sites]
    place = keys.index(feature.key)
    return selection.choice("to", keys, keys[place + 1] if place + 1 < len(keys) else keys[max(0, place - 1)])


def _neighbour_frame(page: Page, feature: Feature) -> pl.DataFrame:
    """What the table shows; no rows where the measure says nothing of the two sites."""
    try:
        found = page.reading.neighbours(feature, value(_to(page, feature)), value(_measure(page)), NEIGHBOURS)
    except (SpacesDiffer, NothingRecorded):
        found = []
    return tables.neighbour_table(found, feature, page.labels)


# ---- the card


def card(page: Page, feature: Feature) -> None:
    """The feature at a glance, and its neighbours up and down."""
    cards.feature_card(page.reading, feature, value(_measure(page)), key="card-feature")


def logits(page: Page, feature: Feature) -> None:
    """Which tokens its direction promotes and suppresses in the output, where that was recorded."""
    if not page.store.has(feature.key, "logits"):
        return
    columns = []
    for name, side in (("Promotes", "top"), ("Suppresses", "bottom")):
        rows = "".join(
            f'<span class="s-cut">{escape(token_hint(page.store.token_bytes(token)))}</span>'
            f'<span class="s-num s-quiet">{figure(number)}</span>'
            for token, number in tables.logit_table(page.store, feature, side)[:8]
        )
        columns.append(f'<div>{head(name)}<div class="s-pairs">{rows}</div></div>')
    with st.container(key="card-logits"):
        st.html(f'<div class="s-two">{"".join(columns)}</div>')


# ---- the site's features


def site(page: Page, feature: Feature) -> None:
    """Every feature of the site; a row selects."""
    with st.container(key="card-site"):
        with st.container(horizontal=True, vertical_alignment="center"):
            swatch = f'<i class="s-swatch" style="background:{_colour(page, feature)}"></i>'
            st.html(f"{swatch}{head(f'All features of site {feature.key}')}", width="stretch")
            _offer_best_links(page, feature)
            st.text_input(
                "Find", placeholder="label, token or number", label_visibility="collapsed", width=240, **bind(FIND)
            )
            st.selectbox(
                "State", ("all", "alive", "rare", "dead"), label_visibility="collapsed", width=110, **bind(STATE)
            )
        frame = _site_frame(page, feature)
        shown = frame.with_columns(pl.col("density") * 100)
        st.dataframe(
            shown, key="site-table", placeholder="–", height=360, hide_index=True, selection_mode="single-row",
            column_config=_columns(frame), on_select=lambda: _row_chosen(frame),
        )  # fmt: skip


def _site_frame(page: Page, feature: Feature) -> pl.DataFrame:
    return tables.find_in(page.reading.site_table(feature.key, value(_to(page, feature))), value(FIND), value(STATE))


def _best_at(page: Page, feature: Feature) -> str:
    """The site whose best links the table shows, "" while that pair has not been computed."""
    to = value(_to(page, feature))
    return to if page.reading.kept_pair(feature.key, to) else ""


def _offer_best_links(page: Page, feature: Feature) -> None:
    """A button that computes the pair of sites, where that takes seconds and not minutes."""
    to = value(_to(page, feature))
    if to == feature.key or _best_at(page, feature) or hosted():
        return
    active = [float(page.store.summary(key).active.sum()) / max(page.store.n, 1) for key in (feature.key, to)]
    if page.store.n * active[0] * active[1] <= MOST_WORK and st.button(
        f"Add best links at site {to}", key="best-links"
    ):
        with st.spinner(f"every pair of sites {feature.key} and {to}"):
            pair_links(page.store, feature.key, to)
        start_anew()


def _row_chosen(frame: pl.DataFrame) -> None:
    rows = st.session_state["site-table"]["selection"]["rows"]
    if rows and rows[0] < len(frame):
        selection.choose(selection.FEATURE, frame["feature"][rows[0]])


def _columns(frame: pl.DataFrame) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "feature": st.column_config.TextColumn("feature", width="small"),
        "hint": st.column_config.TextColumn("characteristic token", width="small"),
        "state": st.column_config.TextColumn("state", width="small"),
        "active": number("active, tokens", format="localized"),
        "density": number("density, %", format="%.3f"),
        "maximum": number("maximum", format="%.2f"),
        "best": st.column_config.TextColumn("best link", width="small"),
        "best_pearson": number("its Pearson", format="%.2f"),
        "mean": number("mean when active", format="%.2f"),
    }
    if frame["label"].null_count() == len(frame):
        columns["label"] = None
    return columns


def _colour(page: Page, feature: Feature) -> str:
    return site_colour(page.store.site(feature.key).position, len(page.store.sites))
