"""Prompt: what is active on a token of a text, site by site, and how it hangs together; two texts side by side."""

import streamlit as st

from core.analyses.prompt_tables import feature_table, token_table
from core.errors import StrataError
from core.values import Feature
from ui import communities as com
from ui import evolution as evo
from ui import pills, selection
from ui import prompt_cards as cards
from ui import prompt_page as parts
from ui import prompt_words as words
from ui.cards import both_ways, summary
from ui.communities_words import legend
from ui.errors import error_box, guarded
from ui.go import linked
from ui.graph import graph as graph_component
from ui.graph import height_of
from ui.graph_tables import graph_tables
from ui.inspector import inspector
from ui.setup import set_up, theme
from ui.share import path_told
from ui.text import head, quiet
from ui.text import title as page_title

page = set_up("Prompt")
store, labels = page.store, page.labels
st.html(pills.STYLE)
st.html(cards.STYLE)
if not store.n_sequences:
    error_box(StrataError("This store holds no text", "open another one"))
    st.stop()
with guarded(stop=True):
    asked = parts.read(store, labels)
colour, how = selection.value(evo.COLOUR), com.read_settings(store)

top = st.container()
tools = st.container(horizontal=True, key="pills", gap="small")
with tools:
    cards.pickers(store, asked)


def read(which, text):
    """A text with its tokens; where it cannot be read, what is wrong and what to do."""
    try:
        return parts.shown(store, text)
    except StrataError as error:
        with top:
            page_title(f"{words.name_of(text)} cannot be shown")
        cards.refused(error, store, which, text)
        st.stop()


with guarded(stop=True):
    one = read("first", asked.first)
    two = read("second", asked.second) if asked.second else None
    graph = parts.graph_of(store, labels, asked, one, two)
found = None
with guarded():
    found = parts.grouped(store, labels, colour, how) if len(graph) else None
graph = parts.named(graph, found, how)
feature = parts.in_focus(store, graph)
link = parts.link_in_focus(store, graph, feature)
drawn = parts.drawn(graph, store, theme(), colour, found)

title, sentence = words.finding(labels, one, two, graph), words.explained(asked, one, two)
with top:
    page_title(title, sentence)
with tools:
    code = words.as_python(path_told(store), asked, how if found else None, feature, link)
    chosen = Feature.parse(feature) if feature else None
    frames = {"Features": feature_table(graph, labels), "Tokens": token_table(one.prompt, chosen)}
    frames |= {"Tokens of the second": token_table(two.prompt, chosen)} if two else {}
    cards.sharing(graph, drawn, title, sentence, code, frames)

texts = [("first", asked.first, one)] + ([("second", asked.second, two)] if two else [])
with st.container(key="prompt-texts"):
    columns = st.columns(len(texts), gap="small")
for column, (which, text, shown) in zip(columns, texts, strict=True):
    with column, st.container(key=f"card-text-{which}"):
        cards.text_picker(store, which, text)
        row = shown.prompt.row(chosen) if chosen else [0.0] * len(shown.prompt.tokens)
        most = float(store.summary(chosen.key).maximum[chosen.index]) if chosen else 0.0
        body = words.heading(text, shown, feature, labels)
        linked(body + cards.strip(shown, which, row, most, store, text), f"prompt:{which}:strip")
if not len(graph):
    st.html(quiet("Special tokens and the first of a sequence are not counted. Choose another token."))
    st.stop()

with st.container(key="card-prompt-graph"):
    if two and colour == "site":
        st.html(words.legend(graph))
    graph_component(
        drawn, "prompt", parts.on_event, view=f"{store.fingerprint}:{asked}", selected=feature, link=link,
        height=height_of(drawn),
    )  # fmt: skip
    if colour == "community" and found is not None:
        linked(legend(found, list(graph), how), "prompt:legend")

with st.container(key="prompt-below"):
    left, right = st.columns([7, 3], gap="small")
with left, st.container(key="card-strongest"):
    told = f"{len(graph):,} of the {graph.graph['active']:,} that are active there; choose a row"
    st.html(head("Strongest features", told))
    cards.strongest(frames["Features"], f"strongest:{asked}", parts.on_event, feature)
with right, st.container(key="card-feature"), guarded():
    linked(summary(page.reading, Feature.parse(feature), asked.measure), "prompt:summary")
    linked(both_ways(page.reading, Feature.parse(feature), asked.measure), "prompt:neighbours")
    with st.container(horizontal=True, gap="small"):
        for label, place in (("Evolution", "evolution"), ("Feature page", "feature")):
            st.button(label, key=f"prompt:{place}", on_click=parts.go_on, args=(place, feature))

if link:
    with st.container(key="card-link"), guarded():
        report = evo.report_of(store.fingerprint, store, link, asked.activity)
        inspector(report, store, labels, asked.measure)
if graph.number_of_edges():
    with st.expander(f"The links as a table: {graph.number_of_edges():,}"), guarded():
        graph_tables(graph, parts.on_event, f"prompt:{feature}:{link}:{len(graph)}")
