"""The Layers page's lifespans: survival, lengths by birth site, the longest-lived, and what vanishes and reappears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import streamlit as st

from core.analyses.layer_tables import Question, birth_table, chain_table, gap_of, return_table, survival_table
from core.analyses.lifespans import (
    Lifespans,
    Return,
    chosen,
    half_life,
    length_table,
    lifespans,
    returns,
    survival,
)
from core.analyses.turnover import Matches
from core.views.curves import Line, line_figure
from ui import palette, selection
from ui.go import anchor, linked
from ui.layers_page import (
    LASTING,
    LENGTH,
    LISTED,
    Asked,
    born_setting,
    colours,
    line_colours,
    matches_across,
)
from ui.layers_turnover import STYLE, in_focus
from ui.marks import chart, choices
from ui.setup import Page
from ui.text import called, escape, head, table


@dataclass(frozen=True)
class Shown:
    """What the lifespans view is about: all chains, those listed, what comes back where that is asked for."""

    found: Lifespans
    question: Question
    chains: np.ndarray  # those listed
    frame: pl.DataFrame  # one row each
    gap: int  # how far `back` looks; 0 where it is not listed
    back: list[Return]


def shown(page: Page, asked: Asked, matches: Sequence[Matches]) -> Shown:
    """What the settings ask for; pairs of sites across gaps are computed where returns are listed."""
    found = lifespans(matches, asked.tau)
    born = selection.value(born_setting(page.store))
    question = ("" if born == "all" else born, selection.value(LENGTH), selection.value(LASTING))
    chains = chosen(found, *question)
    frame = chain_table(found, chains, page.labels)
    if selection.value(LISTED) != "returns":
        return Shown(found, question, chains, frame, 0, [])
    across = matches_across(page.store, asked.measure)
    back = returns(found.keys, across, asked.tau)
    return Shown(found, question, chains, frame, gap_of(len(found.keys)), back)


def title(page: Page, shown: Shown) -> str:
    """The lifespan in focus and how long features last in general, plain text."""
    if shown.gap:
        return _title_of_returns(page, shown.back)
    found = shown.found
    curve = survival(found)
    half = half_life(curve)
    told = f"half of all features are gone after {half:.1f} sites"
    if np.isnan(half):
        told = f"{100 * curve[1]:.0f}% of all features go on one to one at the next site"
    if not len(shown.chains) or found.length[shown.chains].max() < 2:
        return f"{told[0].upper()}{told[1:]}" if len(found.birth) else "No feature of this store is alive"
    features = found.features(int(shown.chains[in_focus(shown.frame, "born", "born_name")]))
    return f"{called(features[0], page.labels)} lasts from site {features[0].key} to site {features[-1].key}; {told}"


def _title_of_returns(page: Page, back: Sequence[Return]) -> str:
    if not back:
        return "No feature vanishes and reappears"
    one = back[in_focus(return_table(back, page.labels), "before", "before_name")]
    after = f"there again at site {one.after.key}"
    told = f"{called(one.before, page.labels)} of site {one.before.key} is gone at the next site and {after}"
    return f"{told}, one of {len(back):,}" if len(back) > 1 else told


def frames(page: Page, shown: Shown) -> dict[str, Callable[[], pl.DataFrame]]:
    """What can be downloaded."""
    found: dict[str, Callable[[], pl.DataFrame]] = {
        "births": lambda: birth_table(shown.found),
        "survival": lambda: survival_table(shown.found),
        "lifespans": lambda: shown.frame,
    }
    return found | ({"returns": lambda: return_table(shown.back, page.labels)} if shown.gap else {})


def overview(page: Page, shown: Shown, theme: str) -> None:
    """Survival by birth site beside the lengths; each point and each number leads to its chains."""
    found = shown.found
    left, right = st.columns([2, 3], gap="small")
    with left, st.container(key="card-survival"):
        st.html(STYLE)
        st.html(head("Still there", "share of features, by sites after their first · click a point for them"))
        st.html(_legend(found, theme))
        chart(survival_figure(found, theme), "layers:survival")
    with right, st.container(key="card-births"):
        told = "of them still there at the last site: outlined"
        linked(head("How many sites a feature lasts", told) + births(shown), "layers:births")


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

    def marks(born: str) -> list[tuple[str, ...]]:
        return [choices(born=born, length=0, lasting=k + 1, list="longest", shown="") for k in range(len(found.keys))]

    lines = [
        Line(f"born at {key}, after %{{x}}", steps, survival(found, site), shades[site], markers=True, marks=marks(key))
        for site, key in enumerate(found.keys[:-1])
    ]
    every = survival(found)
    lines.append(
        Line("all, after %{x}", steps, every, colours(theme)["text"], 2.5, "dot", markers=True, marks=marks("all"))
    )
    return line_figure(lines, colours(theme), x_title="sites later", y_percent=True, hover="%{y:.1%}", height=250)


def births(shown: Shown) -> str:
    """One row a birth site: born, half-life, then how many of each length, shaded by their share."""
    found, chosen = shown.found, shown.question[:2]
    lengths, n = length_table(found), len(found.keys)
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
    return anchor(body, label=told, born=key, length=str(length), lasting="0", list="longest", shown="")
