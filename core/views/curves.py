"""Lines as Plotly figures in the house's colours: shares over τ, survival, a row of lines a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.views.division import FONT


@dataclass(frozen=True, slots=True)
class Line:
    """One line: points, what it is called and where a point of it is, how it looks."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    where: str = ""  # " at %{x:.2f}": follows the name where one points at the line, in Plotly's words
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
    y_percent: bool = False,
    named: bool = False,
    x_range: tuple[float, float] | None = None,
    mark: float | None = None,
    hover: str = "%{y}",
) -> Any:
    """A figure of lines; `colours` has text, quiet, line and accent, `mark` draws an upright line there.

    Where lines are `named`, each has its name at its start, and the axis goes as far as their largest value.

    >>> one = Line("a", np.array([0.0, 1.0]), np.array([1.0, 0.5]), "#123456")
    >>> figure = line_figure([one], dict.fromkeys(("text", "quiet", "line", "accent"), "#888888"), y_percent=True)
    >>> figure.layout.yaxis.tickformat, len(figure.data)
    ('.0%', 1)
    """
    import plotly.graph_objects as go

    layout = _layout(colours, height, x_title)
    if x_range is not None:
        layout["xaxis"] |= {"range": x_range}
    if y_percent:
        layout["yaxis"] |= {"tickformat": ".0%", "range": [0, 1.02], "dtick": 0.25}
    if named:
        _name(layout, lines)
    if mark is not None:
        upright = {"x0": mark, "x1": mark, "xref": "x", "y0": 0, "y1": 1, "yref": "y domain"}
        layout["shapes"] = [upright | {"type": "line", "line": {"color": colours["accent"], "width": 1.5}}]
    # All at once: Plotly checks what it is given property by property, and again at each update.
    return go.Figure([_trace(line, hover) for line in lines], layout)


def ridges(
    rows: Sequence[tuple[str, Sequence[Line]]],
    colours: Mapping[str, str],
    *,
    x_title: str,
    x_range: tuple[float, float],
    share: bool = False,
) -> Any:
    """A row of lines each, one below the other over the same logarithmic x; the ground under a row's first is filled.

    Every row is as high as the largest value of all rows, or as 100% where values are a `share`.

    >>> one = Line("a", np.array([1.0, 10.0]), np.array([0.0, 5.0]), "#123456")
    >>> colours = dict.fromkeys(("text", "quiet", "line", "accent"), "#888888")
    >>> figure = ridges([("0", [one]), ("1", [one])], colours, x_title="n", x_range=(1, 10))
    >>> figure.layout.yaxis.ticktext, [trace.y.tolist() for trace in figure.data[1::2]]
    (('0', '1'), [[1.0, 1.9], [0.0, 0.9]])
    """
    import plotly.graph_objects as go

    n = len(rows)
    top = 1.0 if share else tallest(rows)
    traces = []
    for base, (_, lines) in zip(range(n - 1, -1, -1), rows, strict=True):
        for place, line in enumerate(lines):
            lifted = replace(line, y=base + ROW_FILLED * line.y / top)
            if not place:
                traces.append(_ground(lifted, base))
            told = [f"{y:.1%}" if share else f"{y:,.0f}" for y in line.y]
            traces.append(_trace(lifted, "%{text}") | {"text": told})
    layout = _layout(colours, 58 + n * max(14, min(32, 400 // max(n, 1))), x_title)
    layout["margin"] |= {"l": 8}
    layout["yaxis"] |= {
        "range": [-0.1, n],
        "tickvals": list(range(n - 1, -1, -1)),
        "ticktext": [plain(name) for name, _ in rows],
        "automargin": True,
    }
    decades = np.log10(x_range[1] / x_range[0]) if x_range[0] > 0 else 0.0
    layout["xaxis"] |= {"type": "log", "dtick": 2 if decades > 3 else 1, "exponentformat": "power", "tickangle": 0}
    layout["xaxis"] |= {"range": [float(np.log10(end)) for end in x_range]}
    return go.Figure(traces, layout)


NAME_HEIGHT = 13.0
"""Pixels from one name of a line to the next, at least."""
ROW_FILLED = 0.9
"""The share of a row's height that its largest value takes."""


def tallest(rows: Sequence[tuple[str, Sequence[Line]]]) -> float:
    """The largest value of all rows: what the height of a row stands for."""
    return max((float(line.y.max()) for _, lines in rows for line in lines), default=0.0) or 1.0


def _ground(line: Line, base: float) -> dict[str, Any]:
    """What is under a line, as an area that cannot be clicked."""
    return {
        "type": "scatter",
        "x": np.concatenate([line.x[:1], line.x, line.x[-1:]]),
        "y": np.concatenate([[base], line.y, [base]]),
        "mode": "lines",
        "line": {"width": 0, "color": line.colour},
        "fill": "toself",
        "fillcolor": line.colour,
        "opacity": 0.3,
        "hoverinfo": "skip",
    }


def _name(layout: dict[str, Any], lines: Sequence[Line]) -> None:
    """Names left of the first points, from the top down as these are, but never on each other; numbers on the right."""
    begun = sorted((line for line in lines if line.y[0] == line.y[0]), key=lambda line: -line.y[0])
    top = 1.06 * max((float(np.nanmax(line.y)) for line in begun), default=0.0) or 1.0
    layout["margin"] |= {"l": 16 + 6.5 * max((len(line.name) for line in begun), default=0), "r": 40, "t": 26}
    plot = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]
    gap, below, layout["annotations"] = NAME_HEIGHT * top / plot, np.inf, []
    for place, line in enumerate(begun):
        below = max(min(float(line.y[0]), below - gap), (len(begun) - 1 - place) * gap)
        words = {"text": plain(line.name), "font": {"size": 11.5}, "x": line.x[0], "y": below}
        layout["annotations"].append(words | {"showarrow": False, "xanchor": "right", "xshift": -8})
    layout["yaxis"] |= {"range": [0, top], "side": "right", "dtick": None, "nticks": 6}
    layout["xaxis"] |= {"dtick": max(1, len(lines) // 8), "tick0": 1}


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
        "hovertemplate": f"{plain(line.name)}{line.where}: {hover}<extra></extra>",
        "connectgaps": False,
    }


def modebar(colours: Mapping[str, str]) -> dict[str, str]:
    """The button that saves a picture: no ground of its own, so that it hides no line."""
    return {"bgcolor": "rgba(0,0,0,0)", "color": colours["line"], "activecolor": colours["quiet"]}


def _layout(colours: Mapping[str, str], height: int, x_title: str) -> dict[str, Any]:
    axis: dict[str, Any] = {
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
        "xaxis": axis | {"showgrid": False, "title": axis["title"] | {"text": x_title, "standoff": 6}},
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
