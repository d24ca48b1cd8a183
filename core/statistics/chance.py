"""What the best match of a feature reaches by chance: the null of the row maximum.

Each alive source keeps its activations, and so does each target, but the two no longer meet on the same token:

- `other_document`: a position meets the same position of another document, so that what depends on the place in the
  text alone stays;
- `shifted`: a position meets one of the same sequence, a quarter to three quarters of its length further on, round the
  end, so that what depends on the topic alone stays.

Both maps take counted positions to counted positions, one to one, so that all margins are the store's own. For
directions the null is a random rotation of one of the two spaces.
"""

from __future__ import annotations

import numpy as np

from core.kernels import frozen, kernel
from core.statistics.best_alive import alive
from core.statistics.data_free import require_one_space, top_of_product, unit_rows
from core.statistics.measures import BOUNDED, noise_share
from core.statistics.rows import damaged
from core.store import Store

SAMPLE = 2000
"""Sources that are asked at most: the share of a sample is exact to about ± 0.01, and mostly 0."""

TOTAL, MEAN, DEVIATION, ROOT, ACTIVE = range(5)


def other_document(store: Store, rng: np.random.Generator) -> np.ndarray:
    """For each position the one of another document that it meets, int64 [n_positions]; -1 where there is none.

    Sequences stand in a ring, longest first and otherwise at random; at each place in the text those that reach so
    far go a fixed number of steps round it.
    """
    position, sequence, place = _counted(store)
    lengths = np.bincount(sequence, minlength=store.n_sequences)
    ring = np.lexsort((rng.random(len(lengths)), -lengths))
    rank = np.empty(len(ring), np.int64)
    rank[ring] = np.arange(len(ring))
    reaching = np.searchsorted(-lengths[ring], -place, side="left")  # sequences longer than this place
    step = int(rng.integers(1, max(2, len(ring) // 2)))
    partner = ring[(rank[sequence] + step) % np.maximum(reaching, 1)]
    first = np.searchsorted(sequence, np.arange(len(lengths)))
    document = np.asarray(store.tokens.sequence_document)
    to = np.full(store.n_positions, -1, np.int64)
    elsewhere = document[partner] != document[sequence]
    to[position[elsewhere]] = position[(first[partner] + place)[elsewhere]]
    return to


def shifted(store: Store, rng: np.random.Generator) -> np.ndarray:
    """For each position the one of its own sequence that it meets, int64 [n_positions]; -1 where there is none."""
    position, sequence, place = _counted(store)
    lengths = np.bincount(sequence, minlength=store.n_sequences)
    steps = np.maximum(1, (lengths * rng.uniform(0.25, 0.75, len(lengths))).astype(np.int64))
    first = np.searchsorted(sequence, np.arange(len(lengths)))
    to = np.full(store.n_positions, -1, np.int64)
    there = first[sequence] + (place + steps[sequence]) % lengths[sequence]
    moved = lengths[sequence] > 1
    to[position[moved]] = position[there[moved]]
    return to


NULLS = {"other document": other_document, "shifted": shifted}


def row_maxima(store: Store, source: str, target: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Best alive match of a sample of alive sources under each null, float64 [sources, len(BOUNDED)] by null.

    0 where nothing positive is found. Raises `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> dense = (np.random.default_rng(0).random((500, 4)) < 0.1).astype(float)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = row_maxima(plant(pathlib.Path(folder) / "tiny.h5", {"0": dense, "1": dense}), "0", "1")
    >>> {name: bool(values.max() < 0.5) for name, values in found.items()}
    {'other document': True, 'shifted': True}
    """
    rng = np.random.default_rng(seed)
    rows = sample_of(np.flatnonzero(alive(store, source)), rng)
    by_feature, by_token = store.by_feature(source), store.by_token(target)
    arrays = frozen(by_feature.offsets, by_feature.indices, by_feature.values)
    others = frozen(by_token.offsets, by_token.indices, by_token.values)
    margins = [_margins(store, key) for key in (source, target)]
    room = np.zeros(store.site(target).d_sae), np.zeros(store.site(target).d_sae, np.int64)
    touched = np.zeros(store.site(target).d_sae + 1, np.int64)
    found = {}
    for name, null in NULLS.items():
        out = np.zeros((len(rows), len(BOUNDED)))
        fault = _maxima(
            rows, null(store, rng), *arrays, margins[0], *others, margins[1], alive(store, target), *room, touched, out
        )
        if fault:
            damaged(store, fault, source if fault in (1, 4) else target)
        found[name] = out
    return found


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


def _counted(store: Store) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counted positions, their sequences, and their places among the counted ones of their sequence."""
    position = np.flatnonzero(np.asarray(store.tokens.counted))
    sequence = np.searchsorted(np.asarray(store.tokens.sequence_offsets), position, side="right") - 1
    first = np.searchsorted(sequence, np.arange(store.n_sequences))
    return position, sequence, np.arange(len(position)) - first[sequence]


def _margins(store: Store, key: str) -> np.ndarray:
    """Σx, Σx/n, √(n σ²) (NaN where constant), √Σx² and n_i of each feature, float64 [d_sae, 5]."""
    summary = store.summary(key)
    total, squares = np.asarray(summary.total), np.asarray(summary.total_of_squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        vary = 1 - (total / squares) * (total / store.n)
        deviation = np.where(vary > noise_share(store.n), np.sqrt(squares * vary), np.nan)
        return np.stack([total, total / store.n, deviation, np.sqrt(squares), np.asarray(summary.active)], axis=1)


@kernel
def _maxima(  # type: ignore[no-untyped-def]
    rows, to, row_offsets, positions, x, margins, offsets, features, values, target_margins, living,
    sums, counts, touched, out,
):  # fmt: skip
    """Fill `out` [rows, 3] with the largest Pearson, cosine and Jaccard with living targets; returns a fault."""
    n_positions, nnz, d_sae = len(offsets) - 1, len(features), len(sums)
    for r in range(len(rows)):
        i = rows[r]
        begin, end = row_offsets[i], row_offsets[i + 1]
        if begin < 0 or end < begin or end > len(positions):
            return 4
        n_touched = 0
        for k in range(begin, end):
            here = positions[k]
            if here >= n_positions:
                return 1
            p = to[here]
            if p < 0:
                continue
            start, stop = offsets[p], offsets[p + 1]
            if start < 0 or stop < start or stop > nnz:
                return 2
            for e in range(start, stop):
                f = np.int64(features[e])
                if f >= d_sae:
                    return 3
                touched[n_touched] = f
                n_touched += counts[f] == 0
                counts[f] += 1
                sums[f] += np.float64(x[k]) * np.float64(values[e])
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
