"""Prompt: what is active on a token of a text, site by site, and how it hangs together; two texts side by side."""

import streamlit as st

from core.analyses.prompt import feature_table
from core.errors import StrataError
from core.values import Feature
from ui import evolution as evo
from ui import prompt_cards as cards
from ui import prompt_page as parts
from ui.cards import summary
from ui.errors import error_box, guarded
from ui.go import linked
from ui.graph import graph as graph_component
from ui.graph_tables import graph_tables
from ui.inspector import inspector
from ui.setup import set_up, theme
from ui.share import path_told
from ui.text import head, measure_name, quiet
from ui.text import title as page_title

page = set_up("Prompt")
store, labels = page.store, page.labels
st.html(cards.STYLE)
if not store.n_sequences:
    error_box(StrataError("This store holds no text", "open another one"))
    st.stop()
with guarded(stop=True):
    asked = parts.read(store, labels)

top = st.container()
tools = st.container(horizontal=True, key="pills", gap="small")
with tools:
    cards.pickers(store, asked)
with guarded(stop=True):
    one = parts.shown(store, asked.first)
    two = parts.shown(store, asked.second) if asked.second else None
    graph = parts.graph_of(store, labels, asked, one, two)
feature = parts.in_focus(graph)
link = parts.link_in_focus(graph, feature)
drawn = parts.drawn(graph, store, theme())

title = parts.finding(store, labels, one, two, graph)
where = parts.source_words(asked.first, one)
where += f" and {parts.source_words(asked.second, two)}" if two else ""
rule = f", active above {asked.activity:g} of their maximum" if asked.activity else ""
sentence = (
    f"The strongest {asked.top} features a site on {where}. Links are what the whole store says of two features, not "
    f"this text: {measure_name(asked.measure)} at {asked.floor:.2f} and above, both active on {asked.min_both:,} "
    f"tokens or more{rule}."
)
with top:
    page_title(title, sentence)
with tools:
    cards.sharing(graph, drawn, labels, title, sentence, parts.as_python(path_told(store), asked))

texts = [("first", asked.first, one)] + ([("second", asked.second, two)] if two else [])
for column, (which, text, shown) in zip(st.columns(len(texts), gap="small"), texts, strict=True):
    with column, st.container(key=f"card-text-{which}"):
        chosen = Feature.parse(feature) if feature else None
        row = shown.prompt.row(chosen) if chosen else [0.0] * len(shown.prompt.tokens)
        most = float(store.summary(chosen.key).maximum[chosen.index]) if chosen else 0.0
        body = cards.heading(text, shown, feature, labels)
        linked(body + cards.strip(shown, which, row, most, store, text), f"prompt:{which}:strip")
if not len(graph):
    st.html(quiet("Special tokens and the first of a sequence are not counted. Choose another token."))
    st.stop()

left, right = st.columns([7, 3], gap="small")
with left, st.container(key="card-prompt-graph"):
    if two:
        st.html(cards.legend(graph, (parts.side_colours("light"), parts.side_colours("dark"))))
    graph_component(
        drawn, "prompt", parts.on_event, view=f"{store.fingerprint}:{asked}", selected=feature, link=link,
        height=evo.height_of(graph),
    )  # fmt: skip
with right:
    with st.container(key="card-feature"), guarded():
        linked(summary(page.reading, Feature.parse(feature), asked.measure), "prompt:summary")
        with st.container(horizontal=True, gap="small"):
            for label, place in (("Evolution", "evolution"), ("Feature page", "feature")):
                st.button(label, key=f"prompt:{place}", on_click=parts.go_on, args=(place, feature))
    with st.container(key="card-strongest"):
        st.html(head("Strongest features", "choose a row"))
        cards.strongest(feature_table(graph, labels), f"strongest:{asked}", parts.on_event)

if link:
    with st.container(key="card-link"), guarded():
        inspector(evo.report_of(store.fingerprint, store, link, asked.activity), store, labels)
if graph.number_of_edges():
    with st.expander(f"The links as a table: {graph.number_of_edges():,}"), guarded():
        graph_tables(graph, parts.on_event, f"prompt:{feature}:{link}:{len(graph)}")
