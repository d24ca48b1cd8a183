"""The one-to-one assignment of two sites' features by folded MSE (SAE Match, Balagansky et al. 2024).

Exact over all pairs where sites are small. Where they are large each feature may only be matched with one of its
nearest, so that the cost matrix is never held: a sparse problem, solved by SciPy's Jonker-Volgenant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.kernels import frozen
from core.statistics import weight_kernels as kernels
from core.statistics.data_free import folding, require
from core.statistics.top import Top, top_of_product
from core.store import Store

DENSE_FEATURES = 2048
"""Up to this many features a side the assignment is solved over all pairs (13 s for random rows, far less for SAEs);
beyond, over the nearest candidates: the time of the exact solver grows with the cube, 94 s at 4,096."""

CANDIDATES = 32
"""Nearest features of each that a large assignment considers, either way."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One-to-one matches of two sites' features; -1 and NaN for a feature that has no partner."""

    source: str
    target: str
    partner: np.ndarray  # int64 [d_source]
    folded_mse: np.ndarray  # float64 [d_source]
    folded_with: str  # what θ was: "threshold" or "mean active value"
    exact: bool  # False where only the nearest candidates of each feature were considered


def assign_folded(store: Store, source: str, target: str, *, candidates: int = CANDIDATES) -> Assignment:
    """The one-to-one assignment of two sites' ever active features with the least total folded MSE.

    Exact up to `DENSE_FEATURES` a side. Beyond, each feature may only be matched with one of its `candidates` nearest
    (either way), and those for whom that leaves no partner stay unmatched: as many as can be are matched, and of all
    ways to do so the cheapest is taken. Raises `SpacesDiffer`, `NothingRecorded`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> rows = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    >>> weights = {"0": {"decoder": rows}, "1": {"decoder": rows[[2, 0, 1]]}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "s.h5", {"0": np.ones((4, 3)), "1": np.ones((4, 3))}, weights=weights)
    ...     assign_folded(store, "0", "1").partner.tolist()
    [1, 2, 0]
    """
    require(store, "folded_mse", source, target)
    a, rows = folded_rows(store, source, target)
    b, columns = folded_rows(store, target, source)
    exact = max(len(rows), len(columns)) <= DENSE_FEATURES
    matched, partners, cost = _assign_dense(a, b) if exact else _assign_sparse(a, b, candidates)
    d_source, folded_with = store.site(source).d_sae, folding(store, source, target)[1]
    result = Assignment(source, target, np.full(d_source, -1), np.full(d_source, np.nan), folded_with, exact)
    result.partner[rows[matched]] = columns[partners]
    result.folded_mse[rows[matched]] = cost
    return result


def folded_rows(store: Store, key: str, other: str) -> tuple[np.ndarray, np.ndarray]:
    """Decoder rows times θ of a site's ever active features, float32 [features, d], and their indices.

    Features whose weights are no numbers have no distance to any other, and are left out.
    """
    theta, _ = folding(store, key, other)
    ever = np.flatnonzero(np.asarray(store.summary(key).active) > 0)
    rows = theta[ever].astype(np.float32)[:, None] * store.weights(key, "decoder")[ever]
    finite = np.isfinite(rows).all(axis=1)
    return (rows, ever) if finite.all() else (rows[finite], ever[finite])


def folded_mse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean squared difference of every row of `a` [m, d] with every one of `b` [n, d], float64 [m, n].

    >>> folded_mse(np.array([[1.0, 1.0]]), np.array([[1.0, 3.0], [1.0, 1.0]])).tolist()
    [[2.0, 0.0]]
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = np.einsum("md,md->m", a, a)[:, None] + np.einsum("nd,nd->n", b, b)[None, :]
    return np.maximum(squares - 2 * (a @ b.T), 0.0) / a.shape[1]


def _assign_dense(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from scipy.optimize import linear_sum_assignment  # a page that only shows what was kept need not wait for it

    rows, columns = linear_sum_assignment(folded_mse(a, b))
    return rows, columns, _errors(a, b, rows, columns)


def _assign_sparse(a: np.ndarray, b: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Assignment over the k nearest of each row and each column; a private dummy column a row keeps it solvable."""
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    i, j = _union(*_nearest(a, b, k), len(b))
    cost = _errors(a, b, i, j)
    scale = float(cost.max(initial=0.0)) or 1.0  # costs of 1e-20 are as far apart as those of 1
    dummy = 2.0 * (len(a) + 1)  # so dear that none is taken that can be done without
    rows = np.concatenate([i, np.arange(len(a))])
    columns = np.concatenate([j, len(b) + np.arange(len(a))])
    # The solver takes a stored zero for a missing edge, so that every cost is raised by one.
    costs = np.concatenate([cost / scale, np.full(len(a), dummy)]) + 1.0
    graph = csr_array(coo_array((costs, (rows, columns)), shape=(len(a), len(b) + len(a))))
    matched, partners = min_weight_full_bipartite_matching(graph)
    real = partners < len(b)
    matched, partners = matched[real], partners[real]
    return matched, partners, _errors(a, b, matched, partners)


def _nearest(a: np.ndarray, b: np.ndarray, k: int) -> tuple[Top, Top]:
    """The k nearest rows of `b` of each row of `a`, and of `a` of each of `b`, by float32 squared distance."""
    squares = [np.einsum("fd,fd->f", rows, rows, dtype=np.float64).astype(np.float32) for rows in (a, b)]

    def closeness(part: slice) -> np.ndarray:
        found = a[part] @ b.T
        found *= 2
        found -= squares[0][part, None]
        found -= squares[1]
        return found

    return top_of_product(len(a), len(b), k, closeness)


def _union(by_row: Top, by_column: Top, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of both directions, each once, sorted by (row, column)."""
    r, c = np.nonzero(by_row.index >= 0), np.nonzero(by_column.index >= 0)
    i = np.concatenate([r[0], by_column.index[c]]).astype(np.int64)
    j = np.concatenate([by_row.index[r], c[0]]).astype(np.int64)
    i, j = np.divmod(np.unique(i * columns + j), columns)
    return i, j


def _errors(a: np.ndarray, b: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Folded MSE of the pairs (i, j) of rows that are folded already, computed without cancellation."""
    out = np.empty(len(i))
    ones = np.ones(len(a)), np.ones(len(b))
    kernels.folded_errors(*frozen(a), ones[0], i, *frozen(b), ones[1], j, out)
    return out
