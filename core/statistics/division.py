"""Wholes and their parts: for each feature of one site, the features of another that fire almost only within it.

Splits and merges are the same question asked in the two directions. With W the whole and P a part, a part is
*within* the whole by the share n_WP / n_P and takes the *share* n_WP / n_W of it.

A whole that is active on most tokens has everything within it. A part therefore also has to be within the whole LIFT
times more often than if the two were independent, and so that chance can be excluded over all pairs of the two sites:
with p = n_W / n, d the number of blocks (a document, or BLOCK tokens of a longer one) in which the part fires, and KL
the divergence of two shares, the probability of a share w or more by chance is at most exp(−d · KL(w ‖ p)) (Chernoff);
it must be below ERROR / (d_W · d_P). Blocks and not tokens are the trials, since a burst of firing is one event.

SAEs have features that fire on the same tokens, and nothing is divided between a part and its copies: of parts whose
Jaccard index within the whole is SAME or more only the largest counts. A whole with a single part is not divided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.kernels import kernel
from core.statistics.active import ActiveSite, Report, sequence_lengths
from core.statistics.chunks import in_chunks
from core.store import Store
from core.values import MIN_ACTIVE

WITHIN = 0.9
SHARES = 0.05, 0.9
LIFT = 2.0
SAME = 0.9
ERROR = 0.05
BLOCK = 100
CHUNK = 64  # wholes a thread takes at a time


@dataclass(frozen=True, slots=True)
class Division:
    """A whole and its parts (largest first), by index; counts of the whole's positions."""

    whole: int
    parts: tuple[int, ...]
    n: int  # the whole's active positions
    n_parts: tuple[int, ...]  # of each part, anywhere
    n_both: tuple[int, ...]  # of each part, within the whole
    n_alone: tuple[int, ...]  # within the whole, where no other part is active
    n_several: int  # of the whole, where two or more parts are active

    @property
    def covered(self) -> int:
        """Positions of the whole with any part."""
        return sum(self.n_alone) + self.n_several

    @property
    def coverage(self) -> float:
        """The share of the whole's positions with any part."""
        return self.covered / self.n

    @property
    def overlap(self) -> float:
        """The share of the covered positions with two or more parts."""
        return self.n_several / self.covered

    @property
    def shares(self) -> tuple[float, ...]:
        """How the whole is divided, summing to 1: each part alone, several parts at once, no part at all."""
        return tuple(v / self.n for v in (*self.n_alone, self.n_several, self.n - self.covered))


@kernel
def _count_both(row, offsets, features, both):  # type: ignore[no-untyped-def]
    both[:] = 0
    for p in row:
        for e in range(offsets[p], offsets[p + 1]):
            both[features[e]] += 1


@kernel
def _divide(row, offsets, features, part_number, alone):  # type: ignore[no-untyped-def]
    """Fill `alone` [parts] and return how many positions have several parts; `part_number` [d_sae] is −1 or 0.."""
    several = 0
    for p in row:
        n, which = 0, 0
        for e in range(offsets[p], offsets[p + 1]):
            number = part_number[features[e]]
            if number >= 0:
                n += 1
                which = number
        if n == 1:
            alone[which] += 1
        elif n > 1:
            several += 1
    return several


@kernel
def _count_blocks(row_offsets, positions, block, blocks):  # type: ignore[no-untyped-def]
    for f in range(len(blocks)):
        last = np.int64(-1)
        for e in range(row_offsets[f], row_offsets[f + 1]):
            here = block[positions[e]]
            if here != last:
                blocks[f] += 1
                last = here


def divisions(
    store: Store,
    wholes: ActiveSite,
    parts: ActiveSite,
    within: float = WITHIN,
    shares: tuple[float, float] = SHARES,
    workers: int | None = None,
    report: Report = lambda done, of: None,
) -> list[Division]:
    """Every alive feature of `wholes` with two or more alive features of `parts` within it, by index.

    Work: Σ L0 of `parts` over the positions of `wholes`. `report(done, of)` counts wholes; raising `Cancelled` in it
    stops the work.
    """
    task = _Task(wholes, parts, store.n, blocks_of(store, parts), within, shares)
    return in_chunks(task.run, np.flatnonzero(wholes.alive), CHUNK, workers, report)


@dataclass(frozen=True, slots=True)
class _Task:
    """What all wholes of a pair of sites share; read-only, so that threads may."""

    wholes: ActiveSite
    parts: ActiveSite
    n: int
    blocks: np.ndarray
    within: float
    shares: tuple[float, float]

    def run(self, chunk: np.ndarray) -> list[Division]:
        """The divisions of some wholes."""
        parts, n_parts = self.parts, self.parts.active
        both, number = np.zeros(len(n_parts), np.int64), np.full(len(n_parts), -1, np.int64)
        least = np.maximum(self.within * n_parts, MIN_ACTIVE)
        needed = np.log(len(self.wholes.active) * len(n_parts) / ERROR)
        found = []
        for whole in chunk.tolist():
            row = self.wholes.row(whole)
            _count_both(row, parts.token_offsets, parts.features, both)
            chosen = np.flatnonzero(both >= least)
            taken = both[chosen] / len(row)
            chosen = chosen[(taken >= self.shares[0]) & (taken <= self.shares[1])]
            inside = both[chosen] / n_parts[chosen]
            chosen = chosen[beyond_chance(inside, len(row) / self.n, self.blocks[chosen], needed)]
            if len(chosen) > 1:
                chosen = without_copies(row, chosen[np.lexsort((chosen, -both[chosen]))], parts)
            if len(chosen) > 1:
                found.append(_division(whole, row, chosen, parts, both, number))
        return found


def without_copies(row: np.ndarray, chosen: np.ndarray, parts: ActiveSite) -> np.ndarray:
    """`chosen`, without those that fire on the same positions of `row` as an earlier one: Jaccard SAME or more."""
    kept: list[int] = []
    firings: list[np.ndarray] = []  # bool [len(row)] of each that is kept
    for index in chosen.tolist():
        fires = np.isin(row, parts.row(index), assume_unique=True)
        if all(np.count_nonzero(fires & other) < SAME * np.count_nonzero(fires | other) for other in firings):
            kept.append(index)
            firings.append(fires)
    return np.array(kept, chosen.dtype)


def beyond_chance(share: Any, density: float, trials: Any, needed: float) -> Any:
    """Whether parts lie within a whole of this density LIFT times more than by chance, and surely so (see above).

    >>> beyond_chance(np.array([0.95, 0.95, 0.2]), 0.1, np.array([20, 2, 900]), np.log(1e6)).tolist()
    [True, False, True]
    >>> bool(beyond_chance(0.95, 0.9, 900, np.log(1e6)))
    False
    """
    share, rest = np.asarray(share, np.float64), 1 - np.asarray(share, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = share * np.log(share / density) + np.where(rest > 0, rest * np.log(rest / (1 - density)), 0.0)
        return (share >= LIFT * density) & (trials * divergence >= needed)


def blocks_of(store: Store, site: ActiveSite) -> np.ndarray:
    """In how many blocks each feature fires, int64 [d_sae]; a block is a sequence or BLOCK tokens of a longer one."""
    offsets, lengths = np.asarray(store.tokens.sequence_offsets), sequence_lengths(store)
    starts = np.zeros(store.n_positions, bool)
    starts[offsets[:-1][lengths > 0]] = True
    since = np.arange(store.n_positions) - np.repeat(offsets[:-1], lengths)
    block = np.cumsum(starts | (since % BLOCK == 0))
    blocks = np.zeros(len(site.active), np.int64)
    _count_blocks(site.feature_offsets, site.positions, block, blocks)
    return blocks


def _division(
    whole: int, row: np.ndarray, chosen: np.ndarray, parts: ActiveSite, both: np.ndarray, number: np.ndarray
) -> Division:
    number[chosen] = np.arange(len(chosen))
    alone = np.zeros(len(chosen), np.int64)
    several = int(_divide(row, parts.token_offsets, parts.features, number, alone))
    number[chosen] = -1
    return Division(
        whole=whole,
        parts=tuple(chosen.tolist()),
        n=len(row),
        n_parts=tuple(parts.active[chosen].tolist()),
        n_both=tuple(both[chosen].tolist()),
        n_alone=tuple(alone.tolist()),
        n_several=several,
    )
