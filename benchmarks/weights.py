"""Measures of weights at GPT-2 shape: 24,576 features a site, decoder rows of 768 numbers, a process for each step.

    python -m benchmarks.weights [--tokens 100000] [--json FILE]

Weights are random; half of the later site's directions follow one of the earlier site, with noise of all sizes. Memory
is the highest of the process, mapped pages of the store included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.shapes import D_SAE, documents, site_activations
from benchmarks.table import keep, options, row, show
from core.analyses.edges import weight_table
from core.analyses.neighbours import StoreLinks
from core.paths import cache_folder
from core.sources.planted import plant
from core.statistics.assignment import assign_folded
from core.statistics.data_free import links_above, row_values, top_links
from core.store import Store, open_store
from core.values import Feature
from core.warm_up import compile_kernels

TITLE = "Measures of weights, 24,576 features a site, 768 dimensions"
WIDTH = 768


def weighted_store(path: Path, tokens: int) -> None:
    """Two sites of GPT-2 shape with weights, made where they are not there yet."""
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    first = unit(rng.standard_normal((D_SAE, WIDTH), np.float32))
    noise = 3 * rng.random((D_SAE, 1), np.float32) * unit(rng.standard_normal((D_SAE, WIDTH), np.float32))
    second = unit(first[rng.permutation(D_SAE)] + noise)
    second[D_SAE // 2 :] = unit(rng.standard_normal((D_SAE - D_SAE // 2, WIDTH), np.float32))
    weights = {
        key: {"decoder": rows, "encoder": np.ascontiguousarray(0.5 * rows.T)}
        for key, rows in zip("01", (first, second), strict=True)
    }
    before = site_activations(tokens, D_SAE, 60, 1)
    arrays = {"0": before, "1": site_activations(tokens, D_SAE, 60, 2, before)}
    plant(path, arrays, tokens=documents(tokens, 0), d_sae=D_SAE, weights=weights)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def asking(measure: str) -> Callable[[Store], Any]:
    """One feature against the other site, the median of 20."""

    def ask(store: Store) -> float:
        row_values(store, measure, Feature("0", 0), "1")
        times = []
        for i in range(20):
            began = time.perf_counter()
            StoreLinks(store).neighbours(Feature("0", i), "1", measure, 10)
            times.append(time.perf_counter() - began)
        return float(np.median(times))

    return ask


STEPS: dict[str, Callable[[Store], Any]] = {
    "neighbours by decoder cosine, median": asking("decoder_cosine"),
    "neighbours by virtual weight, median": asking("virtual_weight"),
    "neighbours by folded MSE, median": asking("folded_mse"),
    "top 16 both ways, decoder cosine": lambda store: top_links(store, "decoder_cosine", "0", "1"),
    "top 16 both ways, virtual weight": lambda store: top_links(store, "virtual_weight", "0", "1"),
    "all links at 0.3 and above, decoder cosine": lambda store: links_above(store, "decoder_cosine", "0", "1", 0.3),
    "all links at 0.15 and above, virtual weight": lambda store: links_above(store, "virtual_weight", "0", "1", 0.15),
    "edges at 0.3 and above with their counts": lambda store: weight_table(store, "0", "1", "decoder_cosine", 0.3),
    "one-to-one assignment, 32 candidates": lambda store: assign_folded(store, "0", "1"),
}


def one_step(name: str, path: Path) -> None:
    """Run a step and print its seconds and the bytes it took at most, as JSON."""
    store = open_store(path)
    began = time.perf_counter()
    found = STEPS[name](store)
    wall = found if isinstance(found, float) else time.perf_counter() - began
    print(json.dumps([wall, highest_memory()]))


def highest_memory() -> int:
    """Bytes of this process at its highest; what `resource` tells would include those of the one that started it."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measure(path: Path, tokens: int) -> list[dict]:
    """All figures as rows of the table."""
    weighted_store(path, tokens)
    compile_kernels()
    rows = []
    for name in STEPS:
        command = [sys.executable, "-m", "benchmarks.weights", "--step", name, "--store", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        wall, memory = json.loads(done.stdout.splitlines()[-1])
        short = name.startswith("neighbours")
        rows.append(row(name, 1e3 * wall if short else wall, "ms" if short else "s"))
        if not short:
            rows.append(row(f"{name}: memory at its highest", memory / 1e9, "GB"))
    return rows


def main() -> None:
    """Print the table, or run one step of it."""
    parser = options(__doc__)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--step", choices=STEPS, help="run this one here, and nothing else")
    chosen = parser.parse_args()
    path = chosen.store or cache_folder() / "bench" / f"weights-{chosen.tokens}.h5"
    if chosen.step:
        one_step(chosen.step, path)
        return
    rows = measure(path, chosen.tokens)
    show(TITLE, rows)
    keep(chosen.json, TITLE, rows)


if __name__ == "__main__":
    main()
