"""Tokens as escaped HTML, shaded by activation: a blue ground for one feature, an orange line below for a second.

The classes are those of ``ui/style.css``. White space stays readable but quiet: a line break is drawn as ↵.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

DEEPEST = 0.85
"""The ground of the strongest token: deep enough to stand out, light enough to read the text on it."""
FAINTEST = 0.14
"""The ground of a token that is barely active, so that it can still be told from a silent one."""


def shaded(
    tokens: Sequence[str],
    values: Sequence[float],
    top: float,
    *,
    below: Sequence[float] = (),
    below_top: float = 0.0,
    focus: int = -1,
) -> str:
    """The tokens as HTML; `values` shade the ground, `below` the line under it, each against its feature's maximum.

    >>> shaded(["<b>", " Tom"], [0, 2.0], 2.0, focus=1)
    '&lt;b&gt;<span class="s-t s-focus" style="--a:0.85" title="2">&nbsp;Tom</span>'
    """
    lines = below if len(below) else [0.0] * len(tokens)
    parts = []
    for place, (token, x, y) in enumerate(zip(tokens, values, lines, strict=True)):
        parts.append(_token(token, x, top, y, below_top, place == focus))
    return "".join(parts)


def context_line(body: str, *, before: bool = True, after: bool = True, one_line: bool = False) -> str:
    """One context as a block, with … where the text goes on."""
    kind = "s-context s-line-context" if one_line else "s-context"
    start = '<span class="s-blank">… </span>' if before else ""
    return f'<div class="{kind}">{start}{body}{"<span class=s-blank> …</span>" if after else ""}</div>'


def kwic(
    tokens: Sequence[str],
    values: Sequence[float],
    top: float,
    focus: int,
    *,
    below: Sequence[float] = (),
    below_top: float = 0.0,
    number: str = "",
) -> str:
    """One context as a row: the text before the focus ends where the text from it on starts, and both ends fade.

    So the token in focus is never cut off, however narrow the row, and stands below those of the rows above.

    >>> kwic((" my", " dog"), (0.0, 1.0), 1.0, 1).count("s-focus")
    1
    """
    before, after = (
        shaded(tokens[part], values[part], top, below=below[part], below_top=below_top, focus=at)
        for part, at in ((slice(None, focus), -1), (slice(focus, None), 0))
    )
    more = f'<span class="s-num s-quiet">{number}</span>' if number else ""
    return (
        f'<div class="s-kwic"><span class="s-before"><span>{before}</span></span>'
        f'<span class="s-after">{after}</span>{more}</div>'
    )


def concordance(found: Iterable[Any], top: float) -> str:
    """Contexts of one feature (`core.analyses.contexts.Context`); the number is the activation in focus."""
    lines = [kwic(c.tokens, c.values, top, c.focus, number=f"{c.values[c.focus]:.2f}") for c in found]
    return f'<div class="s-kwics">{"".join(lines)}</div>' if lines else '<div class="s-quiet">nowhere</div>'


def pair_concordance(found: Iterable[Any], source_top: float, target_top: float) -> str:
    """Contexts of two features (`PairContext`), the source as ground and the target as line."""
    lines = [
        kwic(c.tokens, c.source_values, source_top, c.focus, below=c.target_values, below_top=target_top) for c in found
    ]
    return f'<div class="s-kwics">{"".join(lines)}</div>'


def visible(token: str) -> str:
    """Escaped text of a token; spaces at its edges hold, line breaks and tabs are drawn quietly.

    >>> visible("a\\n"), visible("<i>")
    ('a<span class="s-blank">↵</span>', '&lt;i&gt;')
    """
    drawn = {"\n": '<span class="s-blank">↵</span>', "\t": '<span class="s-blank">⇥</span>', "\r": ""}
    return "".join(drawn.get(c, html.escape(c) if c.isprintable() or c == " " else "�") for c in token)


def strength(value: float, top: float) -> float:
    """How deep the shade of a value is, 0 where it is silent.

    >>> strength(0, 2), strength(2, 2), strength(1, 2)
    (0.0, 0.85, 0.49)
    """
    if not (value > 0 and top > 0):
        return 0.0
    return round(FAINTEST + (DEEPEST - FAINTEST) * min(value / top, 1.0), 2)


def _token(token: str, x: float, top: float, y: float, below_top: float, focus: bool) -> str:
    ground, line = strength(x, top), strength(y, below_top)
    text = visible(token)
    if text.startswith(" ") and (ground or line):
        text = "&nbsp;" + text[1:]  # the shade covers the space too, also at the start of a line
    names = ["s-t"] * bool(ground) + ["s-u"] * bool(line) + ["s-focus"] * focus
    if not names:
        return text
    style = ";".join([f"--a:{ground:g}"] * bool(ground) + [f"--b:{line:g}"] * bool(line))
    told = " · ".join([f"{x:.3g}"] * bool(ground) + [f"{y:.3g}"] * bool(line))
    attributes = (f' style="{style}"' if style else "") + (f' title="{told}"' if told else "")
    return f'<span class="{" ".join(names)}"{attributes}>{text}</span>'
