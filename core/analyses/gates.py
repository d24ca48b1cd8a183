"""Gates: features that a Boolean combination of earlier features explains, tested on other documents.

The seed (Balcells et al. 2024, 3.2) takes a feature for a gate where exactly two upstream features pass a threshold,
and verifies nothing (`core.analyses.seed_gates` lists these). Here OR, AND and AND-NOT of 2 to k features of another
site are searched on half of the documents and scored on the other half.

A gate is kept where, on the held-out half,

- its F1 is at least GAIN above that of its best single member, and the interval of this gain, bootstrapped over
  documents, excludes 0 (DESIGN 5.5);
- the same holds against the best single feature of the whole site, and against what its inputs would reach if the
  others knew nothing of the target (`truth_table.chance_score`): two dense independent features joined by OR
  "explain" a third dense one better than either does, and that is no gate;
- it is right more often than not where it says that the feature fires.

Features that share one hidden cause cover for each other's misses, which looks like a weak gate. Inputs that resemble
each other as much as they resemble the target are therefore left out (`truth_table.distinct_inputs`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.analyses.gate import GAIN, Gate, confirmed, mask_of
from core.errors import BadArgument, NothingRecorded
from core.statistics.active import ActiveSite, Report, active_site, sequence_lengths
from core.statistics.chunks import in_chunks
from core.statistics.gate_search import STEP, Found, Scratch, search
from core.statistics.intervals import GROUPS, RESAMPLES, document_index
from core.statistics.truth_table import distinct_inputs, f1_score, fewest_inputs, truth_tables
from core.store import Store
from core.values import MIN_ACTIVE, Feature

KINDS = ("or", "and", "and_not")
MOST_INPUTS = 6
CHUNK = 32  # targets a thread takes at a time


@dataclass(frozen=True, slots=True)
class Halves:
    """Documents dealt at random into block 0, which is searched, and held-out blocks 1..B of whole documents."""

    block: np.ndarray  # int32 [n_positions]
    sizes: np.ndarray  # int64 [1 + B], counted positions
    searched: np.ndarray  # bool [n_positions]
    weights: np.ndarray  # float64 [RESAMPLES, B], how often a resample draws each held-out block


def gates(
    store: Store,
    source: str,
    target: str,
    activity: float = 0.0,
    most_inputs: int = 4,
    gain: float = GAIN,
    seed: int = 0,
    workers: int | None = None,
    report: Report = lambda done, of: None,
) -> list[Gate]:
    """The gates of site `target` over features of the earlier site `source`, best held-out F1 first, one a feature.

    Only targets active on MIN_ACTIVE positions of either half are tried. `report(done, of)` counts targets; raising
    `Cancelled` in it stops the work. The same for any number of `workers`. Raises `UnknownSite`, `BadArgument`,
    `NothingRecorded` (a store of one document has no other half) and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=2, width=16, tokens=10_000)
    >>> _ = planting.gate("and_not", site=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = gates(planting.build(pathlib.Path(folder) / "gate.h5")[0], "0", "1")
    >>> [(gate.kind, gate.written, gate.rows[2].n > gate.rows[2].n_target > 0) for gate in found]
    [('and_not', ('0_0', '!0_1'), True)]
    """
    check_sites(store, source, target)
    if not 2 <= most_inputs <= MOST_INPUTS:
        raise BadArgument(f"a gate of at most {most_inputs} inputs", f"choose 2 to {MOST_INPUTS}")
    sides = active_site(store, source, activity), active_site(store, target, activity)
    task = Task(*sides, halves(store, seed), most_inputs, gain)
    alive = np.flatnonzero(sides[1].alive)
    found = in_chunks(task.run, alive, CHUNK, workers, report)
    return sorted(found, key=rank)


def rank(gate: Gate) -> tuple[float, int]:
    """Best held-out F1 first."""
    return -gate.held_out_f1, gate.feature.index


def check_sites(store: Store, source: str, target: str) -> None:
    """Raise `BadArgument` unless `source` is the earlier site."""
    if store.site(source).position >= store.site(target).position:
        raise BadArgument(
            f"site {source} does not come before site {target}", "inputs are features of an earlier site: swap them"
        )


def halves(store: Store, seed: int = 0) -> Halves:
    """Half of the documents, drawn with `seed`, to search; the other half to score, in at most GROUPS blocks."""
    number, counted = document_index(store)
    documents = len(counted)
    if documents < 2:
        raise NothingRecorded(
            f"{store.path.name} holds a single document: no other half to test gates on", "collect more documents"
        )
    rng = np.random.default_rng(seed)
    order = rng.permutation(documents)
    held_out = order[: documents // 2]
    of_document = np.zeros(documents, np.int32)
    of_document[held_out] = 1 + np.arange(len(held_out)) % GROUPS
    block = np.repeat(of_document[number], sequence_lengths(store)).astype(np.int32)
    blocks = int(of_document.max()) + 1
    sizes = np.bincount(of_document, counted, minlength=blocks).astype(np.int64)
    draws = rng.integers(0, blocks - 1, (RESAMPLES, blocks - 1))
    weights = np.stack([np.bincount(draw, minlength=blocks - 1) for draw in draws]).astype(np.float64)
    return Halves(block, sizes, block == 0, weights)


class Task:
    """What all targets of a pair of sites share; read-only, so that threads may."""

    def __init__(self, source: ActiveSite, target: ActiveSite, halves: Halves, most: int, gain: float) -> None:
        self.source, self.target, self.halves, self.most, self.gain = source, target, halves, most, gain
        searched = np.concatenate([np.zeros(1, np.int64), np.cumsum(halves.searched[source.positions])])
        self.sizes = searched[source.feature_offsets[1:]] - searched[source.feature_offsets[:-1]]

    def run(self, targets: np.ndarray) -> list[Gate]:
        """The gates of some targets."""
        n = len(self.halves.block)
        work = Scratch.of(len(self.sizes), n)
        marks = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
        found = (self.gate_of(int(index), work, marks) for index in targets)
        return [gate for gate in found if gate is not None]

    def gate_of(self, index: int, work: Scratch, marks: tuple[np.ndarray, np.ndarray]) -> Gate | None:
        """The best gate of one target that holds on the other half, if there is any."""
        row = self.target.row(index)
        here = row[self.halves.searched[row]]
        if min(len(here), len(row) - len(here)) < MIN_ACTIVE:
            return None
        best, proposed = search(self.source, here, self.halves.searched, self.sizes, self.most, self.gain, work)
        tables = [self.table(row, self.pruned(row, found, marks), best, marks) for found in proposed]
        tables = [entry for entry in tables if len(entry[0].inputs) > 1]
        tables.sort(key=lambda entry: (-_f1(*entry), len(entry[0].inputs), KINDS.index(entry[0].kind)))
        feature = Feature(self.target.key, index)
        outcomes = (confirmed(feature, self.source.key, *entry, self.halves.weights, self.gain) for entry in tables)
        return next((gate for gate in outcomes if gate is not None), None)

    def pruned(self, row: np.ndarray, found: Found, marks: tuple[np.ndarray, np.ndarray]) -> Found:
        """The gate without the inputs that it does not need, or has twice, on the searched half."""
        k = len(found.inputs)
        table = self.tables(row, found.inputs, marks)[0]
        kept = fewest_inputs(table, found.kind, k, found.negated, STEP)
        kept = distinct_inputs(table, found.kind, k, found.negated, kept)
        negated = sum(i >= k - found.negated for i in kept)
        kind = "or" if found.kind == "or" else "and_not" if negated else "and"
        return Found(kind, tuple(found.inputs[i] for i in kept), negated)

    def table(
        self, row: np.ndarray, found: Found, best: int, marks: tuple[np.ndarray, np.ndarray]
    ) -> tuple[Found, np.ndarray]:
        """The gate and its tables [blocks, 2^k', 2], the site's best single feature as one more input unless it is."""
        rival = () if best in found.inputs else (best,)
        return found, self.tables(row, found.inputs + rival, marks)

    def tables(self, row: np.ndarray, inputs: tuple[int, ...], marks: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return truth_tables([self.source.row(i) for i in inputs], row, self.halves.block, self.halves.sizes, marks)


def _f1(found: Found, tables: np.ndarray) -> float:
    """F1 on the searched half."""
    return float(f1_score(tables[0], mask_of(found, int(np.log2(tables.shape[1])))))
