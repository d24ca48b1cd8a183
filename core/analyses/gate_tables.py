"""Gates, splits, merges and candidates as Polars frames: shown on the page, downloaded, computed by a snippet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from core.analyses.gate import FAULTS, Gate
from core.analyses.gate_contexts import Case
from core.analyses.splits import Divided
from core.labels import Labels
from core.store import Store


def gate_table(found: Sequence[Gate], labels: Labels) -> pl.DataFrame:
    """One row a gate, in the order given; `low` and `high` bound the held-out gain."""
    numbers = ("precision", "recall", "f1", "gain", "held_out_f1", "held_out_gain")
    rows = [
        (
            str(gate.feature),
            labels.written(gate.feature),
            gate.kind,
            " ".join(gate.written),
            ", ".join(labels.written(f) for f in gate.inputs),
            *(getattr(gate, name) for name in numbers),
            *gate.held_out_interval,
        )
        for gate in found
    ]
    return _frame(rows, ("feature", "name", "kind", "inputs", "input_names"), (*numbers, "low", "high"))


def division_table(found: Sequence[Divided], labels: Labels) -> pl.DataFrame:
    """One row a split or merge: the divided feature, its parts, and how its firing is divided.

    `divided` is the share that exactly one part takes, `several` that of two or more at once, `rest` that of none.
    """
    rows = [
        (
            str(one.whole),
            labels.written(one.whole),
            " ".join(map(str, one.parts)),
            ", ".join(labels.written(f) for f in one.parts),
            one.coverage,
            one.overlap,
            sum(one.division.shares[:-2]),
            *one.division.shares[-2:],
        )
        for one in found
    ]
    texts = ("feature", "name", "parts", "part_names")
    return _frame(rows, texts, ("coverage", "overlap", "divided", "several", "rest"))


def candidate_table(found: Sequence[Gate], labels: Labels) -> pl.DataFrame:
    """One row a candidate of the seed, as `gate_table`, with ``holds`` (yes or no) and, where not, ``why`` not."""
    table = gate_table(found, labels)
    before = table.columns.index("precision")
    holds = pl.Series("holds", ["yes" if one.holds else "no" for one in found], pl.String)
    why = pl.Series("why", [FAULTS[one.fault] for one in found], pl.String)
    return table.insert_column(before, holds).with_columns(why)


def truth_table(gate: Gate) -> pl.DataFrame:
    """One row a combination of inputs: which are active, what the gate says, how often, how often the feature fires."""
    rows = [(*row.active, row.says, row.n, row.n_target, row.share) for row in gate.rows]
    inputs = [str(feature) for feature in gate.inputs]
    schema: dict[str, Any] = dict.fromkeys((*inputs, "says"), pl.Boolean)
    schema |= {"n": pl.Int64, "n_target": pl.Int64, "share": pl.Float64}
    return pl.DataFrame(rows, schema, orient="row").fill_nan(None)


def part_table(store: Store, one: Divided, labels: Labels) -> pl.DataFrame:
    """One row a part: its tokens, those in common with the whole, those where it is alone; shares as they read forward.

    `sufficiency` and `necessity` are those of the link from the earlier to the later site; `lift` is theirs too.
    """
    d, rows = one.division, []
    for k, part in enumerate(one.parts):
        of_part, of_whole = d.n_both[k] / d.n_parts[k], d.n_both[k] / d.n
        forward = (of_whole, of_part) if one.kind == "split" else (of_part, of_whole)
        counts = d.n_parts[k], d.n_both[k], d.n_alone[k]
        rows.append((str(part), labels.written(part), *counts, *forward, of_part / (d.n / store.n)))
    schema: dict[str, Any] = dict.fromkeys(("part", "name"), pl.String)
    schema |= dict.fromkeys(("n", "n_both", "n_alone"), pl.Int64)
    schema |= dict.fromkeys(("sufficiency", "necessity", "lift"), pl.Float64)
    return pl.DataFrame(rows, schema, orient="row")


def case_table(cases: Sequence[Case]) -> pl.DataFrame:
    """One row a context: what is active there, its text, the token in focus and the feature's activation on it."""
    rows = [
        (case.of, case.fires, case.n, c.position, c.document, "".join(c.tokens), c.tokens[c.focus], c.values[c.focus])
        for case in cases
        for c in case.contexts
    ]
    schema: dict[str, Any] = {"active": pl.String, "fires": pl.Boolean, "n": pl.Int64, "position": pl.Int64}
    schema |= {"document": pl.Int64, "text": pl.String, "token": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema, orient="row")


def matching(frame: pl.DataFrame, text: str, kind: str = "any") -> pl.DataFrame:
    """The rows of a kind whose features or names hold every word of `text`, whatever its case.

    >>> matching(pl.DataFrame({"feature": ["1_2", "1_3"], "name": ["Tom", None]}), "tom")["feature"].to_list()
    ['1_2']
    """
    if kind != "any":
        frame = frame.filter(pl.col("kind") == kind)
    columns = [name for name, of in frame.schema.items() if of == pl.String and name not in ("kind", "holds", "why")]
    for word in text.casefold().split():
        cells = (pl.col(name).fill_null("").str.to_lowercase() for name in columns)
        frame = frame.filter(pl.any_horizontal(cell.str.contains(word, literal=True) for cell in cells))
    return frame


def _frame(rows: list[tuple], texts: Sequence[str], numbers: Sequence[str]) -> pl.DataFrame:
    schema: dict[str, Any] = dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Float64)
    return pl.DataFrame(rows, schema, orient="row").fill_nan(None)
