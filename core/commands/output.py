"""How commands print: one JSON document, or a table with right-aligned numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """JSON data of any result: NumPy scalars become Python's, NaN becomes null.

    >>> plain({"a": np.float32("nan"), "b": (np.int64(3),)})
    {'a': None, 'b': [3]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(value: Any) -> None:
    """One JSON document on standard output, and nothing else."""
    print(json.dumps(plain(value), ensure_ascii=False))


def cell(value: Any) -> str:
    """A value as people read it; undefined is a dash.

    >>> cell(0.12345), cell(float("nan")), cell(12345), cell("a")
    ('0.123', '–', '12,345', 'a')
    """
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1e3 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """The named columns of `rows`, aligned; control characters of labels do not reach the terminal."""
    cells = [list(columns)] + [[printable(cell(row[name])) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    left = [any(isinstance(row[name], str) for row in rows) for name in columns]
    for line in cells:
        padded = [
            text.ljust(width) if flush else text.rjust(width)
            for text, width, flush in zip(line, widths, left, strict=True)
        ]
        print("  ".join(padded).rstrip())


def printable(text: str) -> str:
    """`text` without what could steer a terminal; labels and tokens come from outside."""
    return "".join(c if c.isprintable() else "�" for c in text)
