"""The search for a target's gates: greedy, exact at every step, over all features of a site at once.

For a list of positions L, one pass over the features active on L gives |c ∧ L| for every feature c together; so each
greedy step knows the F1 of every possible next input exactly, at the cost of Σ L0 over L, without any d_sae².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.kernels import kernel
from core.statistics.active import ActiveSite

STEP = 0.02
"""Each input must add this much F1, on the half of the documents that is searched."""

LEAST = 5
"""And rest on at least so many positions there (half of MIN_ACTIVE, on half of the documents)."""

STARTS = 3
"""Single features from which conjunctions are grown."""


@dataclass(frozen=True, slots=True)
class Found:
    """A gate that the search proposes; its inputs are features of the source site by index, negated ones last."""

    kind: str
    inputs: tuple[int, ...]
    negated: int


@dataclass(frozen=True, slots=True)
class Scratch:
    """Work space of one thread, as zeros: two numbers a feature and a mark a position."""

    both: np.ndarray  # int64 [d_sae], with the target
    inside: np.ndarray  # int64 [d_sae], with what the gate says so far
    hits: np.ndarray  # int64 [d_sae], with both
    mark: np.ndarray  # uint8 [n_positions]
    positions: np.ndarray  # int64 [n_positions]

    @classmethod
    def of(cls, d_sae: int, n_positions: int) -> Scratch:
        """Work space for a source site of this size."""
        both, inside, hits = np.zeros((3, d_sae), np.int64)
        return cls(both, inside, hits, np.zeros(n_positions, np.uint8), np.zeros(n_positions, np.int64))


@kernel
def _grow_or(  # type: ignore[no-untyped-def]
    target, searched, offsets, features, row_offsets, rows, sizes, both, inside, hits, mark, step, least, chosen
):
    """Greedy cover: `chosen` gets the inputs; returns how many. Each must hit more often than not where it is new."""
    n_target, said, true, found = len(target), 0, 0, 0
    inside[:], hits[:] = 0, 0
    for p in target:
        mark[p] = 1
    while found < len(chosen):
        best, limit = -1, 2.0 * true / max(said + n_target, 1) + (step if found else 0.0)
        for c in range(len(both)):
            new = both[c] - hits[c]
            if new < least:
                continue
            added = sizes[c] - inside[c]
            if 2 * new <= added:
                continue
            score = 2.0 * (true + new) / (said + added + n_target)
            if score > limit:
                best, limit = c, score
        if best < 0:
            break
        chosen[found] = best
        found += 1
        for p in rows[row_offsets[best] : row_offsets[best + 1]]:
            if searched[p] and mark[p] < 2:
                hit = mark[p]
                mark[p] += 2
                said += 1
                true += hit
                for e in range(offsets[p], offsets[p + 1]):
                    inside[features[e]] += 1
                    hits[features[e]] += hit
    for k in range(found):
        for p in rows[row_offsets[chosen[k]] : row_offsets[chosen[k] + 1]]:
            mark[p] = 0
    for p in target:
        mark[p] = 0
    return found


@kernel
def _grow_and(  # type: ignore[no-untyped-def]
    start, target, searched, offsets, features, row_offsets, rows, inside, hits, mark, positions, step, least,
    chosen, signs,
):  # fmt: skip
    """Greedy conjunction from `start`: inputs and their signs (1, or 0 for negated); returns (how many, F1)."""
    n_target, said, true, found = len(target), 0, 0, 1
    for p in target:
        mark[p] = 1
    for p in rows[row_offsets[start] : row_offsets[start + 1]]:
        if searched[p]:
            positions[said] = p
            said += 1
            true += mark[p]
    chosen[0], signs[0] = start, 1
    score = 2.0 * true / max(said + n_target, 1)
    while found < len(chosen):
        inside[:], hits[:] = 0, 0
        for k in range(said):
            p = positions[k]
            hit = mark[p]
            for e in range(offsets[p], offsets[p + 1]):
                inside[features[e]] += 1
                hits[features[e]] += hit
        best, sign, limit, wrong = -1, 1, score + step, said - true
        for c in range(len(inside)):
            misses = inside[c] - hits[c]  # wrong ones that c shares
            if wrong - misses >= least:
                with_c = 2.0 * hits[c] / (inside[c] + n_target)
                if with_c > limit:
                    best, sign, limit = c, 1, with_c
            if misses >= least:
                without_c = 2.0 * (true - hits[c]) / (said - inside[c] + n_target)
                if without_c > limit:
                    best, sign, limit = c, 0, without_c
        if best < 0:
            break
        chosen[found], signs[found], score = best, sign, limit
        found += 1
        for p in rows[row_offsets[best] : row_offsets[best + 1]]:
            mark[p] |= 2
        kept, true = 0, 0
        for k in range(said):
            p = positions[k]
            if (mark[p] >> 1) == sign:
                positions[kept] = p
                kept += 1
                true += mark[p] & 1
        said = kept
        for p in rows[row_offsets[best] : row_offsets[best + 1]]:
            mark[p] &= 1
    for p in target:
        mark[p] = 0
    return found, score


@kernel
def _add_both(target, offsets, features, both):  # type: ignore[no-untyped-def]
    both[:] = 0
    for p in target:
        for e in range(offsets[p], offsets[p + 1]):
            both[features[e]] += 1


@kernel
def _best_singles(both, sizes, n_target, least, starts):  # type: ignore[no-untyped-def]
    """(best single feature, its F1); `starts` gets the best of those that are active on most of the target's tokens."""
    scores = np.zeros(len(starts))
    starts[:] = -1
    best, best_score = -1, 0.0
    for c in range(len(both)):
        if both[c] < least:
            continue
        score = 2.0 * both[c] / (sizes[c] + n_target)
        if score > best_score:
            best, best_score = c, score
        if 2 * both[c] > n_target and score > scores[-1]:
            k = len(starts) - 1
            while k > 0 and score > scores[k - 1]:
                scores[k], starts[k] = scores[k - 1], starts[k - 1]
                k -= 1
            scores[k], starts[k] = score, c
    return best, best_score


def best_single(source: ActiveSite, target: np.ndarray, sizes: np.ndarray, work: Scratch) -> int:
    """The single feature of the source site that explains the target best by F1, −1 for none; as in `search`."""
    _add_both(target, source.token_offsets, source.features, work.both)
    return int(_best_singles(work.both, sizes, len(target), LEAST, np.zeros(STARTS, np.int64))[0])


def search(
    source: ActiveSite,
    target: np.ndarray,
    searched: np.ndarray,
    sizes: np.ndarray,
    most: int,
    gain: float,
    work: Scratch,
) -> tuple[int, list[Found]]:
    """(best single feature of the source site, or −1; the gates that beat it by `gain`, at most one OR and one AND).

    `target` holds the target's rising positions among the `searched` (bool [n_positions]), `sizes` int64 [d_sae] the
    source features' active positions there, `most` the number of inputs a gate may have.

    - **or**: greedy cover; each input is right more often than not on the positions that it adds.
    - **and, and_not**: from each of the STARTS best single features that are active on most of the target's positions,
      literals are added that remove the most wrong positions; a negated one therefore co-fires with them.
    """
    by_token = source.token_offsets, source.features
    by_feature = source.feature_offsets, source.positions
    _add_both(target, *by_token, work.both)
    starts = np.zeros(STARTS, np.int64)
    best, single = _best_singles(work.both, sizes, len(target), LEAST, starts)
    if best < 0 or single + gain > 1:
        return best, []
    found = []
    chosen, signs = np.zeros(most, np.int64), np.zeros(most, np.int64)
    counts = work.both, work.inside, work.hits, work.mark
    n = _grow_or(target, searched, *by_token, *by_feature, sizes, *counts, STEP, LEAST, chosen)
    if n > 1:
        found.append(Found("or", tuple(chosen[:n].tolist()), 0))
    conjunction, limit = None, single
    for start in starts[starts >= 0]:
        hits = int(work.both[start])
        if 2 * hits / (hits + len(target)) <= limit + STEP:  # not even without a single wrong position
            continue
        n, score = _grow_and(
            start, target, searched, *by_token, *by_feature, *counts[1:], work.positions, STEP, LEAST, chosen, signs
        )
        if n > 1 and score > limit:
            conjunction, limit = _conjunction(chosen[:n], signs[:n]), score
    return best, [*found, conjunction] if conjunction else found


def _conjunction(chosen: np.ndarray, signs: np.ndarray) -> Found:
    positive, negated = chosen[signs == 1].tolist(), chosen[signs == 0].tolist()
    return Found("and_not" if negated else "and", (*positive, *negated), len(negated))
