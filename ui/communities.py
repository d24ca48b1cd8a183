"""Communities for pages: what is asked, and answers that are computed once and kept; Evolution colours by them too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.analyses.communities import Communities, Settings, store_communities, store_membership
from core.analyses.kept_communities import at_hand, products_of, stability_at_hand
from core.analyses.store_graph import site_pairs
from core.errors import HostedRefusal
from core.labels import Labels
from core.paths import hosted
from core.results import Notice
from core.statistics.partitions import METHODS
from core.store import Store
from core.values import DATA_FREE, Feature, about
from ui import measure_choice, palette, selection
from ui.notes import start_anew
from ui.text import measure_name
from ui.waiting import Progress, is_kept, wait_for

METHOD = selection.choice("method", METHODS)
RESOLUTION = selection.number("resolution", 1.0, 0.01, 100.0)
SEED = selection.count("seed", 42, 0, 10_000)
ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
PAIRS = selection.choice("pairs", ("adjacent", "all"))
FLOORS = {
    "jaccard": 0.1, "pearson": 0.3, "cosine": 0.3, "sufficiency": 0.5, "necessity": 0.5, "decoder_cosine": 0.5,
    "virtual_weight": 0.3,
}  # fmt: skip
HIGHEST = {"virtual_weight": 5.0}
LOWEST, LOWEST_WEIGHTS = 0.05, 0.3  # floors of a hosted app; by weights most pairs have a value
UNASKED = 100_000_000
"""Products of activations (about a second of two cores) that a page counts without having been asked."""
MOST_HOSTED = 100_000_000
"""Activations of a store for which a hosted app computes links of its own; more are for the command line."""


def links_setting(store: Store) -> selection.Setting[str]:
    """The measure of links, out of those that this store's adjacent sites have; Jaccard unless chosen."""
    return selection.choice("links", measure_choice.of_graphs(store), "jaccard")


def floor_of(measure: str) -> selection.Setting[float]:
    """The floor's setting; each measure has a default of its own."""
    return selection.number("above", FLOORS.get(measure, 0.02), 0.001, HIGHEST.get(measure, about(measure).range[1]))


def links_chosen(store: Store) -> None:
    """Another measure begins with its own floor; for callbacks."""
    setting = links_setting(store)
    selection.put(setting, st.session_state[f"w:{setting.name}"] or setting.default)
    selection.drop("above")


def read_settings(store: Store) -> Settings:
    """What the address and the session ask for; a hosted app keeps the floor up and to adjacent sites."""
    measure = selection.value(links_setting(store))
    asked = Settings(
        measure,
        selection.value(floor_of(measure)),
        selection.value(METHOD),
        selection.value(RESOLUTION),
        selection.value(SEED),
        selection.value(ACTIVITY),
        selection.value(PAIRS) == "all",
    )
    lowest = LOWEST_WEIGHTS if measure in DATA_FREE else LOWEST
    return replace(asked, floor=max(asked.floor, lowest), every=False) if hosted() else asked


def as_chosen() -> dict[str, Any]:
    """The settings as an address has them, for links to the page Communities."""
    names = (*(setting.name for setting in (METHOD, RESOLUTION, SEED, ACTIVITY, PAIRS)), "links", "above")
    return {name: selection.raw(name) for name in names}


def in_words(asked: Settings) -> str:
    """The links that count: Jaccard 0.10 or more between adjacent sites."""
    between = "between any two sites" if asked.every else "between adjacent sites"
    rule = f", active above {asked.activity:g} of their maximum" if asked.activity else ""
    return f"{measure_name(asked.measure)} {asked.floor:.2f} or more {between}{rule}"


WORK, STABLE, COLOUR_WORK = "communities", "communities:stable", "communities:colour"


def is_at_hand(store: Store, labels: Labels, asked: Settings) -> bool:
    """Whether nobody would wait for them."""
    return is_kept(_key(WORK, store, labels, asked)) or stability_at_hand(store, asked)


def first_answer(store: Store, labels: Labels, asked: Settings) -> tuple[Communities, bool]:
    """What there is to show at once, and whether it is all: of a large store stability, as long again, comes later."""
    refuse_if_too_large(store)
    known = st.session_state.get(STABLE) == (store.fingerprint, asked)
    if known or products_of(store, asked) <= UNASKED or stability_at_hand(store, asked):
        return answer(store, labels, asked), True
    return membership(store, labels, asked), False


def find_stability(store: Store, labels: Labels, asked: Settings) -> None:
    """Wait for the rest of the answer, and draw the page anew with it; call it when all else is drawn."""
    answer(store, labels, asked)
    st.session_state[STABLE] = (store.fingerprint, asked)  # also where the cache folder cannot be written to
    start_anew()


def answer(store: Store, labels: Labels, asked: Settings) -> Communities:
    """The communities with their stability; what was computed before comes from the cache on disk."""
    return _waited(store_communities, WORK, "Stability, over seeds and halves of the documents", store, labels, asked)


def membership(store: Store, labels: Labels, asked: Settings) -> Communities:
    """The communities without the work that tells how stable they are: enough to colour by."""
    return _waited(store_membership, COLOUR_WORK, "Links between sites", store, labels, asked)


def membership_at_hand(store: Store, labels: Labels, asked: Settings) -> Communities | None:
    """`membership` where it is kept already or takes a blink; None where nobody should wait for it unasked."""
    if hosted() and _activations(store) > MOST_HOSTED:
        return None
    known = is_kept(_key(COLOUR_WORK, store, labels, asked)) or at_hand(store, asked, UNASKED)
    return membership(store, labels, asked) if known else None


def _waited(
    find: Callable[..., Communities], name: str, words: str, store: Store, labels: Labels, asked: Settings
) -> Communities:
    refuse_if_too_large(store)
    pairs = len(site_pairs(store, asked.every))

    def work(progress: Progress, cancelled: Callable[[], bool], notice: Notice) -> Communities:
        def report(what: str, share: float) -> None:
            progress(share, pairs_done(share, pairs, whole=find is store_communities))

        return find(store, labels, asked, report=report, cancelled=cancelled, notice=notice)

    return wait_for(_key(name, store, labels, asked), work, words, "pairs of sites")


def _key(name: str, store: Store, labels: Labels, asked: Settings) -> tuple:
    return name, store.fingerprint, len(labels), asked


def pairs_done(share: float, pairs: int, whole: bool) -> float:
    """How many pairs of sites have been counted at a share of the work; each half of the documents counts anew.

    >>> pairs_done(0.45, 6, whole=False), pairs_done(0.4, 6, whole=True), pairs_done(0.95, 6, whole=True)
    (3.0, 6.0, 18.0)
    """
    if not whole:
        return pairs * min(1.0, share / 0.9)
    return pairs * (min(1.0, share / 0.4) + 2 * min(1.0, max(0.0, share - 0.4) / 0.5))


def refuse_if_too_large(store: Store) -> None:
    """Raise `HostedRefusal` where a shared machine would be busy for minutes."""
    if hosted() and (total := _activations(store)) > MOST_HOSTED:
        raise HostedRefusal(
            f"a hosted Strata finds communities in up to {MOST_HOSTED:,} activations, and this store has {total:,}",
            "run it on your own machine: python -m core communities STORE",
        )


def _activations(store: Store) -> int:
    return sum(int(store.summary(site.key).active.sum()) for site in store.sites)


def colours_in_view(nodes: Sequence[str], of: Mapping[Feature, int], theme: str) -> tuple[dict[str, str], list[int]]:
    """(ground of each node that has one, ids in the order of their colours): the most frequent communities in view.

    The others stay grey.

    >>> colours_in_view(["0_1", "0_2", "1_1"], {Feature("0", 1): 7, Feature("1", 1): 7, Feature("0", 2): 3}, "light")
    ({'0_1': '#1d9e7a', '0_2': '#592d83', '1_1': '#1d9e7a'}, [7, 3])
    """
    ids = {node: of[feature] for node in nodes if (feature := Feature.parse(node)) in of}
    counts = {id: list(ids.values()).count(id) for id in set(ids.values())}
    ranked = sorted(counts, key=lambda id: (-counts[id], id))[: len(palette.KINDS[theme])]
    shades = dict(zip(ranked, palette.KINDS[theme], strict=False))
    return {node: shades[id] for node, id in ids.items() if id in shades}, ranked


def swatch(place: int) -> str:
    """The colour of the community at this place of the ranking, as CSS that follows the theme."""
    return palette.pair(*(colours[place] for colours in palette.KINDS.values()))
