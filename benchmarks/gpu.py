"""Whole pairs on a GPU: first that it agrees with the CPU, then the budget of DESIGN 7 beside dense products.

    python -m benchmarks.gpu [--tokens 1000000] [--sites 12] [--profile] [--json FILE]

The dense products are those of the same GPU in the same run: d_sae² × n multiply-adds each, at the rate of a square
product in bfloat16 (whose counts would be exact) and in TF32 (whose sums would not reach float32 rounding).
Without a GPU it says so and exits with 1.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import agreement
from benchmarks.shapes import D_SAE, L0, shaped_store
from benchmarks.table import Row, best_of, keep, options, row, show
from core.errors import StrataError
from core.paths import cache_folder
from core.statistics import pairs
from core.statistics.devices import chosen_device
from core.store import Store, open_store

BUDGET = 30.0  # seconds for 11 pairs
CHECKED = {"tokens": 30_000, "d_sae": 4096, "l0": 40.0}
SIZE = 8192  # of the square product whose rate is taken


def check(path: Path) -> list[Row]:
    """The GPU against the CPU on a smaller store, at both activity rules; exits with 1 where they disagree."""
    from core.statistics import cuda

    store = shaped_store(path, int(CHECKED["tokens"]), d_sae=int(CHECKED["d_sae"]), l0=CHECKED["l0"])
    rows = []
    for activity in (0.0, 0.2):
        found = cuda.whole_pair(store, "0", "1", activity, notice=print)
        same = agreement(store, pairs.whole_pair(store, "0", "1", activity), found)
        if not same.sound:
            sys.exit(f"error: the GPU disagrees with the CPU at r = {activity}: {same}")
        rows += [
            row(f"r = {activity}: links that both kept", same.links, "links"),
            row(f"r = {activity}: links of one alone, all of them ties within rounding", same.one_sided, "links"),
            row(f"r = {activity}: largest difference of Σxy, as a share", same.sums, ""),
            row(f"r = {activity}: values in another bin", same.bins, "values"),
        ]
    return rows


def measure(store: Store) -> list[Row]:
    """All adjacent pairs, one after the other; the first includes what starting CUDA costs and is told apart."""
    import torch

    from core.statistics import cuda

    keys = [site.key for site in store.sites]
    torch.cuda.reset_peak_memory_stats()
    found = [cuda.whole_pair(store, a, b, notice=print) for a, b in pairwise(keys)]
    spent = [pair.seconds for pair in found]
    eleven = sum(spent) * 11 / len(spent)
    n, d = store.n, store.sites[0].d_sae
    rows = [
        row(f"{len(spent)} pairs", sum(spent), "s"),
        row(
            "11 pairs" + ("" if len(spent) == 11 else f", from {len(spent)}"),
            eleven,
            "s",
            BUDGET if n >= 900_000 else None,
        ),
        row("the first pair", spent[0], "s"),
        row("a pair, median of the others", float(np.median(spent[1:] or spent)), "s"),
        row("links kept of a pair, mean", float(np.mean([len(pair.sources) for pair in found])) / 1e6, "M"),
        row("memory of the GPU at its highest", torch.cuda.max_memory_allocated() / 1e9, "GB"),
    ]
    for name, rate in dense_rates().items():
        one = d * d * n / rate
        rows += [
            row(f"rate of dense products, {name}", rate / 1e12, "T multiply-adds/s"),
            row(f"11 pairs by the 2 products strictly needed, {name}", 22 * one, "s"),
            row(f"11 pairs by the 8 products that the seed runs, {name}", 88 * one, "s"),
            row(f"8 dense products, {name} / a pair", 88 * one / eleven, "×"),
        ]
    return rows


def dense_rates() -> dict[str, float]:
    """Multiply-adds a second of a square product on the GPU, by kind of number."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = True
    rates = {}
    for name, kind in (("bf16", torch.bfloat16), ("TF32", torch.float32)):
        a, b = (torch.randn(SIZE, SIZE, device="cuda").to(kind) for _ in range(2))

        def ten(a: Any = a, b: Any = b) -> None:
            for _ in range(10):
                a @ b
            torch.cuda.synchronize()

        ten()
        rates[name] = 10 * SIZE**3 / best_of(3, ten)
    return rates


def profile(store: Store) -> None:
    """Where the time of one pair goes, by operation."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    from core.statistics import cuda

    first, second = (site.key for site in store.sites[:2])
    with profiler(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        cuda.whole_pair(store, first, second)
    print(seen.key_averages().table(sort_by="self_cuda_time_total", row_limit=25))


def main() -> None:
    """Print the tables."""
    parser = options(__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--sites", type=int, default=12, help="12 make the 11 pairs; 2 are made faster, and multiplied")
    parser.add_argument("--profile", action="store_true", help="also where the time of one pair goes")
    chosen = parser.parse_args()
    try:
        chosen_device("cuda", np.inf)
    except StrataError as error:
        sys.exit(f"error: no NVIDIA GPU to measure: {error}")
    import torch

    folder = cache_folder() / "bench"
    checked = check(folder / "gpu-check.h5")
    shaped_store(folder / f"gpt2-{chosen.sites}-sites-{chosen.tokens}.h5", chosen.tokens, chosen.sites)
    store = open_store(folder / f"gpt2-{chosen.sites}-sites-{chosen.tokens}.h5")
    rows = checked + measure(store)
    title = (
        f"Whole pairs on {torch.cuda.get_device_name()}, {D_SAE:,} features, L0 = {L0}, {chosen.tokens:,} tokens, "
        "all six measures"
    )
    show(title, rows)
    if chosen.profile:
        profile(store)
    keep(chosen.json, title, rows)


if __name__ == "__main__":
    main()
