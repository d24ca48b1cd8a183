"""Measures that need no tokens: from the SAEs' weights in the store alone.

- decoder cosine, d_i · d_j / (‖d_i‖ ‖d_j‖), within one space (Laptev et al. 2025);
- virtual weight, e_j · d_i: how strongly the source's direction drives the target's encoder;
- folded MSE, mean over the d dimensions of (θ_i d_i − θ_j d_j)², and the one-to-one assignment of features that
  minimises its sum (SAE Match, Balagansky et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from core.errors import SpacesDiffer
from core.statistics.top import Top, best_of_rows, empty_top, merge_columns
from core.store import Store
from core.values import Feature

BLOCK_CELLS = 1 << 24
"""Cells of the matrix held at once: 64 MB of float32."""

DENSE_FEATURES = 4096
"""Up to this many features a side the assignment is solved over all pairs; beyond, over the nearest candidates."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One-to-one matches of two sites' features; -1 and NaN for a feature that has no partner."""

    partner: np.ndarray  # int64 [d_source]
    folded_mse: np.ndarray  # float64 [d_source]
    folded_with: str  # what θ was: "threshold" or "mean active value"
    exact: bool  # False where only the nearest candidates of each feature were considered


def require_one_space(store: Store, source: str, target: str) -> None:
    """Raise `SpacesDiffer` unless both sites' decoder rows live in one space of one width."""
    a, b = store.site(source), store.site(target)
    if a.space != b.space or store.weights(source, "decoder").shape[1] != store.weights(target, "decoder").shape[1]:
        raise SpacesDiffer(
            f"the directions of site {source} ({a.space}) and site {target} ({b.space}) live in different spaces",
            "compare sites of one space, or use a measure of activations",
        )


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32; a zero row becomes NaN, since it has no direction.

    >>> unit_rows(np.array([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    rows = np.asarray(matrix, np.float32)
    norms = np.sqrt(np.einsum("fd,fd->f", rows, rows, dtype=np.float64))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (rows / norms).astype(np.float32)


def decoder_cosine(store: Store, feature: Feature, to: str) -> np.ndarray:
    """Cosine of one feature's decoder row with every one of site `to`, float32 [d_sae]; NaN for zero rows.

    Raises `SpacesDiffer`, `NothingRecorded`.
    """
    require_one_space(store, feature.key, to)
    row = unit_rows(store.weights(feature.key, "decoder")[feature.index : feature.index + 1])
    return unit_rows(store.weights(to, "decoder")) @ row[0]


def virtual_weight(store: Store, feature: Feature, to: str) -> np.ndarray:
    """Encoder row of the target · decoder row of the source, float32 [d_sae of `to`]; the earlier site is the source.

    Raises `SpacesDiffer` where the target's encoder does not read what the source writes, `NothingRecorded`.
    """
    forward = store.site(feature.key).position <= store.site(to).position
    source, target = (feature.key, to) if forward else (to, feature.key)
    require_readable(store, source, target)
    decoder, encoder = store.weights(source, "decoder"), store.weights(target, "encoder")
    if forward:
        return np.asarray(decoder[feature.index] @ encoder, np.float32)
    return np.asarray(decoder @ encoder[:, feature.index], np.float32)


def require_readable(store: Store, source: str, target: str) -> None:
    """Raise `SpacesDiffer` unless the target's encoder reads vectors of the width that the source writes.

    A site on the residual stream (or one that reads it, as transcoders do) sees what earlier residual sites write.
    """
    width = store.weights(source, "decoder").shape[1]
    if store.site(source).space != "resid" or store.site(target).d_in != width or not reads_residual(store, target):
        raise SpacesDiffer(
            f"the encoder of site {target} does not read what site {source} writes",
            "choose two sites of the residual stream, or a measure of activations",
        )


def reads_residual(store: Store, key: str) -> bool:
    """Whether a site's SAE takes the residual stream as its input."""
    hook = store.site(key).hook_name
    return any(part in hook for part in ("resid", "mlp_in", "attn_in", "ln1.hook_normalized", "ln2.hook_normalized"))


def top_decoder_cosine(store: Store, source: str, target: str, k: int = 16) -> tuple[Top, Top]:
    """The best k targets of every source and the best k sources of every target, by decoder cosine."""
    require_one_space(store, source, target)
    a, b = unit_rows(store.weights(source, "decoder")), unit_rows(store.weights(target, "decoder"))
    return top_of_product(len(a), len(b), k, lambda rows: a[rows] @ b.T, exclude_self=source == target)


def top_virtual_weight(store: Store, source: str, target: str, k: int = 16) -> tuple[Top, Top]:
    """The best k of every source and of every target, by virtual weight (largest, not largest in size)."""
    require_readable(store, source, target)
    decoder, encoder = store.weights(source, "decoder"), store.weights(target, "encoder")
    product: Callable[[slice], np.ndarray] = lambda rows: np.asarray(decoder[rows]) @ encoder  # noqa: E731
    return top_of_product(len(decoder), encoder.shape[1], k, product, exclude_self=source == target)


def top_of_product(
    rows: int, columns: int, k: int, block: Callable[[slice], np.ndarray], *, exclude_self: bool = False
) -> tuple[Top, Top]:
    """Best k of every row and column of a [rows, columns] matrix of which `block(slice)` computes some rows."""
    by_row, by_column = empty_top(rows, k), empty_top(columns, k)
    for part in _row_blocks(rows, columns):
        cells = np.asarray(block(part), np.float32)
        if exclude_self:
            cells[np.arange(part.stop - part.start), np.arange(part.start, part.stop)] = np.nan
        best = best_of_rows(cells, k)
        by_row.index[part], by_row.value[part] = best.index, best.value
        by_column = merge_columns(by_column, cells, part.start)
    return by_row, by_column


def _row_blocks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, BLOCK_CELLS // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))


# ---- folding and assignment


def folding(store: Store, key: str, other: str) -> tuple[np.ndarray, str]:
    """θ of every feature of site `key`, float64 [d_sae], and what it is.

    The JumpReLU threshold where both sites record one; elsewhere the mean value while active (NaN where dead), since
    mixing the two would compare unlike scales.
    """
    if store.has(key, "threshold") and store.has(other, "threshold"):
        return np.asarray(store.weights(key, "threshold"), np.float64), "threshold"
    summary = store.summary(key)
    with np.errstate(invalid="ignore"):
        return summary.total / np.where(summary.active > 0, summary.active, np.nan), "mean active value"


def folded_decoder(store: Store, key: str, other: str) -> np.ndarray:
    """Decoder rows times θ, float32 [d_sae, d]; NaN rows for dead features where θ is their mean active value."""
    theta, _ = folding(store, key, other)
    return theta.astype(np.float32)[:, None] * store.weights(key, "decoder")


def folded_mse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean squared difference of every row of `a` [m, d] with every one of `b` [n, d], float64 [m, n].

    >>> folded_mse(np.array([[1.0, 1.0]]), np.array([[1.0, 3.0], [1.0, 1.0]])).tolist()
    [[2.0, 0.0]]
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = np.einsum("md,md->m", a, a)[:, None] + np.einsum("nd,nd->n", b, b)[None, :]
    return np.maximum(squares - 2 * (a @ b.T), 0.0) / a.shape[1]


def assign_folded(store: Store, source: str, target: str, *, candidates: int = 32) -> Assignment:
    """The one-to-one assignment of two sites' features with the least total folded MSE.

    Exact up to `DENSE_FEATURES` a side. Beyond, each feature may only be matched with one of its `candidates` nearest
    (either way), and those for whom that leaves no partner stay unmatched. Raises `SpacesDiffer`, `NothingRecorded`.
    """
    require_one_space(store, source, target)
    _, folded_with = folding(store, source, target)
    a, b = folded_decoder(store, source, target), folded_decoder(store, target, source)
    rows, columns = np.flatnonzero(~np.isnan(a[:, 0])), np.flatnonzero(~np.isnan(b[:, 0]))
    exact = max(len(rows), len(columns)) <= DENSE_FEATURES
    solve = _assign_dense if exact else lambda x, y: _assign_sparse(x, y, candidates)
    matched, partners, cost = solve(a[rows], b[columns])
    result = Assignment(np.full(len(a), -1, np.int64), np.full(len(a), np.nan), folded_with, exact)
    result.partner[rows[matched]] = columns[partners]
    result.folded_mse[rows[matched]] = cost
    return result


def _assign_dense(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cost = folded_mse(a, b)
    rows, columns = linear_sum_assignment(cost)
    return rows, columns, cost[rows, columns]


def _assign_sparse(a: np.ndarray, b: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Assignment over the k nearest of each row and each column; a private dummy column a row keeps it solvable."""
    by_row, by_column = top_of_product(len(a), len(b), k, lambda rows: -folded_mse(a[rows], b))
    i, j, cost = _candidate_costs(a, b, by_row, by_column)
    dummy = 2.0 * float(cost.max(initial=0.0)) + 1.0
    rows = np.concatenate([i, np.arange(len(a))])
    columns = np.concatenate([j, len(b) + np.arange(len(a))])
    # The solver takes a stored zero for a missing edge, so that every cost is raised by one.
    costs = np.concatenate([cost, np.full(len(a), dummy)]) + 1.0
    graph = csr_array(coo_array((costs, (rows, columns)), shape=(len(a), len(b) + len(a))))
    matched, partners = min_weight_full_bipartite_matching(graph)
    real = partners < len(b)
    matched, partners = matched[real], partners[real]
    return matched, partners, _mean_squares(a[matched], b[partners])


def _candidate_costs(
    a: np.ndarray, b: np.ndarray, by_row: Top, by_column: Top
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The union of both directions' candidate pairs, each once, with its folded MSE computed without cancellation."""
    r, c = np.nonzero(by_row.index >= 0), np.nonzero(by_column.index >= 0)
    i = np.concatenate([r[0], by_column.index[c]]).astype(np.int64)
    j = np.concatenate([by_row.index[r], c[0]]).astype(np.int64)
    i, j = np.divmod(np.unique(i * len(b) + j), len(b))
    cost = np.empty(len(i))
    step = max(1, BLOCK_CELLS // (8 * a.shape[1]))
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        cost[part] = _mean_squares(a[i[part]], b[j[part]])
    return i, j, cost


def _mean_squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.mean((a - b) ** 2, axis=1, dtype=np.float64))
