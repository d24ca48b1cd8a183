"""What the Prompt page asks and keeps: the text or texts, the chosen tokens, the graph, and where one stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import streamlit as st

from core.analyses.export import label_or_hint, with_labels
from core.analyses.prompt import (
    Prompt,
    as_prompt,
    chosen_tokens,
    compare_graph,
    opening_token,
    prompt_graph,
    sequence_prompt,
)
from core.labels import Labels
from core.store import Store
from core.values import MEASURES, MIN_ACTIVE, Feature
from core.views.graph import Picture, picture
from ui import evolution, palette, readers, selection
from ui.clicks import is_feature, link_ends
from ui.go import lead_to
from ui.text import called

MEASURE = selection.choice("measure", MEASURES)
TOP = selection.count("k", 5, 1, 12)
ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
BOTH = selection.count("both", MIN_ACTIVE, 0, 100_000)
FEATURE = selection.text(selection.FEATURE, longest=80)
LINK = selection.text(selection.LINK, longest=160)
SIDES = {"both": "in both", "first": "in the first only", "second": "in the second only"}
LONGEST_TYPED = 20_000  # characters; the model's context is the limit that one meets


@dataclass(frozen=True)
class Text:
    """One text: a sequence's number or what was typed, and its tokens; empty `tokens` is for the page to choose."""

    sequence: int = -1
    typed: str = ""
    tokens: str = ""

    def __bool__(self) -> bool:
        return bool(self.typed) or self.sequence >= 0


@dataclass(frozen=True)
class Asked:
    """What the page is about; hashable, since graphs are kept by it."""

    first: Text
    second: Text
    top: int
    measure: str
    floor: float
    min_both: int
    activity: float

    def keywords(self) -> dict[str, Any]:
        """Keyword arguments of `prompt_graph`."""
        return {name: getattr(self, name) for name in ("top", "measure", "floor", "min_both", "activity")}


@dataclass(frozen=True)
class Shown:
    """A text with its chosen tokens."""

    prompt: Prompt
    places: tuple[int, ...]

    @property
    def words(self) -> str:
        """The chosen tokens as text."""
        words = [self.prompt.tokens[place].strip() for place in self.places[:4]]
        return "“" + " ".join(words)[:40] + ("…" if len(self.places) > 4 else "") + "”"


def sequence_setting(store: Store, name: str) -> selection.Setting[int]:
    """The setting of a sequence's number; -1 is none chosen."""
    return selection.count(name, -1, -1, store.n_sequences - 1)


def text_setting(name: str) -> selection.Setting[str]:
    """The setting of a typed text."""
    return selection.text(name, longest=LONGEST_TYPED)


def token_setting(name: str) -> selection.Setting[str]:
    """The setting of the chosen tokens."""
    return selection.text(name, longest=200)


def read(store: Store, labels: Labels) -> Asked:
    """The settings of the address and the session; the opening text where nothing was chosen."""
    first = Text(
        selection.value(sequence_setting(store, "sequence")),
        selection.value(text_setting("text")).strip(),
        selection.value(token_setting("token")),
    )
    if not first:
        sequence, token = _opening(store.fingerprint, len(labels), store, labels)
        first = Text(sequence, "", first.tokens or str(token))
    second = Text(
        selection.value(sequence_setting(store, "with")),
        selection.value(text_setting("with_text")).strip(),
        selection.value(token_setting("with_token")),
    )
    measure = selection.value(MEASURE)
    floor = selection.value(evolution.floor_of(measure))
    return Asked(first, second, selection.value(TOP), measure, floor, selection.value(BOTH), selection.value(ACTIVITY))


@st.cache_data(max_entries=32, show_spinner=False)
def _opening(fingerprint: str, n_labels: int, _store: Store, _labels: Labels) -> tuple[int, int]:
    return opening_token(_store, _labels)


# ---- texts


def shown(store: Store, text: Text) -> Shown:
    """The text as tokens, encoded where it was typed; raises what is wrong with it."""
    prompt = typed(store, text.typed) if text.typed else sequence_prompt(store, text.sequence)
    return Shown(prompt, chosen_tokens(text.tokens or "-1", len(prompt.tokens)))


def typed(store: Store, text: str) -> Prompt:
    """A typed text, encoded by the store's own model and SAEs; these are loaded once and kept."""
    return _typed(store.fingerprint, text, store)


@st.cache_resource(max_entries=64, show_spinner="The model reads …")
def _typed(fingerprint: str, text: str, _store: Store) -> Prompt:
    encoded = _prompter(fingerprint, _store).encode(text)
    return as_prompt(_store, "prompt", encoded.ids, encoded.counted, encoded.active)


@st.cache_resource(max_entries=1, show_spinner="Loading the model and its SAEs …")
def _prompter(fingerprint: str, _store: Store) -> Any:
    """The one place where a page imports torch, and only when somebody has typed."""
    from core.collect.prompting import open_prompter

    return open_prompter(_store)


# ---- the graph


def graph_of(store: Store, labels: Labels, asked: Asked, one: Shown, two: Shown | None) -> nx.DiGraph:
    """The graph of one text, or of two together; shared, never changed."""
    return _graph(store.fingerprint, len(labels), asked, store, labels, one, two)


@st.cache_resource(max_entries=128, show_spinner=False)
def _graph(
    fingerprint: str, n_labels: int, asked: Asked, _store: Store, _labels: Labels, _one: Shown, _two: Shown | None
) -> nx.DiGraph:
    links = readers.links(_store)
    graph = prompt_graph(links, _one.prompt, _one.places, **asked.keywords())
    if _two is not None:
        graph = compare_graph(links, graph, prompt_graph(links, _two.prompt, _two.places, **asked.keywords()))
    return with_labels(graph, label_or_hint(_labels))


def in_focus(graph: nx.DiGraph) -> str:
    """The chosen feature where it is in the graph, else the strongest of the last site; "" in an empty graph."""
    chosen = selection.value(FEATURE)
    if chosen in graph:
        return chosen
    nodes = sorted(graph.nodes(data=True), key=lambda node: (-node[1]["site"], -node[1]["activation"]))
    return nodes[0][0] if nodes else ""


def link_in_focus(graph: nx.DiGraph, feature: str) -> str:
    """The chosen link where it is in the graph, else the strongest of the feature; "" where it has none."""
    ends = link_ends(selection.value(LINK))
    if ends and graph.has_edge(*ends):
        return ",".join(ends)
    if feature not in graph:
        return ""
    near = [*graph.in_edges(feature, data="weight"), *graph.out_edges(feature, data="weight")]
    best = max(near, key=lambda edge: (edge[2], edge[0], edge[1]), default=None)
    return f"{best[0]},{best[1]}" if best else ""


def on_event(event: Mapping[str, Any]) -> None:
    """A click, on the canvas or a table, selects a feature or a link; a double click goes on to Evolution."""
    kind, node, link = event.get("kind"), str(event.get("node", "")), str(event.get("link", ""))
    if kind == "link" and link_ends(link):
        selection.put(LINK, link)
    elif kind in ("node", "expand") and is_feature(node):
        selection.put(FEATURE, node)
        selection.put(LINK, "")
        if kind == "expand":
            lead_to("evolution")


def go_on(page: str, feature: str) -> None:
    """Take the feature to another page; for callbacks."""
    selection.choose(selection.FEATURE, feature)
    lead_to(page)


def drawn(graph: nx.DiGraph, store: Store, theme: str) -> Picture:
    """The picture: the layer ramp, or three colours for what two texts share and do not."""
    ramp = palette.ramp(len(store.sites), theme)
    sides = side_colours(theme)
    grounds = {n: sides[d["side"]] if "side" in d else ramp[d["site"]] for n, d in graph.nodes(data=True)}
    colours = {node: (ground, palette.ink(ground)) for node, ground in grounds.items()}
    return picture(graph, colours, evolution.graph_theme(theme), name="prompt")


def side_colours(theme: str) -> dict[str, str]:
    """What both texts share, what only the first, what only the second has."""
    ramp = palette.RAMP[theme]
    return {"both": ramp[4], "first": ramp[1], "second": palette.ACCENT[theme]}


# ---- words


def finding(store: Store, labels: Labels, one: Shown, two: Shown | None, graph: nx.DiGraph) -> str:
    """What one sees, in a title."""
    if not len(graph):
        return f"{one.words} takes no part: nothing is active there"
    if two is not None:
        shared = sum(data["side"] == "both" for _, data in graph.nodes(data=True))
        return f"{one.words} and {two.words} share {shared or 'none'} of {len(graph)} features"
    strongest: dict[str, tuple[float, Feature]] = {}
    for _, data in graph.nodes(data=True):
        found = data["activation"], Feature(data["key"], data["index"])
        strongest[data["key"]] = max(strongest.get(data["key"], (-1.0, found[1])), found, key=lambda each: each[0])
    names = {key: called(feature, labels) for key, (_, feature) in strongest.items()}
    first, last = next(iter(names)), next(reversed(names))
    if names[first] == names[last]:
        return f"{one.words} stays {names[last]} from site {first} to site {last}"
    return f"{one.words} is {names[first]} at site {first} and {names[last]} at site {last}"


def source_words(text: Text, one: Shown) -> str:
    """Where a text comes from and which tokens are looked at."""
    many = len(one.places) != 1
    places = f"{one.places[0]} to {one.places[-1]}" if len(one.places) > 3 else ", ".join(map(str, one.places))
    return f"token{'s' * many} {places} of {'the prompt' if text.typed else f'sequence {text.sequence}'}"


def as_python(path: str, asked: Asked) -> str:
    """The core calls behind the page, to run as they are from the checkout.

    >>> "sequence_prompt(store, 3)" in as_python("x.h5", Asked(Text(3), Text(), 5, "pearson", 0.3, 10, 0.0))
    True
    """
    keywords = ", ".join(f"{name}={value!r}" for name, value in asked.keywords().items())
    lines = [f"store = open_store({path!r})", "links, labels = StoreLinks(store), Labels.beside(store)"]
    for name, text in (("first", asked.first), ("second", asked.second)):
        if text:
            made = f"typed(store, {text.typed!r})" if text.typed else f"sequence_prompt(store, {text.sequence})"
            tokens = f"chosen_tokens({text.tokens or '-1'!r}, len(prompt.tokens))"
            lines += [f"prompt = {made}", f"{name} = prompt_graph(links, prompt, {tokens}, {keywords})"]
    lines.append(f"graph = {'compare_graph(links, first, second)' if asked.second else 'first'}")
    lines.append("result = feature_table(graph, labels)")
    needs = "from core.commands.prompt import typed\n" if asked.first.typed or asked.second.typed else ""
    return (
        "from core.analyses.neighbours import StoreLinks\n"
        "from core.analyses.prompt import chosen_tokens, compare_graph, feature_table, prompt_graph, sequence_prompt\n"
        f"{needs}from core.labels import Labels\nfrom core.store import open_store\n\n" + "\n".join(lines) + "\n"
    )
