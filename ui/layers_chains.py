"""The Layers page's lists of lifespans: chains, what vanishes and reappears, and one of them site by site."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import streamlit as st

from core.analyses.layer_tables import Question, return_table
from core.analyses.lifespans import MOST, Lifespans
from ui import selection
from ui.boxes import boxes
from ui.go import anchor, linked
from ui.layers_lifespans import Shown
from ui.layers_page import LISTED, SHOWN, Asked
from ui.layers_turnover import evidence, in_focus
from ui.setup import Page
from ui.text import head, quiet


def lists(page: Page, asked: Asked, shown: Shown) -> None:
    """Chains, or what comes back; the one in focus with its evidence."""
    if shown.gap:
        return_list(page, asked, shown)
    else:
        chain_list(page, asked, shown)


def told_of(question: Question) -> str:
    """What is listed, in words.

    >>> told_of(("2", 0, 3)), told_of(("", 1, 0)), told_of(("", 0, 0))
    ('born at site 2 that last 3 sites or more', 'that last 1 site', 'the longest-lived first')
    """
    born, length, least = question
    lasting = f"that last {length or least} site{'s' * ((length or least) != 1)}{' or more' * (not length)}"
    told = (f"born at site {born}" if born else "", lasting if length or least else "")
    return " ".join(filter(None, told)) or "the longest-lived first"


def chain_list(page: Page, asked: Asked, shown: Shown) -> None:
    """Chains as a table; the one in focus as boxes, and the evidence of its weakest step."""
    told, n = told_of(shown.question), len(shown.chains)
    focus = in_focus(shown.frame, "born", "born_name")
    with st.container(key="card-chains"):
        everything = anchor("show the longest-lived of all", born="all", length="0", lasting="0", shown="")
        more = everything if any(shown.question) else ""
        first = f"the first {n:,}" if n == MOST else f"{n:,}"
        linked(head(f"{first} feature{'s' * (n != 1)}", told) + more, "layers:chains-head")
        if not n:
            st.html(quiet("None." if any(shown.question) else "No feature lasts for two sites: lower the threshold."))
            return
        titles = {
            "born_name": "called",
            "last_name": "called there",
            "still_there": "still there",
            "weakest": "weakest step",
        }
        _listed(shown.frame, f"table:chains:{asked}:{told}", "born", titles)
    strip(page, shown.found, int(shown.chains[focus]))


def strip(page: Page, found: Lifespans, chain: int) -> None:
    """One chain as boxes in the colours of their sites; under it the evidence of its weakest step, by Pearson."""
    features = found.features(chain)
    links = [page.links.link(a, b) for a, b in pairwise(features)]
    with st.container(key="card-chain"):
        graph = anchor("evolution graph", "evolution", feature=str(features[0]), link="")
        top = head("One feature, site by site", "Pearson of each step")
        strip = f'<div class="s-scroll">{boxes(page, features, links, "pearson", 3)}</div>'
        linked(f'<div class="s-between">{top}{graph}</div>{strip}', "layers:chain")
    worst = min(links, key=lambda link: link.measures["pearson"], default=None)
    first, then = (worst.source, worst.target) if worst else (features[0], None)
    evidence(page, first, then, told="the weakest step")


def return_list(page: Page, asked: Asked, shown: Shown) -> None:
    """What vanishes and reappears; the one in focus with its evidence."""
    found, frame = shown.back, return_table(shown.back, page.labels)
    row = in_focus(frame, "before", "before_name")
    with st.container(key="card-returns"):
        told = f"a mutual match at {asked.tau:g} or more up to {shown.gap} sites on, and none as good in between"
        st.html(head(f"{len(found):,} features vanish and reappear", told))
        if not found:
            st.html(quiet("None at this threshold."))
            return
        titles = {"before_name": "called", "after": "there again as", "after_name": "called there", "value": "match",
                  "between": "best in between"}  # fmt: skip
        _listed(frame, f"table:returns:{asked}", "before", titles)
    evidence(page, found[row].before, found[row].after, told="what it comes back as")


def _listed(frame: pl.DataFrame, key: str, name: str, titles: dict[str, str]) -> None:
    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            selection.choose(SHOWN.name, frame[name][rows[0]])

    columns = {}
    for column, kind in frame.schema.items():
        label = titles.get(column, column)
        if kind == pl.Float64:
            columns[column] = st.column_config.NumberColumn(label, format="%.3f", width="small")
        elif kind == pl.Int64:
            columns[column] = st.column_config.NumberColumn(label, width="small")
        else:
            wide = column.endswith("name") or column == "features"
            columns[column] = st.column_config.TextColumn(label, width="medium" if wide else "small")
    st.dataframe(
        frame, key=key, hide_index=True, selection_mode="single-row", on_select=chosen, column_config=columns,
        height=min(318, 38 + 35 * len(frame)), placeholder="–",
        selection_default={"selection": {"rows": [in_focus(frame, name, f"{name}_name")]}},
    )  # fmt: skip


def list_switch() -> None:
    """Longest-lived or returning."""
    st.segmented_control(
        "List",
        list(LISTED_NAMES),
        format_func=LISTED_NAMES.__getitem__,
        label_visibility="collapsed",
        **selection.bind(LISTED),
    )


LISTED_NAMES = {"longest": "Lifespans", "returns": "Vanish and reappear"}
