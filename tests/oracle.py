"""The answers written down the long way: dense float64 matrices, no kernel and no sparsity."""

from __future__ import annotations

import math

import numpy as np

from core.sources.planted import planted_tokens
from core.store import Tokens


def random_dense(n: int, d_sae: int, seed: int, density: float = 0.15, scale: float = 1.0) -> np.ndarray:
    """Activations [n, d_sae]; feature 0 is dead, 1 fires once, 2 always, 3 is constant, the last copies feature 4."""
    rng = np.random.default_rng(seed)
    dense = np.where(rng.random((n, d_sae)) < density, rng.exponential(scale, (n, d_sae)), 0.0)
    dense[:, 0] = 0
    if d_sae > 5:
        dense[:, 1] = 0
        dense[rng.integers(n), 1] = scale
        dense[:, 2] = rng.exponential(scale, n) + scale / 10
        dense[:, 3] = scale
        dense[:, -1] = dense[:, 4]
    return dense.astype(np.float32).astype(np.float64)


def some_uncounted(n: int, seed: int) -> Tokens:
    """Tokens in documents of random lengths, the first of each not counted."""
    rng = np.random.default_rng(seed)
    lengths = []
    while sum(lengths) < n:
        lengths.append(int(min(rng.integers(1, 30), n - sum(lengths))))
    tokens = planted_tokens(n, lengths, seed=seed)
    counted = np.ones(n, np.uint8)
    counted[tokens.sequence_offsets[:-1]] = 0
    return Tokens(
        tokens.ids, tokens.sequence_offsets, tokens.sequence_document, counted, tokens.vocabulary_bytes,
        tokens.vocabulary_offsets,
    )  # fmt: skip


def dense_measures(x: np.ndarray, y: np.ndarray, activity: float = 0.0) -> dict[str, float]:
    """Counts and measures of two features from their activations on the counted positions, straight from DESIGN 4."""
    n = len(x)
    a = x > activity * x.max(initial=0)
    b = y > activity * y.max(initial=0)
    n_i, n_j, n_ij = int(a.sum()), int(b.sum()), int((a & b).sum())
    return {
        "n_source": n_i,
        "n_target": n_j,
        "n_both": n_ij,
        "pearson": correlation(x, y),
        "cosine": divide((x * y).sum(), math.sqrt((x * x).sum()) * math.sqrt((y * y).sum())),
        "jaccard": divide(n_ij, n_i + n_j - n_ij),
        "sufficiency": divide(n_ij, n_i),
        "necessity": divide(n_ij, n_j),
        "mutual_information": information(n, n_i, n_j, n_ij),
    }


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson from centred values; NaN for a constant."""
    if not len(x) or x.max() == x.min() or y.max() == y.min():
        return math.nan
    u, v = x / x.max() - (x / x.max()).mean(), y / y.max() - (y / y.max()).mean()
    return float((u * v).sum() / math.sqrt((u * u).sum() * (v * v).sum()))


def information(n: int, n_i: int, n_j: int, n_ij: int) -> float:
    """Mutual information of two binary variables, nats."""
    if n == 0:
        return math.nan
    cells = (
        (n_ij, n_i, n_j),
        (n_i - n_ij, n_i, n - n_j),
        (n_j - n_ij, n - n_i, n_j),
        (n - n_i - n_j + n_ij, n - n_i, n - n_j),
    )
    return sum(c / n * math.log(c * n / (p * q)) for c, p, q in cells if c)


def divide(numerator: float, denominator: float) -> float:
    """NaN for 0/0."""
    return float(numerator / denominator) if denominator else math.nan


def ranking(x: np.ndarray, Y: np.ndarray, measure: str, flip: bool, skip: int | None = None) -> list[int]:
    """All candidates of a feature `x` among the columns of `Y`, best first; `flip` where `x` is the target."""
    if not x.any():
        return []
    found = []
    for j in range(Y.shape[1]):
        y = Y[:, j]
        if j == skip or not y.any():
            continue
        result = dense_measures(y, x) if flip else dense_measures(x, y)
        if not math.isnan(result[measure]):
            found.append((-result[measure], -result["n_both"], j))
    return [j for _, _, j in sorted(found)]
