"""How the Measures page shows things: charts whose marks lead on, tables of links, colours and words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from core.analyses.agreement import Agreement
from core.labels import Labels
from core.values import DATA_FREE, Feature
from ui import measures_page, palette, tables
from ui.clicks import link_ends
from ui.columns import columns
from ui.text import called, figure, measure_name

STYLE = Path(__file__).with_name("measures.css")


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
        config=picture(key.partition(":")[0]),
    )  # fmt: skip


def picture(name: str) -> dict[str, Any]:
    """A chart's only button: it saves what is shown as SVG."""
    image = {"format": "svg", "filename": f"strata-{name}"}
    return {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": image}


def choosing(
    frame: pl.DataFrame, key: str, height: int, act: Callable[..., None] = measures_page.show_link, link: str = ""
) -> None:
    """A table of links, or of features with an `act` of their own; choosing a row inspects it, `link` is ticked."""
    ends = [name for name in ("source", "target", "feature") if name in frame.columns]
    links = frame.select(ends).rows()
    row = links.index(tuple(link_ends(link))) if link and tuple(link_ends(link)) in links else None
    shown = columns(frame, widths=WIDTHS)
    tables.choosing(frame, key, lambda row: act(*links[row]), row, columns=shown, height=height)


WIDTHS = {"source": 56, "source_name": 142, "target": 56, "target_name": 142}
"""In pixels: so the measures and their ranks fit beside the chart."""


# ---- looks and words


def colours(theme: str) -> dict[str, str]:
    """What the charts are drawn with."""
    parts = {"text": palette.TEXT, "quiet": palette.QUIET, "line": palette.LINE, "paper": palette.PAPER}
    parts |= {"bar": palette.BAR, "accent": palette.ACCENT}
    return {name: both[theme] for name, both in parts.items()}


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


def finding(asked: measures_page.Asked, widest: pl.DataFrame, labels: Labels) -> str:
    """The widest disagreement in words."""
    first, second = measure_name(asked.first), measure_name(asked.second)
    if asked.first == asked.second:
        return f"{first[0].upper() + first[1:]} agrees with itself: choose a second measure"
    if not len(widest):
        return f"No link between sites {asked.source} and {asked.target} has enough data"
    source, target = (called(Feature.parse(widest[end][0]), labels) for end in ("source", "target"))
    return f"{first[0].upper() + first[1:]} and {second} disagree most on {source} → {target}"


def explained(asked: measures_page.Asked, both: Agreement) -> str:
    """What one sees and how it came about, in two sentences."""
    rho = f" (rank correlation {figure(both.rank_correlation)})" if both.links > 1 else ""
    seen = " Links were kept for their activations: what only the weights would link is not among them."
    of_weights = seen if {asked.first, asked.second} & set(DATA_FREE) else ""
    return (
        f"Over {both.links:,} kept links of sites {asked.source} and {asked.target} with 10 or more common tokens "
        f"the two {agreed(both.rank_correlation)}{rho}. A rank by a measure is the share of links "
        f"that are less alike by it; the widest apart are ringed and listed.{of_weights}"
    )
