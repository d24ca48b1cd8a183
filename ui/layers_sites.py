"""The Layers page's sites: how much is active, how densities and maxima spread, what is dead after how many tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import streamlit as st

from core.analyses.site_features import silent_table, spread_table
from core.analyses.site_summary import (
    SiteSummary,
    density_spread,
    maximum_spread,
    range_of_maxima,
    silent_after,
    site_summary,
    sites_table,
    token_steps,
)
from core.values import MIN_ACTIVE
from core.views.curves import Line, ridges, steps_of, tallest
from ui import palette
from ui.go import anchor, linked
from ui.layers_marks import Mark, behind_of, bin_marks
from ui.layers_page import colours
from ui.layers_turnover import STYLE
from ui.marks import chart, choices
from ui.setup import Page
from ui.text import escape, head, percent, table

Row = tuple[str, list[Line]]


def summaries(page: Page) -> list[SiteSummary]:
    """All sites in numbers."""
    return [site_summary(page.store, site.key) for site in page.store.sites]


def sites_title(found: Sequence[SiteSummary]) -> str:
    """How the number of active features goes from the first site to the last, plain text."""
    first, last = found[0], found[-1]
    silent = sum(one.dead for one in found)
    told = f"{first.l0:.1f} features are active a token at site {first.key}, {last.l0:.1f} at site {last.key}"
    return f"{told}; {silent:,} never are" if silent else f"{told}; none is dead"


SITES_WORDS = (
    "Density is the share of counted tokens on which a feature is active; a feature is dead until it first fires, rare "
    f"until it has fired {MIN_ACTIVE} times. Maxima are over all counted tokens."
)


def numbers(page: Page, found: Sequence[SiteSummary]) -> None:
    """One row a site; the densest and the strongest feature lead to themselves, dead and rare ones to their list."""
    rows, n = [], len(found)
    most = max((one.l0 for one in found), default=1.0) or 1.0
    for place, one in enumerate(found):
        colour = palette.site_colour(place, n)
        bar = f'<i class="s-bar" style="width:{4.5 * one.l0 / most:.2f}rem;background:{colour}"></i>'
        rows.append(
            [
                f'<span class="s-born"><i class="s-swatch" style="background:{colour}"></i>{escape(one.key)}</span>',
                f'<span class="s-quiet s-hook">{escape(one.hook_name)}</span>',
                f"{one.d_sae:,}",
                f'{one.l0:.1f}<span class="s-bar-room">{bar}</span>',
                _silent(found, place, "dead", one.dead),
                _silent(found, place, "rare", one.rare),
                percent(one.median_density),
                f"{anchor(str(one.densest), 'feature', feature=str(one.densest))} {percent(one.largest_density)}",
                f"{one.median_maximum:.3g}" if one.median_maximum == one.median_maximum else "–",
                f"{anchor(str(one.strongest), 'feature', feature=str(one.strongest))} {one.largest_maximum:.3g}",
            ]
        )
    names = ("site", "hook", "features", "active a token", "dead", "rare", "median density", "densest",
             "median maximum", "strongest")  # fmt: skip
    with st.container(key="card-site-numbers"):
        st.html(STYLE)
        linked(table(names, rows, [False, False] + [True] * 8), "layers:sites")


def _silent(found: Sequence[SiteSummary], place: int, kind: str, count: int) -> str:
    if not count or len(found) < 2:
        return f"{count:,}"
    at, side = (found[place - 1].key, "to") if place == len(found) - 1 else (found[place].key, "from")
    return anchor(f"{count:,}", view="turnover", at=at, band=f"{kind}_{side}", shown="")


def frames(page: Page, mark: Mark | None) -> dict[str, Callable[[], pl.DataFrame]]:
    """What can be downloaded."""
    found: dict[str, Callable[[], pl.DataFrame]] = {
        "sites": lambda: sites_table(page.store),
        "histograms": lambda: spread_table(page.store),
        "silent": lambda: silent_table(page.store),
    }
    return found | ({} if mark is None else {"behind-the-mark": lambda: behind_of(page, mark)})


def spreads(page: Page, theme: str) -> None:
    """Densities, maxima, and what is dead after how many tokens: three panels, a row a site."""
    store = page.store
    low, high = range_of_maxima(store)
    tokens = token_steps(store)
    panels: dict[str, list[Row]] = {"density": [], "maximum": [], "dead": []}
    for site, colour in zip(store.sites, palette.marks(len(store.sites), theme), strict=True):
        name = f"site {site.key}"
        for panel, spread in (("density", density_spread(store, site.key)),
                              ("maximum", maximum_spread(store, site.key, low, high))):  # fmt: skip
            marks = bin_marks(panel, site.key, spread.edges)
            line = Line(name, *steps_of(spread.edges, spread.counts), colour, ", from %{x:.2g}", 1.5, marks=marks)
            panels[panel].append((name, [line]))
        silent = []
        for panel, times, where, dash in (
            ("dead", 1, " dead after %{x:,.0f} tokens", "solid"),
            ("silent", MIN_ACTIVE, " dead or rare after %{x:,.0f} tokens", "dot"),
        ):
            share = silent_after(store, site.key, tokens, times) / max(1, site.d_sae)
            marks = [choices(mark=Mark(panel, site.key, float(n), float("inf")), shown="") for n in tokens]
            silent.append(Line(name, tokens, share, colour, where, 1.5, dash, marks=marks))
        panels["dead"].append((name, silent))
    with st.container(key="card-spreads"):
        left, middle, right = st.columns(3, gap="medium", vertical_alignment="bottom")
        _panel(left, "Density", "features by share of tokens", panels["density"], theme, "density")
        _panel(
            middle, "Largest activation", "features by their maximum", panels["maximum"], theme, "maximum activation"
        )
        _panel(right, "Silent so far", "share dead, dotted: dead or rare", panels["dead"], theme, "tokens", share=True)
        never = anchor("pairs that are never active together", "measures")
        linked(
            f'<div class="s-quiet s-small">Click a line for the features behind it. Against the number of tokens '
            f"Measures also counts the {never}.</div>",
            "layers:never",
        )


def _panel(
    place: st.delta_generator.DeltaGenerator, title: str, told: str, rows: Sequence[Row], theme: str, axis: str,
    share: bool = False,
) -> None:  # fmt: skip
    ends = [np.asarray(line.x) for _, lines in rows for line in lines]
    bounds = (float(min(x.min() for x in ends)), float(max(x.max() for x in ends)))
    high = "100%" if share else f"{tallest(rows):,.0f}"
    with place:
        st.html(head(title, f"{told}; a row is {high} high"))
        chart(ridges(rows, colours(theme), x_title=axis, x_range=bounds, share=share), f"layers:{title}")
