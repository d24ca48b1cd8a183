"""Whether the generator's notes bear out a gate, a split, a merge or a lifespan that was found without them.

Every feature is explained on its own: a predicate over notes (`demo.predicates`), chosen on one half of the documents.
An explanation counts where, on the other half, its F1 is BAR or more and its interval lies above what the same search
reaches on permuted notes (`demo.annotations.permuted`). Then the structure is tested again with the predicates put in
the place of the features:

- a **gate** passes the very test that found it (`core.analyses.gate.confirmed`: gain over every single input and over
  chance) with each input replaced by its predicate, against the firing of the target itself;
- a **split or merge** is one among the predicates: two or more parts within the whole, each taking a share of it,
  disjoint from one another;
- a **lifespan** is explained by one and the same term at all of its sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from core.analyses.gate import GAIN, Gate, confirmed, mask_of
from core.statistics.division import SHARES, WITHIN
from core.statistics.gate_search import Found
from core.store import Store
from core.values import Feature
from demo.predicates import LEAST, Annotations, Predicate, Score, agreement, said, score, tables_of

BAR, APART = 0.6, 0.1
"""The least F1 of anything that is called explained; of the smaller of two parts, the most that they may share."""


@dataclass(frozen=True)
class Explanation:
    """A feature's predicate, how well it does, and how well the best one for permuted notes does."""

    feature: Feature
    predicate: Predicate
    score: Score
    by_chance: float

    @property
    def holds(self) -> bool:
        """Whether the predicate explains the feature, and not only its place in the text."""
        return self.score.f1 >= BAR and self.score.low > self.by_chance

    def as_json(self) -> dict[str, Any]:
        """As the findings are kept."""
        words = {"feature": str(self.feature), "words": said(self.predicate), "notes": self.predicate}
        return words | vars(self.score) | {"by_chance": self.by_chance}


@dataclass(frozen=True)
class Confirmed:
    """A structure that the notes bear out.

    `parts` are a gate's inputs, the parts of a division, or the sites of a lifespan; `whole` is what they make up: None
    for a lifespan, and for a gate whose target no predicate of its own explains. `score` is that of the gate of
    predicates against the target, else the worst of the explanations.
    """

    whole: Explanation | None
    parts: tuple[Explanation, ...]
    score: Score
    gain: Score | None = None  # of a gate, over the best single predicate


class Evidence:
    """A store's firing, its notes and permuted ones; explanations are kept, as features occur in many structures."""

    def __init__(self, store: Store, notes: Annotations, permuted: Annotations) -> None:
        self.store, self.notes, self.permuted = store, notes, permuted
        self._known: dict[Feature, Explanation | None] = {}
        self._scored: dict[Predicate, np.ndarray] = {}

    def row(self, feature: Feature) -> np.ndarray:
        """Where a feature fires, in documents that are dealt."""
        row = np.asarray(self.store.row(feature)[0]).astype(np.int64)
        return row[self.notes.halves.block[row] >= 0]

    @property
    def tried(self) -> int:
        """Features for which an explanation was looked for."""
        return len(self._known)

    @property
    def explained(self) -> int:
        """Those of them that have one."""
        return sum(found is not None for found in self._known.values())

    def explanation(self, feature: Feature) -> Explanation | None:
        """The best explanation, None where it does not hold or the feature fires too rarely to look for one."""
        if feature not in self._known:
            row = self.row(feature)
            enough = np.count_nonzero(self.notes.halves.searched[row]) >= LEAST
            found = self._explained(feature, row) if enough else None
            self._known[feature] = found if found and found.holds else None
        return self._known[feature]

    def _explained(self, feature: Feature, row: np.ndarray) -> Explanation | None:
        predicate = self.notes.predicate(row)
        found = agreement(self.notes.positions(predicate), row, self.notes.halves)
        if found.f1 < BAR:
            return None
        return Explanation(feature, predicate, found, self.by_chance(row, self.permuted.predicate(row)))

    def by_chance(self, row: np.ndarray, rival: Predicate) -> float:
        """F1 of a predicate that was chosen from permuted notes."""
        return agreement(self.permuted.positions(rival), row, self.notes.halves).f1

    def all_explained(self, features: Sequence[Feature]) -> list[Explanation]:
        """Explanations of all features, or of none."""
        found = []
        for feature in features:
            one = self.explanation(feature)
            if one is None:
                return []
            found.append(one)
        return found

    def scored(self, explanation: Explanation) -> np.ndarray:
        """Where a predicate is true in the documents to score on."""
        if explanation.predicate not in self._scored:
            positions = self.notes.positions(explanation.predicate)
            self._scored[explanation.predicate] = positions[self.notes.halves.block[positions] > 0]
        return self._scored[explanation.predicate]


def retested_gate(evidence: Evidence, gate: Gate) -> Gate | None:
    """The gate on the evidence's documents, features as they are; None where it no longer holds."""
    return _gate(evidence, gate, [evidence.row(one) for one in gate.inputs])[0]


def confirm_gate(evidence: Evidence, gate: Gate) -> Confirmed | None:
    """The gate with its inputs replaced by their predicates."""
    inputs = evidence.all_explained(gate.inputs)
    if not inputs:
        return None
    found, result = _gate(evidence, gate, [evidence.notes.positions(one.predicate) for one in inputs])
    if found is None or result.f1 < BAR:
        return None
    gain = Score(found.held_out_gain, *found.held_out_interval)
    return Confirmed(evidence.explanation(gate.feature), tuple(inputs), result, gain)


def _gate(evidence: Evidence, gate: Gate, rows: Sequence[np.ndarray]) -> tuple[Gate | None, Score]:
    halves = evidence.notes.halves
    tables = tables_of(rows, evidence.row(gate.feature), halves)
    found = Found(gate.kind, tuple(one.index for one in gate.inputs), gate.negated)
    held = confirmed(gate.feature, gate.inputs[0].key, found, tables, halves.weights, GAIN)
    return held, score(tables, mask_of(found, len(rows)), halves)


def confirm_division(evidence: Evidence, whole: Feature, parts: Sequence[Feature]) -> Confirmed | None:
    """The best explained parts whose predicates lie within the whole's and apart from one another, two or more."""
    top = evidence.explanation(whole)
    if top is None:
        return None
    inside = evidence.scored(top)
    kept: list[tuple[Explanation, np.ndarray]] = []
    explained = [one for one in map(evidence.explanation, parts) if one is not None]
    for one in sorted(explained, key=lambda one: -one.score.f1):
        where = evidence.scored(one)
        shared = np.intersect1d(where, inside, assume_unique=True)
        takes = SHARES[0] <= len(shared) / len(inside) <= SHARES[1]
        if takes and len(shared) >= WITHIN * len(where) and all(_apart(where, other) for _, other in kept):
            kept.append((one, where))
    if len(kept) < 2:
        return None
    parts_kept = tuple(one for one, _ in kept)
    return Confirmed(top, parts_kept, worst((top, *parts_kept)))


def confirm_chain(evidence: Evidence, features: Sequence[Feature]) -> Confirmed | None:
    """One term for all features of a lifespan: the one whose worst F1 along the chain is best."""
    rows = [evidence.row(one) for one in features]
    if min(np.count_nonzero(evidence.notes.halves.searched[row]) for row in rows) < LEAST:
        return None
    term, rival = (
        (notes.term(reduce(np.minimum, map(notes.term_scores, rows)))[0],)
        for notes in (evidence.notes, evidence.permuted)
    )
    positions, halves = evidence.notes.positions(term), evidence.notes.halves
    found = [
        Explanation(one, term, agreement(positions, row, halves), evidence.by_chance(row, rival))
        for one, row in zip(features, rows, strict=True)
    ]
    return Confirmed(None, tuple(found), worst(found)) if all(one.holds for one in found) else None


def worst(explanations: Sequence[Explanation]) -> Score:
    """The score of the least well explained feature."""
    return min((one.score for one in explanations), key=lambda one: one.f1)


def _apart(a: np.ndarray, b: np.ndarray) -> bool:
    return len(np.intersect1d(a, b, assume_unique=True)) <= APART * min(len(a), len(b))
