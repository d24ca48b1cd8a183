"""A whole divided among its parts, as one bar: each part alone, several at once, the uncovered rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FONT = '"Source Sans", "Source Sans Pro", sans-serif'

LONGEST = 12
"""Parts with a segment of their own; the smaller ones share one."""


def segments(names: Sequence[str], shares: Sequence[float]) -> list[tuple[str, float, str]]:
    """(name, share, kind) from left to right; kinds are part, others, several, rest. Empty segments are left out.

    `shares` are those of `Division.shares`: one a name, then several at once, then the rest.

    >>> segments(["a", "b"], [0.5, 0.2, 0.0, 0.3])
    [('a', 0.5, 'part'), ('b', 0.2, 'part'), ('no part', 0.3, 'rest')]
    """
    *alone, several, rest = shares
    order = sorted(range(len(alone)), key=lambda k: -alone[k])
    found = [(names[k], alone[k], "part") for k in order[:LONGEST]]
    found.append((f"{len(order) - LONGEST} more", sum(alone[k] for k in order[LONGEST:]), "others"))
    found += [("several at once", several, "several"), ("no part", rest, "rest")]
    return [segment for segment in found if segment[1] > 0]


def part_colours(shares: Sequence[float], ramp: Sequence[str]) -> list[str | None]:
    """The colour of each part in the bar, for a legend; None for parts without a segment of their own.

    >>> part_colours([0.1, 0.5, 0.0, 0.4, 0.0], ["light", "dark"])
    ['dark', 'light', None]
    """
    alone = shares[:-2]
    order = sorted((k for k in range(len(alone)) if alone[k] > 0), key=lambda k: -alone[k])[:LONGEST]
    return [ramp[order.index(k) % len(ramp)] if k in order else None for k in range(len(alone))]


def division_bar(names: Sequence[str], shares: Sequence[float], colours: Mapping[str, Any], ramp: Sequence[str]) -> Any:
    """A Plotly figure of one stacked horizontal bar; `colours` has text, quiet, line and paper, `ramp` the parts'."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for k, (name, share, kind) in enumerate(segments(names, shares)):
        fill = ramp[k % len(ramp)] if kind == "part" else colours["quiet"] if kind != "rest" else "rgba(0,0,0,0)"
        pattern = {"shape": "/", "bgcolor": colours["paper"], "fgcolor": colours["quiet"], "size": 5, "solidity": 0.25}
        figure.add_bar(
            x=[share],
            y=[""],
            orientation="h",
            name=plain(name),
            marker={
                "color": fill,
                "pattern": pattern if kind == "several" else None,
                "line": {"color": colours["line"], "width": 1},
            },
            text=f"{100 * share:.0f}%" if share >= 0.04 else "",
            textposition="inside",
            insidetextanchor="middle",
            textfont={"color": colours["text"]} if kind in ("rest", "several") else None,
            hovertemplate=f"{plain(name)}: {100 * share:.1f}%<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        height=56,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 4, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": colours["text"], "size": 13, "family": FONT},
        xaxis={"range": [0, 1], "visible": False, "fixedrange": True},
        yaxis={"visible": False, "fixedrange": True},
        bargap=0,
    )
    return figure


def plain(text: str) -> str:
    """Text that Plotly shows as it is: it reads a little HTML.

    >>> plain("<b>")
    '&lt;b&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%​{")
