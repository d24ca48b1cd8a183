"""List the gates, splits, merges and long lifespans of the demo that its generator's notes confirm.

    python -m demo.findings [STORE] [--json] [--write]

What is tested is what the pages list for the shipped store (236 documents). It is tested on the other documents of a
larger store of the same text, which no analysis has seen: predicates over the generator's notes are chosen on one half
of them and scored on the other (`demo.predicates`, `demo.confirm`). Two controls go through the same test: notes that
were permuted, and structures whose parts are replaced by random features that fire as often.

The larger store is the one that Home's button collects, or

    python -m core collect --model demo --saes demo --text demo --tokens 300000 --out cache/stores/demo-full.h5

`--write` keeps the answer in demo/findings.json and renews the tables of docs/findings.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.commands.output import plain
from core.errors import BadArgument, StrataError
from core.paths import ROOT, stores_folder
from core.sources.demo import FOLDER, STORE
from core.store import Store, open_store
from core.values import Feature
from demo.annotations import Notes, permuted, store_notes
from demo.confirm import (
    Confirmed,
    Evidence,
    confirm_chain,
    confirm_division,
    confirm_gate,
    retested_gate,
)
from demo.predicates import Predicate, annotate, deal
from demo.structures import KINDS, Structure, stand_ins, structures
from demo.telling import in_page, tables

FINDINGS, PAGE = FOLDER / "findings.json", ROOT / "docs" / "findings.md"
EACH = 5
"""How many of a kind are listed, the best explained first."""

COLUMNS = ("listed", "confirmed", "distinct", "permuted", "stand_ins")
"""What is counted of each kind: those of the pages, those confirmed, how many of them differ, and the controls."""

PERMUTATIONS = 1, 2, 3
"""Seeds: what explanations must beat, what stands in for the notes in the control, and what that must beat."""


def confirm(evidence: Evidence, structure: Structure) -> Confirmed | None:
    """What the notes make of a structure; None where they do not bear it out."""
    if structure.gate is not None:
        return confirm_gate(evidence, structure.gate) if retested_gate(evidence, structure.gate) else None
    if structure.whole is None:
        return confirm_chain(evidence, structure.parts)
    return confirm_division(evidence, structure.whole, structure.parts)


def evidence_of(store: Store, shipped: Store) -> tuple[Evidence, Evidence]:
    """(the notes against permuted ones, permuted notes against others) on what `store` has beyond `shipped`."""
    n = shipped.n_positions
    if store.n_positions < 2 * n or not np.array_equal(store.tokens.ids[:n], shipped.tokens.ids):
        raise BadArgument(
            f"{store.path.name} is not a larger store of the shipped one's text",
            "collect it: --model demo --saes demo --text demo --tokens 300000",
        )
    rows, registers = store_notes(store)
    halves = deal(store, shipped.n_documents)
    real = annotate(rows, store, halves)
    cut = [annotate(permuted(rows, registers, seed), store, halves) for seed in PERMUTATIONS]
    return Evidence(store, real, cut[0]), Evidence(store, cut[1], cut[2])


def findings(shipped: Store, store: Store, tell: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Everything, as it is kept in JSON."""
    tell("notes")
    evidence, control = evidence_of(store, shipped)
    rng = np.random.default_rng(0)
    counts = {kind: dict.fromkeys(COLUMNS, 0) for kind in KINDS}
    confirmed: list[tuple[Structure, Confirmed]] = []
    for structure in structures(shipped):
        count = counts[structure.kind]
        if count["listed"] % 100 == 0:
            tell(f"{structure.kind}, {count['listed']:,} at site {structure.named.key}")
        found = confirm(evidence, structure)
        confirmed += [(structure, found)] if found else []
        count["listed"] += 1
        count["confirmed"] += found is not None
        count["permuted"] += confirm(control, structure) is not None
        count["stand_ins"] += confirm(evidence, stand_ins(store, structure, rng)) is not None
    for kind, count in counts.items():
        count["distinct"] = len({about(found) for structure, found in confirmed if structure.kind == kind})
    halves, (rows, _) = evidence.notes.halves, store_notes(shipped)
    return {
        "documents": {"found": shipped.n_documents, "beyond": store.n_documents - shipped.n_documents},
        "tokens": {"found": shipped.n, "chosen": int(halves.sizes[0]), "scored": int(halves.sizes[1:].sum())},
        "features": {"tried": evidence.tried, "explained": evidence.explained},
        "counts": counts,
        "findings": [record(*pair, shipped, rows) for pair in best(confirmed)],
    }


def about(found: Confirmed) -> frozenset[Predicate]:
    """What a structure is about: features that fire on the same tokens make the same of it."""
    return frozenset(part.predicate for part in found.parts)


def best(confirmed: Iterable[tuple[Structure, Confirmed]]) -> list[tuple[Structure, Confirmed]]:
    """The EACH best of every kind (the longest lifespans first), no two of which share a feature or a predicate."""
    chosen: dict[str, list[tuple[Structure, Confirmed]]] = {kind: [] for kind in KINDS}
    taken: dict[str, set[Feature | Predicate]] = {kind: set() for kind in KINDS}
    for structure, found in sorted(confirmed, key=_rank):
        uses = {one.feature for one in found.parts} | {(found.whole or found.parts[0]).predicate}
        if len(chosen[structure.kind]) < EACH and not uses & taken[structure.kind]:
            taken[structure.kind] |= uses
            chosen[structure.kind].append((structure, found))
    return [pair for kind in KINDS for pair in chosen[kind]]


def _rank(pair: tuple[Structure, Confirmed]) -> tuple[int, float]:
    structure, found = pair
    return -len(structure.parts) if structure.kind == "lifespan" else 0, -found.score.f1


# ---- as kept


def record(structure: Structure, found: Confirmed, store: Store, rows: list[list[Notes]]) -> dict[str, Any]:
    """A finding as JSON data; `here` is the F1 by the same predicates in the store in which it was found."""
    answer = structure.as_json() | {
        "whole": found.whole and found.whole.as_json(),
        "parts": [part.as_json() for part in found.parts],
        "score": vars(found.score),
        "gain": found.gain and vars(found.gain),
    }
    data: dict[str, Any] = json.loads(json.dumps(plain(answer)))
    return data | {"here": f1_here(data, store, rows)}


def f1_here(finding: Mapping[str, Any], store: Store, rows: list[list[Notes]]) -> float:
    """The F1 of a kept finding on all documents of a store: of a gate's predicates together, else the worst one."""
    flat = [found for row in rows for found in row]
    counted = np.flatnonzero(store.tokens.counted)

    def holds(part: Mapping[str, Any]) -> np.ndarray:
        terms = [{tuple(note) for note in term} for term in part["notes"]]
        return np.array([any(term <= found for term in terms) for found in flat])

    def f1(predicted: np.ndarray, feature: str) -> float:
        fires = np.isin(counted, np.asarray(store.row(store.feature(feature))[0]))
        return float(2 * np.count_nonzero(predicted & fires) / max(predicted.sum() + fires.sum(), 1))

    if finding["kind"] in ("or", "and", "and_not"):
        said = [
            holds(p) ^ written.startswith("!") for p, written in zip(finding["parts"], finding["inputs"], strict=True)
        ]
        joined = np.logical_or if finding["kind"] == "or" else np.logical_and
        return f1(joined.reduce(said), finding["feature"])
    explained = [*finding["parts"], *([finding["whole"]] if finding["whole"] else [])]
    return min(f1(holds(part), part["feature"]) for part in explained)


# ---- the command


def main(arguments: list[str] | None = None) -> int:
    """Print the findings; 1 where there is nothing to test them on."""
    parser = argparse.ArgumentParser(prog="python -m demo.findings", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("store", nargs="?", type=Path, help="a larger store of the demo's text (default: demo-full)")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--write", action="store_true", help=f"keep it in {FINDINGS.name} and docs/{PAGE.name}")
    options = parser.parse_args(arguments)
    try:
        larger = open_store(options.store or stores_folder() / "demo-full.h5")
        found = findings(open_store(STORE), larger, lambda line: print(line, file=sys.stderr, flush=True))
    except StrataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.write:
        FINDINGS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        PAGE.write_text(in_page(PAGE.read_text(), found))
    print(json.dumps(found, ensure_ascii=False) if options.json else tables(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
