"""Communities: features of several sites that are linked among themselves, and how far one can trust them."""

import streamlit as st

from core.errors import StrataError
from core.values import Feature
from ui import communities as com
from ui import communities_page as parts
from ui import communities_pills as pills
from ui import communities_shown as show
from ui import communities_words as words
from ui import selection
from ui.cards import both_ways, summary
from ui.errors import error_box, guarded
from ui.evolution import report_of
from ui.go import linked
from ui.graph import graph as graph_component
from ui.graph import height_of
from ui.graph_tables import graph_tables
from ui.inspector import inspector
from ui.setup import set_up, theme
from ui.text import head, quiet
from ui.text import title as page_title

page = set_up("Communities")
store, labels = page.store, page.labels
if len(store.sites) < 2:
    error_box(StrataError("This store has a single site", "communities are made of links: open another store"))
    st.stop()

asked = com.read_settings(store)
ready = com.is_at_hand(store, labels, asked)
heading = st.container() if ready else st.empty()  # what is empty at first would flicker
if not ready:
    with heading.container():
        page_title("Looking for communities", f"By {com.in_words(asked)}.")
row = st.container(horizontal=True, key="pills", gap="small", vertical_alignment="center")
with row:
    pills.settings(store, asked)
with guarded(stop=True):
    found, whole = com.first_answer(store, labels, asked)
    communities, members = show.frames(store, labels, found, asked)
    frame = show.listed(communities, members)
    one = parts.choose(store, found, asked, frame["id"].to_list())
    view = parts.view_of(store, labels, found, asked, one) if one else None
drawn = show.drawn(view, store, theme()) if view else None
shown = show.members_of(store, view, members) if view else None
told = f"No three features are linked: {com.in_words(asked)}"
if view is not None:
    told = words.title_of(view.shown, found.graph.keys, one if view.part else None)
with heading.container():
    page_title(told, words.explained(found, asked) if one else "Lower the floor, or choose another measure.")
with row:
    pills.of_the_view(store, asked, view, drawn, told, communities, members, shown)
if view is None:
    st.stop()
waiting = st.empty()
if not whole:
    selection.put(parts.COMMUNITY, one.id)  # it stays, whichever turns out to be the most stable


def act(event):
    parts.on_event(view, event)


if frame.is_empty():
    typed = selection.value(parts.FIND)
    st.html(quiet(f"No community matches “{typed}”. Clear the search; the graph shows the one of before."))
else:
    many = f"{len(frame):,} communit{'y' if len(frame) == 1 else 'ies'}"
    st.html(head(many, "the largest first; choose a row to see its features"))
    show.ranked_table(frame, asked, one.id, theme())
with st.container(key="card-graph"):
    graph_component(
        drawn, "communities", act, view=f"{store.fingerprint}:{asked}:{drawn.name}:{len(view.graph)}",
        selected=view.feature, link=view.link, height=height_of(drawn),
    )  # fmt: skip
    st.html(quiet(show.cut(view) or f"All {len(view.graph):,} features and their links."))

feature = Feature.parse(view.feature)
with st.container(key="communities-below"):
    first, second, third = st.columns(3, gap="small")
with first, st.container(key="card-community"), guarded():
    linked(words.facts(found, one), "communities:facts")
    if len(view.parts.communities) > 1:
        coloured = view.divided and selection.value(parts.SHADE) == "part"
        linked(words.parts(view.parts, view.part, list(view.graph), coloured), "communities:parts")
with second, st.container(key="card-members"), guarded():
    linked(words.members(view.graph, labels), "communities:members")
with third, st.container(key="card-feature"), guarded():
    linked(summary(page.reading, feature, asked.measure), "communities:summary")
    linked(both_ways(page.reading, feature, asked.measure), "communities:neighbours")
    with st.container(horizontal=True, gap="small"):
        st.button("Evolution", key="to-evolution", on_click=parts.go, args=(view, "evolution"))
        st.button("Feature page", key="to-feature", on_click=parts.go, args=(view, "feature"))

if view.link:
    with st.container(key="card-link"), guarded():
        report = report_of(store.fingerprint, store, view.link, asked.activity)
        inspector(report, store, labels, asked.measure)

with st.expander(f"All {len(shown):,} features"), guarded():
    show.members_table(shown, f"members:{asked}:{drawn.name}", view.feature)
edges = view.graph.number_of_edges()
with st.expander(f"The same as tables: {len(view.graph):,} features, {edges:,} links"), guarded():
    graph_tables(view.graph, act, f"communities:{one.id}:{view.feature}:{view.link}")

if not whole:
    with waiting.container(), guarded():
        com.find_stability(store, labels, asked)
