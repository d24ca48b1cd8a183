"""What the best match of a feature reaches by chance: the null of the row maximum.

Among thousands of candidates some one fits by chance, and the better the more there are: what one link reaches under a
null says nothing about the best of many. So the best is drawn under the nulls too: each alive source keeps its
activations, and so does each target, but the two no longer meet on the same token (`nulls`). For directions the null is
a random rotation of one of the two spaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from core.statistics.best_alive import alive
from core.statistics.data_free import require_one_space, unit_rows
from core.statistics.measures import BOUNDED, COMPILED
from core.statistics.null_rows import rows_above
from core.statistics.nulls import NULLS, draw, layout_of, row_map
from core.statistics.top import top_of_product
from core.store import Store

SAMPLE = 2000
"""Sources that are asked at most: the share of a sample is exact to about ± 0.01, and mostly 0."""
BEYOND = 2.0  # a floor that no bounded measure reaches: only the best matches are asked for
NEAR = 500
"""Null maxima of the features that are active about as often, with which a best match is compared."""


def row_maxima(
    store: Store,
    source: str,
    target: str,
    seed: int = 0,
    *,
    progress: Callable[[float], None] = lambda share: None,
    **running: Any,
) -> dict[str, np.ndarray]:
    """Best alive match of a sample of alive sources under each null, float64 [sources, len(BOUNDED)] by null.

    0 where nothing positive is found; no rows for a null that can pair nothing (one document). `running` goes to
    `rows_above` (threads, cancelled). Raises `StoreDamaged` and `Cancelled`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> dense = (np.random.default_rng(0).random((500, 4)) < 0.1).astype(float)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = row_maxima(plant(pathlib.Path(folder) / "tiny.h5", {"0": dense, "1": dense}), "0", "1")
    >>> {name: bool(values.max() < 0.5) for name, values in found.items()}
    {'shift': True, 'document': True}
    """
    rows = sample_of(np.flatnonzero(alive(store, source)), np.random.default_rng(seed))
    found = {}
    for k, null in enumerate(NULLS):

        def report(share: float, k: int = k) -> None:
            progress((k + share) / len(NULLS))

        found[null] = null_maxima(store, source, target, rows, null, seed, progress=report, **running)
    return found


def null_maxima(
    store: Store, source: str, target: str, rows: np.ndarray, null: str, seed: int = 0, **running: Any
) -> np.ndarray:
    """The best that the sources `rows` reach with an alive target in one draw of a null, float64 [rows, len(BOUNDED)].

    Margins are those of the positions that take part. No rows where there are none. `running` goes to `rows_above`
    (threads, progress, cancelled). Raises `StoreDamaged` and `Cancelled`.
    """
    instead = row_map(store, source, target, draw(layout_of(store), null, seed))
    if not instead.n:
        return np.zeros((0, len(BOUNDED)))
    found = rows_above(store, source, target, rows, dict.fromkeys(BOUNDED, BEYOND), rows=instead, **running)
    return found.best[:, [COMPILED.index(name) for name in BOUNDED]]


def best_by_chance(maxima: Iterable[np.ndarray], alive: int, taus: Sequence[float] | np.ndarray) -> np.ndarray:
    """Expected number of `alive` sources whose best alive match reaches each τ by chance, float64 [len(taus)].

    alive · P(max over alive targets ≥ τ), from the null maxima [rows] of each null; the larger of the nulls counts. A
    null that can pair nothing has none and does not count; NaN where none can.

    >>> best_by_chance([np.array([0.1, 0.3]), np.zeros(0)], 10, [0.2, 0.4]).tolist()
    [5.0, 0.0]
    """
    expected = []
    for known in map(np.sort, maxima):
        if len(known):
            reach = len(known) - np.searchsorted(known, np.asarray(taus, np.float64), side="left")
            expected.append(reach / len(known) * alive)
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


def direction_maxima(store: Store, source: str, target: str, seed: int = 0, **running: Any) -> np.ndarray:
    """Best decoder cosine of a sample of alive sources with the alive targets, the one space rotated at random.

    `running` goes to `top_of_product` (progress, cancelled). Raises `SpacesDiffer`, `NothingRecorded`, `Cancelled`.
    """
    require_one_space(store, source, target)
    rng = np.random.default_rng(seed)
    rows, columns = sample_of(np.flatnonzero(alive(store, source)), rng), np.flatnonzero(alive(store, target))
    a = unit_rows(store.weights(source, "decoder")[rows])
    b = unit_rows(store.weights(target, "decoder")[columns])
    if not len(a) or not len(b):
        return np.zeros(len(a))
    turned = (a @ rotation(a.shape[1], rng)).astype(np.float32)
    best, _ = top_of_product(len(a), len(b), 1, lambda part: turned[part] @ b.T, **running)
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
