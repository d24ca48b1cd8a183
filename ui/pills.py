"""The quiet row above the graph: settings, permalink, downloads, and the Python behind the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import networkx as nx
import streamlit as st

from core.analyses.asked_link import asked_link, followed
from core.analyses.chance import Chance
from core.analyses.evolution import what_was_pruned
from core.analyses.export import edge_table, to_graphml, to_json
from core.analyses.turned import Turned
from core.store import Store
from core.values import DATA_FREE, about
from core.views.graph import Picture, standalone
from core.views.svg import svg
from ui import chance, measure_choice, selection, turned
from ui import evolution as evo
from ui.address import permalink
from ui.clicks import View, link_ends
from ui.share import as_csv, as_parquet, offers, path_told
from ui.text import measure_name

STYLE = Path(__file__).with_name("evolution.css")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


ByChance = Chance | Turned | None


def subtitle(view: View, settings: evo.Settings, graph: nx.DiGraph, by_chance: ByChance = None) -> str:
    """What the picture shows, in words, and from which floor on little of it is chance, where that is known."""
    counted = about(settings.measure).by_rule or settings.min_both
    rule = f", active above {settings.activity:g} of their maximum" if settings.activity and counted else ""
    both = f", both active on {settings.min_both:,} tokens or more" if settings.min_both else ""
    best = f"best links by {measure_name(settings.measure)}, {NUMBERS[settings.per_step]} a step"
    told = f"Evolution of {view.centre}: {best}, at {settings.floor:.2f} and above{both}{rule}{_of_weights(settings)}."
    parts = (told, asked_link(graph), chance_told(by_chance), what_was_pruned(followed(graph)))
    return " ".join(filter(None, parts))


def _of_weights(settings: evo.Settings) -> str:
    """What a graph by weights is, and that a dashed link has little data behind it."""
    if settings.measure not in DATA_FREE:
        return ""
    flow = ", the data-free flow graph of Laptev et al. (2025)"
    named = flow if settings.measure == "decoder_cosine" and not settings.min_both else ""
    return f"; from the weights alone{named}; dashed: hardly ever active together"


def by_chance_of(store: Store, graph: nx.DiGraph, settings: evo.Settings) -> ByChance:
    """What is known of chance between the sites shown, by the null that suits the measure."""
    pairs = chance.pairs_shown(store, graph)
    if settings.measure in DATA_FREE:
        return turned.known(store, pairs, settings.measure)
    return chance.known(store, pairs, settings)


def chance_told(by_chance: ByChance) -> str:
    """What is known of chance, in a sentence; "" where nothing is."""
    if by_chance is None:
        return ""
    return turned.sentence(by_chance) if isinstance(by_chance, Turned) else chance.sentence(by_chance)


def pills(
    store: Store, view: View, settings: evo.Settings, graph: nx.DiGraph, drawn: Picture, title: str,
    by_chance: ByChance = None,
) -> None:  # fmt: skip
    """The row itself."""
    st.html(STYLE)
    with st.container(horizontal=True, key="pills", gap="small"):
        _measure_and_walk(store, settings)
        if settings.measure in DATA_FREE:
            found = by_chance if isinstance(by_chance, Turned) else None
            turned.pill(store, chance.pairs_shown(store, graph), settings, found)
        else:
            chance.pill(store, graph, settings, by_chance if isinstance(by_chance, Chance) else None)
        _activity(settings)
        with st.popover(f"{settings.up} up, {settings.down} down"):
            st.slider("Steps towards the input", 0, 12, **selection.bind(evo.UP))
            st.slider("Steps towards the output", 0, 12, **selection.bind(evo.DOWN))
        colour_pill()
        sentence = subtitle(view, settings, graph, by_chance)
        offers(
            permalink(), lambda: graph_downloads(graph, drawn, title, sentence),
            as_python(path_told(store), view, settings, by_chance),
        )  # fmt: skip


def colour_pill(by_site: str = "site") -> None:
    """What the colours of a graph tell; `by_site` names the first choice, which is the site unless told."""

    def told(colour: str) -> str:
        return by_site if colour == "site" else colour

    with st.popover(f"Colour: {told(selection.value(evo.COLOUR))}"):
        st.radio(
            "Colour by", ["site", "community", "frequency"], format_func=told,
            captions=["", "as on the page Communities", "dark: active often"], **selection.bind(evo.COLOUR),
        )  # fmt: skip


def _measure_and_walk(store: Store, settings: evo.Settings) -> None:
    words = measure_name(settings.measure)
    with st.popover(words[0].upper() + words[1:]):
        bound = selection.bind(evo.measure_setting(store)) | {"on_change": measure_chosen, "args": (store,)}
        st.radio("Measure", measure_choice.of_graphs(store), format_func=measure_name, **bound)
    many = settings.per_step != 1
    with st.popover(f"{settings.per_step} link{'s' * many} a step"):
        st.slider("Best links that each feature follows", 1, 8, **selection.bind(evo.LINKS_A_STEP))
    with st.popover(f"Floor {settings.floor:.2f}"):
        floor = evo.floor_of(settings.measure)
        fine = settings.measure == "mutual_information"
        st.slider(
            f"Weakest {measure_name(settings.measure)} shown", 0.0, evo.HIGHEST_FLOORS.get(settings.measure, 1.0),
            step=0.005 if fine else 0.05, **selection.bind(floor),
        )  # fmt: skip
        st.number_input(
            "Fewest tokens on which both are active",
            0,
            100_000,
            step=5,
            **selection.bind(evo.both_of(settings.measure)),
        )


def measure_chosen(store: Store) -> None:
    """Another measure of a graph's links begins with its own floor; for callbacks."""
    setting = evo.measure_setting(store)
    evo.measure_chosen(store, st.session_state[f"w:{setting.name}"] or setting.default)


def _activity(settings: evo.Settings) -> None:
    rule = "Active > 0" if not settings.activity else f"Active > {settings.activity:g} max"
    with st.popover(rule):
        st.slider(
            "Active above this share of a feature's maximum", 0.0, 0.9, step=0.05,
            help="Pearson, cosine and what comes from weights do not depend on it; the counts do.",
            **selection.bind(evo.ACTIVITY),
        )  # fmt: skip


def graph_downloads(graph: nx.DiGraph, drawn: Picture, title: str, sentence: str) -> None:
    """Exactly what is shown, for other programs and for people; each is made when it is asked for."""
    files: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "Page that works offline (HTML)": ("html", "text/html", lambda: standalone(drawn, title, sentence)),
        "Picture (SVG)": ("svg", "image/svg+xml", lambda: svg(drawn)),
        "Graph (GraphML)": ("graphml", "application/xml", lambda: to_graphml(graph)),
        "Graph (JSON)": ("json", "application/json", lambda: to_json(graph)),
        "Links (CSV)": ("csv", "text/csv", lambda: as_csv(edge_table(graph))),
        "Links (Parquet)": ("parquet", "application/octet-stream", lambda: as_parquet(edge_table(graph))),
    }
    with st.container(key="downloads"):
        for label, (ending, kind, make) in files.items():
            name = f"{drawn.name}.{ending}"
            st.download_button(
                label, make, name, kind, key=f"download:{ending}", on_click="ignore", type="tertiary", width="stretch"
            )
    st.caption("PNG: the button at the corner of the graph.")


def as_python(path: str, view: View, settings: evo.Settings, by_chance: ByChance = None) -> str:
    """The core calls behind the page, to run as they are from the checkout.

    >>> "per_step=3" in as_python("demo.h5", View("2_26"), evo.Settings("pearson", 3, 0.3, 0.0, 2, 3, 10))
    True
    """
    keywords = "".join(f"    {name}={value!r},\n" for name, value in settings.keywords().items())
    more = ", ".join(f"Feature.parse({name!r})" for name in view.expanded)
    link = report = ""
    if view.link:
        ends = ", ".join(f"Feature.parse({end!r})" for end in link_ends(view.link))
        report = f"report = link_report(store, {ends}, activity={settings.activity!r})\n"
        link = f"graph = with_link(StoreLinks(store), graph, {ends})\n"
    floor = ("", "")
    if by_chance is not None:
        floor = turned.as_python(by_chance) if isinstance(by_chance, Turned) else chance.as_python(by_chance)
    return (
        f"{'from core.analyses.asked_link import with_link' + chr(10) if link else ''}"
        f"{floor[0]}from core.analyses.evolution import evolution_graph\n"
        "from core.analyses.export import edge_table, with_labels\n"
        f"{'from core.analyses.link import link_report' + chr(10) if report else ''}"
        "from core.analyses.neighbours import StoreLinks\n"
        "from core.labels import Labels\n"
        "from core.store import open_store\n"
        "from core.values import Feature\n\n"
        f"store = open_store({path!r})\n"
        "graph = evolution_graph(\n"
        f"    StoreLinks(store),\n    [Feature.parse({view.centre!r})],\n{keywords}    expanded=[{more}],\n)\n"
        f"{link}graph = with_labels(graph, Labels.beside(store).name)\n"
        f"{report}{floor[1]}result = edge_table(graph)\n"
    )
