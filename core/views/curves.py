"""Lines over a common axis, as Plotly figures in the house's colours: shares over τ, survival, spreads over decades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.views.division import FONT


@dataclass(frozen=True, slots=True)
class Line:
    """One line: points, what it is called, how it looks."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    width: float = 2.0
    dash: str = "solid"
    shape: str = "linear"  # "hv" for steps
    markers: bool = False
    marks: Sequence[Sequence[str]] | None = None  # what a click on each point chooses, the same number of texts each


def line_figure(
    lines: Sequence[Line],
    colours: Mapping[str, str],
    *,
    height: int = 240,
    x_title: str = "",
    x_log: bool = False,
    y_percent: bool = False,
    x_range: tuple[float, float] | None = None,
    mark: float | None = None,
    hover: str = "%{y}",
) -> Any:
    """A figure of lines; `colours` has text, quiet, line and accent, `mark` draws an upright line there.

    `x_range` is in the axis' own units, also where it is logarithmic.

    >>> one = Line("a", np.array([0.0, 1.0]), np.array([1.0, 0.5]), "#123456")
    >>> figure = line_figure([one], dict.fromkeys(("text", "quiet", "line", "accent"), "#888888"), y_percent=True)
    >>> figure.layout.yaxis.tickformat, len(figure.data)
    ('.0%', 1)
    """
    import plotly.graph_objects as go

    layout = _layout(colours, height)
    layout["xaxis"] |= {"title": layout["xaxis"]["title"] | {"text": x_title, "standoff": 6}}
    if x_log:
        decades = np.log10(x_range[1] / x_range[0]) if x_range is not None and x_range[0] > 0 else 0.0
        layout["xaxis"] |= {"type": "log", "dtick": 2 if decades > 3 else 1, "exponentformat": "power", "tickangle": 0}
    if x_range is not None:
        layout["xaxis"] |= {"range": [float(np.log10(end)) if x_log else end for end in x_range]}
    if y_percent:
        layout["yaxis"] |= {"tickformat": ".0%", "range": [0, 1.02], "dtick": 0.25}
    if mark is not None:
        upright = {"x0": mark, "x1": mark, "xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
        layout["shapes"] = [upright | {"type": "line", "line": {"color": colours["accent"], "width": 1.5}}]
    # All at once: Plotly checks what it is given property by property, and again at each update.
    return go.Figure([_trace(line, hover) for line in lines], layout)


def _trace(line: Line, hover: str) -> dict[str, Any]:
    """One line; points that can be clicked are there but not seen until they are chosen."""
    return {
        "type": "scatter",
        "x": line.x,
        "y": line.y,
        "name": plain(line.name),
        "mode": "lines+markers" if line.markers or line.marks is not None else "lines",
        "line": {"color": line.colour, "width": line.width, "dash": line.dash, "shape": line.shape},
        "marker": {"size": 6, "color": line.colour, "opacity": float(line.markers)},
        "selected": {"marker": {"opacity": 1.0}},
        "unselected": {"marker": {"opacity": float(line.markers)}},
        "customdata": None if line.marks is None else np.array(line.marks),
        "hovertemplate": f"{plain(line.name)}: {hover}<extra></extra>",
        "connectgaps": False,
    }


def modebar(colours: Mapping[str, str]) -> dict[str, str]:
    """The button that saves a picture: no ground of its own, so that it hides no line."""
    return {"bgcolor": "rgba(0,0,0,0)", "color": colours["line"], "activecolor": colours["quiet"]}


def _layout(colours: Mapping[str, str], height: int) -> dict[str, Any]:
    axis = {
        "showgrid": True,
        "gridcolor": colours["line"],
        "zeroline": False,
        "linecolor": colours["line"],
        "fixedrange": True,
        "tickfont": {"size": 11.5, "color": colours["quiet"]},
        "title": {"font": {"size": 12, "color": colours["quiet"]}},
    }
    return {
        "height": height,
        "showlegend": False,
        "margin": {"l": 40, "r": 8, "t": 8, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colours["text"], "size": 12, "family": FONT},
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "modebar": modebar(colours),
        "xaxis": axis | {"showgrid": False},
        "yaxis": axis | {"rangemode": "tozero"},
    }


def steps_of(edges: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A histogram as the corners of its outline.

    >>> [a.tolist() for a in steps_of(np.array([1.0, 2.0, 4.0]), np.array([5, 7]))]
    [[1.0, 1.0, 2.0, 2.0, 4.0, 4.0], [0, 5, 5, 7, 7, 0]]
    """
    return np.repeat(edges, 2), np.concatenate([[0], np.repeat(counts, 2), [0]])


def plain(text: str) -> str:
    """Text that Plotly shows as it is: it reads a little HTML.

    >>> plain("<b>")
    '&lt;b&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%​{")
