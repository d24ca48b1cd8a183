"""What the result cache knows of chance between two sites, ready to be asked for any of their links.

Reading and sorting all draws takes much longer than asking for one link, and somebody who looks at one link looks at
more: what was read stays in memory, up to some bytes. Nothing is drawn here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.analyses.chance import Chance, kept_chances
from core.analyses.kept_nulls import BestByChance, Stamp, files_of, stamp_of
from core.statistics.false_discoveries import Curve, by_stratum, curve_of
from core.statistics.measures import COMPILED
from core.statistics.null_draws import measures_kept
from core.store import Store

MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What it takes to tell the q of any link of two sites by one measure, and the p of a best match."""

    every: Curve  # of all links
    alike: Mapping[int, Curve]  # by stratum
    best: tuple[BestByChance, ...]  # of each null that says anything, by how often the source is active

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        curves = (self.every, *self.alike.values())
        arrays = [part for one in curves for part in (one.value, one.q)]
        return sum(
            array.nbytes for array in (*arrays, *(part for one in self.best for part in (one.active, one.value)))
        )


def known_of(chance: Chance) -> Known:
    """The curves of one pair of sites by one measure."""
    best = []
    for one in chance.best.values():
        if len(one.value):
            order = np.argsort(one.active, kind="stable")
            best.append(BestByChance(one.active[order], one.value[order], one.alive))
    alike = {k: curve_of(*parts) for k, parts in by_stratum(chance.real, chance.nulls).items()}
    return Known(curve_of(chance.real, chance.nulls), alike, tuple(best))


def known_chance(store: Store, source: str, target: str, activity: float = 0.0) -> dict[str, Known]:
    """By each measure whose nulls the cache has for two sites; whether it does is asked anew each time."""
    found: dict[str, Known] = {}
    for together in dict.fromkeys(measures_kept(name) for name in COMPILED):
        paths = files_of(store, source, target, together[0], activity)
        stamp = stamp_of(paths)
        if stamp is None:
            continue
        known = _in_memory(paths[0], stamp)
        if known is None:
            chances = kept_chances(store, source, target, together[0], activity)
            known = {name: known_of(chance) for name, chance in chances.items()}
            _remember(paths[0], stamp, known)
        found |= known
    return found


_lock = threading.Lock()
_known: OrderedDict[Path, tuple[Stamp, dict[str, Known]]] = OrderedDict()  # of damaged files nothing is known


def _in_memory(path: Path, stamp: Stamp) -> dict[str, Known] | None:
    with _lock:
        kept = _known.get(path)
        if kept is None or kept[0] != stamp:
            return None
        _known.move_to_end(path)
        return kept[1]


def _remember(path: Path, stamp: Stamp, known: dict[str, Known]) -> None:
    """The newest stay, and of a large one at least itself."""
    with _lock:
        _known.pop(path, None)
        _known[path] = stamp, known
        while len(_known) > 1 and sum(one.nbytes for _, kept in _known.values() for one in kept.values()) > MOST_BYTES:
            _known.popitem(last=False)
