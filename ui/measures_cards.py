"""How the Measures page shows things: charts whose marks lead on, tables of links, colours and words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import streamlit as st

from ui import measures_page, palette
from ui.text import measure_name


def clicked(key: str, act: Callable[[Any], None]) -> Callable[[], None]:
    """A callback for a chart's selection: `act` gets the customdata of the mark that was clicked."""

    def on_select() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points and points[0].get("customdata") is not None:
            data = points[0]["customdata"]
            act(data[0] if isinstance(data, list) and len(data) == 1 else data)

    return on_select


def chart(figure: Any, key: str, act: Callable[[Any], None]) -> None:
    """A Plotly figure in which a click on a mark leads on."""
    st.plotly_chart(
        figure, key=key, on_select=clicked(key, act), selection_mode="points", theme=None,
        config={"displayModeBar": False},
    )  # fmt: skip


def choosing(frame: pl.DataFrame, key: str, height: int) -> None:
    """A table of links; choosing a row inspects it."""

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            measures_page.show_link(frame["source"][rows[0]], frame["target"][rows[0]])

    st.dataframe(
        frame, key=key, hide_index=True, height=min(height, 38 + 35 * len(frame)), on_select=chosen,
        selection_mode="single-row", column_config=column_config(frame),
    )  # fmt: skip


def column_config(frame: pl.DataFrame) -> dict[str, Any]:
    """Names as people read them, measures to two places, counts with their thousands set apart."""
    columns: dict[str, Any] = {}
    for name, kind in frame.schema.items():
        if kind == pl.String:
            title = {"source_name": "named", "target_name": "named "}.get(name, name)
            columns[name] = st.column_config.TextColumn(title, width=80 if "name" in name else 62)
        elif name.endswith("_rank"):
            columns[name] = st.column_config.NumberColumn("rank", format="%.2f", width=62)
        elif kind == pl.Float64:
            places = "%.3g" if name == "folded_mse" else "%.3f"
            columns[name] = st.column_config.NumberColumn(short(name), format=places, width=84)
        else:
            title = {"n_both": "both"}.get(name, name)
            columns[name] = st.column_config.NumberColumn(title, format="localized", width=66)
    return columns


def short(measure: str) -> str:
    """A measure in a narrow column.

    >>> short("mutual_information"), short("pearson")
    ('MI', 'Pearson')
    """
    return SHORT.get(measure) or measure_name(measure)


SHORT = {"mutual_information": "MI", "decoder_cosine": "dec. cosine", "virtual_weight": "virt. weight"}


# ---- looks and words


def colours(theme: str) -> dict[str, str]:
    """What the charts are drawn with."""
    parts = {"text": palette.TEXT, "quiet": palette.QUIET, "line": palette.LINE, "paper": palette.PAPER}
    parts |= {"bar": palette.BAR, "accent": palette.ACCENT}
    return {name: both[theme] for name, both in parts.items()}


MEASURE_LINES = {
    "light": ("#2b477b", "#3d80a7", "#6fafc9", "#d9711a", "#a8591c", "#64717f"),
    "dark": ("#7fa3e0", "#66adca", "#c9e4ea", "#f0903a", "#c98a55", "#98a5b2"),
}
"""One a measure: the symmetric ones blue, the directed ones orange, mutual information quiet."""


def agreed(rho: float) -> str:
    """How well two orders agree, in words.

    >>> agreed(0.95), agreed(0.7), agreed(0.3), agreed(float("nan"))
    ('order links almost alike', 'order links alike by and large', 'order links differently', 'cannot be compared')
    """
    if rho != rho:
        return "cannot be compared"
    if rho >= 0.9:
        return "order links almost alike"
    return "order links alike by and large" if rho >= 0.5 else "order links differently"
