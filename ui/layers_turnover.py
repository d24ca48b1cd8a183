"""The Layers page's turnover: the flow from site to site, the numbers, shares over every τ, the features of a band."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import streamlit as st

from core.analyses.layer_tables import TAUS, band_table, curve_table, turnover_table
from core.analyses.matches import ADMISSIBLE, Matches
from core.analyses.turnover import Turnover, of_source, share_curves, turnover
from core.statistics.chance import best_by_chance
from core.values import Feature
from core.views.curves import Line, line_figure
from core.views.sankey import Paint, sankey
from ui import palette, selection
from ui.address import permalink
from ui.columns import columns
from ui.go import anchor, linked
from ui.layers_evidence import NEVER, NOT_MATCHED, evidence, in_focus
from ui.layers_page import SHOWN, Asked, ByMeasure, colours
from ui.marks import chart, choices
from ui.setup import Page
from ui.tables import choosing
from ui.text import escape, head, measure_name, percent, quiet, table

STYLE = Path(__file__).with_name("layers.css")
BAND_WORDS = {
    "mutual": "passed on, one to one",
    "passed": "passed on, but their match has a better one",
    "ended": "ended there",
    "inherited": "inherited, but their match has a better one",
    "born": "born there",
    "dead_from": "dead: never active",
    "dead_to": "dead: never active",
    "rare_from": "rare: too few tokens to say",
    "rare_to": "rare: too few tokens to say",
}

SKIP = '<a class="s-skip" href="#behind">Skip the picture: to the features behind the band</a>'
"""Seen once it has the keyboard's focus: the picture is a long row of links."""


@dataclass(frozen=True)
class Shown:
    """What the turnover view is about: all pairs of sites by one measure, and the band whose features are listed."""

    found: list[Matches]
    told: list[Turnover]
    place: int  # of the pair with the band
    frame: pl.DataFrame  # the band's features

    @property
    def chosen(self) -> Matches:
        """The pair with the band."""
        return self.found[self.place]


def shown(page: Page, asked: Asked, by_pair: Sequence[ByMeasure]) -> Shown:
    """What the settings ask for, of the matches by every measure."""
    found = [by[asked.measure] for by in by_pair]
    place = [one.source for one in found].index(asked.at)
    frame = band_table(found[place], asked.band, asked.tau, page.labels)
    return Shown(found, [turnover(one, asked.tau) for one in found], place, frame)


def frames(asked: Asked, shown: Shown, by_pair: Sequence[ByMeasure]) -> dict[str, Callable[[], pl.DataFrame]]:
    """What can be downloaded: the numbers, the curves, the features of the band."""
    return {
        "turnover": lambda: turnover_table(shown.found, asked.tau),
        "shares-by-threshold": lambda: curve_table([one for by in by_pair for one in by.values()]),
        "behind-the-band": lambda: shown.frame,
    }


def paint(page: Page, theme: str = "") -> Paint:
    """Colours that follow the theme by themselves, or those of one theme, for a file."""
    n = len(page.store.sites)
    if theme:
        pick = {name: both[theme] for name, both in _colours().items()}
        return Paint(palette.marks(n, theme), pick["text"], pick["quiet"], pick["accent"])
    pick = {name: palette.pair(both["light"], both["dark"]) for name, both in _colours().items()}
    sites = [palette.site_colour(k, n) for k in range(n)]
    return Paint(sites, pick["text"], pick["quiet"], pick["accent"], "inherit")


def _colours() -> dict[str, dict[str, str]]:
    return {"text": palette.TEXT, "quiet": palette.QUIET, "accent": palette.ACCENT}


def flow(page: Page, asked: Asked, told: Sequence[Turnover]) -> None:
    """The picture; a click on a band, or on a number below a bar, lists its features."""
    at = [step.source for step in told].index(asked.at)

    def address(pair: int, name: str) -> str:
        return permalink(at=told[pair].source, band=name, shown="")

    drawn = sankey(told, paint(page), address, {"data-go": ""}, (at, asked.band), raw=asked.of == "all")
    with st.container(key="card-flow"):
        st.html(STYLE)
        linked(f'{SKIP}<div class="s-scroll">{drawn}</div>', "layers:flow")
        st.html(_legend())


def _legend() -> str:
    parts = [
        ('<i class="s-key s-key-one"></i>', "passed on, one to one"),
        ('<i class="s-key s-key-some"></i>', "several share one match"),
        ('<i class="s-key s-key-out"></i>', "ends: fades out"),
        ('<i class="s-key s-key-in"></i>', "born: fades in"),
    ]
    words = "".join(f"<span>{key}{escape(text)}</span>" for key, text in parts)
    return f'<div class="s-legend s-quiet s-small">{words}<span>click a band for its features</span></div>'


def numbers(asked: Asked, told: Sequence[Turnover], found: Sequence[Matches]) -> None:
    """The same in numbers; each leads to its features."""
    rows = []
    for step, one in zip(told, found, strict=True):
        share = step.share if asked.of == "alive" else step.raw_share
        few = ' <span class="s-quiet s-small">few</span>' if step.alive_from < 30 else ""

        def cell(n: int, name: str, at: str = step.source) -> str:
            here = ' class="s-here"' if (at, name) == (asked.at, asked.band) else ""
            return anchor(f"<span{here}>{n:,}</span>", at=at, band=name, shown="") if n else "0"

        chance = f"{step.passed_by_chance:,.1f}" if step.passed_by_chance else "0"
        chance = "–" if math.isnan(step.passed_by_chance) else chance
        told_of = ", ".join(f"{name} {count:.2g}" for name, count in _by_null(one, asked.tau).items())
        rows.append(
            [
                f'<span class="s-born">{escape(step.source)} → {escape(step.target)}</span>',
                f"<b>{percent(share)}</b>{few}",
                cell(step.passed_mutual, "mutual"),
                cell(step.passed - step.passed_mutual, "passed"),
                f'<span title="{escape(told_of)}">{chance}</span>',
                cell(step.ended, "ended"),
                cell(step.inherited - step.passed_mutual, "inherited"),
                cell(step.born, "born"),
                cell(step.dead_from, "dead_from"),
                cell(step.rare_from, "rare_from"),
            ]
        )
    names = ("sites", f"passed on, of {asked.of}", "one to one", "shared", "by chance", "ended", "inherited, shared",
             "born", "dead", "rare")  # fmt: skip
    with st.container(key="numbers"):
        linked(table(names, rows, [False] + [True] * 9), "layers:numbers")


def _by_null(found: Matches, tau: float) -> dict[str, float]:
    alive = int(found.alive_from.sum())
    drawn = {name: values for name, values in found.chance.items() if len(values)}
    return {name: float(best_by_chance([values], alive, [tau])[0]) for name, values in drawn.items()}


def curves(asked: Asked, by_pair: Sequence[ByMeasure], problem: str, theme: str) -> None:
    """The share passed on at every τ, a panel a measure: no conclusion hangs on one threshold."""
    with st.container(key="card-curves"):
        told = f"share of {asked.of} features · dotted: by chance · click a line to set τ there"
        st.html(head("Passed on at every threshold", told))
        st.html(pair_legend([(one["pearson"].source, one["pearson"].target) for one in by_pair], theme))
        shown = [measure for measure in ADMISSIBLE if measure in by_pair[0]]
        for place, measure in zip(st.columns(len(shown), gap="medium"), shown, strict=True):
            with place:
                name = measure_name(measure)
                st.html(f'<div class="s-small"><b>{escape(name[0].upper() + name[1:])}</b></div>')
                found = [by[measure] for by in by_pair]
                chart(share_figure(found, asked, theme), f"layers:curve:{measure}")
        if problem:
            st.html(quiet(f"Decoder cosine is left out: {problem}."))


def pair_legend(pairs: Sequence[tuple[str, str]], theme: str) -> str:
    """A swatch a pair of sites, in the colours of the lines."""
    drawn = "".join(
        f'<span><i class="s-line" style="background:{colour}"></i>{escape(a)} → {escape(b)}</span>'
        for (a, b), colour in zip(pairs, palette.marks(len(pairs), theme), strict=True)
    )
    return f'<div class="s-legend s-quiet s-small">{drawn}</div>'


def share_figure(found: Sequence[Matches], asked: Asked, theme: str) -> object:
    """One panel: the share passed on against τ, and by chance, a line a pair of sites each."""
    lines, quiet_colour, measure = [], colours(theme)["quiet"], found[0].measure
    for one, curve, colour in zip(found, share_curves(found, TAUS), palette.marks(len(found), theme), strict=True):
        scale = 1.0 if asked.of == "alive" else float(one.alive_from.mean())
        pair, told = f"{one.source} → {one.target}", [max(0.01, float(tau)) for tau in TAUS]
        marks = [choices(at=one.source, tau=f"{tau:g}", measure=measure, shown="") for tau in told]
        lines.append(Line(pair, TAUS, scale * curve["passed"], colour, " at %{x:.2f}", marks=marks))
        lines.append(Line(f"chance, {pair}", TAUS, scale * curve["chance"], quiet_colour, width=1, dash="dot"))
    mark = asked.tau if measure == asked.measure else None
    return line_figure(
        lines, colours(theme), x_title="τ", y_percent=True, x_range=(0, 1), mark=mark, hover="%{y:.1%}", height=220
    )


# ---- the features of a band


def behind(page: Page, asked: Asked, shown: Shown) -> None:
    """The features of the chosen band; the one in focus with its evidence."""
    found, frame = shown.chosen, shown.frame
    focus = in_focus(frame, "feature", "name")
    site = found.source if of_source(asked.band) else found.target
    told = f"{len(frame):,} feature{'s' * (len(frame) != 1)} of site {site}"
    with st.container(key="card-band"):
        st.html(f'<div id="behind" tabindex="-1">{head(f"Behind the band: {told}", BAND_WORDS[asked.band])}</div>')
        if frame.is_empty():
            st.html(quiet("None. Choose another band above."))
            return
        _choices(asked, found, frame)
    match = frame.row(focus, named=True)
    of = Feature.parse(match["match"]) if match["match"] else None
    evidence(page, Feature.parse(match["feature"]), of, nothing=NOT_MATCHED.get(asked.band.split("_")[0], NEVER))


def _choices(asked: Asked, found: Matches, frame: pl.DataFrame) -> None:
    def chosen(row: int) -> None:
        selection.choose(SHOWN.name, frame["feature"][row])

    here, there = (found.source, found.target) if of_source(asked.band) else (found.target, found.source)
    shown = columns(
        frame,
        {"feature": f"site {here}", "match": f"best match, site {there}"},
        widths={"name": 260, "match_name": 260},
    )
    choosing(frame, f"table:{asked}", chosen, in_focus(frame, "feature", "name"), columns=shown)
