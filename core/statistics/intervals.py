"""How sure a measure of a link is. Tokens of a document are not independent, so documents are what is resampled.

Ratios get a Wilson interval with the effective number of trials that the spread between documents allows; Pearson and
cosine a bootstrap over documents. Both see a document's burst of a feature as one event, which a naive interval over
tokens takes for hundreds.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from core.errors import BadArgument
from core.statistics.margins import floor_of
from core.statistics.measures import cosine, pearson
from core.store import Store
from core.values import MIN_ACTIVE, Feature, PairCounts

INTERVALS = ("pearson", "cosine", "jaccard", "sufficiency", "necessity")
"""The measures that get an interval."""

RESAMPLES = 1000
GROUPS = 256  # documents beyond that are gathered at random into groups, and groups resampled: as wide, and cheaper

Interval = tuple[float, float]
UNKNOWN: Interval = (float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class DocumentSums:
    """Pair counts of one link, document by document: arrays [n_documents]; counts follow the activity rule."""

    n: np.ndarray
    n_source: np.ndarray
    n_target: np.ndarray
    n_both: np.ndarray
    sum_x: np.ndarray
    sum_xx: np.ndarray
    sum_y: np.ndarray
    sum_yy: np.ndarray
    sum_xy: np.ndarray


def wilson(successes: float, trials: float, level: float = 0.95) -> Interval:
    """The Wilson score interval of a share; `trials` may be fractional (an effective number).

    Source: E. B. Wilson, 1927. NaN without trials.

    >>> tuple(round(v, 3) for v in wilson(8, 10))
    (0.49, 0.943)
    """
    if trials <= 0:
        return UNKNOWN
    z = float(ndtri(0.5 + level / 2))
    p, zz = successes / trials, z * z
    centre = (p + zz / (2 * trials)) / (1 + zz / trials)
    half = z / (1 + zz / trials) * float(np.sqrt(p * (1 - p) / trials + zz / (4 * trials * trials)))
    # At the ends the formula gives exactly 0 and 1; rounding would not.
    return (0.0 if p <= 0 else centre - half), (1.0 if p >= 1 else centre + half)


def effective_trials(successes: np.ndarray, trials: np.ndarray, level: float = 0.95) -> float:
    """How many independent trials the share Σsuccesses/Σtrials is worth, from its spread between documents.

    With D documents in which there were trials and p = Σk/Σm, the jackknife over documents gives the variance
    v = (D−1)/D · Σ ((k_d − p m_d) / (Σm − m_d))². Then it is p(1 − p)/v, times (z/t)² because v itself is an estimate
    (Korn and Graubard 1998), with t's degrees of freedom one less than the (Σm)²/Σm² documents that those of so
    different sizes are worth (Kish); never more than Σm. Where p is 0 or 1, v says nothing, and it is D.

    >>> effective_trials(np.array([9, 0, 9, 0]), np.array([9, 9, 9, 9])) < 4
    True
    """
    there = trials > 0
    k, m = successes[there].astype(np.float64), trials[there].astype(np.float64)
    documents, total = len(m), m.sum()
    if documents == 0:
        return 0.0
    p = k.sum() / total
    if documents == 1 or p in (0.0, 1.0):
        return float(documents)
    variance = (documents - 1) / documents * float(np.square((k - p * m) / (total - m)).sum())
    if variance == 0:
        return float(total)
    freedom = max(total**2 / float(np.square(m).sum()) - 1, 1)
    z, t = ndtri(0.5 + level / 2), stdtrit(freedom, 0.5 + level / 2)
    return float(min(p * (1 - p) / variance * (z / t) ** 2, total))


def ratio_interval(successes: np.ndarray, trials: np.ndarray, level: float = 0.95) -> Interval:
    """Wilson's interval of Σsuccesses/Σtrials with the effective number of trials; arrays [n_documents]."""
    total = float(trials.sum())
    if total == 0:
        return UNKNOWN
    effective = effective_trials(successes, trials, level)
    return wilson(float(successes.sum()) / total * effective, effective, level)


def bootstrap(
    sums: DocumentSums, level: float = 0.95, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Interval]:
    """Percentile intervals of Pearson and cosine over documents drawn again with replacement; seeded.

    All resamples are one product of a matrix of weights [resamples, groups] with the sums of each group.
    """
    rng = np.random.default_rng(seed)
    names = ("n", "sum_x", "sum_xx", "sum_y", "sum_yy", "sum_xy")
    table = _grouped(np.stack([getattr(sums, name).astype(np.float64) for name in names], axis=1), rng)
    if len(table) < 2:
        return {"pearson": UNKNOWN, "cosine": UNKNOWN}
    draws = rng.integers(0, len(table), (resamples, len(table)))
    flat = (draws + np.arange(resamples)[:, None] * len(table)).reshape(-1)
    weights = np.bincount(flat, minlength=resamples * len(table)).reshape(resamples, len(table)).astype(np.float64)
    drawn = dict(zip(names, (weights @ table).T, strict=True))
    # Means in place of totals: n differs between resamples, and the measures are unaffected by a common factor.
    means = {name: drawn[name] / np.maximum(drawn["n"], 1) for name in names[1:]}
    counts = PairCounts(n=1, n_source=0, n_target=0, n_both=0, **means)
    return {
        name: _percentiles(function(counts), level) for name, function in (("pearson", pearson), ("cosine", cosine))
    }


def _grouped(table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The rows of `table` [documents, sums], gathered at random into at most GROUPS groups of nearly equal number."""
    if len(table) <= GROUPS:
        return table
    shuffled = table[rng.permutation(len(table))]
    return np.add.reduceat(shuffled, np.linspace(0, len(table), GROUPS, endpoint=False).astype(np.int64), axis=0)


def _percentiles(values: np.ndarray, level: float) -> Interval:
    known = values[~np.isnan(values)]
    if len(known) < len(values) / 2:
        return UNKNOWN
    low, high = np.quantile(known, (0.5 - level / 2, 0.5 + level / 2))
    return float(low), float(high)


def link_intervals(sums: DocumentSums, level: float = 0.95, seed: int = 0) -> dict[str, Interval]:
    """The interval of each measure of INTERVALS for one link; NaN where there is nothing to go by."""
    if not 0 < level < 1:
        raise BadArgument(f"level {level} is no confidence level", "choose one between 0 and 1, such as 0.95")
    either = sums.n_source + sums.n_target - sums.n_both
    found = bootstrap(sums, level, seed)
    found["jaccard"] = ratio_interval(sums.n_both, either, level)
    found["sufficiency"] = ratio_interval(sums.n_both, sums.n_source, level)
    found["necessity"] = ratio_interval(sums.n_both, sums.n_target, level)
    return {name: found[name] for name in INTERVALS}


def expected_both(counts: PairCounts) -> float:
    """n_source · n_target / n: how often both would be active if they were independent."""
    return counts.n_source * counts.n_target / counts.n if counts.n else float("nan")


def enough_data(counts: PairCounts) -> bool:
    """Whether both are active together often enough (MIN_ACTIVE) for the measures to say anything."""
    return bool(counts.n_both >= MIN_ACTIVE)


_documents: weakref.WeakKeyDictionary[Store, tuple[np.ndarray, np.ndarray]] = weakref.WeakKeyDictionary()


def document_index(store: Store) -> tuple[np.ndarray, np.ndarray]:
    """(each sequence's document as 0..n_documents−1, counted positions of each document); kept per store."""
    if store not in _documents:
        tokens = store.tokens
        _, number = np.unique(tokens.sequence_document, return_inverse=True)
        running = np.concatenate([np.zeros(1, np.int64), np.cumsum(tokens.counted, dtype=np.int64)])
        offsets = np.clip(tokens.sequence_offsets, 0, store.n_positions)
        counted = np.bincount(
            number, running[offsets[1:]] - running[offsets[:-1]], minlength=number.max(initial=-1) + 1
        )
        _documents[store] = number, counted
    return _documents[store]


def document_sums(store: Store, source: Feature, target: Feature, activity: float = 0.0) -> DocumentSums:
    """The pair counts of a link in each document, from the two rows alone."""
    number, n = document_index(store)
    rows = []
    for feature in (source, target):
        positions, values = (np.asarray(part) for part in store.row(feature))
        rows.append((positions, values.astype(np.float64), values > floor_of(store, feature, activity)))
    (p, x, a), (q, y, b) = rows

    def by_document(positions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        sequence = np.searchsorted(store.tokens.sequence_offsets, positions, side="right") - 1
        return np.bincount(number[np.clip(sequence, 0, len(number) - 1)], weights, minlength=len(n))

    both, i, j = np.intersect1d(p, q, assume_unique=True, return_indices=True)
    return DocumentSums(
        n=n,
        n_source=by_document(p, a),
        n_target=by_document(q, b),
        n_both=by_document(both, a[i] & b[j]),
        sum_x=by_document(p, x),
        sum_xx=by_document(p, x * x),
        sum_y=by_document(q, y),
        sum_yy=by_document(q, y * y),
        sum_xy=by_document(both, x[i] * y[j]),
    )
