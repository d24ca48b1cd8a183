"""Layers: what is passed on from site to site, how long features last, and what each site looks like."""

import streamlit as st

from core.analyses import layer_tables as tables
from core.analyses.assigned import agreement_table
from core.analyses.lifespans import returns
from core.analyses.site_summary import sites_table
from core.analyses.turnover import ADMISSIBLE, turnover
from core.errors import StrataError
from core.views.sankey import sankey
from ui import layers_assigned as weights
from ui import layers_lifespans as spans
from ui import layers_page as parts
from ui import layers_sites as sites
from ui import layers_turnover as flows
from ui import selection
from ui.errors import error_box, guarded
from ui.setup import set_up, theme
from ui.share import path_told, share
from ui.text import measure_name
from ui.text import title as page_title

page = set_up("Layers")
store = page.store
if len(store.sites) < 2:
    error_box(
        StrataError("This store has a single site", "layers are compared between two or more: open another store")
    )
    st.stop()
asked = parts.read(store)


def toolbar(frames, picture=None):
    """Measure, threshold, what shares are of; permalink, downloads, Python."""
    with st.container(horizontal=True, gap="small", key="toolbar", vertical_alignment="center"):
        if asked.view != "sites":
            words = measure_name(asked.measure)
            with st.popover(words[0].upper() + words[1:]):
                st.radio("Measure of sameness", ADMISSIBLE, format_func=measure_name, **selection.bind(parts.MEASURE))
            with st.popover(f"τ {asked.tau:g}"):
                st.slider("The same from this value on", 0.01, 1.0, step=0.01, **selection.bind(parts.TAU))
        if asked.view == "turnover":
            with st.popover(f"Share of {asked.of}"):
                st.radio(
                    "Shares are of", ("alive", "all"), captions=["without dead and rare ones", "with them"],
                    **selection.bind(parts.OF),
                )  # fmt: skip
        share("layers", frames, parts.as_python(path_told(store), asked, by_weights=weights.known(store)))
        if picture is not None:
            st.download_button(
                "Picture (SVG)", picture, "turnover.svg", "image/svg+xml", key="download:svg", on_click="ignore"
            )


def turnover_view(heading):
    by_pair, problem = parts.all_matches(store)
    if asked.measure not in by_pair[0]:
        error_box(StrataError(f"There is no decoder cosine: {problem}", "choose a measure of activations"))
        toolbar({})
        return
    found = [by[asked.measure] for by in by_pair]
    told = [turnover(one, asked.tau) for one in found]
    chosen = next(one for one in found if one.source == asked.at)
    frame = flows.band_frame(page, asked, chosen)
    with heading:
        page_title(parts.turnover_title(told), parts.turnover_words(asked, told))
    name = f"{asked.band}-{chosen.source}-{chosen.target}"
    frames = {
        "turnover": lambda: tables.turnover_table(found, asked.tau),
        "shares-by-threshold": lambda: tables.curve_table([one for by in by_pair for one in by.values()]),
        name: lambda: frame,
    }
    by_pearson = [by["pearson"] for by in by_pair]
    if weights.known(store):
        frames["one-to-one-by-weights"] = lambda: agreement_table(weights.all_agreed(store, by_pearson))
    toolbar(frames, lambda: sankey(told, flows.paint(page, "light")))
    flows.flow(page, asked, told)
    flows.numbers(asked, told, found)
    flows.curves(asked, by_pair, problem, theme())
    flows.behind(page, asked, chosen, frame)
    with guarded():
        weights.card(store, by_pearson)


def lifespans_view(heading):
    by_pair, problem = parts.all_matches(store)
    if asked.measure not in by_pair[0]:
        error_box(StrataError(f"There is no decoder cosine: {problem}", "choose a measure of activations"))
        toolbar({})
        return
    found = spans.chains_of([by[asked.measure] for by in by_pair], asked)
    with heading:
        page_title(parts.lifespans_title(found), parts.lifespans_words(asked))
    chains, _ = spans.chosen_chains(page, found)
    frames = {
        "births": lambda: tables.birth_table(found),
        "survival": lambda: tables.survival_table(found),
        "lifespans": lambda: tables.chain_table(found, chains, page.labels),
    }
    back = None
    listed = selection.value(parts.LISTED)
    if listed == "returns":
        across = parts.matches_across(store, asked.measure)
        back = returns(found.keys, across, asked.tau)
        frames["returns"] = lambda: tables.return_table(back, page.labels)
    toolbar(frames)
    spans.overview(page, found, theme())
    spans.list_switch()
    if back is None:
        spans.chain_list(page, asked, found)
    else:
        spans.return_list(page, asked, back)


def sites_view(heading):
    found = sites.summaries(page)
    with heading:
        page_title(sites.sites_title(found), sites.SITES_WORDS)
    toolbar({"sites": lambda: sites_table(store)})
    sites.numbers(page, found)
    sites.spreads(page, theme())


with guarded(stop=True):
    top = st.container()
    st.segmented_control(
        "View", parts.VIEWS, format_func=parts.NAMES.get, label_visibility="collapsed", **selection.bind(parts.VIEW)
    )
    {"turnover": turnover_view, "lifespans": lifespans_view, "sites": sites_view}[asked.view](top)
