"""One gate: its scores and its truth table, and whether the held-out documents bear it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.statistics.gate_search import Found
from core.statistics.intervals import Interval
from core.statistics.truth_table import Mask, chance_score, f1_score, gate_mask, literal_mask, precision_recall
from core.values import Feature

GAIN = 0.05
"""A gate must beat every single feature by this much F1 on documents that it was not found on."""

STACKED = 8
"""Resamples that are multiplied at once; RESAMPLES is a multiple of it."""

FAULTS = {
    "": "",
    "untested": "no other documents to test it on",
    "wrong": "wrong as often as right where it says “fires”",
    "member": f"one input alone is as good, within {GAIN} of F1",
    "rival": f"a single other feature is as good, within {GAIN} of F1",
    "chance": "unrelated inputs would reach as much",
    "unsure": "the interval of its gain includes 0",
}
"""Why a gate is none, on documents that it was not found on."""


@dataclass(frozen=True, slots=True)
class TruthRow:
    """One combination of inputs: how often it occurs, how often the feature then fires, and what the gate says."""

    active: tuple[bool, ...]  # which inputs fire, in the order of `Gate.inputs`
    says: bool
    n: int
    n_target: int

    @property
    def share(self) -> float:
        """P(feature active | these inputs); NaN where they never occur."""
        return self.n_target / self.n if self.n else float("nan")


@dataclass(frozen=True, slots=True)
class Gate:
    """A feature and the inputs that explain it; scores and table over all documents, but for the held-out ones."""

    feature: Feature
    kind: str
    inputs: tuple[Feature, ...]  # negated ones last
    negated: int
    precision: float
    recall: float
    f1: float
    gain: float
    held_out_f1: float
    held_out_gain: float
    held_out_interval: Interval  # of the gain, at 95%
    rows: tuple[TruthRow, ...]  # 2^k, first input the highest bit
    fault: str = ""  # of FAULTS; only the seed's candidates have one

    @property
    def holds(self) -> bool:
        """Whether the held-out documents confirm it."""
        return not self.fault

    @property
    def written(self) -> tuple[str, ...]:
        """Inputs as text, negated ones prefixed ``!``."""
        positive = len(self.inputs) - self.negated
        return tuple(("!" if k >= positive else "") + str(feature) for k, feature in enumerate(self.inputs))

    def as_json(self) -> dict[str, Any]:
        """The JSON of ``gates`` (DESIGN 9), with its truth table."""
        scores = ("precision", "recall", "f1", "gain", "held_out_f1", "held_out_gain", "held_out_interval")
        head = {"feature": str(self.feature), "kind": self.kind, "inputs": list(self.written)}
        names = ("active", "says", "n", "n_target")
        rows = [{name: getattr(row, name) for name in names} for row in self.rows]
        return head | {name: getattr(self, name) for name in scores} | {"truth_table": rows}


def confirmed(
    feature: Feature, source: str, found: Found, tables: np.ndarray, weights: np.ndarray, gain: float
) -> Gate | None:
    """The gate with its scores, or None where the held-out blocks (all but the first of `tables`) do not confirm it."""
    if fault(found, tables, gain):
        return None
    gate = scored(feature, source, found, tables, weights, gain)
    return gate if gate.holds else None


def fault(found: Found, tables: np.ndarray, gain: float) -> str:
    """Why the held-out blocks, as they are, speak against a gate, of FAULTS; "" where they do not."""
    k, width = len(found.inputs), int(np.log2(tables.shape[1]))
    mask, held_out = mask_of(found, width), tables[1:].sum(0)
    members, rivals = _members(found, width), _rivals(found, width)
    if len(tables) == 1:
        return "untested"
    precision, _ = precision_recall(held_out, mask)
    if not precision > 0.5:
        return "wrong"
    if excess(held_out, mask, rivals, chance=k) < gain:
        beaten = excess(held_out, mask, members) < gain, excess(held_out, mask, rivals) < gain
        return "member" if beaten[0] else "rival" if beaten[1] else "chance"
    return ""


def scored(feature: Feature, source: str, found: Found, tables: np.ndarray, weights: np.ndarray, gain: float) -> Gate:
    """The gate with its scores and its fault, also that of an unsure gain: see `core.analyses.gates`.

    The held-out scores are NaN where `tables` has no held-out block.
    """
    k, width = len(found.inputs), int(np.log2(tables.shape[1]))
    mask, members, why = mask_of(found, width), _members(found, width), fault(found, tables, gain)
    held_out, everything = tables[1:].sum(0), tables.sum(0)
    f1, held_out_gain, low, high = (float("nan"),) * 4
    if len(tables) > 1:
        drawn = _drawn(tables, weights)
        f1, held_out_gain = float(f1_score(held_out, mask)), float(excess(held_out, mask, members))
        low, high = np.quantile(excess(drawn, mask, members), (0.025, 0.975)).tolist()
        if not why and not np.quantile(excess(drawn, mask, _rivals(found, width), chance=k), 0.025) > 0:
            why = "unsure"
    precision, recall = precision_recall(everything, mask)
    return Gate(
        feature=feature,
        kind=found.kind,
        inputs=tuple(Feature(source, i) for i in found.inputs),
        negated=found.negated,
        precision=precision,
        recall=recall,
        f1=float(f1_score(everything, mask)),
        gain=float(excess(everything, mask, members)),
        held_out_f1=f1,
        held_out_gain=held_out_gain,
        held_out_interval=(low, high),
        rows=truth_rows(everything, found, width),
        fault=why,
    )


def _rivals(found: Found, width: int) -> list[Mask]:
    """What a gate must beat: each of its inputs, and the other features of a table of `width` inputs."""
    return _members(found, width) + [literal_mask(i, width) for i in range(len(found.inputs), width)]


def _members(found: Found, width: int) -> list[Mask]:
    """Each input of a gate as a gate of its own, in a table of `width` inputs."""
    k = len(found.inputs)
    return [literal_mask(i, width, i >= k - found.negated) for i in range(k)]


def _drawn(tables: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Tables of resampled held-out blocks, float64 [resamples, 2^k, 2]."""
    flat = tables[1:].reshape(len(tables) - 1, -1).astype(np.float64)
    # A stack of small products: BLAS would start threads of its own for a large one, in each of ours.
    return (weights.reshape(-1, STACKED, len(flat)) @ flat).reshape(-1, *tables.shape[1:])


def excess(table: Any, mask: Mask, singles: list[Mask], chance: int = 0) -> Any:
    """F1 above that of the best of `singles`, and of what chance makes of the first `chance` of them. [...]"""
    scores = [f1_score(table, single) for single in singles]
    scores += [chance_score(table, single, mask) for single in singles[:chance]]
    return f1_score(table, mask) - np.max(scores, axis=0)


def truth_rows(table: np.ndarray, found: Found, width: int) -> tuple[TruthRow, ...]:
    """The rows over the gate's own inputs, from a table [2^width, 2] that may have one more input behind them."""
    k = len(found.inputs)
    own = table.reshape(1 << k, 1 << (width - k), 2).sum(1)
    says = gate_mask(found.kind, k, found.negated)
    return tuple(
        TruthRow(tuple(bool((r >> (k - 1 - i)) & 1) for i in range(k)), bool(says[r]), int(own[r, 0]), int(own[r, 1]))
        for r in range(1 << k)
    )


def mask_of(found: Found, width: int) -> Mask:
    """The gate's rows in a table of `width` inputs, of which its own come first."""
    own = gate_mask(found.kind, len(found.inputs), found.negated)
    return np.repeat(own, 1 << (width - len(found.inputs)))
