"""How benchmarks print and keep what they measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]  # what, value, unit, budget


def row(what: str, value: float, unit: str, budget: float | None = None) -> dict[str, Any]:
    """One measured figure and, where DESIGN 7 names one, the budget that it must not exceed.

    >>> row("opening a store", 5.0, "ms", 50)["share of budget"]
    0.1
    """
    share = None if budget is None else value / budget
    return {"what": what, "value": value, "unit": unit, "budget": budget, "share of budget": share}


def show(title: str, rows: Sequence[Row]) -> None:
    """Print rows as a Markdown table, numbers to three figures."""
    print(f"\n### {title}\n\n| what | measured | budget | share of budget |\n|---|---:|---:|---:|")
    for entry in rows:
        budget, share = entry["budget"], entry["share of budget"]
        print(
            f"| {entry['what']} | {number(entry['value'])} {entry['unit']} | "
            f"{'' if budget is None else f'{number(budget)} ' + entry['unit']} | "
            f"{'' if share is None else f'{share:.0%}'} |"
        )


def number(value: float) -> str:
    """Three figures, no exponent where people would not write one.

    >>> number(0.01234), number(123456.0)
    ('0.0123', '123,456')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def peak_bytes() -> int:
    """This process's resident memory at its highest; `ru_maxrss` would begin with what the parent had."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def options(description: str | None) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    return parser


def keep(path: Path | None, title: str, rows: Sequence[Row]) -> None:
    """Write the figures as JSON, where a path was given."""
    if path is not None:
        document = {"title": title, "machine": machine(), "rows": list(rows)}
        path.write_text(json.dumps(document, indent=1, default=float) + "\n")


def best_of(times: int, action: Callable[[], Any]) -> float:
    """The least of several wall-clock times in seconds: on a shared machine the others tell of its neighbours."""
    return min(seconds(action) for _ in range(times))


def seconds(action: Callable[[], Any]) -> float:
    """The wall-clock time of one call."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
