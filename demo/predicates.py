"""What makes a feature fire, in terms of notes: the best predicate, chosen on some documents and scored on others.

A term is one note or two that hold together; a predicate is one term, or two of which one must hold (many features of
a small SAE are about two things). Of all terms the one with the best F1 is chosen, then the second that adds most to
it, if it adds SECOND_PRICE.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial, reduce

import numpy as np
from scipy.sparse import csr_array

from core.analyses.gates import Halves
from core.statistics.intervals import GROUPS, RESAMPLES, document_index
from core.statistics.truth_table import f1_score, literal_mask, truth_tables
from core.store import Store
from demo.annotations import Note, Notes
from demo.wording import wording

LEAST, NOTE_PRICE, SECOND_PRICE = 20, 0.01, 0.05
"""Fewest tokens that a term must add; what a term's second note, and a second term, must gain to be worth saying."""

COMMON = 0.1
"""Only notes on this share of a feature's tokens are tried in its terms: a term adds at most its recall."""

Term = tuple[Note, ...]
Predicate = tuple[Term, ...]


def said(predicate: Predicate) -> str:
    """A predicate in words.

    >>> said(((("kind", "colour"),), (("inside", "list"), ("kind", "unit"))))
    'colour, or unit in a list'
    """
    return ", or ".join(wording(term) for term in predicate)


def deal(store: Store, first: int = 0, seed: int = 0) -> Halves:
    """Documents from number `first` on: half to choose predicates on (block 0), half to score them (blocks 1..B).

    Positions of earlier documents, and those that are not counted, lie in block -1.
    """
    number, counted = document_index(store)
    rng = np.random.default_rng(seed)
    order = first + rng.permutation(len(counted) - first)
    scored = order[len(order) // 2 :]
    of_document = np.full(len(counted), -1, np.int32)
    of_document[order] = 0
    of_document[scored] = 1 + np.arange(len(scored)) % GROUPS
    block = np.repeat(of_document[number], np.diff(store.tokens.sequence_offsets)).astype(np.int32)
    block[~np.asarray(store.tokens.counted).astype(bool)] = -1
    sizes = np.bincount(block[block >= 0], minlength=int(of_document.max()) + 1).astype(np.int64)
    draws = rng.integers(0, len(sizes) - 1, (RESAMPLES, len(sizes) - 1))
    weights = np.stack([np.bincount(draw, minlength=len(sizes) - 1) for draw in draws]).astype(np.float64)
    return Halves(block, sizes, block == 0, weights)


@dataclass(frozen=True)
class Annotations:
    """Which notes hold where (`table`, float32 sparse [positions, notes]) and how the documents are dealt."""

    notes: tuple[Note, ...]
    table: csr_array
    halves: Halves

    @cached_property
    def together(self) -> np.ndarray:
        """On how many positions to choose on two notes hold at once, float32 [notes, notes]."""
        table = self.table[np.flatnonzero(self.halves.searched)]
        return (table.T @ table).toarray()

    @cached_property
    def _columns(self) -> dict[Note, np.ndarray]:
        by_note = self.table.tocsc()
        rows = np.split(by_note.indices, by_note.indptr[1:-1])
        return {note: np.sort(row).astype(np.int64) for note, row in zip(self.notes, rows, strict=True)}

    def positions(self, predicate: Predicate) -> np.ndarray:
        """Where a predicate is true, rising."""
        terms = []
        for term in predicate:
            holds = [self._columns.get(note, np.zeros(0, np.int64)) for note in term]
            terms.append(reduce(partial(np.intersect1d, assume_unique=True), holds))
        return np.unique(np.concatenate(terms))

    def term_scores(self, row: np.ndarray) -> np.ndarray:
        """F1 of every term with a firing where terms are chosen, float32 [notes, notes]; one note on the diagonal."""
        row = row[self.halves.searched[row]]
        common, hits = self._common(row)
        pairs, scores = np.ix_(common, common), np.zeros_like(self.together)
        scores[pairs] = _f1(hits, self.together[pairs], len(row))
        return scores

    def term(self, scores: np.ndarray) -> tuple[Term, float]:
        """The best term and its score, where a second note costs NOTE_PRICE."""
        i, j = _best(scores)
        return tuple(self.notes[k] for k in sorted({i, j})), float(scores[i, j])

    def predicate(self, row: np.ndarray) -> Predicate:
        """The best predicate for a firing (rising positions)."""
        row = row[self.halves.searched[row]]
        common, hits = self._common(row)
        together = self.together[np.ix_(common, common)]
        scores = _f1(hits, together, len(row))
        i, j = _best(scores)
        first = tuple(self.notes[common[k]] for k in sorted({i, j}))
        here = self.positions((first,))
        here = here[self.halves.searched[here]]
        rest = np.setdiff1d(row, here, assume_unique=True)
        added = together - self._gram(here, common)  # positions of each term beyond the first
        sums = 2 * (len(row) - len(rest) + self._gram(rest, common)) / (len(here) + added + len(row))
        sums[added < LEAST] = 0
        a, b = _best(sums)
        second = tuple(self.notes[common[k]] for k in sorted({a, b}))
        return (first, second) if sums[a, b] >= scores[i, j] + SECOND_PRICE else (first,)

    def _common(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Notes that hold on COMMON of these positions or more, and how often each two of them do."""
        there = self.table[row].toarray()
        common = np.flatnonzero(there.mean(0) >= COMMON)
        there = there[:, common]
        return common, there.T @ there

    def _gram(self, row: np.ndarray, notes: np.ndarray) -> np.ndarray:
        there = self.table[row].toarray()[:, notes]
        return there.T @ there


def _f1(hits: np.ndarray, said: np.ndarray, fired: int) -> np.ndarray:
    """F1 of terms; 0 where one is true of fewer than LEAST tokens."""
    return np.where(said >= LEAST, 2 * hits / np.maximum(said + fired, 1), 0)


def _best(scores: np.ndarray) -> tuple[int, int]:
    """The row and column of the best score, where those off the diagonal cost NOTE_PRICE."""
    return divmod(int((scores - NOTE_PRICE * ~np.eye(len(scores), dtype=bool)).argmax()), len(scores))


def annotate(rows: Sequence[Sequence[Notes]], store: Store, halves: Halves) -> Annotations:
    """The notes of a store's counted tokens, document by document, without those too rare to be chosen."""
    flat = [found for row in rows for found in row]
    counted = np.flatnonzero(store.tokens.counted)[: len(flat)]
    counts = Counter(note for at in np.flatnonzero(halves.searched[counted]) for note in flat[at])
    notes = tuple(sorted(note for note, n in counts.items() if n >= LEAST))
    number = {note: k for k, note in enumerate(notes)}
    entries = [[number[note] for note in found if note in number] for found in flat]
    lengths = np.zeros(store.n_positions + 1, np.int64)
    lengths[counted + 1] = [len(entry) for entry in entries]
    columns = np.fromiter((k for entry in entries for k in entry), np.int32)
    shape = store.n_positions, len(notes)
    return Annotations(
        notes, csr_array((np.ones(len(columns), np.float32), columns, np.cumsum(lengths)), shape=shape), halves
    )


# ---- scores


@dataclass(frozen=True)
class Score:
    """F1 on the documents to score on, and its interval at 95%, bootstrapped over documents."""

    f1: float
    low: float
    high: float


def tables_of(inputs: Sequence[np.ndarray], target: np.ndarray, halves: Halves) -> np.ndarray:
    """Truth tables [1 + B, 2^k, 2] over the documents that are dealt."""
    rows = [row[halves.block[row] >= 0] for row in (*inputs, target)]
    scratch = np.zeros(len(halves.block), np.uint8), np.zeros(len(halves.block), np.uint8)
    return truth_tables(rows[:-1], rows[-1], halves.block, halves.sizes, scratch)


def score(tables: np.ndarray, mask: np.ndarray, halves: Halves) -> Score:
    """How well a Boolean function of the inputs gives the target on the blocks to score on."""
    flat = tables[1:].reshape(len(tables) - 1, -1).astype(np.float64)
    drawn = f1_score((halves.weights @ flat).reshape(-1, *tables.shape[1:]), mask)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Score(float(f1_score(tables[1:].sum(0), mask)), float(low), float(high))


def agreement(predicted: np.ndarray, row: np.ndarray, halves: Halves) -> Score:
    """How well positions that were predicted agree with a firing."""
    return score(tables_of([predicted], row, halves), literal_mask(0, 1), halves)
