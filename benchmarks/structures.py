"""Gates, splits and merges: what is found of what was planted, what is found where nothing was, and how long it takes.

    python -m benchmarks.structures [--large] [--tokens 200000] [--json FILE]

Found and planted are counted over several seeds of `core.sources.structures.one_of_each`. Times are those of one pair
of sites of 512 features at 300k tokens, and with ``--large`` of GPT-2 shape.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.shapes import shaped_store
from benchmarks.table import Row, keep, options, row, seconds, show
from core.analyses.gates import gates
from core.analyses.seed_gates import seed_candidates
from core.analyses.splits import merges, splits
from core.paths import cache_folder
from core.sources.structures import one_of_each
from core.sources.truth import Truth
from core.store import Store

TITLE = "Gates, splits and merges"
SEEDS = range(5)

ANALYSES: dict[str, Callable[[Store, str, str], list]] = {
    "gates": gates,
    "splits": splits,
    "merges": merges,
    "the seed's candidates": seed_candidates,
}


def found_in(store: Store, name: str) -> set:
    """What an analysis finds over all adjacent sites, in the form of `planted_in`."""
    pairs = itertools.pairwise(store.sites)
    found = [one for a, b in pairs for one in ANALYSES[name](store, a.key, b.key)]
    if name == "gates":
        return {(g.feature, g.kind, frozenset(g.written)) for g in found}
    return {(one.whole, frozenset(one.parts)) for one in found}


def planted_in(truth: Truth, name: str) -> tuple[set, set]:
    """(what must be found, what may be found besides: a merge is an OR gate, an OR gate is a merge)."""
    merged = {(m.child, frozenset(m.parents)) for m in truth.merges}
    if name == "gates":
        other = {(child, "or", frozenset(map(str, parents))) for child, parents in merged}
        return {(g.feature, g.kind, frozenset(g.written)) for g in truth.gates}, other
    if name == "splits":
        return {(s.parent, frozenset(s.children)) for s in truth.splits}, set()
    return merged, {(g.feature, frozenset(g.inputs)) for g in truth.gates if g.kind == "or"}


def recovery(folder: Path) -> list[Row]:
    """Precision and recall on planted stores, and the number found in their twins."""
    rows = []
    stores = {
        (seed, twin): one_of_each(folder / f"{seed}{twin}.h5", seed, twin) for seed in SEEDS for twin in (False, True)
    }
    for name in ("gates", "splits", "merges"):
        hits = found_total = planted_total = in_twins = fine = 0
        for seed in SEEDS:
            store, truth = stores[seed, False]
            found, (wanted, allowed) = found_in(store, name), planted_in(truth, name)
            hits, planted_total = hits + len(found & wanted), planted_total + len(wanted)
            fine, found_total = fine + len(found & (wanted | allowed)), found_total + len(found)
            in_twins += len(found_in(stores[seed, True][0], name))
        rows += [
            row(f"{name}: recall, {planted_total} planted", hits / planted_total, ""),
            row(f"{name}: precision, {found_total} found", fine / max(found_total, 1), ""),
            row(f"{name}: found in the negative twins", in_twins, ""),
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
