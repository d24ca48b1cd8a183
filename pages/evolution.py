"""Evolution: what becomes of a feature through the sites, and the tokens for and against each of its links."""

from dataclasses import replace

import streamlit as st

from core.analyses.asked_link import followed
from core.analyses.story import story
from core.errors import StrataError
from core.values import Feature
from ui import communities as com
from ui import evolution as evo
from ui import selection
from ui.cards import both_ways, summary
from ui.communities_words import legend
from ui.errors import error_box, guarded
from ui.go import lead_to, linked
from ui.graph import graph as graph_component
from ui.graph_tables import graph_tables
from ui.inspector import inspector
from ui.pills import by_chance_of, pills, subtitle
from ui.readers import Reading
from ui.setup import set_up, theme
from ui.text import quiet
from ui.text import title as page_title

page = set_up("Evolution")
store, labels = page.store, page.labels
reading = Reading(store, labels)

settings = evo.read_settings(store)
with guarded(stop=True):
    found = evo.find_view(store, labels, settings)
if found is None:
    error_box(StrataError("Nothing in this store is ever active", "open another store, or collect more tokens"))
    st.stop()
view, graph = found
feature = Feature.parse(view.shown)
link = evo.link_shown(graph, view)
colour = selection.value(evo.COLOUR)
grouped = None
with guarded():
    grouped = com.membership(store, labels, com.read_settings(store)) if colour == "community" else None
drawn = evo.drawn(graph, store, theme(), colour, grouped)


def act(event):
    evo.on_event(view, event)


def actions():
    """What can be done with the feature on the card."""
    with st.container(horizontal=True, gap="small", key="card-actions"):
        more = "Take back" if view.shown in view.expanded else "Expand"
        st.button(
            more, key="expand", on_click=act, args=({"kind": "expand", "node": view.shown},),
            disabled=view.shown not in walk, help=None if view.shown in walk else "It is here for its link alone",
        )  # fmt: skip
        here = {"kind": "centre", "node": view.shown}
        st.button("Centre here", key="centre", on_click=act, args=(here,), disabled=view.shown == view.centre)
        st.button("Feature page", key="to-feature", on_click=lead_to, args=("feature",))


walk = followed(graph)
title = story(walk, view.centre)
by_chance = by_chance_of(store, graph, settings)
page_title(title, subtitle(view, settings, graph, by_chance))
pills(store, replace(view, link=link), settings, graph, drawn, title, by_chance)

with st.container(key="evolution-beside"):
    beside = st.columns([7, 3], gap="small")
with beside[0], st.container(key="card-graph"):
    graph_component(
        drawn, "evolution", act, view=f"{store.fingerprint}:{view.centre}", selected=view.shown, link=link,
        height=evo.height_of(graph),
    )  # fmt: skip
    if grouped is not None:
        linked(legend(grouped, list(graph), com.read_settings(store)), "evolution:legend")
    if not walk.number_of_edges():
        fewer = ", or allow fewer common tokens" if settings.min_both else ""
        st.html(quiet(f"No link of this feature reaches the floor: lower it{fewer}."))
with beside[1]:
    with st.container(key="card-feature"), guarded():
        linked(summary(reading, feature, settings.measure), "evolution:summary")
        actions()
    with st.container(key="card-neighbours"), guarded():
        linked(both_ways(reading, feature, settings.measure), "evolution:neighbours")

if link:
    with st.container(key="card-link"), guarded():
        report = evo.report_of(store.fingerprint, store, link, settings.activity)
        inspector(report, store, labels, settings.measure)

with st.expander(f"The same as tables: {len(graph):,} features, {graph.number_of_edges():,} links"), guarded():
    graph_tables(graph, act, f"{view.centre}:{view.shown}:{link}:{len(graph)}")
