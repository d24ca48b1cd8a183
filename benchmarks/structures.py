"""Planted structures: what is found of what was planted, what is found where nothing was, and how long it takes.

    python -m benchmarks.structures [--large] [--tokens 200000] [--json FILE]

Found and planted are counted over several seeds (`benchmarks.recovery`). Times are those of gates, splits and merges on
one pair of sites of 512 features at 300k tokens, and with ``--large`` of GPT-2 shape.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.recovery import KINDS, Recovery, recoveries
from benchmarks.shapes import shaped_store
from benchmarks.table import Row, keep, options, row, seconds, show
from core.analyses.gates import gates
from core.analyses.seed_gates import seed_candidates
from core.analyses.splits import merges, splits
from core.paths import cache_folder
from core.store import Store

TITLE = "Planted structures"
SEEDS = range(5)

ANALYSES: dict[str, Callable[[Store, str, str], list]] = {
    "gates": gates,
    "splits": splits,
    "merges": merges,
    "the seed's candidates": seed_candidates,
}


def recovery(folder: Path) -> list[Row]:
    """Precision and recall on planted stores, and the number found in their negative twins."""
    total = dict.fromkeys(KINDS, Recovery())
    for seed in SEEDS:
        total = {name: total[name] + one for name, one in recoveries(folder, seed).items()}
    rows = []
    for name, one in total.items():
        rows += [
            row(f"{name}: recall, {one.planted} planted", one.recall, ""),
            row(f"{name}: precision, {one.found} found", one.precision, ""),
            row(f"{name}: found in the negative twins", one.in_twin, ""),
        ]
    return rows


def times(path: Path, tokens: int, d_sae: int, l0: float) -> list[Row]:
    """Seconds of each analysis on the first pair of sites of a shaped store, kernels compiled."""
    store = shaped_store(path, tokens, d_sae=d_sae, l0=l0)
    shape = f"{d_sae:,} features, {tokens // 1000}k tokens"
    return [
        row(f"{name}, {shape}", seconds(lambda: analysis(store, "0", "1")), "s")  # noqa: B023
        for name, analysis in ANALYSES.items()
    ]


def main() -> None:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--large", action="store_true", help="also time a pair of GPT-2 shape")
    parser.add_argument("--tokens", type=int, default=200_000, help="tokens of the pair of GPT-2 shape")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = recovery(Path(folder))
        rows += times(Path(folder) / "512.h5", 300_000, 512, 30)
    if chosen.large:
        rows += times(cache_folder() / "bench" / f"gpt2-{chosen.tokens}.h5", chosen.tokens, 24_576, 60)
    show(TITLE, rows)
    keep(chosen.json, TITLE, rows)


if __name__ == "__main__":
    main()
