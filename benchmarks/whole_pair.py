"""A whole pair of sites: against the dense products, a bare loop, scipy.sparse and Polars, all from one run (DESIGN 7).

    python -m benchmarks.whole_pair [--tokens 100000] [--rivals] [--rounds 3] [--json FILE]

The whole command, ``python -m core pairs`` with nothing kept yet, from its start to its end, stands against the dense
products, whose rate is that of a float32 product of NumPy on all cores. Against the bare loop stand processor seconds
(the sum over threads), so that other processes on the machine matter less. All are measured in turn, so that a busy
moment of the machine meets each; the least of each counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.shapes import D_SAE, shaped_store
from benchmarks.table import keep, options, row, show
from core.paths import ROOT, cache_folder
from core.statistics.pair_rows import bare_rows
from core.statistics.pair_sides import source_side, target_side
from core.statistics.pairs import whole_pair
from core.store import Store, open_store
from core.warm_up import compile_kernels

COMMAND = """
import atexit, pathlib, runpy, sys
from benchmarks.table import peak_bytes
peak = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: peak.write_text(str(peak_bytes())))
runpy.run_module("core", run_name="__main__", alter_sys=True)
"""
"""``python -m core`` that says at its end how much memory it had."""


def dense_rate(size: int = 3000) -> float:
    """Multiply-adds per wall-clock second of a float32 matrix product, the best of five."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - began)
    return size**3 / best


def bare_seconds(store: Store, first: int = 0, last: int | None = None) -> float:
    """Processor seconds of a loop that only accumulates n_both and Σxy of rows first..last−1."""
    table = np.zeros(2)
    a, b = source_side(store, "0", 0.0, table), target_side(store, "1", 0.0, table)
    cells = np.zeros(2 * b.d_sae)
    began = time.process_time()
    bare_rows(
        first, a.d_sae if last is None else last, a.starts, a.stops, a.indices, a.values, b.starts,
        b.stops, b.indices, b.values, cells, cells.view(np.int64),
    )  # fmt: skip
    return time.process_time() - began


def command_seconds(path: Path) -> tuple[float, float]:
    """Wall-clock seconds of the whole command with an empty result cache, and its resident memory at most in GB."""
    with tempfile.TemporaryDirectory() as cache:
        peak = Path(cache) / "peak"
        options = ["pairs", str(path), "--from", "0", "--to", "1", "--device", "cpu", "--json"]
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", COMMAND, str(peak), *options], cwd=ROOT, env={**os.environ, "STRATA_CACHE": cache},
            stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        return time.perf_counter() - began, int(peak.read_text()) / 1e9


def measure(path: Path, tokens: int, d_sae: int, l0: float, rounds: int, rivals: bool) -> list[dict]:
    """All figures as rows of the table."""
    shaped_store(path, tokens, d_sae=d_sae, l0=l0)
    compile_kernels()
    store = open_store(path)
    bare_seconds(store, 0, 1)
    rate, command, peak, processor, wall, bare = 0.0, np.inf, 0.0, np.inf, np.inf, np.inf
    for _ in range(rounds):
        rate = max(rate, dense_rate())
        seconds, memory = command_seconds(path)
        command, peak = min(command, seconds), max(peak, memory)
        bare = min(bare, bare_seconds(store))
        began = time.process_time()
        found = whole_pair(store, "0", "1")
        processor, wall = min(processor, time.process_time() - began), min(wall, found.seconds)
    one_product = d_sae**2 * store.n / rate
    read = store.by_feature("0"), store.by_token("1")
    mapped = sum(part.nbytes for of in read for part in (of.offsets, of.indices, of.values)) / 1e9
    rows = [
        row("the whole command, wall clock", command, "s", 8 * one_product / 1000),
        row("8 dense products at this run's rate", 8 * one_product, "s"),
        row("2 dense products, those strictly needed", 2 * one_product, "s"),
        row("8 dense products / the whole command", 8 * one_product / command, "×"),
        row("2 dense products / the whole command", 2 * one_product / command, "×"),
        row("dense rate", rate / 1e9, "G multiply-adds/s"),
        row("the engine alone, wall clock", wall, "s"),
        row("the engine alone, processor", processor, "s"),
        row("bare loop of n_both and Σxy, processor", bare, "s"),
        row("engine / bare loop, processor", processor / bare, "×", 4 if tokens < 500_000 else 2),
        row("links kept", len(found.sources) / 1e6, "M"),
        row("memory of the command at its highest, mapped pages included", peak, "GB"),
        row("the same without the mapped activations", peak - mapped, "GB", 1.0),
    ]
    return rows + (rival_rows(store, command) if rivals else [])


def rival_rows(store: Store, ours: float) -> list[dict]:
    """What a user would otherwise reach for, on the first thousand rows and scaled by the work in them."""
    import polars as pl
    import scipy.sparse as sparse

    last = 1000
    by_feature, by_token = store.by_feature("0"), store.by_token("1")
    offsets = np.asarray(by_feature.offsets)
    used = slice(0, int(offsets[last]))
    lengths = np.diff(by_token.offsets)
    share = float(lengths[by_feature.indices[used]].sum() / lengths[by_feature.indices[:]].sum())
    a = sparse.csr_array(
        (by_feature.values[used], by_feature.indices[used], offsets[: last + 1]), (last, store.n_positions)
    )
    b = sparse.csr_array(
        (by_token.values, by_token.indices, by_token.offsets), (store.n_positions, store.site("1").d_sae)
    )
    began = time.perf_counter()
    _ = a @ b
    scipy_seconds = (time.perf_counter() - began) / share
    left = pl.DataFrame(
        {
            "i": np.repeat(np.arange(last), np.diff(offsets[: last + 1])),
            "t": by_feature.indices[used],
            "x": by_feature.values[used],
        }
    )
    right = pl.DataFrame(
        {
            "t": np.repeat(np.arange(store.n_positions, dtype=np.uint32), lengths),
            "j": by_token.indices,
            "y": by_token.values,
        }
    )
    began = time.perf_counter()
    left.join(right, on="t").group_by("i", "j").agg(pl.len(), (pl.col("x") * pl.col("y")).sum()).height  # noqa: B018
    polars_seconds = (time.perf_counter() - began) / share
    return [
        row("scipy.sparse, Σxy alone (scaled up from 1,000 rows)", scipy_seconds, "s"),
        row("Polars join and group-by, n_both and Σxy (scaled up)", polars_seconds, "s"),
        row("scipy.sparse / the whole command", scipy_seconds / ours, "×"),
    ]


def main() -> None:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--d-sae", type=int, default=D_SAE)
    parser.add_argument("--l0", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rivals", action="store_true", help="also scipy.sparse and Polars")
    chosen = parser.parse_args()
    usual = chosen.d_sae == D_SAE and chosen.l0 == 60
    name = f"gpt2-{chosen.tokens}" if usual else f"{chosen.d_sae}-{chosen.l0:g}-{chosen.tokens}"
    title = f"A whole pair, {chosen.d_sae:,} features, L0 = {chosen.l0:g}, {chosen.tokens:,} tokens"
    path = cache_folder() / "bench" / f"{name}.h5"
    rows = measure(path, chosen.tokens, chosen.d_sae, chosen.l0, chosen.rounds, chosen.rivals)
    show(title, rows)
    keep(chosen.json, title, rows)


if __name__ == "__main__":
    main()
