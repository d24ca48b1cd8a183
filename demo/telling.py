"""The findings in words: Markdown tables for docs/findings.md and for the terminal, from what is kept in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from demo.confirm import BAR

APP = "http://localhost:8501"
BEGIN, END = "<!-- python -m demo.findings --write: begin -->", "<!-- end -->"
TITLES = {
    "and": "AND gates",
    "and_not": "AND-NOT gates",
    "or": "OR gates",
    "split": "Splits",
    "merge": "Merges",
    "lifespan": "Long lifespans",
}
GATES = ("and", "and_not", "or")
Finding = Mapping[str, Any]


def in_page(page: str, found: Mapping[str, Any]) -> str:
    """The page with its tables renewed; what stands outside of the marks stays."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{tables(found)}\n\n{END}{rest.partition(END)[2]}"


def tables(found: Mapping[str, Any]) -> str:
    """How many of each kind were confirmed, and the best of each."""
    parts = [_counts(found)]
    for kind, title in TITLES.items():
        rows = [one for one in found["findings"] if one["kind"] == kind]
        if rows:
            parts += [f"### {title}", _table(kind, rows)]
    return "\n\n".join(parts)


def _counts(found: Mapping[str, Any]) -> str:
    names = ("listed", "confirmed", "distinct", "permuted", "stand_ins")
    heads = "listed by the page | confirmed | of different predicates | permuted notes | stand-ins"
    lines = [f"| | {heads} |", "|---|--:|--:|--:|--:|--:|"]
    for kind, title in TITLES.items():
        numbers = (f"{found['counts'][kind][name]:,}" for name in names)
        lines.append(f"| {title} | {' | '.join(numbers)} |")
    documents, tokens, features = found["documents"], found["tokens"], found["features"]
    told = (
        f"Found on {tokens['found']:,} tokens of {documents['found']:,} documents; predicates chosen on "
        f"{tokens['chosen']:,} tokens and scored on {tokens['scored']:,} of {documents['beyond']:,} further documents. "
        f"{features['explained']:,} of the {features['tried']:,} features that were tried have a predicate that counts."
    )
    return "\n".join([*lines, "", told])


def _table(kind: str, rows: Sequence[Finding]) -> str:
    figures = {"split": "coverage, as found", "merge": "coverage, as found", "lifespan": "weakest step, as found"}.get(
        kind, "F1, as found"
    )
    lines = [f"| | what it says | {figures} | by the notes | in the shipped store |", "|---|---|--:|--:|--:|"]
    return "\n".join([*lines, *map(_row, rows)])


def _row(one: Finding) -> str:
    score, found = one["score"], one["found"]
    number = found[{"split": "coverage", "merge": "coverage", "lifespan": "weakest"}.get(one["kind"], "held_out_f1")]
    shown = f"{number:.3f}" if one["kind"] == "lifespan" else f"{number:.2f}"
    by_notes = f"{score['f1']:.2f} ({score['low']:.2f} to {score['high']:.2f})"
    if one["gain"]:
        by_notes += f", {one['gain']['f1']:+.2f}"
    return (
        f"| [{one['feature']}]({APP}{one['permalink']}) | {sentence(one)} | {shown} | {by_notes} | {one['here']:.2f} |"
    )


def sentence(one: Finding) -> str:
    """A finding as a sentence.

    >>> parts = [{"feature": "1_2", "words": "colour"}, {"feature": "1_3", "words": "unit"}]
    >>> gate = {"kind": "and_not", "feature": "2_1", "inputs": ["1_2", "!1_3"], "parts": parts, "whole": None}
    >>> sentence(gate)
    '2_1 fires where 1_2 does (colour) but not 1_3 (unit).'
    >>> sentence({"kind": "lifespan", "parts": parts})
    'colour, at 2 sites: 1_2, 1_3.'
    """
    parts = [f"{part['feature']} ({part['words']})" for part in one["parts"]]
    if one["kind"] == "lifespan":
        names = ", ".join(part["feature"] for part in one["parts"])
        return f"{one['parts'][0]['words']}, at {len(parts)} sites: {names}."
    if one["kind"] not in GATES:
        whole = f"{one['whole']['feature']} ({one['whole']['words']})"
        many = f"{', '.join(parts[:-1])} and {parts[-1]}"
        return f"{whole} splits into {many}." if one["kind"] == "split" else f"{many} merge into {whole}."
    return f"{_target(one)} fires where {_inputs(one)}."


def _target(one: Finding) -> str:
    whole = one["whole"]
    return f"{one['feature']} ({whole['words']})" if whole and whole["f1"] >= BAR else str(one["feature"])


def _inputs(one: Finding) -> str:
    told = [f"{part['feature']} {'does ' if k == 0 else ''}({part['words']})" for k, part in enumerate(one["parts"])]
    negated = sum(written.startswith("!") for written in one["inputs"])
    positive, negative = told[: len(told) - negated], told[len(told) - negated :]
    joined = f" {'or' if one['kind'] == 'or' else 'and'} ".join(positive)
    return f"{joined} but not {' or '.join(negative)}" if negative else joined
