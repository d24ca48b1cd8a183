"""How often the two features of one link would be active together by chance, under each null (`nulls`).

Only the rarer feature's own positions are moved, so that a draw costs what that feature has, and no more.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import StoreDamaged
from core.statistics.margins import floor_of
from core.statistics.nulls import NULLS, Pairing, draw, layout_of, partners_of
from core.store import Store
from core.store.checks import COLLECT_AGAIN
from core.values import Feature

DRAWS = 100
KEPT_SEQUENCES = 20_000  # 32 MB of draws


@dataclass(frozen=True, slots=True)
class LinkChance:
    """What one null says of one link."""

    null: str
    draws: int
    expected_both: float  # mean of the draws, as if all counted positions took part; NaN: nothing can be paired
    p: float  # (1 + draws with as many or more) / (1 + draws)

    def as_json(self) -> dict[str, Any]:
        """One entry of `chance` in ``link --json``."""
        return {"expected_both": self.expected_both, "p": self.p, "draws": self.draws}


def link_chance(
    store: Store, source: Feature, target: Feature, activity: float = 0.0, draws: int = DRAWS, seed: int = 0
) -> dict[str, LinkChance]:
    """Each null's expected co-activations of two features, and how likely it is to show as many as there are; seeded.

    Co-activations at positions without a partner are left out of the comparison, draw by draw. Raises `StoreDamaged`
    for positions out of bounds.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> fires = np.random.default_rng(0).random((2000, 1)) < 0.05
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": fires * 1.0, "1": fires * 2.0})
    ...     found = link_chance(store, Feature("0", 0), Feature("1", 0))
    >>> int(fires.sum()), round(found["shift"].expected_both), round(found["document"].p, 3)
    (110, 5, 0.01)
    """
    p, q = sorted((active_positions(store, feature, activity) for feature in (source, target)), key=len)
    other = np.zeros(store.n_positions + 1, bool)  # the last entry stands for "no partner"
    other[q] = True
    together = other[p]
    return {null: _of_null(store, null, p, together, other, draws, seed) for null in NULLS}


def active_positions(store: Store, feature: Feature, activity: float) -> np.ndarray:
    """Where a feature is active by the rule, int64 rising; raises `StoreDamaged` for positions out of bounds."""
    positions, values = store.row(store.feature(feature))
    found = np.asarray(positions)[np.asarray(values) > floor_of(store, feature, activity)].astype(np.int64)
    if len(found) and found.max() >= store.n_positions:
        raise StoreDamaged(f"{store.path.name}: the positions of {feature} are out of bounds", COLLECT_AGAIN)
    return found


def _of_null(
    store: Store, null: str, p: np.ndarray, together: np.ndarray, other: np.ndarray, draws: int, seed: int
) -> LinkChance:
    layout = layout_of(store)
    reached, counts, expected = 0, 0, 0.0
    for k in range(draws):
        met = partners_of(layout, drawn(store, null, seed + k), p)
        paired = met >= 0
        if not paired.any():
            continue
        by_chance = int(np.count_nonzero(other[met[paired]]))
        counts += 1
        expected += by_chance * len(p) / np.count_nonzero(paired)
        reached += int(by_chance >= np.count_nonzero(together[paired]))
    if not counts:
        return LinkChance(null, 0, float("nan"), float("nan"))
    return LinkChance(null, counts, float(expected / counts), (1 + reached) / (1 + counts))


_drawn: weakref.WeakKeyDictionary[Store, dict[tuple[str, int], Pairing]] = weakref.WeakKeyDictionary()


def drawn(store: Store, null: str, seed: int) -> Pairing:
    """A draw of a null, kept where it is small: every link that is looked at meets the same draws."""
    layout = layout_of(store)
    if len(layout.lengths) > KEPT_SEQUENCES:
        return draw(layout, null, seed)
    kept = _drawn.setdefault(store, {})
    if (null, seed) not in kept:
        if len(kept) >= 2 * len(NULLS) * DRAWS:
            kept.clear()
        kept[null, seed] = draw(layout, null, seed)
    return kept[null, seed]
