"""The measures: pure functions of pair counts, scalars or arrays of one shape; 0/0 is NaN.

A new measure is a function of `PairCounts` and a line in `MEASURE_FUNCTIONS`.

>>> counts = PairCounts(n=8, n_source=4, n_target=2, n_both=2, sum_x=4, sum_xx=4, sum_y=2, sum_yy=2, sum_xy=2)
>>> {name: round(float(value), 3) for name, value in all_measures(counts).items()}  # doctest: +NORMALIZE_WHITESPACE
{'pearson': 0.577, 'cosine': 0.707, 'jaccard': 0.5, 'sufficiency': 0.5, 'necessity': 1.0,
 'mutual_information': 0.216}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.errors import BadArgument
from core.kernels import kernel
from core.values import MEASURES, PairCounts

EPSILON = float(np.finfo(np.float64).eps)


def pearson(counts: PairCounts) -> Any:
    """(Σxy/n − x̄ȳ) / (σ_x σ_y) over all counted positions, −1..1; NaN where a feature is constant.

    1 − (Σx)²/(nΣx²) is σ²/(mean of x²), the share of a feature's size that varies. Sequential sums are off by at most
    n · ε of themselves, so that a share below that (or below half of what one silent position in n makes) is rounding
    noise and the feature is constant. Values beyond ±1 are clipped only as far as that noise explains them.

    >>> pearson(PairCounts(3, 3, 1, 1, 6, 12, 1, 1, 2))  # x is always 2
    array(nan)
    """
    n = counts.n
    noise = min((n + 8) * EPSILON, 0.5 / max(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        sum_x, sum_y, xx, yy = (_real(v) for v in (counts.sum_x, counts.sum_y, counts.sum_xx, counts.sum_yy))
        vary_x = 1 - (sum_x / xx) * (sum_x / n)
        vary_y = 1 - (sum_y / yy) * (sum_y / n)
        varies = (vary_x > noise) & (vary_y > noise)
        scale = np.sqrt(xx) * np.sqrt(yy)
        raw = (_real(counts.sum_xy) - sum_x * (sum_y / n)) / scale / np.sqrt(vary_x * vary_y)
        slack = 1e-12 + noise * (1 / vary_x + 1 / vary_y)
        value = np.where(np.abs(raw) <= 1 + slack, np.clip(raw, -1, 1), raw)
    return np.where(varies, value, np.nan)


def cosine(counts: PairCounts) -> Any:
    """Σxy / √(Σx² Σy²), 0..1; NaN where a feature is never active."""
    scale = np.sqrt(_real(counts.sum_xx)) * np.sqrt(_real(counts.sum_yy))
    raw = _ratio(counts.sum_xy, scale)
    return np.where(raw <= 1 + 1e-12 + counts.n * EPSILON, np.minimum(raw, 1), raw)


def jaccard(counts: PairCounts) -> Any:
    """n_both / (n_source + n_target − n_both), 0..1; NaN where neither is ever active."""
    either = _whole(counts.n_source) + _whole(counts.n_target) - _whole(counts.n_both)
    return _ratio(counts.n_both, either)


def sufficiency(counts: PairCounts) -> Any:
    """n_both / n_source = P(target active given source active), 0..1."""
    return _ratio(counts.n_both, counts.n_source)


def necessity(counts: PairCounts) -> Any:
    """n_both / n_target = P(source active given target active), 0..1."""
    return _ratio(counts.n_both, counts.n_target)


def lift(counts: PairCounts) -> Any:
    """n_both · n / (n_source · n_target), 0..; 1 under independence."""
    return _ratio(_real(counts.n_both) * counts.n, _real(counts.n_source) * _real(counts.n_target))


def mutual_information(counts: PairCounts) -> Any:
    """Σ over the four cells of p log(p / (p_i p_j)), nats; an empty cell adds 0.

    Computed as 1/n² Σ m φ(δ) with m the product of a cell's two margins, δ = ±(n·n_both − n_source·n_target) / m and
    φ(δ) = (1 + δ) log(1 + δ) − δ: the same number, since Σ m δ = 0, but no term is negative, so that the nearly
    independent pairs keep their digits.

    >>> counts = PairCounts(4, 2, 2, np.array([0, 1, 2]), 2, 2, 2, 2, 2)
    >>> mutual_information(counts).round(3).tolist()
    [0.693, 0.0, 0.693]
    """
    arrays = np.broadcast_arrays(*(_whole(v) for v in (counts.n_source, counts.n_target, counts.n_both)))
    out = np.empty(arrays[0].shape)
    _mutual_information(counts.n, *(np.ascontiguousarray(a).reshape(-1) for a in arrays), out.reshape(-1))
    return out


@kernel
def _excess(delta):  # type: ignore[no-untyped-def]
    """(1 + δ) log(1 + δ) − δ; below 1/64 by its series Σ (−δ)^k / (k(k − 1)), which cancels nothing."""
    if delta <= -1.0:
        return 1.0
    if abs(delta) < 0.015625:
        u = -delta
        s = 1 / 30 + u * (1 / 42 + u * (1 / 56 + u * (1 / 72 + u * (1 / 90))))
        return u * u * (0.5 + u * (1 / 6 + u * (1 / 12 + u * (1 / 20 + u * s))))
    return (1.0 + delta) * np.log1p(delta) - delta


@kernel
def _mutual_information(n, sources, targets, both, out):  # type: ignore[no-untyped-def]
    size = np.float64(n)
    exact = n < 3_000_000_000  # then the products below fit int64
    for e in range(len(both)):
        a, b = np.float64(sources[e]), np.float64(targets[e])
        if n == 0:
            out[e] = np.nan
            continue
        surplus = np.float64(n * both[e] - sources[e] * targets[e]) if exact else size * both[e] - a * b
        total = 0.0
        for margin, sign in (
            (a * b, 1.0),
            (a * (size - b), -1.0),
            ((size - a) * b, -1.0),
            ((size - a) * (size - b), 1.0),
        ):
            if margin > 0:
                total += margin * _excess(sign * surplus / margin)
        out[e] = total / size / size


MEASURE_FUNCTIONS: dict[str, Callable[[PairCounts], Any]] = {
    "pearson": pearson,
    "cosine": cosine,
    "jaccard": jaccard,
    "sufficiency": sufficiency,
    "necessity": necessity,
    "mutual_information": mutual_information,
}
"""Every count-based measure by name, in the order in which they are listed everywhere."""

assert tuple(MEASURE_FUNCTIONS) == MEASURES

BOUNDED = ("pearson", "cosine", "jaccard")
"""Symmetric measures that are 1 for features that do the same: the only ones that turnover may use."""


def measure_function(name: str) -> Callable[[PairCounts], Any]:
    """The function of a measure's name; raises `BadArgument`."""
    try:
        return MEASURE_FUNCTIONS[name]
    except KeyError:
        raise BadArgument(f"there is no measure {name!r}", f"choose one of {', '.join(MEASURE_FUNCTIONS)}") from None


def all_measures(counts: PairCounts) -> dict[str, Any]:
    """Every measure of `MEASURE_FUNCTIONS` by name."""
    return {name: function(counts) for name, function in MEASURE_FUNCTIONS.items()}


def _real(value: Any) -> Any:
    return np.asarray(value, np.float64)


def _whole(value: Any) -> Any:
    return np.asarray(value, np.int64)


def _ratio(numerator: Any, denominator: Any) -> Any:
    """numerator / denominator, NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _real(numerator) / _real(denominator)
    return np.where(_real(denominator) == 0, np.nan, value)
