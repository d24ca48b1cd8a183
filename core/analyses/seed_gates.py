"""The seed's candidates for gates, listed as such, each beside what a test of it would have said.

Balcells et al. 2024 (3.2) call a feature an AND gate where exactly two upstream features have a necessity
P(source active | target active) of 0.999 or more, an OR gate where exactly two have such a sufficiency
P(target active | source active), and leave it there. Nothing says that the two *explain* the feature: an always-on
feature is necessary for everything, and two features that each imply a third may cover a thousandth of it. So each is
put to the test of `core.analyses.gates`, on the half of the documents that is held out there, and `Gate.fault` says
how it went.
"""

from __future__ import annotations

import numpy as np

from core.analyses.gate import GAIN, Gate, scored
from core.analyses.gates import CHUNK, Halves, Task, check_sites, halves
from core.errors import NothingRecorded
from core.kernels import kernel
from core.statistics.active import Report, active_site
from core.statistics.chunks import in_chunks
from core.statistics.gate_search import Found, Scratch, best_single
from core.store import Store
from core.values import MIN_ACTIVE, Feature

THRESHOLD = 0.999


@kernel
def _two_above(  # type: ignore[no-untyped-def]
    targets, offsets, features, row_offsets, rows, sizes, least, threshold, both, necessary, sufficient
):
    """Per target the first two sources above the threshold, and how many there are: int64 [targets, 3] each."""
    for t in range(len(targets)):
        row = rows[row_offsets[targets[t]] : row_offsets[targets[t] + 1]]
        both[:] = 0
        for p in row:
            for e in range(offsets[p], offsets[p + 1]):
                both[features[e]] += 1
        for c in range(len(both)):
            if sizes[c] < least or both[c] == 0:
                continue
            for table, whole in ((necessary, len(row)), (sufficient, sizes[c])):
                if both[c] >= threshold * whole:
                    if table[t, 2] < 2:
                        table[t, table[t, 2]] = c
                    table[t, 2] += 1


def seed_candidates(
    store: Store,
    source: str,
    target: str,
    activity: float = 0.0,
    threshold: float = THRESHOLD,
    min_active: int = MIN_ACTIVE,
    report: Report = lambda done, of: None,
) -> list[Gate]:
    """The seed's candidates at site `target` over the earlier site `source`, those that hold best first.

    Both sides are active on `min_active` positions at least (1 is the seed's own choice). Raises `UnknownSite`,
    `BadArgument` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a = np.zeros((60, 2)); a[:20, 0] = a[10:30, 1] = 1
    >>> b = np.zeros((60, 1)); b[10:20] = 1
    >>> a, b = np.tile(a, (20, 1)), np.tile(b, (20, 1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = seed_candidates(plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b}), "0", "1")
    >>> [(c.kind, str(c.inputs[0]), str(c.inputs[1]), c.f1, c.holds) for c in found]
    [('and', '0_0', '0_1', 1.0, True)]
    """
    check_sites(store, source, target)
    left, right = active_site(store, source, activity), active_site(store, target, activity)
    targets = np.flatnonzero(right.active >= min_active)
    rows = left.token_offsets, left.features, right.feature_offsets, right.positions

    def run(chunk: np.ndarray) -> list[tuple[int, Found]]:
        tables, both = np.zeros((2, len(chunk), 3), np.int64), np.zeros(len(left.active), np.int64)
        _two_above(chunk, *rows, left.active, min_active, threshold, both, tables[0], tables[1])
        return [
            (int(chunk[t]), Found(kind, (int(table[t, 0]), int(table[t, 1])), 0))
            for kind, table in zip(("and", "or"), tables, strict=True)
            for t in np.flatnonzero(table[:, 2] == 2)
        ]

    found = in_chunks(run, targets, CHUNK, None, report)
    candidates = _tested(store, Task(left, right, halves_of(store), 2, GAIN), found)
    return sorted(candidates, key=rank)


def rank(candidate: Gate) -> tuple[bool, float, float, int]:
    """Those that hold first, then by gain."""
    return not candidate.holds, -candidate.gain, -candidate.f1, candidate.feature.index


def _tested(store: Store, task: Task, found: list[tuple[int, Found]]) -> list[Gate]:
    """The candidates with their scores, and whether each would be kept as a tested gate."""
    work = Scratch.of(len(task.sizes), store.n_positions)
    marks = np.zeros(store.n_positions, np.uint8), np.zeros(store.n_positions, np.uint8)
    weights, candidates = task.halves.weights, []
    for index, pair in found:
        row = task.target.row(index)
        best = best_single(task.source, row[task.halves.searched[row]], task.sizes, work)
        _, tables = task.table(row, pair, best, marks)
        candidates.append(scored(Feature(task.target.key, index), task.source.key, pair, tables, weights, GAIN))
    return candidates


def halves_of(store: Store) -> Halves:
    """As `halves`; of a single document everything is searched and nothing held out."""
    try:
        return halves(store)
    except NothingRecorded:
        block = np.zeros(store.n_positions, np.int32)
        return Halves(block, np.array([store.n]), block == 0, np.zeros((0, 0)))
