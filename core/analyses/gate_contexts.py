"""The tokens behind a truth table: for each combination of inputs, where the feature fires and where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.analyses.contexts import WINDOW, spread, values_between, window_at
from core.analyses.gate import Gate
from core.analyses.splits import Divided
from core.statistics.margins import floor_of
from core.store import Store
from core.values import Feature


@dataclass(frozen=True, slots=True)
class GateContext:
    """A window with the activations of the feature and of each of its inputs, one value a token each."""

    position: int
    document: int
    tokens: tuple[str, ...]
    focus: int
    values: tuple[float, ...]
    input_values: tuple[tuple[float, ...], ...]


def row_contexts(
    store: Store,
    feature: Feature,
    inputs: Sequence[Feature],
    active: Sequence[bool],
    fires: bool,
    count: int = 3,
    activity: float = 0.0,
    window: int = WINDOW,
) -> tuple[GateContext, ...]:
    """Up to `count` contexts of one row of a truth table: the `active` inputs fire, the feature does or not.

    Where the feature fires its strongest come first, else those where the weakest active input is strongest; from as
    many documents as there are. No input active and the feature silent is most of the text: that has no contexts.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 3]]), np.array([[0.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b})
    ...     inputs = Feature("0", 0), Feature("0", 1)
    ...     both = row_contexts(store, Feature("1", 0), inputs, (True, True), fires=True)
    ...     first = row_contexts(store, Feature("1", 0), inputs, (True, False), fires=False)
    >>> [context.position for context in (*both, *first)]
    [2, 0]
    """
    if not fires and not any(active):
        return ()
    rows = [_active(store, each, activity) for each in (feature, *inputs)]
    (target, strength), *parts = rows
    on = [positions for (positions, _), is_on in zip(parts, active, strict=True) if is_on]
    found = target if fires else on[0]
    for positions in on:
        found = np.intersect1d(found, positions, assume_unique=True)
    off = [positions for (positions, _), is_on in zip(parts, active, strict=True) if not is_on]
    for positions in off if fires else [*off, target]:
        found = np.setdiff1d(found, positions, assume_unique=True)
    if fires:
        strength = strength[np.searchsorted(target, found)]
    else:
        shares = [x[np.searchsorted(p, found)] / _top(store, f) for (p, x), f, is_on in
                  zip(parts, inputs, active, strict=True) if is_on]  # fmt: skip
        strength = np.min(shares, axis=0)
    return tuple(_context(store, int(p), feature, inputs, window) for p in spread(store, found, strength, count))


@dataclass(frozen=True, slots=True)
class Case:
    """Tokens on which one combination of features is active: how many, and some of them."""

    of: str  # what is active, in words
    active: tuple[bool, ...]
    fires: bool  # whether the feature itself is
    n: int
    contexts: tuple[GateContext, ...]


def gate_cases(store: Store, gate: Gate, activity: float = 0.0, count: int = 2) -> list[Case]:
    """Every row of the truth table that occurs, twice: where the feature fires, then where it does not.

    Rows on which the gate says that it fires come first, of each kind the most frequent.
    """
    rows = sorted((row for row in gate.rows if row.n), key=lambda row: (-row.says, -row.n))
    found = []
    for row in rows:
        of = " ".join(str(f) for f, on in zip(gate.inputs, row.active, strict=True) if on) or "no input"
        for fires, n in ((True, row.n_target), (False, row.n - row.n_target)):
            asked = gate.feature, gate.inputs, row.active, fires, count, activity
            found.append(Case(of, row.active, fires, n, row_contexts(store, *asked) if n else ()))
    return found


def division_cases(
    store: Store, one: Divided, activity: float = 0.0, count: int = 3, most_parts: int = 5
) -> list[Case]:
    """Where the whole fires with one part alone, for the largest `most_parts`, and where with none."""
    alone = [(f"{part} alone", n, k) for k, (part, n) in enumerate(zip(one.parts, one.division.n_alone, strict=True))]
    rest = one.division.n - one.division.covered
    found = []
    for of, n, k in [*alone[:most_parts], ("no part", rest, -1)]:
        active = tuple(k == j for j in range(len(one.parts)))
        contexts = row_contexts(store, one.whole, one.parts, active, True, count, activity) if n else ()
        found.append(Case(of, active, True, n, contexts))
    return found


def _active(store: Store, feature: Feature, activity: float) -> tuple[np.ndarray, np.ndarray]:
    positions, values = (np.asarray(part) for part in store.row(feature))
    kept = values > floor_of(store, feature, activity)
    return positions[kept], values[kept].astype(np.float64)


def _top(store: Store, feature: Feature) -> float:
    return float(store.summary(feature.key).maximum[feature.index]) or 1.0


def _context(store: Store, position: int, feature: Feature, inputs: Sequence[Feature], window: int) -> GateContext:
    around = window_at(store, position, window)
    rows = [values_between(store.row(each), around.start, len(around.tokens)) for each in (feature, *inputs)]
    return GateContext(around.position, around.document, around.tokens, around.focus, rows[0], tuple(rows[1:]))
