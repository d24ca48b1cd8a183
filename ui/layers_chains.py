"""The Layers page's lists of lifespans: chains, what falls below τ and returns, and one of them site by site."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import streamlit as st

from core.analyses.lifespans import MOST, Lifespans
from ui import selection
from ui.boxes import boxes
from ui.columns import columns
from ui.go import anchor, linked
from ui.layers_evidence import NEVER, evidence
from ui.layers_lifespans import Shown
from ui.layers_page import LISTED, SHOWN, Asked
from ui.lifespan_words import afterwards, told_of
from ui.setup import Page
from ui.tables import choosing
from ui.text import head, measure_name, quiet


def lists(page: Page, asked: Asked, shown: Shown) -> None:
    """Chains, or what comes back; the one in focus with its evidence."""
    if shown.gap:
        return_list(page, asked, shown)
    else:
        chain_list(page, asked, shown)


def chain_list(page: Page, asked: Asked, shown: Shown) -> None:
    """Chains as a table; the one in focus as boxes, and the evidence of its weakest step."""
    told, n = told_of(shown.question), len(shown.chains)
    with st.container(key="card-chains"):
        asked_none = {"born": "all", "length": "0", "lasting": "0", "then": "all", "shown": ""}
        everything = anchor("show the longest-lived of all", **asked_none)
        more = everything if any(shown.question) else ""
        first = f"the first {n:,}" if n == MOST else f"{n:,}"
        linked(head(f"{first} chain{'s' * (n != 1)}", told) + more, "layers:chains-head")
        if not n:
            st.html(quiet("None." if any(shown.question) else "No feature lasts for two sites: lower the threshold."))
            return
        _listed(shown.frame, f"table:chains:{asked}:{told}", "born", shown.row, asked.measure)
    strip(page, shown.found, int(shown.chains[shown.row]))


def strip(page: Page, found: Lifespans, chain: int) -> None:
    """One chain as boxes in the colours of their sites; under it the evidence of its weakest step, by Pearson."""
    features = found.features(chain)
    links = [page.links.link(a, b) for a, b in pairwise(features)]
    with st.container(key="card-chain"):
        graph = anchor("evolution graph", "evolution", feature=str(features[0]), link="")
        top = head("One feature, site by site", "Pearson of each step")
        strip = f'<div class="s-scroll">{boxes(page, features, links, "pearson", 3)}</div>'
        after = f'<div class="s-small">{afterwards(found, chain)}</div>'
        linked(f'<div class="s-between">{top}{graph}</div>{strip}{after}', "layers:chain")
    if links:
        worst = min(links, key=lambda link: link.measures["pearson"])
        evidence(page, worst.source, worst.target, told="the weakest step")
    else:
        nothing = NO_SITE if found.censored[chain] else NEVER
        evidence(page, features[0], found.after(chain)[0], told="its best match at the next site", nothing=nothing)


NO_SITE = "It has no step to show: it begins at the last site."


def return_list(page: Page, asked: Asked, shown: Shown) -> None:
    """What falls below τ and returns, the deepest first; the one in focus with its evidence."""
    found, n = shown.back, len(shown.back)
    with st.container(key="card-returns"):
        top = f"{n:,} feature{'s' * (n != 1)} fall{'s' * (n == 1)} below the threshold and return{'s' * (n == 1)}"
        st.html(
            head(top, f"each other’s best match at {asked.tau:g} or more, and none as good in between; deepest first")
        )
        if not found:
            st.html(quiet("None at this threshold."))
            return
        _listed(shown.falls, f"table:returns:{asked}", "before", shown.row)
    one = found[shown.row]
    evidence(page, one.before, one.after, told="what it comes back as")


def _listed(frame: pl.DataFrame, key: str, name: str, row: int, measure: str = "") -> None:
    def chosen(row: int) -> None:
        selection.choose(SHOWN.name, frame[name][row])

    shown = columns(frame, {"value_next": f"its {measure_name(measure)}"} if measure else {})
    choosing(frame, key, chosen, row, columns=shown)


def list_switch() -> None:
    """Longest-lived or returning."""
    st.segmented_control(
        "List",
        list(LISTED_NAMES),
        format_func=LISTED_NAMES.__getitem__,
        label_visibility="collapsed",
        **selection.bind(LISTED),
    )


LISTED_NAMES = {"longest": "Lifespans", "returns": "Fall below τ and return"}
