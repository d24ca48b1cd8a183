"""The Layers page's lifespans: survival, lengths and ends by birth site, and what the lists below them hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import streamlit as st

from core.analyses.layer_tables import Question, birth_table, chain_table, return_table, survival_table
from core.analyses.lifespans import (
    THEN,
    Lifespans,
    chosen,
    half_life,
    length_table,
    lifespans,
    survival,
    then_table,
)
from core.analyses.matches import Matches
from core.analyses.returns import Return, gap_of, returns
from core.views.curves import Line, line_figure
from ui import lifespan_words, palette, selection
from ui.go import anchor, linked
from ui.layers_evidence import in_focus
from ui.layers_page import (
    AFTER,
    LASTING,
    LENGTH,
    LISTED,
    Asked,
    born_setting,
    colours,
    matches_across,
)
from ui.layers_turnover import STYLE
from ui.marks import chart, choices
from ui.setup import Page
from ui.text import escape, head, quiet, table


@dataclass(frozen=True)
class Shown:
    """What the lifespans view is about: all chains, those listed, what comes back where that is asked for."""

    found: Lifespans
    question: Question
    chains: np.ndarray  # those listed
    frame: pl.DataFrame  # one row each
    gap: int  # how far `back` looks; 0 where it is not listed
    back: list[Return]
    falls: pl.DataFrame  # of `back`, one row each

    @property
    def row(self) -> int:
        """The row in focus of what is listed; of returns the one that falls deepest, where nobody chose."""
        return in_focus(self.falls, "before") if self.gap else in_focus(self.frame, "born", "born_name")

    @property
    def chain(self) -> int | None:
        """The chain in focus; None where none is listed."""
        row = self.row  # asked also where nothing is listed: an address may ask for what is not there
        return int(self.chains[row]) if len(self.chains) and not self.gap else None


def shown(page: Page, asked: Asked, matches: Sequence[Matches]) -> Shown:
    """What the settings ask for; pairs of sites across gaps are computed where returns are listed."""
    found = lifespans(matches, asked.tau)
    born, then = selection.value(born_setting(page.store)), selection.value(AFTER)
    lasting = selection.value(LENGTH), selection.value(LASTING)
    question = ("" if born == "all" else born, *lasting, "" if then == "all" else then)
    chains = chosen(found, *question)
    frame = chain_table(found, chains, page.labels)
    if selection.value(LISTED) != "returns":
        return Shown(found, question, chains, frame, 0, [], pl.DataFrame())
    gap = gap_of(len(found.keys))
    back = returns(found.keys, matches_across(page.store, asked.measure, gap), asked.tau)
    return Shown(found, question, chains, frame, gap, back, return_table(back, page.labels))


def told(page: Page, asked: Asked, shown: Shown) -> tuple[str, str]:
    """The page's title and the sentences under it, plain text."""
    if shown.gap:
        words = lifespan_words.explained_returns(shown.back, asked.tau, asked.measure, shown.gap, len(page.store.sites))
        return lifespan_words.title_of_returns(shown.back, shown.row, page.labels), words
    return lifespan_words.title(shown.found, shown.chain, page.labels), lifespan_words.explained(shown.found)


def frames(shown: Shown) -> dict[str, Callable[[], pl.DataFrame]]:
    """What can be downloaded."""
    found: dict[str, Callable[[], pl.DataFrame]] = {
        "births": lambda: birth_table(shown.found),
        "survival": lambda: survival_table(shown.found),
        "lifespans": lambda: shown.frame,
    }
    return found | ({"returns": lambda: shown.falls} if shown.gap else {})


def overview(page: Page, shown: Shown, theme: str) -> None:
    """Survival by birth site beside the lengths; each point and each number leads to its chains."""
    found = shown.found
    with st.container(key="lifespans-both"):
        left, right = st.columns([3, 2], gap="small")
    with left, st.container(key="card-births"):
        st.html(STYLE)
        told = "outlined: those that reach the last site"
        body = births(shown) + ends(shown) + quiet(BEGINNINGS)
        linked(head("How many sites a chain lasts", told) + body, "layers:births")
    with right, st.container(key="card-survival"):
        st.html(head("Still one to one", "share of chains, by sites after their first · click a point for them"))
        chart(survival_figure(found, theme), "layers:survival")


BEGINNINGS = (
    "Curves and half-lives are of one-to-one chains; those that reach the last site last at least so long "
    "(product-limit). A chain begins where no feature of the site before is its one-to-one match, which is not always "
    "a birth as Turnover counts them."
)


def survival_figure(found: Lifespans, theme: str) -> object:
    """The product-limit curves from one site later on; the last site has none: nothing follows it."""
    steps = np.arange(1, len(found.keys))
    shades = palette.marks(len(found.keys), theme)

    def line(born: str, curve: np.ndarray, colour: str, **look: Any) -> Line:
        marks = [
            choices(born=born, length=0, lasting=k + 1, then="all", list="longest", shown="") for k in steps.tolist()
        ]
        name = born if born == "all" else f"from {born}"
        return Line(name, steps, curve[1:], colour, ", after %{x}", markers=True, marks=marks, **look)

    lines = [line(key, survival(found, site), shades[site]) for site, key in enumerate(found.keys[:-1])]
    lines.append(line("all", survival(found), colours(theme)["text"], width=2.5, dash="dot"))
    return line_figure(
        lines, colours(theme), x_title="sites later", x_range=(0.9, len(steps) + 0.1), y_percent=True, named=True,
        hover="%{y:.1%}", height=max(290, 64 + 14 * len(lines)),
    )  # fmt: skip


def births(shown: Shown) -> str:
    """One row a birth site: born, half-life, then how many of each length, shaded by their share."""
    found, (born, length, *rest) = shown.found, shown.question
    chosen = (born, length) if not any(rest) else ("", 0)
    lengths, n = length_table(found), len(found.keys)
    rows = []
    for site, key in enumerate(found.keys):
        total = int(lengths[site].sum())
        half = half_life(survival(found, site))
        swatch = f'<i class="s-swatch" style="background:{palette.site_colour(site, n)}"></i>'
        cells = [f'<span class="s-born">{swatch}{escape(key)}</span>', _cell(total, total, key, 0, False, chosen)]
        unknown = '<span class="s-quiet" title="more than half are still one to one where the store ends">–</span>'
        cells.append(unknown if np.isnan(half) else f"{half:.2f}")
        for k in range(n):
            last = site + k + 1 == n
            cells.append(_cell(int(lengths[site, k]), total, key, k + 1, last, chosen) if site + k < n else "")
        rows.append(cells)
    names = ("begin at", "chains", "half-life, sites", *(f"{k + 1} site{'s' * (k > 0)}" for k in range(n)))
    return table(names, rows, [False] + [True] * (n + 2))


def _cell(count: int, of: int, key: str, length: int, last: bool, chosen: tuple[str, int]) -> str:
    if not count:
        return '<span class="s-quiet">0</span>'
    depth = 0 if not length else round(8 + 62 * count / max(1, of))
    edge = "box-shadow:inset 0 0 0 1px var(--s-quiet);" if last else ""
    edge = "box-shadow:inset 0 0 0 2px var(--s-accent);" if chosen == (key, length) else edge
    ground = f"background:color-mix(in srgb, var(--s-shade) {depth}%, transparent);{edge}"
    told = f"{count} chains that begin at site {key}" + (f" and last {length} sites" if length else "")
    body = f'<span class="s-heat" style="{ground}">{count:,}</span>'
    return anchor(body, label=told, born=key, length=str(length), lasting="0", then="all", list="longest", shown="")


def ends(shown: Shown) -> str:
    """How many of all chains stop in which way; each number leads to them."""
    parts = []
    for then, count in zip(THEN, then_table(shown.found).sum(0).tolist(), strict=True):
        here = ' class="s-here"' if shown.question == ("", 0, 0, then) else ""
        asked = {"born": "all", "length": "0", "lasting": "0", "then": then, "list": "longest", "shown": ""}
        number = anchor(f"<span{here}>{count:,}</span>", label=f"{count} chains: {then}", **asked) if count else "0"
        parts.append(f"{number} {'reach the last site' if then == 'last site' else then}")
    return f'<div class="s-small">Then: {" · ".join(parts)}</div>'
