"""The seed's candidates for gates, listed as such, each beside what a test of it would have said.

Balcells et al. 2024 (3.2) call a feature an AND gate where exactly two upstream features have a necessity
P(source active | target active) of 0.999 or more, an OR gate where exactly two have such a sufficiency
P(target active | source active), and leave it there. Nothing says that the two *explain* the feature: an always-on
feature is necessary for everything, and two features that each imply a third may cover a thousandth of it. Precision,
recall and gain over the better of the two tell the ones from the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.analyses.gate import GAIN, TruthRow, excess, mask_of, truth_rows
from core.analyses.gates import check_sites
from core.kernels import kernel
from core.statistics.active import Report, active_site
from core.statistics.gate_search import Found
from core.statistics.truth_table import f1_score, literal_mask, precision_recall, truth_tables
from core.store import Store
from core.values import MIN_ACTIVE, Feature

THRESHOLD = 0.999


@dataclass(frozen=True, slots=True)
class Candidate:
    """A feature with exactly two upstream ones above the threshold, and how well their gate explains it."""

    feature: Feature
    kind: str  # and: both necessary; or: both sufficient
    inputs: tuple[Feature, Feature]
    precision: float
    recall: float
    f1: float
    gain: float  # over the better single one
    rows: tuple[TruthRow, ...]  # 2^2, first input the higher bit
    negated: int = 0  # none ever is: so a candidate reads like a gate

    @property
    def holds(self) -> bool:
        """Whether the two together say more than the better one alone, by the gain asked of tested gates."""
        return self.gain >= GAIN


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
) -> list[Candidate]:
    """The seed's candidates at site `target` over the earlier site `source`, those that hold best first.

    Both sides are active on `min_active` positions at least (1 is the seed's own choice). Raises `UnknownSite`,
    `BadArgument` and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a = np.zeros((60, 2)); a[:20, 0] = a[10:30, 1] = 1
    >>> b = np.zeros((60, 1)); b[10:20] = 1
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = seed_candidates(plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b}), "0", "1")
    >>> [(c.kind, str(c.inputs[0]), str(c.inputs[1]), c.f1, c.holds) for c in found]
    [('and', '0_0', '0_1', 1.0, True)]
    """
    check_sites(store, source, target)
    left, right = active_site(store, source, activity), active_site(store, target, activity)
    targets = np.flatnonzero(right.active >= min_active)
    found: list[tuple[int, str, tuple[int, int]]] = []
    both = np.zeros(len(left.active), np.int64)
    rows = left.token_offsets, left.features, right.feature_offsets, right.positions
    for chunk in np.array_split(targets, max(1, len(targets) // 256)):
        tables = np.zeros((2, len(chunk), 3), np.int64)
        _two_above(chunk, *rows, left.active, min_active, threshold, both, tables[0], tables[1])
        for kind, table in zip(("and", "or"), tables, strict=True):
            exactly = np.flatnonzero(table[:, 2] == 2)
            found += [(int(chunk[t]), kind, (int(table[t, 0]), int(table[t, 1]))) for t in exactly]
        report(int(np.searchsorted(targets, chunk[-1])) + 1 if len(chunk) else 0, len(targets))
    block, sizes = np.zeros(store.n_positions, np.int32), np.array([store.n])
    marks = np.zeros(store.n_positions, np.uint8), np.zeros(store.n_positions, np.uint8)
    candidates = []
    for index, kind, pair in found:
        table = truth_tables([left.row(i) for i in pair], right.row(index), block, sizes, marks)[0]
        candidates.append(_candidate(Feature(target, index), kind, source, pair, table))
    return sorted(candidates, key=lambda c: (-c.gain, -c.f1, c.feature.index))


def _candidate(feature: Feature, kind: str, source: str, pair: tuple[int, int], table: np.ndarray) -> Candidate:
    found = Found(kind, pair, 0)
    mask = mask_of(found, 2)
    precision, recall = precision_recall(table, mask)
    gain = float(excess(table, mask, [literal_mask(i, 2) for i in range(2)]))
    inputs = Feature(source, pair[0]), Feature(source, pair[1])
    rows = truth_rows(table, found, 2)
    return Candidate(feature, kind, inputs, precision, recall, float(f1_score(table, mask)), gain, rows)
