"""What the columns of tables are called on every page, how wide they are and how their numbers are written.

Frames keep their machine names, which downloads and Python rely on; only what is shown is told here, once for all
pages. A page adds what depends on what it shows, such as the site that a column is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from core.values import DATA_FREE, MEASURES
from ui.text import measure_name


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is shown: its title, its width in pixels, what more there is to say of it, its decimals."""

    title: str = ""
    width: int = 74
    help: str | None = None
    decimals: str = "%.3f"


FEATURE, NAME = 70, 210  # the second has room for some thirty letters
COLUMNS = {
    # features, links and what they are called
    "feature": Column(width=FEATURE),
    "name": Column("called", NAME),
    "source": Column(width=FEATURE),
    "source_name": Column("called", NAME),
    "target": Column(width=FEATURE),
    "target_name": Column("called", NAME),
    "match": Column("best match", 140),
    "match_name": Column("called", NAME),
    "best": Column("best link", 78),
    "best_pearson": Column("its Pearson", 86),
    "state": Column(width=60),
    # numbers of features and links
    "active": Column("active tokens", 96, "tokens of the whole store on which it is active"),
    "mean": Column("mean when active", 130),
    "density": Column(width=90, decimals="%.3g"),
    "per_cent": Column("density, %", 90),
    "first": Column("first active on token", 130),
    "tenth": Column("for the tenth time", 130),
    "n_source": Column("source on"),
    "n_target": Column("target on"),
    "n_both": Column("both", 56),
    "expected": Column(width=76, help="tokens with both, if the two were independent", decimals="%.1f"),
    "seen_after": Column("seen after", help="tokens of the first part that has it; none for a dead feature"),
    "lift": Column(decimals="%.1f"),
    "asked": Column("not followed, since", 260),
    "source_community": Column("source’s community", 130),
    "target_community": Column("target’s community", 130),
    # lifespans
    "born": Column("from", FEATURE),
    "born_name": Column("called", NAME),
    "last": Column("to", FEATURE),
    "last_name": Column("called there", NAME),
    "length": Column("sites", 52),
    "then": Column(width=132),
    "weakest": Column("weakest step", 100),
    "best_next": Column("next site’s best", 112),
    "value_next": Column("its match", 86),
    "features": Column("its features", 260),
    "before": Column("from", FEATURE),
    "before_name": Column("called", NAME),
    "after": Column("there again as", 110),
    "after_name": Column("called there", NAME),
    "value": Column("match"),
    "between": Column("best in between", 112),
    "depth": Column("depth below τ", 104),
    # gates, splits and merges
    "kind": Column(width=68),
    "inputs": Column(width=140),
    "input_names": Column("inputs called", 190),
    "holds": Column(width=54),
    "why": Column("why not", 260),
    "precision": Column(
        width=72, help="Of the tokens on which the inputs say so, the share on which the feature fires", decimals="%.2f"
    ),
    "recall": Column(
        width=62, help="Of the feature’s tokens, the share on which the inputs say so", decimals="%.2f"
    ),
    "f1": Column("F1", 62, decimals="%.2f"),
    "gain": Column(width=62, help="F1 above the best single input", decimals="%.2f"),
    "held_out_f1": Column(
        "F1, held out", 92, "On the half of the documents that was not searched", decimals="%.2f"
    ),
    "held_out_gain": Column(
        "gain, held out", 104,
        "F1 above the best single input, on the half of the documents that was not searched", decimals="%.2f",
    ),
    "parts": Column(width=150),
    "part_names": Column("parts called", 290),
    "coverage": Column(width=82, help="Share of the feature’s tokens with any part", decimals="%.2f"),
    "overlap": Column(width=68, help="Share of those with two or more", decimals="%.2f"),
    "divided": Column(width=68, help="Share of the feature’s tokens with exactly one part", decimals="%.2f"),
    "several": Column("several at once", 110, "Share with two or more parts", decimals="%.2f"),
    "rest": Column(width=56, help="Share with no part", decimals="%.2f"),
    # communities
    "keywords": Column(width=400),
    "size": Column(width=60, help="features"),
    "sites": Column(width=80, help="sites that it spans"),
    "cohesion": Column(width=86, help="share of link weight that stays within", decimals="%.2f"),
    "over_seeds": Column("over seeds", 96, "stability: found again with other seeds", decimals="%.2f"),
    "over_halves": Column(
        "over halves", 96, "stability: found again on either half of the documents", decimals="%.2f"
    ),
    "part": Column(help="of the community; none where it is linked with too few"),
    "strength": Column("links within", 90, "the weight of its links within the community", decimals="%.2f"),
    # prompts
    "side": Column("in", 66),
    "activation": Column(width=84, decimals="%.2f"),
    "community": Column(width=90),
    "community_words": Column("its keywords", NAME),
}  # fmt: skip
MEASURE_WIDTHS = {"mutual_information": 130, "decoder_cosine": 112, "virtual_weight": 106}
COLUMNS |= {
    name: Column(measure_name(name), MEASURE_WIDTHS.get(name, 76), decimals="%.3g" if name == "folded_mse" else "%.3f")
    for name in (*MEASURES, *DATA_FREE)
}
RANK = Column("rank", 52, decimals="%.2f")


def columns(
    frame: pl.DataFrame, titles: Mapping[str, str] = {}, widths: Mapping[str, int] = {}, more: Mapping[str, str] = {}
) -> dict[str, Any]:
    """How Streamlit shows each column of a frame: texts, counts with their thousands set apart, other numbers rounded.

    `titles`, `widths` and what `more` there is to say of a column come before those of the table above.
    """
    found: dict[str, Any] = {}
    for name, kind in frame.schema.items():
        one = RANK if name.endswith("_rank") else COLUMNS.get(name, Column())
        title, width = titles.get(name, one.title or name), widths.get(name, one.width)
        told = more.get(name, one.help)
        if kind.is_numeric():
            form = "localized" if kind.is_integer() else one.decimals
            found[name] = st.column_config.NumberColumn(title, format=form, width=width, help=told)
        elif kind == pl.Boolean:
            found[name] = st.column_config.CheckboxColumn(title, width=width, help=told)
        else:
            found[name] = st.column_config.TextColumn(title, width=width, help=told)
    return found
