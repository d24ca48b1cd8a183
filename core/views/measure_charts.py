"""The Measures page's pictures, as Plotly figures: every mark carries what it leads to as `customdata`.

`colours` has text, quiet, line, paper, bar, accent; a ramp is light to dark. Words from outside never get here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
import polars as pl

from core.analyses.agreement import Agreement
from core.analyses.maxima import QUANTILES
from core.analyses.unseen import Seen
from core.views.curves import modebar
from core.views.division import FONT

Colours = Mapping[str, str]
HEIGHT = 300
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
"""Of the dots of lines: they cross, and colours alone do not tell them apart for everybody."""


def themed(figure: Any, colours: Colours, height: int = HEIGHT, **more: Any) -> Any:
    """The house's look: no ground, thin quiet lines, its type; zooming stays off so that a page scrolls on a phone."""
    axis = {
        "gridcolor": colours["line"],
        "linecolor": colours["line"],
        "zerolinecolor": colours["line"],
        "tickfont": {"color": colours["quiet"]},
        "title": {"font": {"color": colours["quiet"], "size": 13}, "standoff": 8},
        "fixedrange": True,
        "automargin": True,
        "ticks": "",
    }
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colours["text"], "size": 13, "family": FONT},
        hoverlabel={"bgcolor": colours["paper"], "bordercolor": colours["line"], "font": {"color": colours["text"]}},
        dragmode=False,
        clickmode="event+select",
        showlegend=False,
        modebar=modebar(colours),
        xaxis=axis,
        yaxis=axis,
    )
    figure.update_layout(**more)
    return figure


def scatter(
    found: Agreement, marked: Sequence[tuple[float, float, int]], names: tuple[str, str], colours: Colours,
    ramp: Sequence[str], chosen: int = -1,
) -> Any:  # fmt: skip
    """Two measures of the kept links: a square holds as many as its shade says, rings are the widest disagreements.

    `marked` are (x, y, place) of the rings, the `chosen` one in the accent; a mark's customdata is the place in `Kept`
    of the link it leads to.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    steps = [[k / (len(ramp) - 1), colour] for k, colour in enumerate(ramp)]
    figure.add_heatmap(**_squares(found), colorscale=steps, zmin=0, showscale=False, hoverinfo="skip")
    # A click on a heat map chooses nothing in Streamlit: its squares have points, which are not seen.
    unseen = {"marker": {"opacity": 0}}
    figure.add_scatter(
        x=found.x,
        y=found.y,
        mode="markers",
        customdata=found.example,
        text=[f"{count:,} link{'s' * (count != 1)}" for count in found.counts.tolist()],
        marker={"size": 12, "opacity": 0},
        selected=unseen,
        unselected=unseen,
        hovertemplate=f"{names[0]} %{{x:.3g}}, {names[1]} %{{y:.3g}}<br>%{{text}}<extra></extra>",
    )
    if marked:
        x, y, places = zip(*marked, strict=True)
        figure.add_scatter(
            x=x,
            y=y,
            mode="markers",
            customdata=places,
            marker={
                "symbol": "circle-open",
                "size": [15 if place == chosen else 10 for place in places],
                "color": [colours["accent" if place == chosen else "text"] for place in places],
                "line": {"width": 2},
            },
            hovertemplate="among the widest apart<extra></extra>",
            unselected={"marker": {"opacity": 1}},
        )
    return themed(figure, colours, 380, xaxis_title_text=names[0], yaxis_title_text=names[1])


def _squares(found: Agreement) -> dict[str, Any]:
    """The squares as a grid without gaps: logarithms of how many links, NaN where there is none."""
    if not len(found.counts):
        return {"z": [[np.nan]]}
    first = float(found.x.min()), float(found.y.min())
    places = [
        np.rint((ends - start) / size).astype(np.int64)
        for ends, start, size in zip((found.x, found.y), first, found.size, strict=True)
    ]
    z = np.full((places[1].max() + 1, places[0].max() + 1), np.nan)
    z[places[1], places[0]] = np.log(found.counts)
    return {
        "z": z,
        "x0": first[0],
        "dx": found.size[0],
        "y0": first[1],
        "dy": found.size[1],
        "zmax": max(z[z == z].max(), 1.0),
    }


def histogram(table: pl.DataFrame, colours: Colours, name: str, low: float | None = None) -> Any:
    """One measure over all co-active pairs, heights on a logarithmic scale; a bar's customdata is where it begins."""
    import plotly.graph_objects as go

    # Two bins a bar: a finger needs some width, and the sum of two is exact.
    halves = table.with_row_index().group_by(pl.col("index") // 2, maintain_order=True)
    bars = halves.agg(pl.col("low").min(), pl.col("high").max(), pl.col("pairs").sum())
    used = bars.filter(pl.col("pairs") > 0)
    lit = [colours["accent"] if low is not None and abs(a - low) < 1e-9 else colours["bar"] for a in used["low"]]
    figure = go.Figure()
    figure.add_bar(
        x=((used["low"] + used["high"]) / 2).to_list(),
        y=used["pairs"].to_list(),
        width=((used["high"] - used["low"]) * 0.92).to_list(),
        customdata=list(zip(used["low"].to_list(), used["high"].to_list(), strict=True)),
        marker={"color": lit, "line": {"width": 0}},
        hovertemplate="%{customdata[0]:.2f} to %{customdata[1]:.2f}: %{y:,} pairs<extra></extra>",
        unselected={"marker": {"opacity": 1}},
    )
    return themed(
        figure, colours, HEIGHT, yaxis={"type": "log", "dtick": 1, "title": {"text": "pairs"}},
        xaxis_title_text=name, bargap=0,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Curve:
    """Errors along one axis; `places` are the links that its dots lead to."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    places: Sequence[int]
    colour: str


def errors(curves: Sequence[Curve], colours: Colours, x_title: str, y_title: str) -> Any:
    """Relative errors, both axes logarithmic; a dot's customdata is a link's place. An error of 0 is not drawn."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for curve, symbol in zip(curves, cycle(SYMBOLS), strict=False):
        there = [k for k, error in enumerate(curve.y) if error > 0]
        figure.add_scatter(
            x=[curve.x[k] for k in there], y=[curve.y[k] for k in there], customdata=[curve.places[k] for k in there],
            mode="lines+markers", name=curve.name, line={"color": curve.colour, "width": 2},
            marker={"size": 8, "symbol": symbol},
            hovertemplate=f"{curve.name}: off by %{{y:.1%}} at %{{x:,}}<extra></extra>",
            unselected={"marker": {"opacity": 1}},
        )  # fmt: skip
    return themed(
        figure,
        colours,
        HEIGHT + 40,
        xaxis={"type": "log", "title": {"text": x_title}, "dtick": 1},
        yaxis={"type": "log", "title": {"text": y_title}, "tickformat": "~%", "dtick": 1},
        showlegend=True,
        legend=_legend(colours),
    )


def seen(found: Seen, pairs: int, colours: Colours, lines: Mapping[str, str], chosen: tuple[str, int]) -> Any:
    """Shares not yet seen against tokens: features that never fired, pairs that never fired together.

    A dot's customdata is (``pairs`` or the site's key, the part's number, how many); `chosen` is ringed.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    curves = [("pairs", "pairs never together", found.never_co_active, max(1, pairs), colours["text"])]
    curves += [
        (key, f"dead at site {key}", dead, max(1, found.features[key]), lines[key]) for key, dead in found.dead.items()
    ]
    for (what, name, counts, of, line), symbol in zip(curves, cycle(SYMBOLS), strict=False):
        ringed = [15 if (what, k) == chosen else 9 for k in range(len(counts))]
        ring = {"width": [2.5 if size > 9 else 0 for size in ringed], "color": colours["accent"]}
        figure.add_scatter(
            x=found.tokens.tolist(), y=(counts / of).tolist(), mode="lines+markers", name=name,
            customdata=[[what, k, n] for k, n in enumerate(counts.tolist())], line={"color": line, "width": 2},
            marker={"size": ringed, "symbol": symbol, "line": ring},
            hovertemplate=f"{name}: %{{customdata[2]:,}} (%{{y:.1%}}) after %{{x:,}} tokens<extra></extra>",
            unselected={"marker": {"opacity": 1}},
        )  # fmt: skip
    return themed(
        figure,
        colours,
        HEIGHT,
        xaxis={"type": "log", "title": {"text": "counted tokens"}, "dtick": 1},
        yaxis={"tickformat": ".0%", "rangemode": "tozero"},
        showlegend=True,
        legend=_legend(colours),
    )


def maxima(table: pl.DataFrame, colours: Colours, ramp: Sequence[str]) -> Any:
    """Maximum activations of each site's features: a box from quarter to quarter, whiskers from 5 to 95%, the largest.

    Each place of the spread has a dot; its customdata is the feature that is there.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for row, colour in zip(table.iter_rows(named=True), ramp, strict=True):
        if row["largest"] is None:
            continue
        figure.add_box(
            x=[row["site"]], q1=[row["quarter"]], median=[row["median"]], q3=[row["three_quarters"]],
            lowerfence=[row["low"]], upperfence=[row["high"]], marker={"color": colour},
            line={"width": 1.5, "color": colours["quiet"]}, fillcolor=colour, name=f"site {row['site']}",
            width=0.55, hoverinfo="skip",
        )  # fmt: skip
    there = table.filter(pl.col("largest").is_not_null())
    for name, share in QUANTILES.items():
        told = "the largest" if share == 1 else f"{share:.0%} of the features are below"
        figure.add_scatter(
            x=there["site"].to_list(), y=there[name].to_list(), customdata=there[f"{name}_feature"].to_list(),
            mode="markers", unselected={"marker": {"opacity": 1}},
            marker={"size": 9 if share == 1 else 6, "color": colours["text"]},
            hovertemplate=f"%{{customdata}}: at most %{{y:.3g}}<br>{told}<extra></extra>",
        )  # fmt: skip
    return themed(
        figure, colours, HEIGHT, xaxis={"type": "category", "title": {"text": "site"}},
        yaxis={"type": "log", "title": {"text": "maximum activation"}, "dtick": 1},
    )  # fmt: skip


def _legend(colours: Colours) -> dict[str, Any]:
    return {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"color": colours["text"]}}
