"""The two nulls: which position each position meets when two features have nothing to do with each other.

- ``document``: each sequence meets one of another document of about its length, position for position. What depends on
  the place in the text stays; topics, words and everything they bring about part.
- ``shift``: each sequence meets itself, moved round its counted positions by a quarter to three quarters of them. The
  topic stays; what meets on one token parts.

Both leave the activations of each feature as they are, bursts included, and only take them apart. A map is one-to-one
and takes no position to itself. Positions without a partner take no part: `n` and the margins are those of the rest.

>>> layout = Layout(np.array([0, 3, 6]), np.array([0, 1]), np.ones(6, bool))
>>> partners_of(layout, draw(layout, "document", seed=0), np.arange(6)).tolist()
[3, 4, 5, 0, 1, 2]
>>> partners_of(layout, draw(layout, "shift", seed=0), np.array([0, 1, 2])).tolist()
[1, 2, 0]
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

import numpy as np

from core.errors import BadArgument
from core.kernels import frozen, kernel
from core.statistics.active import sequence_lengths
from core.statistics.faults import damaged
from core.statistics.margins import Margins, floors, margins
from core.statistics.rows import RowMap
from core.store import Store

NULLS = ("shift", "document")
BLOCK = 32  # sequences of about one length, among which partners are drawn
JITTER = 0.05  # of their length: borders between blocks lie elsewhere in each draw


@dataclass(frozen=True)
class Layout:
    """Where sequences, documents and counted positions lie; all that a null needs to know of a store."""

    offsets: np.ndarray  # int64 [n_sequences + 1]
    document: np.ndarray  # int64 [n_sequences], 0..n_documents − 1
    counted: np.ndarray  # bool [n_positions]
    positions: np.ndarray = field(init=False)  # int64 [n], the counted ones
    rank: np.ndarray = field(init=False)  # int64 [n_positions + 1], counted positions before each
    lengths: np.ndarray = field(init=False)  # int64 [n_sequences], counted positions

    def __post_init__(self) -> None:
        rank = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.counted, dtype=np.int64)])
        for name, value in (
            ("positions", np.flatnonzero(self.counted)),
            ("rank", rank),
            ("lengths", np.diff(rank[self.offsets])),
        ):
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Pairing:
    """One draw of a null: for each sequence its partner (``document``) or its steps (``shift``); −1 is neither."""

    null: str
    by_sequence: np.ndarray  # int64 [n_sequences]


_layouts: weakref.WeakKeyDictionary[Store, Layout] = weakref.WeakKeyDictionary()


def layout_of(store: Store) -> Layout:
    """The store's layout, kept; raises `StoreDamaged` for sequence offsets that make no sense."""
    if store not in _layouts:
        sequence_lengths(store)  # checks them
        _, number = np.unique(store.tokens.sequence_document, return_inverse=True)
        offsets = np.asarray(store.tokens.sequence_offsets)
        _layouts[store] = Layout(offsets, number, np.asarray(store.tokens.counted) != 0)
    return _layouts[store]


def draw(layout: Layout, null: str, seed: int = 0) -> Pairing:
    """One draw of a null; the same seed gives the same one. Raises `BadArgument` for a null that there is not."""
    rng = np.random.default_rng([NULLS.index(null) if null in NULLS else 0, seed])
    if null == "shift":
        return Pairing(null, steps(layout.lengths, rng))
    if null == "document":
        return Pairing(null, partners(layout.lengths, layout.document, rng))
    raise BadArgument(f"there is no null {null!r}", f"choose one of {', '.join(NULLS)}")


def steps(lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How far each sequence moves round its counted positions, int64; −1 where there are fewer than two.

    A quarter to three quarters: activations spill over onto the next tokens, and a step or two would leave much of a
    link in place.

    >>> steps(np.array([0, 1, 2, 100]), np.random.default_rng(0)).tolist()
    [-1, -1, 1, 25]
    """
    chosen = np.maximum(1, (lengths * rng.uniform(0.25, 0.75, len(lengths))).astype(np.int64))
    return np.where(lengths > 1, chosen, -1)


def partners(lengths: np.ndarray, document: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sequence of another document for each sequence, one-to-one, int64; −1 where there is none left.

    Sequences are ordered by length (a little jittered, so that draws differ) and cut into blocks. Within a block they
    stand in a ring, documents together in random order, and each meets the one so many steps on: with steps from the
    size of the largest document up to what is left beside it, never one of its own document. Only where a document
    holds more than half of a block, the sequences without a partner are left out.

    >>> partners(np.array([9, 9, 9, 9]), np.array([0, 0, 1, 1]), np.random.default_rng(0)).tolist()
    [2, 3, 0, 1]
    """
    size = len(lengths)
    if size == 0:
        return np.zeros(0, np.int64)
    by_length = np.argsort(lengths * (1 + JITTER * rng.random(size)), kind="stable")
    first = int(rng.integers(0, BLOCK))  # where the second block begins
    block = np.empty(size, np.int64)
    block[by_length] = np.minimum((np.arange(size) + first) // BLOCK, max(0, (size + first) // BLOCK - 1))
    # A short first block joins the second one, as the last one has joined the one before.
    block = np.maximum(block, min(1, block.max())) if first else block
    place_of_document = rng.permutation(int(document.max()) + 1)
    ring = np.lexsort((rng.random(size), place_of_document[document], block))
    starts = np.flatnonzero(np.diff(block[ring], prepend=-1))
    sizes = np.diff(np.append(starts, size))
    largest = np.maximum.reduceat(_run_lengths(block[ring], document[ring]), starts)
    room = np.maximum(sizes - 2 * largest, 0)
    step = np.minimum(largest, sizes - 1) + (rng.random(len(sizes)) * (room + 1)).astype(np.int64)
    of = np.repeat(np.arange(len(sizes)), sizes)
    partner = ring[starts[of] + (np.arange(size) - starts[of] + step[of]) % sizes[of]]
    found = np.full(size, -1, np.int64)
    found[ring] = np.where(document[partner] == document[ring], -1, partner)
    return found


def partners_of(layout: Layout, pairing: Pairing, positions: np.ndarray) -> np.ndarray:
    """The position that each of `positions` meets, int64; −1 where it takes no part.

    ``document``: the same number of tokens from the start of the partner. ``shift``: that many counted positions on,
    round the end. Only counted positions take part, and only with counted ones.
    """
    p = np.asarray(positions, np.int64)
    if not len(p):
        return p
    sequence = np.searchsorted(layout.offsets, p, side="right") - 1
    chosen = pairing.by_sequence[sequence]
    usable = (chosen >= 0) & layout.counted[p]
    if pairing.null == "shift":
        before, length = layout.rank[layout.offsets[sequence]], np.maximum(layout.lengths[sequence], 1)
        rank = before + (layout.rank[p] - before + chosen) % length
        return (
            np.where(usable, layout.positions[np.where(usable, rank, 0)], -1) if usable.any() else np.full(len(p), -1)
        )
    q = p - layout.offsets[sequence] + layout.offsets[chosen]
    usable &= q < layout.offsets[chosen + 1]
    usable &= layout.counted[np.where(usable, q, 0)]
    return np.where(usable, q, -1)


def row_map(store: Store, source: str, target: str, pairing: Pairing, activity: float = 0.0) -> RowMap:
    """What the pair kernels take: beside each position of `source` the row of `target` that it meets in this draw.

    Margins are those of the positions that take part, on either side. `RowMap.n` is 0 where nothing can be paired, as
    in a store of one document.
    """
    layout = layout_of(store)
    q = partners_of(layout, pairing, layout.positions)
    p, q = layout.positions[q >= 0], q[q >= 0]
    offsets = store.by_token(target).offsets
    starts, stops = np.zeros(store.n_positions, np.int64), np.zeros(store.n_positions, np.int64)
    starts[p], stops[p] = offsets[q], offsets[q + 1]
    mine, theirs = (margins_within(store, key, some, activity) for key, some in ((source, p), (target, q)))
    return RowMap(starts, stops, len(p), mine, theirs)


def margins_within(store: Store, key: str, positions: np.ndarray, activity: float = 0.0) -> Margins:
    """Margins [d_sae] of a site's features over some of the counted positions; the rule's maximum is the store's."""
    if len(positions) == store.n:
        return margins(store, key, activity)
    d_sae, found = store.site(key).d_sae, store.by_token(key)
    limits = floors(store, key, activity)
    out = np.zeros(d_sae, np.int64), np.zeros(d_sae), np.zeros(d_sae)
    rows = np.sort(positions)
    fault = _add_margins(*frozen(rows, found.offsets, found.indices, found.values, limits), *out)
    if fault:
        damaged(store, fault, key)
    return Margins(*out)


@kernel
def _add_margins(positions, offsets, features, values, floors, active, total, squares):  # type: ignore[no-untyped-def]
    """Add the rows of `positions` into three arrays [d_sae]; returns a code of `faults.FAULTS`."""
    for i in range(len(positions)):
        start, stop = offsets[positions[i]], offsets[positions[i] + 1]
        if start < 0 or stop < start or stop > len(values):
            return 2
        for e in range(start, stop):
            f = np.int64(features[e])
            if f >= len(floors):
                return 3
            x = np.float64(values[e])
            active[f] += x > floors[f]
            total[f] += x
            squares[f] += x * x
    return 0


def _run_lengths(*keys: np.ndarray) -> np.ndarray:
    """Of each entry the length of its run of equal keys.

    >>> _run_lengths(np.array([1, 1, 2, 2]), np.array([0, 0, 0, 1])).tolist()
    [2, 2, 1, 1]
    """
    new = np.any([np.diff(key, prepend=key[:1] - 1) != 0 for key in keys], axis=0)
    starts = np.flatnonzero(new)
    lengths = np.diff(np.append(starts, len(new)))
    return np.repeat(lengths, lengths)
