"""The link inspector: the counts, every measure and how sure it is, and the tokens for and against a link."""

from __future__ import annotations

import html
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.analyses.export import without_nan
from core.labels import Labels
from core.statistics.data_free import WORDS_OF_THETA
from core.store import Store
from core.values import DATA_FREE, MEASURES, MIN_ACTIVE, Feature, about
from core.views.tokens import pair_concordance
from ui.text import explained, figure, head, measure_name, measured, named, percent

if TYPE_CHECKING:
    from core.analyses.link import LinkReport

STYLE = Path(__file__).with_name("inspector.css")
NULLS = {
    "shift": (
        "shifted within the sequence",
        "One feature is moved along its sequence, round the end. The topic stays: where as many are expected, "
        "the two share a topic and nothing more.",
    ),
    "document": (
        "met with another document",
        "Each text is laid beside one of another document. The place in the text stays: where as many are expected, "
        "the two share a place, such as the beginning, and nothing more.",
    ),
}
"""What each null is called, and what it means."""

SURE = 0.05  # above this p a null explains as many co-activations as there are

WHY_NOT = {
    "not drawn": "share of chance not known yet; Evolution finds it out",
    "too little data": "too little data",
}
"""Why there is no q."""

CELLS = {
    "both": ("Both", "both never fire together"),
    "source_only": ("Source only", "the source never fires alone"),
    "target_only": ("Target only", "the target never fires alone"),
}


def inspector(report: LinkReport, store: Store, labels: Labels, measure: str = "pearson") -> None:
    """Draw it; everything that comes from outside is escaped. `measure` is what its page goes by."""
    st.html(STYLE)
    parts = (
        _heading(report, labels),
        _numbers(report),
        _contexts(report, store),
        _chance_and_weights(report, store, measure),
    )
    st.html(f'<div class="s-link"><div class="s-link-parts">{"".join(parts)}</div></div>')
    source, target = report.link.source, report.link.target
    st.download_button(
        "All of this link (JSON)", lambda: document(report, labels), f"link-{source}-{target}.json", "application/json",
        key="download:link", on_click="ignore", type="tertiary",
    )  # fmt: skip


def document(report: LinkReport, labels: Labels) -> str:
    """The JSON of ``link`` (DESIGN 9): what the inspector shows."""
    found = report.as_json(labels.get(report.link.source), labels.get(report.link.target))
    return json.dumps(without_nan(found), ensure_ascii=False, allow_nan=False)


def as_python(link: str, activity: float) -> tuple[str, str]:
    """The core calls behind the inspector, for a page's Python: what to import, and what to run on `store`.

    >>> as_python("0_1,1_2", 0.0)[1]
    "report = link_report(store, Feature.parse('0_1'), Feature.parse('1_2'), 0.0)\\n"
    >>> as_python("", 0.0)
    ('', '')
    """
    if not link:
        return "", ""
    ends = ", ".join(f"Feature.parse({end!r})" for end in link.split(","))
    imports = "from core.analyses.link import link_report\n"
    return imports, f"report = link_report(store, {ends}, {activity!r})\n"


def _heading(report: LinkReport, labels: Labels) -> str:
    source, target = report.link.source, report.link.target
    return (
        '<div class="s-link-top"><div><span class="s-head">Link</span> '
        f"<b>{source} {named(source, labels)} → {target} {named(target, labels)}</b></div>"
        '<div class="s-quiet s-small"><span class="s-t" style="--a:.6">source active</span> · '
        '<span class="s-u" style="--b:1">target active</span></div></div>'
    )


def _numbers(report: LinkReport) -> str:
    return f'<div class="s-link-numbers">{_table(report)}{_doubt(report)}{_measures(report)}</div>'


def _chance_and_weights(report: LinkReport, store: Store, measure: str) -> str:
    """What chance and the weights say of it, beside each other where there is room."""
    nulls = f"<div>{_chance(report)}{_among_all(report, measure)}</div>"
    return f'<div class="s-link-doubts">{nulls}{_weights(report, store)}</div>'


def _table(report: LinkReport) -> str:
    """The 2×2 table of counts; what both have in common is large."""
    (both, source_only), (target_only, neither) = report.table
    return (
        '<table class="s-counts" aria-label="Counted tokens by which feature is active">'
        "<tr><th></th><th>target on</th><th>off</th></tr>"
        f'<tr><th>source on</th><td class="s-large" data-cell="both">{both:,}</td>'
        f'<td data-cell="source_only">{source_only:,}</td></tr>'
        f'<tr><th>off</th><td data-cell="target_only">{target_only:,}</td><td data-cell="neither">{neither:,}</td></tr>'
        "</table>"
    )


def _doubt(report: LinkReport) -> str:
    if report.enough_data:
        return ""
    together = report.link.n_both
    return (
        f'<div class="s-note" data-state="too-little-data"><b>Too little data.</b> Both fire on {together:,} '
        f"token{'s' * (together != 1)}; below {MIN_ACTIVE} the measures say little.</div>"
    )


def _measures(report: LinkReport) -> str:
    """All measures with their intervals, then lift with what chance would give."""
    rows = []
    for name in MEASURES:
        low, high = report.intervals.get(name, (math.nan, math.nan))
        between = "" if math.isnan(low) else f"{figure(low, 3)} to {figure(high, 3)}"
        rows.append(_row(measure_name(name), figure(report.link.measures[name], 3), between, about(name).meaning))
    lift = report.link.lift
    times = "–" if math.isnan(lift) else f"{lift:.3g}×" if lift < 1000 else f"{lift:,.0f}×"
    expected = report.expected_both
    rows.append(_row("lift", times, f"{_tokens(expected)} if independent", "tokens with both ÷ those if independent"))
    level = f"{100 * report.level:g}% intervals, documents as units"
    kind = "" if report.enough_data else " s-faint"
    return f'<table class="s-measures{kind}">{"".join(rows)}</table><div class="s-quiet s-small">{level}</div>'


def _chance(report: LinkReport) -> str:
    """One quiet line a null: the tokens with both that it leaves, and whether they are as many as there are."""
    lines = []
    for null, (name, meaning) in NULLS.items():
        found = report.chance[null]
        if not found.draws:
            told = "nothing to compare with"
        else:
            told = f"{_tokens(found.expected_both)} expected together"
            told += f", no fewer than there are (p {found.p:.2g})" if found.p > SURE else ""
            meaning += f" {found.draws} draws, p {found.p:.2g}."
        lines.append(_quiet_line(f'data-null="{null}"', name, meaning, told))
    return "".join(lines)


def _among_all(report: LinkReport, measure: str) -> str:
    """How many of the links as strong are chance, and how often chance finds as good a best match."""
    doubt = report.doubts.get(measure)
    if doubt is None or doubt.state == "within one site":
        return ""
    words = measure_name(measure)
    meaning = f"Of the links between these sites with the same {words} or more, the share that chance explains (q). "
    if doubt.state == "not drawn":
        meaning += "Evolution finds out for adjacent sites, and the command chance for any two. "
    known = [(name, one.q) for name, one in report.doubts.items() if not one.state and name != measure]
    meaning += "".join(f"By {measure_name(name)}: {percent(q)}. " for name, q in known)
    if not math.isnan(doubt.q_alike):
        meaning += f"Among features that are active about as often: {percent(doubt.q_alike)}."
    told = (
        WHY_NOT.get(doubt.state, f"too weak to be compared ({doubt.state})")
        if doubt.state
        else f"{percent(doubt.q)} by chance"
    )
    lines = [_quiet_line('data-chance="q"', f"links as strong by {words}", meaning, told)]
    if doubt.best and not math.isnan(doubt.p_best):
        meaning = "The best of so many targets is high by chance too: this is how often a null's best one is as good."
        told = f"p {doubt.p_best:.2g}"
        lines.append(_quiet_line('data-chance="best"', "as good a best match by chance", meaning, told))
    return "".join(lines)


def _quiet_line(attribute: str, name: str, meaning: str, told: str) -> str:
    return f'<div class="s-quiet s-small" {attribute}>{explained(name, meaning)}: {html.escape(told)}</div>'


def _weights(report: LinkReport, store: Store) -> str:
    """What the SAEs' weights say; nothing where the store holds none of these two sites."""
    if not all(store.has(end.key, "decoder") for end in (report.link.source, report.link.target)):
        return ""
    theta = WORDS_OF_THETA.get(report.folded_with)
    rows = []
    for name in DATA_FREE:
        meaning = about(name).meaning + (f"; θ is {theta}" if name == "folded_mse" and theta else "")
        value = report.weights[name]
        text = measured(name, value) if name == "folded_mse" else figure(value, 3)
        rows.append(_row(measure_name(name), text, "", meaning))
    heading = '<div class="s-quiet s-small">from the weights</div>'
    return f'<div class="s-weights">{heading}<table class="s-measures">{"".join(rows)}</table></div>'


def _tokens(expected: float) -> str:
    """An expected number of tokens.

    >>> _tokens(963.2), _tokens(3.14), _tokens(0.0)
    ('963', '3.1', '0')
    """
    return "–" if math.isnan(expected) else f"{expected:,.0f}" if expected >= 10 else f"{expected:.2g}"


def _row(name: str, value: str, more: str, meaning: str) -> str:
    return f'<tr><th>{explained(name, meaning)}</th><td>{value}</td><td class="s-quiet">{more}</td></tr>'


def _contexts(report: LinkReport, store: Store) -> str:
    """The cells side by side, each with how many tokens it has; one line says which have none."""
    (both, source_only), (target_only, _) = report.table
    counts = {"both": both, "source_only": source_only, "target_only": target_only}
    tops = _maximum(store, report.link.source), _maximum(store, report.link.target)
    cells, empty = [], []
    for cell, (title, none) in CELLS.items():
        if found := report.contexts[cell]:
            heading = head(f"{title} ({counts[cell]:,})")
            cells.append(f'<div class="s-case" data-cell="{cell}">{heading}{pair_concordance(found, *tops)}</div>')
        else:
            empty.append(f'<span data-cell="{cell}">{none}</span>')
    never = f'<div class="s-quiet s-small">{" · ".join(empty)}</div>' if empty else ""
    return f'<div class="s-link-texts"><div class="s-cases">{"".join(cells)}</div>{never}</div>'


def _maximum(store: Store, feature: Feature) -> float:
    return float(store.summary(feature.key).maximum[feature.index])
