"""Truth tables: how often each combination of inputs occurs, and how often the target fires there.

A table is an int64 array [..., 2^k, 2]: the row's bits say which of the k inputs are active (the first input is the
highest bit), the last axis holds (positions, positions on which the target fires). All numbers of a gate follow from
its table, for any block of documents.

>>> table = np.array([[90, 1], [5, 4], [4, 4], [1, 1]])  # rows 00, 01, 10, 11
>>> round(float(f1_score(table, gate_mask("or", 2, 0))), 2)
0.9
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.kernels import kernel

Mask = np.ndarray  # bool [2^k], the rows on which a Boolean function says: fires

ALIKE = 0.9
"""Inputs must be less alike than this times their likeness to the target, or one of them is enough."""


@kernel
def _add_row(positions, bit, pattern):  # type: ignore[no-untyped-def]
    for p in positions:
        pattern[p] |= bit


@kernel
def _count_patterns(positions, fires, block, pattern, table):  # type: ignore[no-untyped-def]
    """Count one input's positions under their pattern, and clear them, so that no position counts twice."""
    for p in positions:
        row = pattern[p]
        if row:
            table[block[p], row, 0] += 1
            table[block[p], row, 1] += fires[p]
            pattern[p] = 0


@kernel
def _mark(positions, value, fires):  # type: ignore[no-untyped-def]
    for p in positions:
        fires[p] = value


@kernel
def _count_fires(positions, block, totals):  # type: ignore[no-untyped-def]
    for p in positions:
        totals[block[p]] += 1


def truth_tables(
    inputs: Sequence[np.ndarray],
    target: np.ndarray,
    block: np.ndarray,
    sizes: np.ndarray,
    scratch: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Tables int64 [blocks, 2^k, 2] from the rising positions of k inputs and of the target.

    `block` int32 [n_positions] names each position's block, `sizes` int64 [blocks] how many counted positions it has;
    `scratch` is two uint8 arrays [n_positions] of zeros, left as zeros. Work: the positions given, never all tokens.
    """
    pattern, fires = scratch
    k = len(inputs)
    table = np.zeros((len(sizes), 1 << k, 2), np.int64)
    _mark(target, 1, fires)
    for i, positions in enumerate(inputs):
        _add_row(positions, np.uint8(1 << (k - 1 - i)), pattern)
    for positions in inputs:
        _count_patterns(positions, fires, block, pattern, table)
    _mark(target, 0, fires)
    table[:, 0, 0] = sizes - table[:, :, 0].sum(1)
    totals = np.zeros(len(sizes), np.int64)
    _count_fires(target, block, totals)
    table[:, 0, 1] = totals - table[:, :, 1].sum(1)
    return table


def gate_mask(kind: str, inputs: int, negated: int, chosen: Sequence[int] | None = None) -> Mask:
    """The rows on which a gate fires: any input (``or``); all, the last `negated` silent (``and``, ``and_not``).

    `chosen` restricts the gate to some of the inputs, by number; the table keeps the rows of all.

    >>> gate_mask("and_not", 2, 1).tolist()  # rows 00, 01, 10, 11
    [False, False, True, False]
    """
    literals = [literal_mask(k, inputs, k >= inputs - negated) for k in (range(inputs) if chosen is None else chosen)]
    return np.logical_or.reduce(literals) if kind == "or" else np.logical_and.reduce(literals)


def literal_mask(input_: int, inputs: int, negated: bool = False) -> Mask:
    """The rows on which one of the inputs is active (or, negated, silent)."""
    active = (np.arange(1 << inputs) >> (inputs - 1 - input_)) & 1 == 1
    return ~active if negated else active


def f1_score(table: Any, mask: Mask) -> Any:
    """2·TP / (said + target) of a Boolean function against the target; 0 where both are never active. [...]

    The harmonic mean of precision TP/said and recall TP/target, which is Dice's coefficient of the two firings.
    """
    true, said, target = _sums(table, mask)
    return 2 * true / np.maximum(said + target, 1)


def precision_recall(table: Any, mask: Mask) -> tuple[float, float]:
    """(TP/said, TP/target) of one table [2^k, 2]; NaN where the denominator is 0."""
    true, said, target = (float(v) for v in _sums(table, mask))
    return (true / said if said else float("nan"), true / target if target else float("nan"))


def chance_score(table: Any, single: Mask, mask: Mask) -> Any:
    """F1 of a gate whose inputs other than one knew nothing of the target, at the same sizes. [...]

    What `mask` says beyond `single` then hits at the target's rate outside of `single`, and what it takes away loses at
    the rate inside. Two independent dense features joined by OR reach more F1 than one of them; only what a gate has
    above this is a finding.
    """
    true, said, target = _sums(table, single)
    everything = np.asarray(table)[..., 0].sum(-1)
    kept = np.asarray(table)[..., mask & single, 0].sum(-1)
    added = np.asarray(table)[..., mask & ~single, 0].sum(-1)
    expected = kept * true / np.maximum(said, 1) + added * (target - true) / np.maximum(everything - said, 1)
    return 2 * expected / np.maximum(kept + added + target, 1)


def fewest_inputs(table: Any, kind: str, inputs: int, negated: int, step: float) -> tuple[int, ...]:
    """The inputs a gate needs: the smallest subset of which every input left out gains less than `step` of F1.

    A greedy search may start from an input that later ones make superfluous.
    """
    full = f1_score(table, gate_mask(kind, inputs, negated))
    for size in range(1, inputs):
        subsets = list(itertools.combinations(range(inputs), size))
        scores = [float(f1_score(table, gate_mask(kind, inputs, negated, s))) for s in subsets]
        best = int(np.argmax(scores))
        if scores[best] >= full - step * (inputs - size):
            return subsets[best]
    return tuple(range(inputs))


def distinct_inputs(
    table: Any, kind: str, inputs: int, negated: int, kept: tuple[int, ...], alike: float = ALIKE
) -> tuple[int, ...]:
    """`kept` without inputs that resemble the gate of the others as much as either resembles the target.

    With G the others' gate, c the input, j the target and D Dice's coefficient: c goes where
    D(G, c) > alike · max(D(G, j), D(c, j)), the worst first. Where j is the union or the intersection of G and c, the
    ratio is (|G| + |j|) / (|G| + |c|) or less, below 1; where all three are noisy copies of one cause, it is 1.
    """
    while len(kept) > 1:
        ratios = []
        for c in kept:
            others = gate_mask(kind, inputs, negated, [k for k in kept if k != c])
            literal = literal_mask(c, inputs, c >= inputs - negated)
            to_target = max(float(f1_score(table, others)), float(f1_score(table, literal)))
            ratios.append(_dice(table, others, literal) / to_target if to_target else 1.0)
        worst = len(kept) - 1 - int(np.argmax(ratios[::-1]))
        if ratios[worst] <= alike:
            break
        kept = kept[:worst] + kept[worst + 1 :]
    return kept


def _dice(table: Any, a: Mask, b: Mask) -> float:
    """2|a ∧ b| / (|a| + |b|) of two Boolean functions of the inputs."""
    n = np.asarray(table)[..., 0]
    return float(2 * n[a & b].sum() / max(n[a].sum() + n[b].sum(), 1))


def _sums(table: Any, mask: Mask) -> tuple[Any, Any, Any]:
    """(true positives, positions on which the function says yes, positions on which the target fires). [...]"""
    table = np.asarray(table, np.float64)
    return table[..., mask, 1].sum(-1), table[..., mask, 0].sum(-1), table[..., 1].sum(-1)
