"""The Feature page's table of a site: every feature of it, found by words or state; a row leads to that feature."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.analyses import tables
from core.paths import hosted
from core.results import pair_links
from core.values import Feature
from ui import selection
from ui.columns import columns
from ui.notes import start_anew
from ui.palette import site_colour
from ui.selection import bind, value
from ui.setup import Page
from ui.tables import choosing
from ui.text import head, quiet

FIND = selection.text("find", longest=80)
STATE = selection.choice("state", ("all", "alive", "rare", "dead"))
MOST_WORK = 3e9
"""Token-wise products of active features that a page waits for: some seconds to half a minute."""


def site(page: Page, feature: Feature) -> None:
    """Every feature of the site; a row selects."""
    with st.container(key="card-site"):
        with st.container(horizontal=True, vertical_alignment="center"):
            colour = site_colour(page.store.site(feature.key).position, len(page.store.sites))
            swatch = f'<i class="s-swatch" style="background:{colour}"></i>'
            st.html(f"{swatch}{head(f'All features of site {feature.key}')}", width="content")
            _offer_best_links(page, feature)
            st.text_input(
                "Find", placeholder="label, token or number", label_visibility="collapsed", width=240, **bind(FIND)
            )
            st.selectbox(
                "State", ("all", "alive", "rare", "dead"), label_visibility="collapsed", width=110, **bind(STATE)
            )
        _site_table(site_frame(page, feature), feature)


def _site_table(frame: pl.DataFrame, feature: Feature) -> None:
    """The rows that were asked for, the page's own feature ticked; or what to do where there is none."""
    if frame.is_empty():
        st.html(quiet(nothing(feature.key, value(FIND), value(STATE))))
        return
    names = frame["feature"].to_list()
    row = names.index(str(feature)) if str(feature) in names else None
    told = shown_of(frame)
    choosing(
        told, f"site-table:{feature.key}", lambda row: selection.choose(selection.FEATURE, names[row]), row,
        columns=columns(told), height=360,
    )  # fmt: skip


def nothing(key: str, find: str, state: str) -> str:
    """What is said in the place of a table without rows.

    >>> nothing("0", "zzqq", "all"), nothing("0", "", "dead")
    ('No feature of site 0 matches “zzqq”. Clear the search.', 'No feature of site 0 is dead. Choose all.')
    """
    wanted = [f"is {state}"] * (state != "all") + [f"matches “{find}”"] * bool(find)
    ways = ["clear the search"] * bool(find) + ["choose all"] * (state != "all")
    return f"No feature of site {key} {' and '.join(wanted)}. {' or '.join(ways).capitalize()}."


def shown_of(frame: pl.DataFrame) -> pl.DataFrame:
    """What the table shows: a label or else the token in quotes, densities in per cent.

    >>> row = {"feature": "0_1", "label": None, "hint": "Tom", "density": 0.01}
    >>> shown_of(pl.DataFrame([row])).to_dicts()
    [{'feature': '0_1', 'name': '“Tom”', 'per_cent': 1.0}]
    """
    hint = pl.when(pl.col("hint") != "").then(pl.format("“{}”", "hint"))
    name = pl.when(pl.col("label").fill_null("") != "").then("label").otherwise(hint)
    told = frame.with_columns((pl.col("density") * 100).alias("density")).rename({"density": "per_cent"})
    return told.select("feature", name.alias("name"), pl.exclude("feature", "label", "hint"))


def site_frame(page: Page, feature: Feature) -> pl.DataFrame:
    return tables.find_in(
        page.reading.site_table(feature.key, value(to_setting(page, feature))), value(FIND), value(STATE)
    )


def best_at(page: Page, feature: Feature) -> str:
    """The site whose best links the table shows, "" while that pair has not been computed."""
    to = value(to_setting(page, feature))
    return to if page.reading.kept_pair(feature.key, to) else ""


def _offer_best_links(page: Page, feature: Feature) -> None:
    """A button that computes the pair of sites, where that takes seconds and not minutes."""
    to = value(to_setting(page, feature))
    if to == feature.key or best_at(page, feature) or hosted():
        return
    active = [float(page.store.summary(key).active.sum()) / max(page.store.n, 1) for key in (feature.key, to)]
    if page.store.n * active[0] * active[1] <= MOST_WORK and st.button(
        f"Add best links at site {to}", key="best-links"
    ):
        with st.spinner(f"every pair of sites {feature.key} and {to}"):
            pair_links(page.store, feature.key, to)
        start_anew()


def to_setting(page: Page, feature: Feature) -> selection.Setting[str]:
    """The site to compare with; by default the next one, for the last site the one before."""
    keys = [site.key for site in page.store.sites]
    place = keys.index(feature.key)
    return selection.choice("to", keys, keys[place + 1] if place + 1 < len(keys) else keys[max(0, place - 1)])
