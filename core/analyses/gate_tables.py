"""Gates, splits, merges and candidates as Polars frames: shown on the page, downloaded, computed by a snippet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from core.analyses.gate import Gate
from core.analyses.seed_gates import Candidate
from core.analyses.splits import Merge, Split
from core.labels import Labels
from core.values import Feature


def gate_table(found: Sequence[Gate], labels: Labels) -> pl.DataFrame:
    """One row a gate, in the order given; `low` and `high` bound the held-out gain."""
    numbers = ("precision", "recall", "f1", "gain", "held_out_f1", "held_out_gain")
    rows = [
        (
            str(gate.feature),
            name_of(gate.feature, labels),
            gate.kind,
            " ".join(gate.written),
            ", ".join(name_of(f, labels) for f in gate.inputs),
            *(getattr(gate, name) for name in numbers),
            *gate.held_out_interval,
        )
        for gate in found
    ]
    return _frame(rows, ("feature", "name", "kind", "inputs", "input_names"), (*numbers, "low", "high"))


def division_table(found: Sequence[Split] | Sequence[Merge], labels: Labels) -> pl.DataFrame:
    """One row a split or merge: the divided feature, its parts, and how its firing is divided.

    `divided` is the share that exactly one part takes, `several` that of two or more at once, `rest` that of none.
    """
    rows = [
        (
            str(one.whole),
            name_of(one.whole, labels),
            " ".join(map(str, one.parts)),
            ", ".join(name_of(f, labels) for f in one.parts),
            one.coverage,
            one.overlap,
            sum(one.division.shares[:-2]),
            *one.division.shares[-2:],
        )
        for one in found
    ]
    texts = ("feature", "name", "parts", "part_names")
    return _frame(rows, texts, ("coverage", "overlap", "divided", "several", "rest"))


def candidate_table(found: Sequence[Candidate], labels: Labels) -> pl.DataFrame:
    """One row a candidate of the seed, with what its gate really explains; `holds` is ``yes`` or ``no``."""
    numbers = ("precision", "recall", "f1", "gain")
    rows = [
        (
            str(one.feature),
            name_of(one.feature, labels),
            one.kind,
            " ".join(map(str, one.inputs)),
            ", ".join(name_of(f, labels) for f in one.inputs),
            "yes" if one.holds else "no",
            *(getattr(one, name) for name in numbers),
        )
        for one in found
    ]
    return _frame(rows, ("feature", "name", "kind", "inputs", "input_names", "holds"), numbers)


def matching(frame: pl.DataFrame, text: str) -> pl.DataFrame:
    """The rows whose features or names hold every word of `text`, whatever its case.

    >>> matching(pl.DataFrame({"feature": ["1_2", "1_3"], "name": ["Tom", None]}), "tom")["feature"].to_list()
    ['1_2']
    """
    columns = [name for name, kind in frame.schema.items() if kind == pl.String]
    for word in text.casefold().split():
        cells = (pl.col(name).fill_null("").str.to_lowercase() for name in columns)
        frame = frame.filter(pl.any_horizontal(cell.str.contains(word, literal=True) for cell in cells))
    return frame


def name_of(feature: Feature, labels: Labels) -> str:
    """The label, else the characteristic token in quotes."""
    label = labels.get(feature)
    return label.text if label else f"“{labels.hint(feature)}”"


def _frame(rows: list[tuple], texts: Sequence[str], numbers: Sequence[str]) -> pl.DataFrame:
    schema: dict[str, Any] = dict.fromkeys(texts, pl.String) | dict.fromkeys(numbers, pl.Float64)
    return pl.DataFrame(rows, schema, orient="row").fill_nan(None)
