"""The card of one gate: what it says in words, how well it holds, and the tokens for and against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from core.analyses.gate import FAULTS, Gate, TruthRow
from core.analyses.gate_contexts import Case, GateContext, gate_cases
from core.labels import Labels
from core.store import Store
from core.values import MIN_ACTIVE, Feature
from core.views.tokens import kwic
from ui.go import anchor, linked
from ui.text import called, escape, figure, head, listed, named, percent, quiet

STYLE = Path(__file__).with_name("gates.css")
CONTEXTS = 2  # of each cell of the truth table
WHERE = {True: "fires", False: "silent"}
WORDS = {"or": "or", "and": "and", "and_not": "and"}


# ---- in words


def in_words(gate: Gate, labels: Labels) -> str:
    """A gate as a sentence for titles, plain text: “Tom” at site 3 fires where “Lily” or “he” does at site 2."""
    first, *names = told_apart((gate.feature, *gate.inputs), labels)
    positive, negative = names[: len(names) - gate.negated], names[len(names) - gate.negated :]
    verb = "does" if len(positive) == 1 or gate.kind == "or" else "do"
    told = f"{first} at site {gate.feature.key} fires where {listed(positive, WORDS[gate.kind])} {verb}"
    if negative:
        return f"{told} at site {gate.inputs[0].key}, but not {listed(negative, 'or')}"
    return f"{told} at site {gate.inputs[0].key}"


def told_apart(features: tuple[Feature, ...], labels: Labels) -> list[str]:
    """What features are called; of those called the same by their key as well, unless at another site."""
    names = [(f.key, called(f, labels)) for f in features]
    return [
        f"{name} ({feature})" if names.count((key, name)) > 1 and name != str(feature) else name
        for feature, (key, name) in zip(features, names, strict=True)
    ]


def telling(features: tuple[Feature, ...], labels: Labels) -> bool:
    """Whether all of them are called differently, by words, so that a title says something."""
    names = [labels.name(feature).words.strip().casefold() for feature in features]
    return len(set(names)) == len(names) and all(any(c.isalpha() for c in name) for name in names)


# ---- a gate


def gate_card(store: Store, labels: Labels, gate: Gate, activity: float) -> None:
    """Formula and scores, then the truth table with contexts for every row that occurs."""
    st.html(STYLE)
    why = f'<div class="s-note"><b>Does not hold</b>: {escape(FAULTS[gate.fault])}.</div>' if gate.fault else ""
    with st.container(key="card-gate"):
        body = f'<div class="s-gate"><div>{_formula(gate, labels)}{_scores(gate)}</div>{_legend(gate)}</div>'
        linked(body + why + truth_table(store, gate, activity), "gates:card")


def _formula(gate: Gate, labels: Labels) -> str:
    """The feature and its inputs; each name leads to the feature, each sign to the link with the one explained."""
    rows = []
    for k, one in enumerate(gate.inputs):
        sign = "not" if k >= len(gate.inputs) - gate.negated else "or" if gate.kind == "or" else "and"
        sign = sign if k or sign == "not" else ""
        inspect = anchor(
            "inspect", "evolution", feature=str(gate.feature), link=f"{one},{gate.feature}",
            label=f"inspect the link of {one} and {gate.feature}",
        )  # fmt: skip
        rows.append(f'<i>{sign}</i>{chip(one)}<span class="s-cut">{named(one, labels)}</span>{inspect}')
    formula = f'<div class="s-formula">{"".join(rows)}</div>'
    return f"{name_line(gate.feature, labels)}{head('fires where')}{formula}"


def name_line(feature: Feature, labels: Labels) -> str:
    """The feature that a card is about, and where it leads."""
    graph = anchor("evolution graph", "evolution", feature=str(feature), link="")
    more = f'<span class="s-lead-on">{graph}</span>'
    return f'<div class="s-name">{chip(feature)} {named(feature, labels)} {more}</div>'


def chip(feature: Feature) -> str:
    return anchor(str(feature), "feature", feature=str(feature))


def _scores(gate: Gate) -> str:
    low, high = gate.held_out_interval
    told = f"{figure(gate.held_out_gain)} above, {figure(low)} to {figure(high)}"
    rows = [
        ("precision", figure(gate.precision), "of the tokens on which it says so"),
        ("recall", figure(gate.recall), "of the feature's own tokens"),
        ("F1", figure(gate.f1), f"{figure(gate.gain)} above the best single input"),
        ("F1, held out", figure(gate.held_out_f1), told),
    ]
    cells = "".join(f"<tr><th>{name}</th><td>{v}</td><td class='s-quiet'>{more}</td></tr>" for name, v, more in rows)
    return f'<table class="s-measures">{cells}</table>'


def _legend(gate: Gate) -> str:
    return (
        f'<div class="s-quiet s-small"><span class="s-t" style="--a:.6">{gate.feature} active</span> · '
        '<span class="s-u" style="--b:1">an input active</span></div>'
    )


def truth_table(store: Store, gate: Gate, activity: float) -> str:
    """Every combination of inputs that occurs: how often, how often the feature fires, and both kinds of contexts."""
    cases = gate_cases(store, gate, activity, CONTEXTS)
    by_row = {row.active: row for row in gate.rows}
    rows = [_truth_head(gate.inputs)]
    for fires, silent in zip(cases[::2], cases[1::2], strict=True):
        rows.append(_truth_row(store, gate, by_row[fires.active], (fires, silent)))
    return f'<div class="s-truth">{"".join(rows)}</div>'


def _truth_head(inputs: tuple[Feature, ...]) -> str:
    names = "".join(f"<span>{one}</span>" for one in inputs)
    return (
        f'<div class="s-truth-row s-truth-head s-quiet s-small"><div class="s-dots">{names}</div>'
        '<div class="s-num">tokens</div><div>feature fires</div><div>contexts</div></div>'
    )


def _truth_row(store: Store, gate: Gate, row: TruthRow, cases: Sequence[Case]) -> str:
    dots = "".join(
        f'<span class="s-dot{" s-on" if on else ""}" title="{one} {"active" if on else "silent"}"></span>'
        for one, on in zip(gate.inputs, row.active, strict=True)
    )
    few = "" if row.n >= MIN_ACTIVE else ' <span class="s-quiet s-small">few</span>'
    says = "says: fires" if row.says else "says: silent"
    share = (
        f'<div class="s-share-bar"><i style="width:{100 * row.share:.1f}%"></i></div>'
        f'<span class="s-num">{percent(row.share)}</span>{few}<div class="s-quiet s-small">{says}</div>'
    )
    kind = " s-says" if row.says else ""
    told = [(f"{WHERE[case.fires]} ({case.n:,})", case) for case in cases]
    return (
        f'<div class="s-truth-row{kind}" data-row="{"".join("01"[on] for on in row.active)}">'
        f'<div class="s-dots">{dots}</div><div class="s-num">{row.n:,}</div><div>{share}</div>'
        f"<div>{evidence(store, gate.feature, gate.inputs, told) or quiet('most of the text')}</div></div>"
    )


def evidence(store: Store, feature: Feature, others: tuple[Feature, ...], cases: Sequence[tuple[str, Case]]) -> str:
    """The contexts of each case that has any, under its heading, side by side; "" for none."""
    cells = []
    for told, case in cases:
        lines = "".join(_line(store, feature, others, context) for context in case.contexts)
        if lines:
            cells.append(f"<div>{head(told)}{lines}</div>")
    return f'<div class="s-evidence">{"".join(cells)}</div>' if cells else ""


def _line(store: Store, feature: Feature, inputs: tuple[Feature, ...], context: GateContext) -> str:
    shares = [[v / _top(store, f) for v in values] for f, values in
              zip(inputs, context.input_values, strict=True)]  # fmt: skip
    below = [max(column) for column in zip(*shares, strict=True)]
    return kwic(context.tokens, context.values, _top(store, feature), context.focus, below=below, below_top=1.0)


def _top(store: Store, feature: Feature) -> float:
    return float(store.summary(feature.key).maximum[feature.index]) or 1.0
