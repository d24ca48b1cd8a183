"""The measures: pure functions of pair counts, scalars or arrays of one shape; 0/0 is NaN.

A new measure is a function of `PairCounts` and a line in `MEASURE_FUNCTIONS`.

>>> counts = PairCounts(n=8, n_source=4, n_target=2, n_both=2, sum_x=4, sum_xx=4, sum_y=2, sum_yy=2, sum_xy=2)
>>> {name: round(float(value), 3) for name, value in all_measures(counts).items()}  # doctest: +NORMALIZE_WHITESPACE
{'pearson': 0.577, 'cosine': 0.707, 'jaccard': 0.5, 'sufficiency': 0.5, 'necessity': 1.0,
 'mutual_information': 0.216}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.errors import BadArgument
from core.kernels import frozen, kernel
from core.values import MEASURES, PairCounts, about

EPSILON = float(np.finfo(np.float64).eps)


def pearson(counts: PairCounts) -> Any:
    """(Σxy/n − x̄ȳ) / (σ_x σ_y) over all counted positions, −1..1; NaN where a feature is constant.

    1 − (Σx)²/(nΣx²) is σ²/(mean of x²), the share of a feature's size that varies. Sequential sums are off by at most
    n · ε of themselves, so that a share below that (or below half of what one silent position in n makes) is rounding
    noise and the feature is constant. Values beyond ±1 are clipped only as far as that noise explains them.

    >>> pearson(PairCounts(3, 3, 1, 1, 6, 12, 1, 1, 2))  # x is always 2
    array(nan)
    """
    noise = noise_share(counts.n)
    fields = (counts.sum_x, counts.sum_xx, counts.sum_y, counts.sum_yy, counts.sum_xy)
    return _each(_pearson, (counts.n, noise), fields, np.float64)


def noise_share(n: int) -> float:
    """Below this share of its mean square, a feature's variance is rounding noise."""
    return min((n + 8) * EPSILON, 0.5 / max(n, 1))


@kernel
def pearson_of(n, noise, sum_x, sum_xx, sum_y, sum_yy, sum_xy):  # type: ignore[no-untyped-def]
    """Pearson of one pair; the whole-pair kernel uses it too, so that the numbers are the same either way."""
    vary_x = 1.0 - (sum_x / sum_xx) * (sum_x / n)
    vary_y = 1.0 - (sum_y / sum_yy) * (sum_y / n)
    if not (vary_x > noise and vary_y > noise):
        return np.nan
    value = (sum_xy - sum_x * (sum_y / n)) / (np.sqrt(sum_xx * vary_x) * np.sqrt(sum_yy * vary_y))
    if abs(value) > 1.0 and abs(value) <= 1.0 + 1e-12 + noise * (1.0 / vary_x + 1.0 / vary_y):
        return 1.0 if value > 0 else -1.0
    return value


@kernel
def _pearson(n, noise, sum_x, sum_xx, sum_y, sum_yy, sum_xy, out):  # type: ignore[no-untyped-def]
    for e in range(len(out)):
        out[e] = pearson_of(n, noise, sum_x[e], sum_xx[e], sum_y[e], sum_yy[e], sum_xy[e])


def cosine(counts: PairCounts) -> Any:
    """Σxy / √(Σx² Σy²), 0..1; NaN where a feature is never active."""
    scale = np.sqrt(_real(counts.sum_xx)) * np.sqrt(_real(counts.sum_yy))
    raw = _ratio(counts.sum_xy, scale)
    return np.where((raw > 1) & (raw <= 1 + 1e-12 + counts.n * EPSILON), 1.0, raw)


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
    fields = (counts.n_source, counts.n_target, counts.n_both)
    return _each(_mutual_information, (counts.n,), fields, np.int64)


@kernel
def _excess(delta):  # type: ignore[no-untyped-def]
    """(1 + δ) log(1 + δ) − δ; below 1/32 by its series Σ (−δ)^k / (k(k − 1)), which cancels nothing."""
    if abs(delta) < 0.03125:
        u = -delta
        u2 = u * u
        u4 = u2 * u2
        low = (1 / 2 + u * (1 / 6)) + u2 * (1 / 12 + u * (1 / 20))
        high = (1 / 30 + u * (1 / 42)) + u2 * (1 / 56 + u * (1 / 72))
        return u2 * (low + u4 * (high + u4 * (1 / 90 + u * (1 / 110))))
    if delta <= -1.0:
        return 1.0
    return (1.0 + delta) * np.log(1.0 + delta) - delta


@kernel
def _mutual_information(n, sources, targets, both, out):  # type: ignore[no-untyped-def]
    size = np.float64(n)
    exact = n < 3_000_000_000  # then the products below fit int64
    for e in range(len(out)):
        a, b = np.float64(sources[e]), np.float64(targets[e])
        surplus = np.float64(n * both[e] - sources[e] * targets[e]) if exact else size * both[e] - a * b
        not_a, not_b = size - a, size - b
        total = 0.0
        if a > 0 and b > 0:
            total += a * b * _excess(surplus / (a * b))
        if a > 0 and not_b > 0:
            total += a * not_b * _excess(-surplus / (a * not_b))
        if not_a > 0 and b > 0:
            total += not_a * b * _excess(-surplus / (not_a * b))
        if not_a > 0 and not_b > 0:
            total += not_a * not_b * _excess(surplus / (not_a * not_b))
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

COMPILED = ("pearson", "cosine", "jaccard", "sufficiency", "necessity", "mutual_information")
"""Those that compiled loops over whole pairs of sites compute, in the order of their tables."""

assert MEASURES[: len(COMPILED)] == COMPILED

BOUNDED = ("pearson", "cosine", "jaccard")
"""Symmetric measures that are 1 for features that do the same: the only ones that turnover may use."""


def check_reach(floor: float, measures: Sequence[str]) -> None:
    """Raise `BadArgument` for a floor that no link can reach by any of the measures, or that is no number.

    Below their range lies what every link reaches, as somebody may well want.

    >>> check_reach(-9, ("pearson", "jaccard"))
    >>> check_reach(5, ("jaccard",))
    Traceback (most recent call last):
    core.errors.BadArgument: floor 5 cannot be reached: jaccard goes from 0 to 1 (choose one in between)
    """
    ranges = [about(name).range for name in measures]
    lower = [about(name).lower_is_better for name in measures]
    if not ranges or any(
        floor >= low if down else floor <= high for (low, high), down in zip(ranges, lower, strict=True)
    ):
        return
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    upper = f"to {high:.3g}" if math.isfinite(high) else "without an end"
    words, verb = ", ".join(measures), "goes" if len(measures) == 1 else "go"
    told = f"{words} {verb} from {low:g} {upper}" if math.isfinite(low) else f"{words} can be any number"
    raise BadArgument(f"floor {floor:g} cannot be reached: {told}", "choose one in between")


def check_compiled(measures: Sequence[str]) -> None:
    """Raise `BadArgument` for a measure that whole pairs of sites are not computed by.

    >>> check_compiled(("odds_ratio",))
    Traceback (most recent call last):
    core.errors.BadArgument: whole pairs of sites are not computed by 'odds_ratio' (choose among pearson, cosine, \
jaccard, sufficiency, necessity, mutual_information; docs/measures.md tells how to add one)
    """
    for name in measures:
        if name not in COMPILED:
            raise BadArgument(
                f"whole pairs of sites are not computed by {name!r}",
                f"choose among {', '.join(COMPILED)}; docs/measures.md tells how to add one",
            )


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
    """numerator / denominator; 0/0, a part of nothing, is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _real(numerator) / _real(denominator)


def _each(loop: Callable[..., Any], settings: tuple[Any, ...], fields: Sequence[Any], kind: type) -> np.ndarray:
    """Run a compiled loop over broadcast fields; returns float64 of their common shape."""
    shape = np.broadcast_shapes(*(np.shape(field) for field in fields))
    flat: list[np.ndarray] = [np.ascontiguousarray(_of_shape(field, shape, kind)).reshape(-1) for field in fields]
    out = np.empty(len(flat[0]))
    loop(*settings, *frozen(*flat), out)
    return out.reshape(shape)


def _of_shape(field: Any, shape: tuple[int, ...], kind: type) -> np.ndarray:
    """A field as an array of the common shape; most are already, and asking costs more than a short list's measure."""
    found: np.ndarray = np.asarray(field, kind)
    return found if found.shape == shape else np.broadcast_to(found, shape)
