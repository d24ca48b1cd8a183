"""The parts of the Feature page, in the order in which it shows them."""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analyses import tables
from core.analyses.contexts import Context
from core.errors import NothingRecorded, SpacesDiffer
from core.labels import token_hint
from core.navigation import neuronpedia_address
from core.values import MIN_ACTIVE, Feature
from core.views.tokens import concordance
from ui import cards, measure_choice, selection, snippets
from ui.errors import guarded
from ui.feature_table import FIND, STATE, best_at, site_frame, to_setting
from ui.go import anchor, linked, page_file
from ui.selection import bind, value
from ui.setup import Page
from ui.share import path_told, share
from ui.text import called, escape, figure, head, measure_name, measured, name_cell, quiet, table, title

SHOW = selection.choice("contexts", ("strongest", "sampled"))
WINDOW = 24
STRONGEST, SAMPLED, NEIGHBOURS, MOST_WORDS = 12, 4, 8, 4
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
        f"site-{feature.key}-features": lambda: site_frame(page, feature),
    }
    sampled = value(SHOW) == "sampled"
    code = snippets.together(
        contexts=snippets.contexts(path, feature, SAMPLED if sampled else STRONGEST, sampled=sampled, window=WINDOW),
        neighbours=snippets.neighbours(
            path, feature, value(to_setting(page, feature)), value(_measure(page)), NEIGHBOURS
        ),
        features=snippets.site_table(path, feature.key, value(FIND), value(STATE), best_at(page, feature)),
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
    to = to_setting(page, feature)
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
    found = page.reading.neighbours(feature, value(to_setting(page, feature)), measure, NEIGHBOURS)
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
        inspect = anchor(
            "inspect", "evolution", f"inspect the link of {link.source} and {link.target}", feature=str(feature),
            link=f"{link.source},{link.target}",
        )  # fmt: skip
        cells = [anchor(str(other), feature=str(other), link=None), name_cell(other, page.labels, few), inspect]
        rows.append([*cells, f"{link.n_both:,}", *numbers, lift])
    names = ["feature", "called", "", "both, tokens", *(measure_name(name) for name in shown), "lift"]
    return table(names, rows, [False] * 3 + [True] * (len(names) - 3))


def _measure(page: Page) -> selection.Setting[str]:
    """The measure, out of those that this store can be asked for."""
    return measure_choice.setting(measure_choice.of_features(page.store))


def _neighbour_frame(page: Page, feature: Feature) -> pl.DataFrame:
    """What the table shows; no rows where the measure says nothing of the two sites."""
    try:
        found = page.reading.neighbours(feature, value(to_setting(page, feature)), value(_measure(page)), NEIGHBOURS)
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
