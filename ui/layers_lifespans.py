"""The Layers page's lifespans: survival, lengths by birth site, the longest-lived, and what vanishes and reappears."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl
import streamlit as st

from core.analyses.layer_tables import chain_table, gap_of, return_table
from core.analyses.lifespans import Lifespans, Return, half_life, length_table, lifespans, longest, survival
from core.analyses.turnover import Matches
from core.values import Feature
from core.views.curves import Line, line_figure
from ui import palette, selection
from ui.go import anchor, linked
from ui.layers_page import LENGTH, LISTED, SHOWN, Asked, born_setting, colours, line_colours
from ui.layers_turnover import PICTURE, STYLE, evidence, in_focus
from ui.setup import Page
from ui.text import escape, figure, head, quiet, table

MOST = 500
"""Chains listed at once."""


def chains_of(found: Sequence[Matches], asked: Asked) -> Lifespans:
    """The chains at the chosen threshold."""
    return lifespans(found, asked.tau)


def overview(page: Page, found: Lifespans, theme: str) -> None:
    """Survival by birth site beside the lengths; each number leads to its chains."""
    left, right = st.columns([2, 3], gap="small")
    with left, st.container(key="card-survival"):
        st.html(STYLE)
        st.html(head("Still there", "share of features, by sites after their first") + _legend(found, theme))
        st.plotly_chart(survival_figure(found, theme), key="layers:survival", theme=None, config=PICTURE)
    with right, st.container(key="card-births"):
        told = "of them still there at the last site: outlined"
        linked(head("How many sites a feature lasts", told) + births(page, found), "layers:births")


def _legend(found: Lifespans, theme: str) -> str:
    keys = found.keys[:-1]
    drawn = "".join(
        f'<span><i class="s-line" style="background:{colour}"></i>from {escape(key)}</span>'
        for key, colour in zip(keys, line_colours(len(keys), theme), strict=True)
    )
    every = '<span><i class="s-line s-dots-line"></i>all</span>'
    return f'<div class="s-legend s-quiet s-small">{drawn}{every}</div>'


def survival_figure(found: Lifespans, theme: str) -> object:
    """The product-limit curves; the last site has none: nothing follows it."""
    steps = np.arange(len(found.keys))
    shades = line_colours(len(found.keys) - 1, theme)
    lines = [
        Line(f"born at {key}, after %{{x}}", steps, survival(found, site), shades[site], markers=True)
        for site, key in enumerate(found.keys[:-1])
    ]
    lines.append(Line("all, after %{x}", steps, survival(found), colours(theme)["text"], 2.5, "dot", markers=True))
    return line_figure(lines, colours(theme), x_title="sites later", y_percent=True, hover="%{y:.1%}", height=250)


def births(page: Page, found: Lifespans) -> str:
    """One row a birth site: born, half-life, then how many of each length, shaded by their share."""
    lengths, n = length_table(found), len(found.keys)
    chosen = selection.value(born_setting(page.store)), selection.value(LENGTH)
    rows = []
    for site, key in enumerate(found.keys):
        total = int(lengths[site].sum())
        half = half_life(survival(found, site))
        swatch = f'<i class="s-swatch" style="background:{palette.site_colour(site, n)}"></i>'
        cells = [f'<span class="s-born">{swatch}{escape(key)}</span>', _cell(total, total, key, 0, False, chosen)]
        unknown = '<span class="s-quiet" title="more than half are still there where the store ends">–</span>'
        cells.append(unknown if np.isnan(half) else f"{half:.2f}")
        for k in range(n):
            last = site + k + 1 == n
            cells.append(_cell(int(lengths[site, k]), total, key, k + 1, last, chosen) if site + k < n else "")
        rows.append(cells)
    names = ("born at", "features", "half-life, sites", *(f"{k + 1} site{'s' * (k > 0)}" for k in range(n)))
    return table(names, rows, [False] + [True] * (n + 2))


def _cell(count: int, of: int, key: str, length: int, last: bool, chosen: tuple[str, int]) -> str:
    if not count:
        return '<span class="s-quiet">0</span>'
    depth = 0 if not length else round(8 + 62 * count / max(1, of))
    edge = "box-shadow:inset 0 0 0 1px var(--s-quiet);" if last else ""
    edge = "box-shadow:inset 0 0 0 2px var(--s-accent);" if chosen == (key, length) else edge
    ground = f"background:color-mix(in srgb, var(--s-shade) {depth}%, transparent);{edge}"
    told = f"{count} features born at site {key}" + (f" that last {length} sites" if length else "")
    body = f'<span class="s-heat" style="{ground}">{count:,}</span>'
    return anchor(body, label=told, born=key, length=str(length), list="longest", shown="")


# ---- the lists


def chosen_chains(page: Page, found: Lifespans) -> tuple[np.ndarray, str]:
    """The chains of the chosen cell, else the longest-lived; and what they are."""
    born, length = selection.value(born_setting(page.store)), selection.value(LENGTH)
    if born == "all" and not length:
        return longest(found, MOST), "the longest-lived first"
    order = np.lexsort((-np.nan_to_num(found.weakest, nan=-2.0), -found.length))
    site = None if born == "all" else found.keys.index(born)
    wanted = found.born_at(site) & ((found.length == length) if length else True)
    told = "" if born == "all" else f"born at site {born}"
    lasting = f"that last {length} site{'s' * (length != 1)}" if length else ""
    return order[wanted[order]][:MOST], " ".join(filter(None, (told, lasting)))


def chain_list(page: Page, asked: Asked, found: Lifespans) -> None:
    """Chains as a table; the one in focus as boxes, and the evidence of its weakest step."""
    chains, told = chosen_chains(page, found)
    with st.container(key="card-chains"):
        everything = (
            anchor("show the longest-lived of all", born="all", length="0", shown="")
            if told != "the longest-lived first"
            else ""
        )
        linked(head(f"{len(chains):,} features", told or "of every length") + everything, "layers:chains-head")
        if not len(chains):
            st.html(quiet("No feature lasts for two sites: lower the threshold."))
            return
        frame = chain_table(found, chains, page.labels)
        titles = {
            "born_name": "called",
            "last_name": "called there",
            "still_there": "still there",
            "weakest": "weakest step",
        }
        _listed(frame, f"table:chains:{asked}:{told}", "born", titles)
    row = in_focus(frame, "born", "born_name")
    strip(page, found, int(chains[row]))


def strip(page: Page, found: Lifespans, chain: int) -> None:
    """One chain as boxes in the colours of their sites; under it the evidence of its weakest step, by Pearson."""
    features = found.features(chain)
    links = [page.links.link(a, b) for a, b in pairwise(features)]
    with st.container(key="card-chain"):
        parts = []
        for k, feature in enumerate(features):
            if k:
                value, ends = figure(links[k - 1].measures["pearson"], 3), f"{features[k - 1]},{feature}"
                told = f"inspect the link of {features[k - 1]} and {feature}"
                step = anchor(value, "evolution", label=told, feature=str(feature), link=ends)
                parts.append(f'<span class="s-step">{step}</span>')
            name = escape(page.labels.name(feature)) or "–"
            box = f'<span class="s-box" style="{_paint(page, feature)}"><b>{name}</b><span>{feature}</span></span>'
            parts.append(anchor(box, "feature", feature=str(feature)))
        title = head("One feature, site by site", "Pearson of each step")
        linked(f'{title}<div class="s-scroll"><div class="s-chain">{"".join(parts)}</div></div>', "layers:chain")
    worst = min(links, key=lambda link: link.measures["pearson"], default=None)
    first, then = (worst.source, worst.target) if worst else (features[0], None)
    evidence(page, first, then, told="the weakest step")


def return_list(page: Page, asked: Asked, found: Sequence[Return]) -> None:
    """What vanishes and reappears; the one in focus with its evidence."""
    gap = gap_of(len(page.store.sites))
    with st.container(key="card-returns"):
        told = f"a mutual match at {asked.tau:g} or more up to {gap} sites on, and none as good in between"
        st.html(head(f"{len(found):,} features vanish and reappear", told))
        if not found:
            st.html(quiet("None at this threshold."))
            return
        frame = return_table(found, page.labels)
        titles = {"before_name": "called", "after": "there again as", "after_name": "called there", "value": "match",
                  "between": "best in between"}  # fmt: skip
        _listed(frame, f"table:returns:{asked}", "before", titles)
    row = in_focus(frame, "before", "before_name")
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
        height=min(318, 38 + 35 * len(frame)),
    )  # fmt: skip


def _paint(page: Page, feature: Feature) -> str:
    place, n = page.store.site(feature.key).position, len(page.store.sites)
    light, dark = palette.ramp(n, "light")[place], palette.ramp(n, "dark")[place]
    return f"background:{palette.pair(light, dark)};color:{palette.pair(palette.ink(light), palette.ink(dark))}"


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
