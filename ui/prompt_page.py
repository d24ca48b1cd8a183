"""What the Prompt page asks and keeps: the text or texts, the chosen tokens, the graph, and where one stands in it.

Its words are in `prompt_words`, its pickers, strips and tables in `prompt_cards`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx as nx
import streamlit as st

from core.analyses.communities import Communities, Settings
from core.analyses.community_tables import with_activity, with_communities
from core.analyses.export import with_labels
from core.analyses.prompt import (
    Prompt,
    as_prompt,
    chosen_tokens,
    compare_graph,
    prompt_graph,
    sequence_prompt,
)
from core.analyses.prompt_opening import opening_token
from core.labels import Labels, token_hint
from core.store import Store
from core.views.graph import Picture, picture
from ui import communities, evolution, feature_choice, palette, readers, selection
from ui.clicks import is_feature, link_ends, strongest_link
from ui.go import lead_to
from ui.selection import FEATURE, LINK

TOP = selection.count("k", 5, 1, 12)
ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
SECOND = {"light": "#b99bca", "dark": "#c3a2d6"}
LONGEST_TOLD = 40  # characters of the chosen tokens in a title
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
    def every(self) -> bool:
        """Whether all tokens are chosen."""
        return len(self.places) == len(self.prompt.tokens)

    @property
    def words(self) -> str:
        """The chosen tokens as text, with … where others lie between or where it is long.

        >>> import numpy as np
        >>> said = Prompt("", (" O", "nce", " upon", " a"), np.ones(4, np.uint8), {})
        >>> Shown(said, (0, 1)).words, Shown(said, (0, 3)).words
        ('“Once”', '“O … a”')
        >>> broken = Prompt("", ("a", "\\n", "", "\\u200b"), np.ones(4, np.uint8), {})
        >>> Shown(broken, (1,)).words, Shown(broken, (2,)).words, Shown(broken, (2, 3)).words
        ('“↵”', 'Token 2', 'Tokens 2, 3')
        """
        counted = [place for place in self.places if self.prompt.counted[place]] or list(self.places)
        parts = ["" if place - 1 in (before, place) else " … " for before, place in pairwise([-1, *counted])]
        text = "".join(gap + self.prompt.tokens[place] for gap, place in zip(parts, counted, strict=True))
        text = text.removeprefix(" … ")
        text = " ".join(text.split()) or token_hint(text.encode("utf-8", "replace"))
        if not any(letter.isprintable() for letter in text):  # part of a character, or nothing that could be seen
            return f"Token{'s' * (len(counted) > 1)} {', '.join(map(str, counted[:6]))}"
        if len(text) > LONGEST_TOLD:
            text = text[:LONGEST_TOLD].rpartition(" ")[0] or text[:LONGEST_TOLD]
            return f"“{text}…”"
        return f"“{text}”"


def sequence_setting(store: Store, name: str) -> selection.Setting[int]:
    """The setting of a sequence's number; -1 is none chosen."""
    instead = "the opening text" if name == "sequence" else "no second text"
    return selection.count(name, -1, 0, store.n_sequences - 1, instead)


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
    measure = selection.value(evolution.measure_setting(store))
    floor, both = selection.value(evolution.floor_of(measure)), selection.value(evolution.both_of(measure))
    return Asked(first, second, selection.value(TOP), measure, floor, both, selection.value(ACTIVITY))


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
    first = _one.prompt, _one.places
    if _two is None:
        graph = prompt_graph(links, *first, **asked.keywords())
    else:
        graph = compare_graph(links, first, (_two.prompt, _two.places), **asked.keywords())
    return with_activity(with_labels(graph, _labels.name), _store)


def grouped(store: Store, labels: Labels, colour: str, how: Settings) -> Communities | None:
    """The communities, where they are the colour or at hand; None where one would have to wait for them unasked."""
    find = communities.membership if colour == "community" else communities.membership_at_hand
    return find(store, labels, how)


def named(graph: nx.DiGraph, found: Communities | None, how: Settings) -> nx.DiGraph:
    """The graph with the community of each feature, where they are known."""
    return graph if found is None else with_communities(graph, found, how)


def in_focus(store: Store, graph: nx.DiGraph) -> str:
    """The chosen feature where it is in the graph, else the strongest of the last site; "" in an empty graph."""
    nodes = sorted(graph.nodes(data=True), key=lambda node: (-node[1]["site"], -node[1]["activation"]))
    strongest = nodes[0][0] if nodes else ""
    chosen = selection.value(feature_choice.feature(store, instead=lambda: strongest))
    selection.settle(FEATURE, not chosen or chosen in graph, "it is not among the strongest there", strongest)
    return chosen if chosen in graph else strongest


def link_in_focus(store: Store, graph: nx.DiGraph, feature: str) -> str:
    """The chosen link where it is in the graph, else the strongest of the feature; "" where it has none."""
    chosen, strongest = selection.value(feature_choice.link(store)), strongest_link(graph, feature)
    there = bool(chosen) and graph.has_edge(*link_ends(chosen))
    selection.settle(LINK, not chosen or there, "it is not among the links shown", strongest)
    return chosen if there else strongest


def on_event(event: Mapping[str, Any]) -> None:
    """A click, on the canvas or a table, selects a feature or a link; a double click goes on to Evolution."""
    kind, node, link = event.get("kind"), str(event.get("node", "")), str(event.get("link", ""))
    if kind == "link" and link_ends(link):
        selection.choose(LINK, link)
    elif kind in ("node", "expand") and is_feature(node):
        selection.choose(FEATURE, node)
        selection.drop(LINK)
        if kind == "expand":
            lead_to("evolution")


def go_on(page: str, feature: str) -> None:
    """Take the feature to another page; for callbacks."""
    selection.choose(selection.FEATURE, feature)
    lead_to(page)


def drawn(graph: nx.DiGraph, store: Store, theme: str, colour: str, found: Communities | None) -> Picture:
    """The picture, coloured as on Evolution; of two texts by what they share, or each feature says which has it."""
    sides = nx.get_node_attributes(graph, "side")
    if sides and colour == "site":
        grounds = [(node, side_colours(theme)[side]) for node, side in sides.items()]
    else:
        grounds = evolution.grounds(graph, store, theme, colour, found)
        graph = graph.copy()
        nx.set_node_attributes(graph, sides, "note")
    colours = {node: (ground, palette.ink(ground)) for node, ground in grounds}
    return picture(graph, colours, evolution.graph_theme(theme), name="prompt")


def side_colours(theme: str) -> dict[str, str]:
    """What both texts share, what only the first, what only the second has; none is the accent, which marks."""
    ramp = palette.RAMP[theme]
    return {"both": ramp[4], "first": ramp[1], "second": SECOND[theme]}
