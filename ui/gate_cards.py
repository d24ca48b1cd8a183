"""The card of one gate or division: what it says in words, how well it holds, and the tokens for and against it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.analyses.gate import Gate, TruthRow
from core.analyses.gate_contexts import GateContext, row_contexts
from core.analyses.seed_gates import Candidate
from core.analyses.splits import Merge, Split
from core.labels import Labels
from core.store import Store
from core.values import MIN_ACTIVE, Feature
from core.views.division import division_bar, part_colours, segments
from core.views.tokens import context_line, shaded
from ui import palette
from ui.go import anchor, linked
from ui.inspector import around
from ui.text import called, figure, head, named, percent, quiet, table

STYLE = Path(__file__).with_name("gates.css")
CONTEXTS = 2  # of each cell of the truth table
SHOWN_PARTS = 5
MANY = {True: "children", False: "parents"}
WHERE = {True: "fires", False: "silent"}
WORDS = {"or": "or", "and": "and", "and_not": "and"}


# ---- in words


def in_words(gate: Gate | Candidate, labels: Labels) -> str:
    """A gate as a sentence for titles, plain text: “Tom” at site 3 fires where “Lily” or “he” does at site 2."""
    first, *names = told_apart((gate.feature, *gate.inputs), labels)
    positive, negative = names[: len(names) - gate.negated], names[len(names) - gate.negated :]
    verb = "does" if len(positive) == 1 or gate.kind == "or" else "do"
    told = f"{first} at site {gate.feature.key} fires where {_listed(positive, WORDS[gate.kind])} {verb}"
    if negative:
        return f"{told} at site {gate.inputs[0].key}, but not {_listed(negative, 'or')}"
    return f"{told} at site {gate.inputs[0].key}"


def division_in_words(one: Split | Merge, labels: Labels) -> str:
    """A split or merge as a sentence for titles, plain text."""
    whole, *parts = told_apart((one.whole, *one.parts), labels)
    many = _listed(parts if len(parts) <= 4 else [*parts[:3], f"{len(parts) - 3} more"], "and")
    if isinstance(one, Split):
        return f"{whole} at site {one.whole.key} splits into {many} at site {one.parts[0].key}"
    return f"{many} at site {one.parts[0].key} merge into {whole} at site {one.whole.key}"


def told_apart(features: tuple[Feature, ...], labels: Labels) -> list[str]:
    """What features are called; of those called the same by their key as well, unless at another site."""
    names = [(f.key, called(f, labels)) for f in features]
    return [
        f"{name} ({feature})" if names.count((key, name)) > 1 and name != str(feature) else name
        for feature, (key, name) in zip(features, names, strict=True)
    ]


def telling(features: tuple[Feature, ...], labels: Labels) -> bool:
    """Whether all of them are called differently, by words, so that a title says something."""
    names = [labels.name(feature).strip().casefold() for feature in features]
    return len(set(names)) == len(names) and all(any(c.isalpha() for c in name) for name in names)


def _listed(names: list[str], last: str) -> str:
    """
    >>> _listed(["a", "b", "c"], "or")
    'a, b or c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


# ---- a gate


def gate_card(store: Store, labels: Labels, gate: Gate | Candidate, activity: float) -> None:
    """Formula and scores, then the truth table with contexts for every row that occurs."""
    st.html(STYLE)
    with st.container(key="card-gate"):
        body = f'<div class="s-gate"><div>{_formula(gate, labels)}{_scores(gate)}</div>{_legend(gate)}</div>'
        linked(body + truth_table(store, labels, gate, activity), "gates:card")


def _formula(gate: Gate | Candidate, labels: Labels) -> str:
    """The feature and its inputs; each input's name leads to it, its sign to the link with the feature."""
    rows = []
    for k, one in enumerate(gate.inputs):
        sign = "not" if k >= len(gate.inputs) - gate.negated else "or" if gate.kind == "or" else "and"
        sign = sign if k or sign == "not" else ""
        inspect = anchor(
            "link", "evolution", feature=str(gate.feature), link=f"{one},{gate.feature}",
            label=f"inspect the link of {one} and {gate.feature}",
        )  # fmt: skip
        rows.append(f'<i>{sign}</i>{_chip(one)}<span class="s-cut">{named(one, labels)}</span>{inspect}')
    top = f'<div class="s-name">{_chip(gate.feature)} {named(gate.feature, labels)}</div>'
    return f'{top}{head("fires where")}<div class="s-formula">{"".join(rows)}</div>'


def _chip(feature: Feature) -> str:
    return anchor(str(feature), "feature", feature=str(feature))


def _scores(gate: Gate | Candidate) -> str:
    rows = [
        ("precision", figure(gate.precision), "of the tokens on which it says so"),
        ("recall", figure(gate.recall), "of the feature's own tokens"),
        ("F1", figure(gate.f1), f"{figure(gate.gain)} above the best single input"),
    ]
    if isinstance(gate, Gate):
        low, high = gate.held_out_interval
        told = f"{figure(gate.held_out_gain)} above, {figure(low)} to {figure(high)}"
        rows.append(("F1, held out", figure(gate.held_out_f1), told))
    else:
        rows.append(("holds", "yes" if gate.holds else "no", "as a tested gate must gain 0.05"))
    cells = "".join(f"<tr><th>{name}</th><td>{v}</td><td class='s-quiet'>{more}</td></tr>" for name, v, more in rows)
    return f'<table class="s-measures">{cells}</table>'


def _legend(gate: Gate | Candidate) -> str:
    return (
        f'<div class="s-quiet s-small"><span class="s-t" style="--a:.6">{gate.feature} active</span> · '
        '<span class="s-u" style="--b:1">an input active</span></div>'
    )


def truth_table(store: Store, labels: Labels, gate: Gate | Candidate, activity: float) -> str:
    """Every combination of inputs that occurs: how often, how often the feature fires, and both kinds of contexts."""
    rows = [_truth_head(gate.inputs)]
    for row in sorted(gate.rows, key=lambda row: (-row.says, -row.n)):
        if row.n:
            rows.append(_truth_row(store, gate, row, activity))
    return f'<div class="s-truth">{"".join(rows)}</div>'


def _truth_head(inputs: tuple[Feature, ...]) -> str:
    names = "".join(f"<span>{one}</span>" for one in inputs)
    return (
        f'<div class="s-truth-row s-truth-head s-quiet s-small"><div class="s-dots">{names}</div>'
        '<div class="s-num">tokens</div><div>feature fires</div><div>contexts</div></div>'
    )


def _truth_row(store: Store, gate: Gate | Candidate, row: TruthRow, activity: float) -> str:
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
    return (
        f'<div class="s-truth-row{kind}" data-row="{"".join("01"[on] for on in row.active)}">'
        f'<div class="s-dots">{dots}</div><div class="s-num">{row.n:,}</div><div>{share}</div>'
        f"<div>{_evidence(store, gate, row, activity)}</div></div>"
    )


def _evidence(store: Store, gate: Gate | Candidate, row: TruthRow, activity: float) -> str:
    """Contexts where the feature fires, and, where there are any, those where it does not."""
    cells = []
    for fires, n in ((True, row.n_target), (False, row.n - row.n_target)):
        found = row_contexts(store, gate.feature, gate.inputs, row.active, fires, CONTEXTS, activity) if n else ()
        if found:
            lines = "".join(_line(store, gate.feature, gate.inputs, context) for context in found)
            cells.append(f"<div>{head(f'{WHERE[fires]} ({n:,})')}{lines}</div>")
    return f'<div class="s-evidence">{"".join(cells)}</div>' if cells else quiet("most of the text")


def _line(store: Store, feature: Feature, inputs: tuple[Feature, ...], context: GateContext) -> str:
    start, stop = around(context.tokens, context.focus, before=18, after=26)
    shares = [[v / _top(store, f) for v in values] for f, values in
              zip(inputs, context.input_values, strict=True)]  # fmt: skip
    below = [max(column) for column in zip(*shares, strict=True)][start:stop]
    tokens = list(context.tokens[start:stop])
    tokens[0] = tokens[0].lstrip() or tokens[0]
    body = shaded(
        tokens, context.values[start:stop], _top(store, feature), below=below, below_top=1.0,
        focus=context.focus - start,
    )  # fmt: skip
    return context_line(body, before=start > 0, after=True, one_line=True)


def _top(store: Store, feature: Feature) -> float:
    return float(store.summary(feature.key).maximum[feature.index]) or 1.0


# ---- a split or merge


def division_card(store: Store, labels: Labels, one: Split | Merge, activity: float, theme: str) -> None:
    """The bar, and the parts as rows; each leads to itself and to its link with the whole."""
    st.html(STYLE)
    colours = {
        "text": palette.TEXT[theme], "quiet": palette.QUIET[theme], "line": palette.LINE[theme],
        "paper": palette.PAPER[theme],
    }  # fmt: skip
    names = [f"{f} {called(f, labels)}" for f in one.parts]
    shown = sum(kind == "part" for _, _, kind in segments(names, one.division.shares))
    ramp = palette.ramp(max(shown, 2), theme)
    with st.container(key="card-division"):
        linked(f'<div class="s-name">{_chip(one.whole)} {named(one.whole, labels)}</div>', "gates:whole")
        st.plotly_chart(
            division_bar(names, one.division.shares, colours, ramp),
            key="gates:bar", config={"displayModeBar": False}, theme=None,
        )  # fmt: skip
        linked(_part_rows(store, labels, one, part_colours(one.division.shares, ramp)), "gates:parts")
        st.html(head("Where it fires", "orange: a part is active") + _alone(store, one, activity))


def _alone(store: Store, one: Split | Merge, activity: float) -> str:
    """Where the whole fires with one part alone, for the largest parts, and where with none."""
    cells = []
    cases = [(f"{part} alone", n, k) for k, (part, n) in enumerate(zip(one.parts, one.division.n_alone, strict=True))]
    rest = one.division.n - one.division.covered
    for title, n, k in [*cases[:SHOWN_PARTS], ("no part", rest, -1)]:
        active = [k == j for j in range(len(one.parts))]
        found = row_contexts(store, one.whole, one.parts, active, True, 3, activity) if n else ()
        lines = "".join(_line(store, one.whole, one.parts, context) for context in found)
        if lines:
            cells.append(f"<div>{head(f'{title} ({n:,})')}{lines}</div>")
    return f'<div class="s-evidence">{"".join(cells)}</div>'


def _part_rows(store: Store, labels: Labels, one: Split | Merge, colours: list[str | None]) -> str:
    """The parts, largest first, with their colour in the bar, and what hatching and emptiness mean there."""
    rows = []
    split, d = isinstance(one, Split), one.division
    for k, part in enumerate(one.parts):
        ends = (one.whole, part) if split else (part, one.whole)
        inspect = anchor("link", "evolution", feature=str(part), link=f"{ends[0]},{ends[1]}")
        lift = (d.n_both[k] / d.n_parts[k]) / (d.n / store.n)
        numbers = (figure(d.n_both[k] / d.n_parts[k]), figure(d.n_both[k] / d.n), f"{lift:,.1f}×")
        cells = (f"{d.n_both[k]:,}", f"{d.n_alone[k]:,}", *numbers)
        swatch = f'<i class="s-swatch" style="background:{colours[k] or "transparent"}"></i>'
        rows.append([swatch + _chip(part), named(part, labels), *cells, inspect])
    role = "child" if split else "parent"
    inside, share = ("necessity", "sufficiency") if split else ("sufficiency", "necessity")
    names = [role, "", "tokens in common", "alone", inside, share, "lift", ""]
    share_of = f"{percent(d.shares[-2])} several {MANY[split]} at once (hatched), {percent(d.shares[-1])} none (empty)"
    return table(names, rows, [False, False, True, True, True, True, True, True]) + quiet(share_of)
