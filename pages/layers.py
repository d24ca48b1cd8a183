"""Layers: what is passed on from site to site, how long features last, and what each site looks like."""

import streamlit as st

from core.errors import StrataError
from core.views.sankey import sankey
from ui import layers_assigned as weights
from ui import layers_chains as chains
from ui import layers_lifespans as spans
from ui import layers_marks as marks
from ui import layers_page as parts
from ui import layers_python, selection
from ui import layers_sites as sites
from ui import layers_turnover as flows
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


def toolbar(frames, snippet="", picture=None):
    """Measure, threshold, what shares are of; permalink, downloads, Python."""
    with st.container(horizontal=True, gap="small", key="toolbar", vertical_alignment="center"):
        if asked.view != "sites":
            words = measure_name(asked.measure)
            with st.popover(words[0].upper() + words[1:]):
                st.radio(
                    "Measure of sameness", parts.ADMISSIBLE, format_func=measure_name, **selection.bind(parts.MEASURE)
                )
            with st.popover(f"τ {asked.tau:g}"):
                st.slider("The same from this value on", 0.01, 1.0, step=0.01, **selection.bind(parts.TAU))
        if asked.view == "turnover":
            with st.popover(f"Share of {asked.of}"):
                st.radio(
                    "Shares are of", ("alive", "all"), captions=["without dead and rare ones", "with them"],
                    **selection.bind(parts.OF),
                )  # fmt: skip
        share("layers", frames, snippet, None if picture is None else ("turnover.svg", picture))


def no_directions(problem):
    """Decoder cosine was asked for, and the store has no decoders."""
    error_box(StrataError(f"There is no decoder cosine: {problem}", "choose a measure of activations"))
    toolbar({})


def turnover_view(heading):
    by_pair, problem = parts.all_matches(store)
    if asked.measure not in by_pair[0]:
        no_directions(problem)
        return
    shown = flows.shown(page, asked, by_pair)
    with heading.container():
        page_title(parts.turnover_title(asked, shown.told), parts.turnover_words(asked, shown.told))
    by_weights = weights.known(store)
    frames = flows.frames(asked, shown, by_pair)
    by_pearson = [by["pearson"] for by in by_pair]
    if by_weights:
        frames["one-to-one-by-weights"] = lambda: weights.agreement(store, by_pearson)
    code = layers_python.turnover(path_told(store), asked, tuple(by_pair[0]), shown.place, by_weights=by_weights)
    toolbar(frames, code, lambda: sankey(shown.told, flows.paint(page, "light"), raw=asked.of == "all"))
    flows.flow(page, asked, shown.told)
    with st.expander("The same in numbers"):
        flows.numbers(asked, shown.told, shown.found)
    flows.behind(page, asked, shown)
    flows.curves(asked, by_pair, problem, theme())
    with guarded():
        weights.card(store, by_pearson, asked.tau)


def lifespans_view(heading):
    by_pair, problem = parts.all_matches(store)
    if asked.measure not in by_pair[0]:
        no_directions(problem)
        return
    shown = spans.shown(page, asked, [by[asked.measure] for by in by_pair])
    with heading.container():
        page_title(*spans.told(page, asked, shown))
    toolbar(spans.frames(shown), layers_python.lifespans(path_told(store), asked, shown.question, shown.gap))
    spans.overview(page, shown, theme())
    chains.list_switch()
    chains.lists(page, asked, shown)


def sites_view(heading):
    found = sites.summaries(page)
    mark = marks.mark_of(store)
    with heading.container():
        page_title(sites.sites_title(found), sites.SITES_WORDS)
    toolbar(sites.frames(page, mark), layers_python.sites(path_told(store), mark))
    sites.numbers(page, found)
    sites.spreads(page, theme())
    marks.behind_mark(page, mark)


with guarded(stop=True):
    ready = asked.view == "sites" or parts.at_hand(store)
    top = st.container() if ready else st.empty()  # what is empty at first would flicker
    if not ready:
        with top.container():
            page_title("Looking for what is passed on from site to site", parts.WAITING)
    st.segmented_control(
        "View", parts.VIEWS, format_func=parts.NAMES.get, label_visibility="collapsed", **selection.bind(parts.VIEW)
    )
    {"turnover": turnover_view, "lifespans": lifespans_view, "sites": sites_view}[asked.view](top)
