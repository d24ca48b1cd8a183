"""The card of one split or merge: how the firing of one feature is divided among several of another site."""

from __future__ import annotations

import streamlit as st

from core.analyses.gate_contexts import division_cases
from core.analyses.splits import Divided
from core.labels import Labels
from core.store import Store
from core.views.division import Paint, division_bar, part_colours
from ui import palette
from ui.address import permalink
from ui.gate_cards import STYLE, chip, evidence, name_line, told_apart
from ui.go import anchor, linked
from ui.text import called, figure, head, listed, name_cell, percent, quiet, table


def division_in_words(one: Divided, labels: Labels) -> str:
    """A split or merge as a sentence for titles, plain text."""
    whole, *parts = told_apart((one.whole, *one.parts), labels)
    many = listed(parts if len(parts) <= 4 else [*parts[:3], f"{len(parts) - 3} more"], "and")
    if one.kind == "split":
        return f"{whole} at site {one.whole.key} splits into {many} at site {one.parts[0].key}"
    return f"{many} at site {one.parts[0].key} merge into {whole} at site {one.whole.key}"


def division_card(store: Store, labels: Labels, one: Divided, activity: float) -> None:
    """The bar, and the parts as rows; each leads to itself and to its link with the whole."""
    st.html(STYLE)
    drawn = division_bar(_names(one, labels), one.division.shares, _paint(), lambda k: _link(one, k), {"data-go": ""})
    share = one.division.shares
    rest = (
        f"{percent(share[-2])} several parts at once (hatched), "
        f"{percent(share[-1])} none (empty). A segment leads to the link that it stands for."
    )
    cases = [(f"{case.of} ({case.n:,})", case) for case in division_cases(store, one, activity)]
    with st.container(key="card-division"):
        linked(
            f"{name_line(one.whole, labels)}{drawn}{_part_rows(store, labels, one)}{quiet(rest)}"
            + head("Where it fires", "orange: a part is active")
            + evidence(store, one.whole, one.parts, cases),
            "gates:division",
        )


def picture(one: Divided, labels: Labels) -> str:
    """The bar as a file, in the light theme."""
    return division_bar(_names(one, labels), one.division.shares, _paint("light"), width="1000")


def _names(one: Divided, labels: Labels) -> list[str]:
    return [f"{part} {called(part, labels)}" for part in one.parts]


def _link(one: Divided, k: int) -> str:
    """The permalink of the link between the whole and a part."""
    source, target = (one.whole, one.parts[k]) if one.kind == "split" else (one.parts[k], one.whole)
    return permalink("evolution", feature=str(one.parts[k]), link=f"{source},{target}")


def _paint(theme: str = "") -> Paint:
    """Colours that follow the theme by themselves, or those of one theme, for a file."""
    light, dark = palette.KINDS["light"], palette.KINDS["dark"]
    plain = (palette.TEXT, palette.QUIET, palette.LINE)
    if theme:
        kinds = palette.KINDS[theme]
        text, quiet_, line = (colours[theme] for colours in plain)
        return Paint(kinds, [palette.ink(colour) for colour in kinds], text, quiet_, line)
    both = [palette.pair(a, b) for a, b in zip(light, dark, strict=True)]
    inks = [palette.pair(palette.ink(a), palette.ink(b)) for a, b in zip(light, dark, strict=True)]
    text, quiet_, line = (palette.pair(c["light"], c["dark"]) for c in plain)
    return Paint(both, inks, text, quiet_, line, font="inherit")


def _part_rows(store: Store, labels: Labels, one: Divided) -> str:
    """The parts, largest first, with their colour in the bar."""
    rows, d = [], one.division
    colours = part_colours(d.shares, _paint().fills)
    for k, part in enumerate(one.parts):
        source, target = (one.whole, part) if one.kind == "split" else (part, one.whole)
        told = f"inspect the link of {source} and {target}"
        inspect = anchor("inspect", "evolution", label=told, feature=str(part), link=f"{source},{target}")
        lift = (d.n_both[k] / d.n_parts[k]) / (d.n / store.n)
        numbers = (figure(d.n_both[k] / d.n_parts[k]), figure(d.n_both[k] / d.n), f"{lift:,.1f}×")
        cells = (f"{d.n_both[k]:,}", f"{d.n_alone[k]:,}", *numbers)
        swatch = f'<i class="s-swatch" style="background:{colours[k] or "transparent"}"></i>'
        rows.append([swatch + chip(part), name_cell(part, labels), inspect, *cells])
    inside, share = ("necessity", "sufficiency") if one.kind == "split" else ("sufficiency", "necessity")
    names = ["part", "called", "", "tokens in common", "alone", inside, share, "lift"]
    return table(names, rows, [False] * 3 + [True] * 5)
