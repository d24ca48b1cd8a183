"""The lower half of the Measures page: how many tokens a measure needs, what has not been seen, maximum activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import streamlit as st

from core.analyses.convergence import enough_from
from core.values import MEASURES
from core.views import measure_charts
from core.views.measure_charts import Curve
from ui import measures_answers as answers
from ui import measures_cards as cards
from ui import measures_page as parts
from ui import palette, selection
from ui.setup import Page
from ui.text import head, measure_name, quiet

BY = selection.choice("by", ("both", "tokens"))
OFF = selection.choice("off", ("half", "ninth"))
OF = selection.choice("of", MEASURES)
WORDS = {"both": "common tokens", "tokens": "all tokens", "half": "half of the time", "ninth": "9 times of 10"}
WITHIN = 0.05
COLUMN = {"half": "median_relative", "ninth": "ninth_relative"}


# ---- convergence


def convergence(tables: answers.Errors, inspect: Callable[[int], None], key: str, theme: str) -> None:
    """How far from the full value, by common tokens or by tokens of the part; a dot leads to a typical link."""
    by, off = selection.value(BY), selection.value(OFF)
    with st.container(key="card-convergence"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            told = f"{tables.links} links on nested parts of the documents, 1/64 to 1/2, in 6 shuffles; choose a dot"
            st.html(head("How far from the value on all tokens", told), width="stretch")
            _control("Along", BY, ("both", "tokens"))
            _control("Off by", OFF, ("half", "ninth"))
            if by == "tokens":
                st.segmented_control(
                    "Measure", MEASURES, format_func=measure_name, label_visibility="collapsed",
                    **selection.bind(OF),
                )  # fmt: skip
        if not len(tables.by_both):
            st.html(quiet("No kept link has enough data to be looked at on parts of the documents."))
            return
        column = COLUMN[off]
        curves = _by_both(tables.by_both, column, theme) if by == "both" else _by_tokens(tables, column, theme)
        x = "tokens with both, in the part (classes begin here)" if by == "both" else "tokens of the part"
        drawn = measure_charts.errors(curves, cards.colours(theme), x, f"off by, {WORDS[off]}")
        cards.chart(drawn, f"convergence:{key}:{by}:{off}", inspect)
        st.html(quiet(needed(tables.by_both, off)))


def _control(label: str, setting: selection.Setting[str], options: Sequence[str]) -> None:
    st.segmented_control(
        label, options, format_func=lambda name: WORDS[name], label_visibility="collapsed", **selection.bind(setting)
    )


def _by_both(table: pl.DataFrame, column: str, theme: str) -> list[Curve]:
    curves = []
    for name, colour in zip(MEASURES, palette.KINDS[theme], strict=False):
        part = table.filter(pl.col("measure") == name)
        x, y, places = (part[c].to_list() for c in ("n_both", column, "place"))
        curves.append(Curve(measure_name(name), x, y, places, colour))
    return curves


def _by_tokens(tables: answers.Errors, column: str, theme: str) -> list[Curve]:
    of = tables.by_tokens.filter(pl.col("measure") == selection.value(OF))
    classes = of["n_both"].unique().sort().to_list()
    curves = []
    for low, colour in zip(classes, palette.marks(len(classes), theme), strict=True):
        part = of.filter(pl.col("n_both") == low)
        x, y, places = (part[c].to_list() for c in ("tokens", column, "place"))
        curves.append(Curve(f"{low:,} common tokens or more", x, y, places, colour))
    return curves


def needed(table: pl.DataFrame, off: str = "half", within: float = WITHIN) -> str:
    """From how many common tokens on a measure is near its value on all, half of the time or as `off` says.

    >>> rows = [(name, n, 0.5 / n) for name in MEASURES for n in (3, 10, 30)]
    >>> needed(pl.DataFrame(rows, ["measure", "n_both", "median_relative"], orient="row"))[:68]
    'Half of the time within 5%: Pearson, cosine, Jaccard, sufficiency, n'
    """
    classes: dict[int | None, list[str]] = {}
    for name in MEASURES:
        classes.setdefault(enough_from(table, name, within, COLUMN[off]), []).append(measure_name(name))
    known = sorted((low, names) for low, names in classes.items() if low is not None)
    told = [f"{', '.join(names)} from {low:,} common tokens on" for low, names in known]
    if None in classes:
        told.append(f"{', '.join(classes[None])} nowhere here")
    how_often = f"{WORDS[off][0].upper()}{WORDS[off][1:]}"
    return f"{how_often} within {within:.0%}: {'; '.join(told)}."


# ---- what has not been seen


def unseen(page: Page, asked: parts.Asked, found: answers.Computed, frame: pl.DataFrame, link: str, theme: str) -> None:
    """Dead features and pairs never together against tokens; beside it those behind the chosen dot."""
    what, sample = asked.unseen
    seen, store = found.seen, page.store
    look, lines = cards.colours(theme), palette.marks(len(store.sites), theme)
    keys = {key: lines[store.site(key).position] for key in (asked.source, asked.target)}
    of = store.site(asked.source).d_sae * store.site(asked.target).d_sae
    with st.container(key="card-seen"):
        left, right = st.columns([0.42, 0.58], gap="medium")
        with left:
            st.html(head("Not seen yet", "after so many tokens, documents shuffled; choose a dot"))
            drawn = measure_charts.seen(seen, of, look, keys, (what, sample))
            key = f"seen:{asked.source}:{asked.target}"
            cards.chart(drawn, key, lambda data: selection.put(parts.UNSEEN, f"{data[0]},{int(data[1])}"))
        with right:
            tokens = f"{int(seen.tokens[sample]):,} tokens"
            if what == "pairs":
                st.html(head("Never together", f"on {tokens}, though chance would have it; choose a row"))
            else:
                dead = int(seen.dead[what][sample])
                most = f", the most active {len(frame)}" if len(frame) < dead else ""
                st.html(head(f"{dead:,} not seen at site {what}", f"after {tokens}{most}; choose a row"))
            act = parts.show_link if what == "pairs" else parts.to_feature
            if len(frame):
                cards.choosing(frame, f"unseen:{asked.source}:{asked.target}:{what}:{sample}", 300, act, link)
            else:
                st.html(quiet("None: all have been seen by then."))


def maxima(table: pl.DataFrame, theme: str, n_sites: int) -> None:
    """The spread of maximum activations site by site; each dot leads to the feature that is there."""
    with st.container(key="card-maxima"):
        told = "a box from quarter to quarter, whiskers 5 to 95% of each site's features; a dot leads to its feature"
        st.html(head("Maximum activations", told))
        drawn = measure_charts.maxima(table, cards.colours(theme), palette.ramp(n_sites, theme))
        cards.chart(drawn, "maxima", parts.to_feature)
