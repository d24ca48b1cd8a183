"""What the best match of a feature reaches by chance: the null of the row maximum.

Among thousands of candidates some one fits by chance, and the better the more there are: what one link reaches under a
null says nothing about the best of many. So the best is drawn under the nulls too: each alive source keeps its
activations, and so does each target, but the two no longer meet on the same token (`nulls`). For directions the null is
a random rotation of one of the two spaces.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from core.errors import BadArgument
from core.kernels import frozen, kernel
from core.statistics.best_alive import alive
from core.statistics.data_free import require_one_space, unit_rows
from core.statistics.measures import BOUNDED, noise_share
from core.statistics.nulls import NULLS, draw, layout_of, row_map
from core.statistics.rows import Margins, damaged
from core.statistics.top import top_of_product
from core.store import Store

SAMPLE = 2000
"""Sources that are asked at most: the share of a sample is exact to about ± 0.01, and mostly 0."""
CHUNK = 64  # sources that a thread takes at a time
NEAR = 500
"""Null maxima of the features that are active about as often, with which a best match is compared."""

TOTAL, MEAN, DEVIATION, ROOT, ACTIVE = range(5)


def row_maxima(store: Store, source: str, target: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Best alive match of a sample of alive sources under each null, float64 [sources, len(BOUNDED)] by null.

    0 where nothing positive is found; no rows for a null that can pair nothing (one document). Raises `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> dense = (np.random.default_rng(0).random((500, 4)) < 0.1).astype(float)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = row_maxima(plant(pathlib.Path(folder) / "tiny.h5", {"0": dense, "1": dense}), "0", "1")
    >>> {name: bool(values.max() < 0.5) for name, values in found.items()}
    {'shift': True, 'document': True}
    """
    rows = sample_of(np.flatnonzero(alive(store, source)), np.random.default_rng(seed))
    return {null: null_maxima(store, source, target, rows, null, seed) for null in NULLS}


def null_maxima(store: Store, source: str, target: str, rows: np.ndarray, null: str, seed: int = 0) -> np.ndarray:
    """The best that the sources `rows` reach with an alive target in one draw of a null, float64 [rows, len(BOUNDED)].

    Margins are those of the positions that take part. No rows where there are none. Raises `StoreDamaged`.
    """
    instead = row_map(store, source, target, draw(layout_of(store), null, seed))
    if not instead.n:
        return np.zeros((0, len(BOUNDED)))
    by_feature, by_token = store.by_feature(source), store.by_token(target)
    arrays = frozen(by_feature.offsets, by_feature.indices, by_feature.values)
    others = frozen(instead.starts, instead.stops, by_token.indices, by_token.values)
    living, sides = alive(store, target), [_margins(instead.n, of) for of in (instead.source, instead.target)]

    def ask(some: np.ndarray) -> np.ndarray:
        room = np.zeros(len(living)), np.zeros(len(living), np.int64), np.zeros(len(living) + 1, np.int64)
        out = np.zeros((len(some), len(BOUNDED)))
        fault = _maxima(some, *arrays, sides[0], *others, sides[1], living, *room, out)
        if fault:
            damaged(store, fault, source if fault in (1, 4) else target)
        return out

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        parts = list(pool.map(ask, [rows[k : k + CHUNK] for k in range(0, len(rows), CHUNK)]))
    return np.concatenate([np.zeros((0, len(BOUNDED))), *parts])


def best_by_chance(
    store: Store,
    source: str,
    target: str,
    measure: str,
    taus: Sequence[float] | np.ndarray,
    null: str = "both",
    draws: int = 1,
    seed: int = 0,
) -> np.ndarray:
    """Expected number of alive sources whose best alive match reaches each τ by chance, float64 [len(taus)].

    (alive sources) · P(max over alive targets ≥ τ), from `draws` draws of a null; ``both`` takes the larger at each τ.
    Where a null can pair nothing it does not count; NaN where none can. Raises `BadArgument` for other measures than
    `BOUNDED` and for unknown nulls.
    """
    column, sources = _column(measure), np.flatnonzero(alive(store, source))
    rows = sample_of(sources, np.random.default_rng(seed))
    expected = []
    for name in NULLS if null == "both" else (null,):
        found = [null_maxima(store, source, target, rows, name, seed + k)[:, column] for k in range(draws)]
        known = np.sort(np.concatenate(found))
        if len(known):
            reach = len(known) - np.searchsorted(known, np.asarray(taus, np.float64), side="left")
            expected.append(reach / len(known) * len(sources))
    return np.max(expected, axis=0) if expected else np.full(len(taus), np.nan)


def p_of_best(values: Any, active: Any, null_values: np.ndarray, null_active: np.ndarray) -> np.ndarray:
    """The probability that the best match of a feature active on `active` positions reaches `values` by chance.

    p = (1 + k) / (1 + m): k of the m null maxima (at most NEAR) of features that are active about as often are as
    large. How high a best match gets by chance depends on n far more than on anything else: a feature that fires ten
    times finds a partner that shares one of them.

    >>> p_of_best([0.9, 0.1], [10, 10], np.linspace(0, 0.5, 99), np.full(99, 10)).tolist()
    [0.01, 0.8]
    """
    order = np.argsort(null_active, kind="stable")
    sorted_active, maxima = np.asarray(null_active)[order], np.asarray(null_values)[order]
    near = min(NEAR, len(maxima))
    found = []
    for value, n in zip(np.atleast_1d(values), np.atleast_1d(active), strict=True):
        middle = (np.searchsorted(sorted_active, n, side="left") + np.searchsorted(sorted_active, n, side="right")) // 2
        start = int(np.clip(middle - near // 2, 0, len(maxima) - near))
        found.append((1 + np.count_nonzero(maxima[start : start + near] >= value)) / (1 + near))
    return np.asarray(found)


def direction_maxima(store: Store, source: str, target: str, seed: int = 0) -> np.ndarray:
    """Best decoder cosine of a sample of alive sources with the alive targets, the one space rotated at random."""
    require_one_space(store, source, target)
    rng = np.random.default_rng(seed)
    rows, columns = sample_of(np.flatnonzero(alive(store, source)), rng), np.flatnonzero(alive(store, target))
    a = unit_rows(store.weights(source, "decoder")[rows])
    b = unit_rows(store.weights(target, "decoder")[columns])
    if not len(a) or not len(b):
        return np.zeros(len(a))
    turned = (a @ rotation(a.shape[1], rng)).astype(np.float32)
    best, _ = top_of_product(len(a), len(b), 1, lambda part: turned[part] @ b.T)
    return np.nan_to_num(best.value[:, 0].astype(np.float64), nan=0.0)


def rotation(d: int, rng: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix [d, d] (F. Mezzadri, 2007: QR of a Gaussian one, signs fixed).

    >>> q = rotation(3, np.random.default_rng(0))
    >>> bool(np.allclose(q @ q.T, np.eye(3)))
    True
    """
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(q * np.sign(np.diag(r)))


def sample_of(rows: np.ndarray, rng: np.random.Generator, most: int = SAMPLE) -> np.ndarray:
    """At most `most` of the rows, rising."""
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _column(measure: str) -> int:
    if measure not in BOUNDED:
        raise BadArgument(f"the best match by {measure!r} has no null here", f"choose one of {', '.join(BOUNDED)}")
    return BOUNDED.index(measure)


def _margins(n: int, of: Margins) -> np.ndarray:
    """Σx, Σx/n, √(n σ²) (NaN where constant), √Σx² and n_i of each feature, float64 [d_sae, 5]."""
    total, squares = np.asarray(of.total), np.asarray(of.squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        vary = 1 - (total / squares) * (total / n)
        deviation = np.where(vary > noise_share(n), np.sqrt(squares * vary), np.nan)
        return np.stack([total, total / n, deviation, np.sqrt(squares), np.asarray(of.active)], axis=1)


@kernel
def _maxima(  # type: ignore[no-untyped-def]
    rows, row_offsets, positions, x, margins, starts, stops, features, values, target_margins, living,
    sums, counts, touched, out,
):  # fmt: skip
    """Fill `out` [rows, 3] with the largest Pearson, cosine and Jaccard with living targets; returns a fault."""
    n_positions, nnz, d_sae = len(starts), len(features), len(sums)
    for r in range(len(rows)):
        i = rows[r]
        begin, end = row_offsets[i], row_offsets[i + 1]
        if begin < 0 or end < begin or end > len(positions):
            return 4
        n_touched = 0
        for k in range(begin, end):
            p = positions[k]
            if p >= n_positions:
                return 1
            start, stop = starts[p], stops[p]
            if start < 0 or stop < start or stop > nnz:
                return 2
            here = np.float64(x[k])
            # Unsigned indices: signed ones would be tested for being negative at every step.
            for e in range(np.uint64(start), np.uint64(stop)):
                f = features[e]
                if f >= d_sae:
                    return 3
                count = counts[f]
                touched[n_touched] = f
                n_touched += count == 0
                counts[f] = count + 1
                sums[f] += here * np.float64(values[e])
        for s in range(n_touched):
            j = touched[s]
            if living[j]:
                xy, both, a = sums[j], np.float64(counts[j]), margins[i, ACTIVE]
                pearson = (xy - margins[i, TOTAL] * target_margins[j, MEAN]) / (
                    margins[i, DEVIATION] * target_margins[j, DEVIATION]
                )
                if pearson > out[r, 0]:
                    out[r, 0] = pearson
                out[r, 1] = max(out[r, 1], xy / (margins[i, ROOT] * target_margins[j, ROOT]))
                out[r, 2] = max(out[r, 2], both / (a + target_margins[j, ACTIVE] - both))
            sums[j], counts[j] = 0.0, 0
    return 0
