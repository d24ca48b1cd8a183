"""What the Evolution page keeps and asks: its settings, the graph and picture behind them, and where one stands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import networkx as nx
import streamlit as st

from core.analyses.asked_link import with_link
from core.analyses.community_tables import with_activity
from core.analyses.evolution import MAX_NODES, evolution_graph
from core.analyses.export import with_labels
from core.analyses.story import opening_feature
from core.labels import Labels
from core.paths import hosted
from core.store import Store
from core.values import DATA_FREE, MIN_ACTIVE, Feature
from core.views.graph import Picture, picture
from ui import feature_choice, measure_choice, palette, readers, selection
from ui.clicks import View, click, link_ends, strongest_link
from ui.communities import colours_in_view
from ui.feature_choice import is_known
from ui.go import choose_all

if TYPE_CHECKING:
    from core.analyses.communities import Communities
    from core.analyses.link import LinkReport
    from core.analyses.link_doubts import Doubt

LINKS_A_STEP = selection.count("k", 3, 1, 8)
ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
UP = selection.count("up", 2, 0, 12)
DOWN = selection.count("down", 3, 0, 12)
COLOUR = selection.choice("colour", ("site", "community", "frequency"))
FLOOR = 0.3
FLOORS = {
    "pearson": 0.3,
    "cosine": 0.3,
    "jaccard": 0.2,
    "sufficiency": 0.5,
    "necessity": 0.5,
    "mutual_information": 0.01,
    "virtual_weight": 0.1,
}
"""Where a picture starts, if not at FLOOR: low enough to show weak kin, high enough to stay a picture."""

HIGHEST_FLOORS = {"mutual_information": 0.7, "virtual_weight": 5.0}
"""Where the floor of a measure ends, if not at 1: log 2 nats at most, and what virtual weights hardly reach. A higher
one in the address is dropped."""

CENTRE, EXPANDED = "centre", "expanded"
LAST = "evolution:last"


@dataclass(frozen=True)
class Settings:
    """How the graph is drawn; hashable, since results are kept by it."""

    measure: str
    per_step: int
    floor: float
    activity: float
    up: int
    down: int
    min_both: int
    max_nodes: int = MAX_NODES

    def keywords(self) -> dict[str, Any]:
        """Keyword arguments of `evolution_graph`."""
        return {name: getattr(self, name) for name in Settings.__dataclass_fields__}


def floor_of(measure: str) -> selection.Setting[float]:
    """The floor's setting: each measure has a default of its own."""
    return selection.number("floor", FLOORS.get(measure, FLOOR), 0.0, HIGHEST_FLOORS.get(measure, 1.0))


def both_of(measure: str) -> selection.Setting[int]:
    """The fewest common tokens: enough to trust a measure of activations; a measure of weights asks for none."""
    return selection.count("both", 0 if measure in DATA_FREE else MIN_ACTIVE, 0, 100_000)


def measure_setting(store: Store) -> selection.Setting[str]:
    """The measure, out of those by which this store's graph can be drawn."""
    return measure_choice.setting(measure_choice.of_graphs(store))


def measure_chosen(store: Store, measure: str) -> None:
    """Follow another measure from its own floor: that of the one before means nothing there; for callbacks."""
    setting = measure_setting(store)
    if measure != selection.value(setting):
        selection.put(setting, measure)
        selection.drop("floor")


def read_settings(store: Store) -> Settings:
    """The settings of the address and the session."""
    measure = selection.value(measure_setting(store))
    numbers = (selection.value(LINKS_A_STEP), selection.value(floor_of(measure)), selection.value(ACTIVITY))
    both, most = selection.value(both_of(measure)), MAX_NODES // 2 if hosted() else MAX_NODES
    return Settings(measure, *numbers, selection.value(UP), selection.value(DOWN), both, most)


# ---- where one stands


def find_view(store: Store, labels: Labels, settings: Settings) -> tuple[View, nx.DiGraph] | None:
    """The view that the address and the session describe, with its graph; None for a store with nothing alive.

    The feature chosen on any page is the one marked here. While it is in the graph around the old centre, that centre
    stays; otherwise it becomes the centre itself. A link that is asked for is in the graph in any case.
    """
    link = selection.value(feature_choice.link(store, "the strongest link of the feature"))

    def first() -> str:
        return link_ends(link)[0] if link else _opening(store.fingerprint, store, labels) or ""

    feature = selection.value(feature_choice.feature(store, instead=first)) or first()
    if not feature:
        return None
    last = st.session_state.get(LAST, (feature, link, ""))
    if last[0] != feature and last[1] == link and feature not in link_ends(link):
        link = ""  # another page, or the card, went on to another feature
    expanded = selection.value(feature_choice.features(store, EXPANDED))
    asked = selection.value(feature_choice.feature(store, CENTRE, lambda: feature))
    centre = asked or (last[2] if is_known(store, last[2]) else "")
    view = View(centre, "" if centre == feature else feature, link, expanded)
    if not centre or not _reaches(_walk(store, view, settings), view):
        selection.settle(CENTRE, not asked, f"{feature} is not in the graph around it", feature)
        view = View(feature, "", link, expanded if centre in ("", feature) else ())
    return remember(view), evolution(store, labels, view, settings)


def _reaches(graph: nx.DiGraph, view: View) -> bool:
    """Whether the marked feature is in a graph, or is joined to it by the link that is asked for."""
    ends = link_ends(view.link)
    return view.shown in graph or (view.shown in ends and any(end in graph for end in ends))


def remember(view: View) -> View:
    """Keep the view in the session and the address."""
    centre, expanded = "" if view.centre == view.shown else view.centre, ",".join(view.expanded)
    choose_all({selection.FEATURE: view.shown, CENTRE: centre, selection.LINK: view.link, EXPANDED: expanded})
    st.session_state[LAST] = (view.shown, view.link, view.centre)
    return view


def on_event(view: View, event: Mapping[str, Any]) -> None:
    """A click, on the canvas, a table or a button, becomes the next view; for callbacks."""
    remember(click(view, event))


def link_shown(graph: nx.DiGraph, view: View) -> str:
    """The link under inspection: the chosen one, else the strongest of the marked feature; "" where it has none."""
    return view.link or strongest_link(graph, view.shown)


# ---- what is asked of the core, kept per store


def evolution(store: Store, labels: Labels, view: View, settings: Settings) -> nx.DiGraph:
    """The graph around the view's centre with its link, labels and hints; shared, never changed."""
    walk = _walk(store, view, settings)
    key = store.fingerprint, len(labels), view.centre, view.expanded, view.link, settings
    return _evolution(key, store, labels, walk, link_ends(view.link))


def _walk(store: Store, view: View, settings: Settings) -> nx.DiGraph:
    return _walked(store.fingerprint, store, view.centre, view.expanded, settings)


@st.cache_resource(max_entries=256, show_spinner=False)
def _walked(fingerprint: str, _store: Store, centre: str, expanded: tuple[str, ...], settings: Settings) -> nx.DiGraph:
    seeds, more = [Feature.parse(centre)], [Feature.parse(name) for name in expanded]
    graph = evolution_graph(readers.links(_store), seeds, expanded=more, **settings.keywords())
    for feature in seeds:  # whose links tell it, where there are any
        graph.nodes[str(feature)].setdefault("n_active", int(_store.summary(feature.key).active[feature.index]))
    return graph


@st.cache_resource(max_entries=256, show_spinner=False)
def _evolution(key: tuple, _store: Store, _labels: Labels, _walk: nx.DiGraph, _ends: tuple[str, ...]) -> nx.DiGraph:
    graph = _walk
    if _ends:
        graph = with_link(readers.links(_store), graph, *map(Feature.parse, _ends))
    return with_activity(with_labels(graph, _labels.name), _store)


def report_of(fingerprint: str, store: Store, link: str, activity: float) -> LinkReport:
    """Everything about a link, for the inspector; its intervals need SciPy, for which the graph need not wait."""
    from core.analyses.link_doubts import drawn_measures

    report = _report(fingerprint, store, link, activity)
    drawn = drawn_measures(store, report.link.source.key, report.link.target.key, activity)
    return replace(report, doubts=_doubts(fingerprint, store, link, activity, drawn, report)) if drawn else report


@st.cache_resource(max_entries=256, show_spinner=False)
def _report(fingerprint: str, _store: Store, link: str, activity: float) -> LinkReport:
    from core.analyses.link import link_report

    source, target = link_ends(link)
    return link_report(_store, Feature.parse(source), Feature.parse(target), activity, contexts=8)


@st.cache_resource(max_entries=256, show_spinner=False)
def _doubts(
    fingerprint: str, _store: Store, link: str, activity: float, drawn: tuple[str, ...], _report: LinkReport
) -> dict[str, Doubt]:
    """`drawn` are the measures whose nulls are known: more may be told later of a link that was looked at before."""
    from core.analyses.link_doubts import link_doubts

    return link_doubts(_store, _report.link, activity)


@st.cache_resource(max_entries=64, show_spinner=False)
def _opening(fingerprint: str, _store: Store, _labels: Labels) -> str | None:
    feature = opening_feature(_store, readers.links(_store), _labels.name)
    return None if feature is None else str(feature)


# ---- how it looks


def drawn(graph: nx.DiGraph, store: Store, theme: str, colour: str, grouped: Communities | None = None) -> Picture:
    """The picture of a graph, coloured as `grounds` says."""
    colours = {node: (ground, palette.ink(ground)) for node, ground in grounds(graph, store, theme, colour, grouped)}
    return picture(graph, colours, graph_theme(theme), name=f"evolution-{graph.graph['seeds']}")


def grounds(
    graph: nx.DiGraph, store: Store, theme: str, colour: str, grouped: Communities | None = None
) -> list[tuple[str, str]]:
    """(feature, colour) of all: the layer ramp, that by how often each fires (light: rarely), or communities."""
    if colour == "frequency":
        shades = palette.ramp(9, theme)
        return [(node, shades[_decade(data["n_active"] / store.n)]) for node, data in graph.nodes(data=True)]
    if colour == "community" and grouped is not None:
        of = colours_in_view(list(graph), grouped.membership, theme)[0]
        return [(node, of.get(node, palette.LINE[theme])) for node in graph]
    ramp = palette.ramp(len(store.sites), theme)
    return [(node, ramp[data["site"]]) for node, data in graph.nodes(data=True)]


def graph_theme(theme: str) -> dict[str, str]:
    """The canvas' other colours."""
    parts = {"paper": palette.PAPER, "text": palette.TEXT, "quiet": palette.QUIET}
    parts |= {"edge": palette.EDGE, "accent": palette.ACCENT}
    return {name: colours[theme] for name, colours in parts.items()}


def height_of(graph: nx.DiGraph) -> int:
    """Pixels that the tallest column asks for, within reason."""
    columns = [data["site"] for _, data in graph.nodes(data=True)]
    tallest = max((columns.count(site) for site in set(columns)), default=1)
    if len(graph) == 1:
        return 260
    return int(min(680, max(566, 52 * tallest + 80)))


def _decade(density: float) -> int:
    """Two shades a factor of ten, from 0.01% to all tokens.

    >>> _decade(0.0), _decade(0.01), _decade(1.0)
    (0, 4, 8)
    """
    return 0 if density <= 1e-4 else min(8, round(2 * (math.log10(density) + 4)))
