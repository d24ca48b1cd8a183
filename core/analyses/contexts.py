"""Where a feature fires, in the text: windows of tokens around chosen positions, and how its activations spread."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analyses.token_texts import LONGEST_CHARACTER, decode, token_bytes
from core.errors import StoreDamaged
from core.statistics.margins import floor_of
from core.store import Store
from core.store.checks import COLLECT_AGAIN
from core.values import Feature

WINDOW = 12
"""Tokens shown on either side of the one in focus, as far as its sequence goes."""

Row = tuple[np.ndarray, np.ndarray]  # positions (rising) and activations of one feature


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens around a position: ``tokens[focus]`` is the token at `position`."""

    position: int
    document: int
    start: int  # the position of tokens[0]
    tokens: tuple[str, ...]
    focus: int


@dataclass(frozen=True, slots=True)
class Context:
    """A window with the activations of one feature, one value a token (0 where it is silent)."""

    position: int
    document: int
    tokens: tuple[str, ...]
    focus: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PairContext:
    """A window with the activations of a link's source and target, one value a token each."""

    position: int
    document: int
    tokens: tuple[str, ...]
    focus: int
    source_values: tuple[float, ...]
    target_values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts` [bins] activations between neighbouring `edges` [bins + 1]."""

    edges: np.ndarray
    counts: np.ndarray


# ---- for a link


def pair_contexts(
    store: Store, source: Feature, target: Feature, count: int = 8, activity: float = 0.0, window: int = WINDOW
) -> dict[str, tuple[PairContext, ...]]:
    """Up to `count` contexts of each cell: where ``both``, ``source_only`` and ``target_only`` are active.

    Strongest first (both: by the smaller of the two shares of a maximum), from as many documents as there are.
    """
    rows = source_row, target_row = checked_row(store, source), checked_row(store, target)
    (p, x), (q, y) = (_active(row, floor_of(store, f, activity)) for row, f in zip(rows, (source, target), strict=True))
    both, in_p, in_q = np.intersect1d(p, q, assume_unique=True, return_indices=True)
    share = np.minimum(_share(store, source, x[in_p]), _share(store, target, y[in_q]))
    only_p, only_q = np.ones(len(p), bool), np.ones(len(q), bool)
    only_p[in_p], only_q[in_q] = False, False
    cells = {"both": (both, share), "source_only": (p[only_p], x[only_p]), "target_only": (q[only_q], y[only_q])}
    return {
        name: tuple(
            _pair_context(store, int(position), source_row, target_row, window)
            for position in spread(store, positions, strength, count)
        )
        for name, (positions, strength) in cells.items()
    }


def _pair_context(store: Store, position: int, source_row: Row, target_row: Row, window: int) -> PairContext:
    around = window_at(store, position, window)
    values = (values_between(row, around.start, len(around.tokens)) for row in (source_row, target_row))
    return PairContext(around.position, around.document, around.tokens, around.focus, *values)


# ---- for one feature


def strongest(store: Store, feature: Feature, count: int = 8, window: int = WINDOW) -> tuple[Context, ...]:
    """Contexts of the feature's highest activations, one a document as long as there are documents."""
    row = checked_row(store, feature)
    return _contexts(store, row, spread(store, *row, count), window)


def sampled(
    store: Store,
    feature: Feature,
    count: int = 3,
    bands: Sequence[float] = (0, 0.5, 0.9, 1),
    seed: int = 0,
    window: int = WINDOW,
) -> dict[tuple[float, float], tuple[Context, ...]]:
    """Up to `count` random contexts from each band of quantiles of the feature's activations, lowest band first.

    The strongest contexts alone tell what a feature does at its best, not what it does: most of its tokens are weak.
    The same `seed` gives the same contexts.
    """
    positions, values = checked_row(store, feature)
    order = np.lexsort((positions, values))
    rng = np.random.default_rng(seed)
    chosen = {}
    for low, high in itertools.pairwise(bands):
        band = order[int(low * len(order)) : int(np.ceil(high * len(order)))]
        picked = rng.choice(band, min(count, len(band)), replace=False) if len(band) else band
        chosen[low, high] = _contexts(store, (positions, values), np.sort(positions[picked]), window)
    return chosen


def activation_histogram(store: Store, feature: Feature, bins: int = 30) -> Histogram:
    """How the feature's activations (not its silences) spread between 0 and its maximum, in equal bins."""
    values = np.asarray(store.row(feature)[1], np.float64)
    top = float(values.max()) if len(values) else 1.0
    counts, edges = np.histogram(values, bins=bins, range=(0.0, top))
    return Histogram(edges, counts)


def density(store: Store, feature: Feature) -> float:
    """The share of counted positions on which the feature is active; NaN for an empty store."""
    active = int(store.summary(feature.key).active[store.feature(feature).index])
    return active / store.n if store.n else float("nan")


def _contexts(store: Store, row: Row, positions: np.ndarray, window: int) -> tuple[Context, ...]:
    contexts = []
    for position in positions.tolist():
        around = window_at(store, position, window)
        values = values_between(row, around.start, len(around.tokens))
        contexts.append(Context(around.position, around.document, around.tokens, around.focus, values))
    return tuple(contexts)


# ---- choosing positions


def spread(store: Store, positions: np.ndarray, strength: np.ndarray, count: int) -> np.ndarray:
    """Up to `count` of `positions`, strongest first (of equals the earlier), one a document as far as they go.

    Where there are fewer documents than asked for, the strongest of the remaining positions fill up.
    """
    count = max(0, count)
    taken = _strongest_positions(store, positions, strength, count, 64 * count)
    if len(taken) < count or len(np.unique(documents_of(store, positions[taken]))) < count:
        taken = _strongest_positions(store, positions, strength, count, len(positions))
    return positions[taken]


def _strongest_positions(
    store: Store, positions: np.ndarray, strength: np.ndarray, count: int, among: int
) -> np.ndarray:
    """Indices into `positions`, looking at the `among` strongest only: a dense feature has too many to sort them."""
    candidates = np.arange(len(positions))
    if 0 < among < len(positions):
        limit = np.partition(strength, len(strength) - among)[len(strength) - among]
        candidates = np.flatnonzero(strength >= limit)
    order = candidates[np.lexsort((positions[candidates], -strength[candidates].astype(np.float64)))]
    _, first = np.unique(documents_of(store, positions[order]), return_index=True)
    first = np.sort(first)[:count]
    rest = np.setdiff1d(np.arange(min(len(order), 2 * count)), first)[: max(0, count - len(first))]
    return order[np.sort(np.concatenate([first, rest]).astype(np.int64))]


def sequences_of(store: Store, positions: np.ndarray) -> np.ndarray:
    """The sequence that each position lies in, int64; raises `StoreDamaged` for one that lies in none."""
    found = np.searchsorted(store.tokens.sequence_offsets, positions, side="right") - 1
    if len(found) and (found.min() < 0 or found.max() >= store.n_sequences):
        raise StoreDamaged(f"{store.path.name}: a position lies in no sequence", COLLECT_AGAIN)
    return found


def documents_of(store: Store, positions: np.ndarray) -> np.ndarray:
    """The document that each position was cut from."""
    return np.asarray(store.tokens.sequence_document)[sequences_of(store, positions)]


# ---- windows of tokens


def window_at(store: Store, position: int, window: int = WINDOW) -> Window:
    """The tokens around `position`, `window` to either side within its sequence."""
    sequence = int(sequences_of(store, np.array([position]))[0])
    begin, end = (int(v) for v in store.tokens.sequence_offsets[sequence : sequence + 2])
    if not 0 <= begin <= position < end <= store.n_positions:
        raise StoreDamaged(f"{store.path.name}: the offsets of sequence {sequence} are out of bounds", COLLECT_AGAIN)
    start, stop = max(begin, position - window), min(end, position + window + 1)
    # A character cut by the window's edge still reads right: decode a little more than is shown.
    early, late = max(begin, start - LONGEST_CHARACTER), min(end, stop + LONGEST_CHARACTER)
    texts = decode(token_bytes(store, store.tokens.ids[early:late]))[start - early : stop - early]
    document = int(store.tokens.sequence_document[sequence])
    return Window(position, document, start, tuple(texts), position - start)


# ---- activations


def values_between(row: Row, start: int, length: int) -> tuple[float, ...]:
    """A feature's activations at the positions start..start+length−1, 0 where it is silent.

    >>> values_between((np.array([3, 5]), np.array([0.5, 2.0])), 4, 3)
    (0.0, 2.0, 0.0)
    """
    positions, values = row
    low, high = np.searchsorted(positions, (start, start + length))
    dense = np.zeros(length)
    dense[positions[low:high].astype(np.int64) - start] = values[low:high]
    return tuple(dense.tolist())


def checked_row(store: Store, feature: Feature) -> Row:
    """The feature's row as plain arrays; raises `StoreDamaged` unless its positions rise within the store."""
    positions, values = (np.asarray(part) for part in store.row(feature))
    if len(positions) and (positions[-1] >= store.n_positions or np.any(positions[1:] <= positions[:-1])):
        raise StoreDamaged(f"{store.path.name}: the positions of {feature} are out of order", COLLECT_AGAIN)
    return positions, values


def _active(row: Row, floor: float) -> Row:
    positions, values = row
    if floor == 0:
        return row
    active = values > floor
    return positions[active], values[active]


def _share(store: Store, feature: Feature, values: np.ndarray) -> Any:
    top = float(store.summary(feature.key).maximum[feature.index])
    return values.astype(np.float64) / top if top > 0 else np.zeros(len(values))


def as_json(context: Context | PairContext) -> Mapping[str, Any]:
    """A context as JSON data."""
    return {name: getattr(context, name) for name in type(context).__dataclass_fields__}
