"""Words on a page: the title that says what one sees, headings, numbers with their units, contexts."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

import streamlit as st

from core.labels import Labels
from core.values import Feature, about
from core.views.tokens import context_line, shaded

escape = html.escape
HINT = ' class="s-hint-word"'
"""How a hint looks, beside its quotes."""


def title(text: str, sub: str = "") -> None:
    """The page's title and one quiet sentence; both are plain text."""
    below = f'<p class="s-sub">{escape(sub)}</p>' if sub else ""
    st.html(f'<div class="s-title" role="heading" aria-level="1">{escape(text)}</div>{below}')


def head(text: str, plain: str = "") -> str:
    """A small heading as HTML; `plain` follows it quietly."""
    more = f' <span class="s-plain">{escape(plain)}</span>' if plain else ""
    return f'<div class="s-head">{escape(text)}{more}</div>'


def quiet(text: str) -> str:
    """A quiet sentence as HTML."""
    return f'<div class="s-quiet s-small">{escape(text)}</div>'


def named(feature: Feature, labels: Labels) -> str:
    """What a feature is called, as HTML: its label, else its characteristic token, visibly a hint."""
    name = labels.name(feature)
    if not name.written:
        return '<span class="s-quiet">dead</span>'
    return f"<span{HINT * (not name.label)}>{escape(name.written)}</span>"


def explained(words: str, meaning: str) -> str:
    """Words as HTML that say what they mean to whoever points at them, touches them or reaches them by the keyboard.

    >>> explained("lift", "more than chance")
    '<span class="s-tip" tabindex="0">lift<span role="tooltip">more than chance</span></span>'
    """
    return f'<span class="s-tip" tabindex="0">{escape(words)}<span role="tooltip">{escape(meaning)}</span></span>'


def name_cell(feature: Feature, labels: Labels, more: str = "") -> str:
    """As `named`, for a cell of a table: it breaks where it is long, and not word by word; `more` is HTML."""
    return f'<span class="s-called">{named(feature, labels)}{more}</span>'


def called(feature: Feature, labels: Labels) -> str:
    """What a feature is called, as plain text for titles: the label or the hint in quotes, else its key."""
    words = labels.name(feature).words
    return f"“{words}”" if words else str(feature)


def figure(value: float, digits: int = 2) -> str:
    """A measure as people read it; undefined is a dash.

    >>> figure(0.786), figure(float("nan")), figure(-0.2)
    ('0.79', '–', '−0.20')
    """
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", "−")


def percent(share: float) -> str:
    """A share in per cent with about three digits.

    >>> percent(0.0331), percent(0.5), percent(0.0000123), percent(0)
    ('3.31%', '50.0%', '0.0012%', '0%')
    """
    if math.isnan(share):
        return "–"
    value = 100 * share
    if value == 0:
        return "0%"
    return f"{value:.1f}%" if value >= 9.995 else f"{value:.2f}%" if value >= 0.01 else f"{value:.2g}%"


def measure_name(measure: str) -> str:
    """A measure in a sentence.

    >>> measure_name("pearson"), measure_name("mutual_information")
    ('Pearson', 'mutual information')
    """
    return about(measure).words


def measured(measure: str, value: float) -> str:
    """A value of a measure: two places, or three figures where it may be small throughout.

    >>> measured("pearson", 0.786), measured("folded_mse", 0.001234), measured("folded_mse", 1260.0)
    ('0.79', '0.00123', '1,260')
    """
    if measure != "folded_mse" or math.isnan(value):
        return figure(value)
    return f"{value:#.3g}" if value < 100 else f"{value:,.0f}"


def short_count(n: float) -> str:
    """A number of tokens for one glance.

    >>> short_count(302_114), short_count(999), short_count(1_500_000)
    ('302k', '999', '1.5M')
    """
    if n < 1000:
        return f"{n:.0f}"
    return f"{n / 1000:.0f}k" if n < 999_500 else f"{n / 1e6:.3g}M"


def listed(names: Sequence[str], last: str) -> str:
    """Names one after the other, `last` before the last of them.

    >>> listed(["a", "b", "c"], "or")
    'a, b or c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def contexts(found: Iterable, top: float, *, one_line: bool = False) -> str:
    """Contexts (`core.analyses.contexts.Context`) of one feature as HTML, shaded against its maximum `top`."""
    lines = [context_line(shaded(c.tokens, c.values, top, focus=c.focus), one_line=one_line) for c in found]
    return f"<div>{''.join(lines)}</div>" if lines else quiet("nowhere in this store")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[bool]) -> str:
    """An HTML table of cells that are HTML already; columns of `numbers` are right-aligned."""
    kinds = [' class="s-num"' if is_number else "" for is_number in numbers]
    names = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(header, kinds, strict=True))
    top = f"<thead><tr>{names}</tr></thead>" if any(header) else ""
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="s-scroll"><table class="s-table">{top}<tbody>{body}</tbody></table></div>'
