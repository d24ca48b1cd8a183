"""What a whole pair of sites costs as it grows: with tokens, with active features a token, with width (DESIGN 7).

    python -m benchmarks.scaling [--rounds 2] [--json FILE]

One of the three changes at a time, from 50,000 tokens, L0 = 60 and 24,576 features on. Processor seconds of the engine,
the least of some rounds; memory is what a process of its own takes at its highest beyond the mapped activations.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.shapes import D_SAE, L0, shaped_store
from benchmarks.table import keep, options, row, show
from benchmarks.whole_pair import bare_seconds
from core.paths import ROOT, cache_folder
from core.statistics.pairs import whole_pair
from core.store import Store
from core.warm_up import compile_kernels

TOKENS = 50_000
SERIES = {
    "tokens": [(tokens, L0, D_SAE) for tokens in (25_000, 50_000, 100_000, 200_000)],
    "active a token": [(TOKENS, l0, D_SAE) for l0 in (15, 30, 60, 120)],
    "features": [(TOKENS, L0, d_sae) for d_sae in (8_192, 24_576, 65_536, 131_072)],
}
ALONE = """
import sys
from benchmarks.table import peak_bytes
from core.statistics.pairs import whole_pair
from core.store import open_store
whole_pair(open_store(sys.argv[1]), "0", "1")
print(peak_bytes())
"""


def mapped_bytes(store: Store) -> int:
    """What a pair of sites reads of the store's activations."""
    read = store.by_feature("0"), store.by_token("1")
    return sum(part.nbytes for of in read for part in (of.offsets, of.indices, of.values))


def memory_gb(path: Path, store: Store) -> float:
    """Resident memory of a process that computes the pair, at its highest and without the mapped activations."""
    ran = subprocess.run([sys.executable, "-c", ALONE, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    return (int(ran.stdout) - mapped_bytes(store)) / 1e9


def measure(tokens: int, l0: float, d_sae: int, rounds: int) -> list[dict]:
    """The figures of one shape."""
    path = cache_folder() / "bench" / f"scaling-{tokens}-{l0:g}-{d_sae}.h5"
    store = shaped_store(path, tokens, d_sae=d_sae, l0=l0)
    bare_seconds(store, 0, 1)
    processor = bare = np.inf
    links = 0
    for _ in range(rounds):
        bare = min(bare, bare_seconds(store))
        began = time.process_time()
        links = len(whole_pair(store, "0", "1").sources)
        processor = min(processor, time.process_time() - began)
    shape = f"{tokens:,} tokens, L0 = {l0:g}, {d_sae:,} features"
    return [
        row(f"{shape}: processor", processor, "s"),
        row(f"{shape}: / bare loop", processor / bare, "×"),
        row(f"{shape}: links kept", links / 1e6, "M"),
        row(f"{shape}: memory", memory_gb(path, store), "GB", 1.0),
    ]


def main() -> None:
    """Print a table for each of the three."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    compile_kernels()
    rows = []
    for name, shapes in SERIES.items():
        found = [entry for shape in shapes for entry in measure(*shape, chosen.rounds)]
        show(f"A whole pair, by {name}", found)
        rows += found
    keep(chosen.json, "A whole pair as it grows", rows)


if __name__ == "__main__":
    main()
