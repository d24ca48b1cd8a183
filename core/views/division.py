"""A whole divided among its parts, as one bar: each part alone, several at once, the uncovered rest.

SVG, since every segment is a link and the same bar goes into a paper. Lengths are shares of its width, so that it fits
any page and its numbers stay as large as they are.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

FONT = '"Source Sans", "Source Sans Pro", sans-serif'

LONGEST = 12
"""Parts with a segment of their own; the smaller ones share one."""

HEIGHT = 44
ROOM = 0.06
"""The share from which on a segment has room for its number, also on a narrow page."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the bar; `part` is the place of its part among all, -1 where it is of none or of several."""

    name: str
    share: float
    kind: str  # part, others, several, rest
    part: int = -1


def segments(names: Sequence[str], shares: Sequence[float]) -> list[Segment]:
    """The pieces from left to right; empty ones are left out.

    `shares` are those of `Division.shares`: one a name, then several at once, then the rest.

    >>> [(s.name, s.share, s.kind, s.part) for s in segments(["a", "b"], [0.2, 0.5, 0.0, 0.3])]
    [('b', 0.5, 'part', 1), ('a', 0.2, 'part', 0), ('no part', 0.3, 'rest', -1)]
    """
    *alone, several, rest = shares
    order = sorted(range(len(alone)), key=lambda k: -alone[k])
    found = [Segment(names[k], alone[k], "part", k) for k in order[:LONGEST]]
    found.append(Segment(f"{len(order) - LONGEST} more", sum(alone[k] for k in order[LONGEST:]), "others"))
    found += [Segment("several at once", several, "several"), Segment("no part", rest, "rest")]
    return [segment for segment in found if segment.share > 0]


def part_colours(shares: Sequence[float], fills: Sequence[str]) -> list[str | None]:
    """The colour of each part in the bar, for a legend; None for parts without a segment of their own.

    >>> part_colours([0.1, 0.5, 0.0, 0.4, 0.0], ["light", "dark"])
    ['dark', 'light', None]
    """
    found: list[str | None] = [None] * (len(shares) - 2)
    drawn = [s.part for s in segments([""] * (len(shares) - 2), shares) if s.kind == "part"]
    for place, part in enumerate(drawn):
        found[part] = fills[place % len(fills)]
    return found


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours, in any form that CSS takes; `fills` and `inks` go together."""

    fills: Sequence[str]
    inks: Sequence[str]
    text: str
    quiet: str
    line: str
    font: str = FONT


def division_bar(
    names: Sequence[str],
    shares: Sequence[float],
    paint: Paint,
    address: Callable[[int], str] | None = None,
    anchor: Mapping[str, str] | None = None,
    width: str = "100%",
) -> str:
    """One SVG document. `address` gives the link of a part's segment by its place, `anchor` more attributes of links.

    Names are escaped.

    >>> bar = division_bar(["<b>"], [0.6, 0, 0.4], Paint(["#123"], ["#fff"], "#000", "#888", "#ccc"), "?{}".format)
    >>> "?0" in bar, "<b>" in bar, "60%" in bar
    (True, False, True)
    """
    more = "".join(f' {name}="{html.escape(text)}"' for name, text in (anchor or {}).items())
    parts, at = [_hatch(paint)], 0.0
    found = segments(names, shares)
    for place, one in enumerate(found):
        told = f"{one.name}: {100 * one.share:.1f}%"
        body = _segment(one, place, at, paint, told)
        if address is not None and one.part >= 0:
            body = f'<a{more} href="{html.escape(address(one.part))}" aria-label="{html.escape(told)}">{body}</a>'
        parts.append(body)
        at += one.share
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="s-division" width="{width}" height="{HEIGHT}" role="group" '
        f'aria-label="How its firing is divided" style="font-family:{html.escape(paint.font)}" font-size="13">'
        f"{''.join(parts)}</svg>"
    )


def _segment(one: Segment, place: int, at: float, paint: Paint, told: str) -> str:
    fill = paint.fills[place % len(paint.fills)] if one.kind == "part" else paint.quiet
    fill = {"rest": "none", "several": "url(#s-several)"}.get(one.kind, fill)
    ink = paint.inks[place % len(paint.inks)] if one.kind == "part" else paint.text
    share = (
        f'<text x="{100 * (at + one.share / 2):.2f}%" y="{HEIGHT / 2 + 5:g}" text-anchor="middle" '
        f'style="fill:{ink}">{100 * one.share:.0f}%</text>'
        if one.share >= ROOM
        else ""
    )
    return (
        f'<g><rect x="{100 * at:.2f}%" y="0.5" width="{100 * one.share:.2f}%" height="{HEIGHT - 1}" '
        f'pointer-events="all" style="fill:{fill};stroke:{paint.line}">'
        f"<title>{html.escape(told)}</title></rect>{share}</g>"
    )


def _hatch(paint: Paint) -> str:
    return (
        '<defs><pattern id="s-several" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="2" height="6" style="fill:{paint.quiet};fill-opacity:0.55"/>'
        "</pattern></defs>"
    )
