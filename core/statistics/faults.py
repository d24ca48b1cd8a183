"""What compiled loops report of activations that contradict themselves, as the error that it is.

A loop cannot raise: it returns a code, 0 where all is sound.
"""

from __future__ import annotations

from typing import NoReturn

from core.errors import StoreDamaged
from core.store import Store
from core.store.checks import COLLECT_AGAIN

FAULTS = {
    1: "the positions of {} are out of bounds or not in order",
    2: "the token offsets of site {} are out of bounds",
    3: "the features of site {} are out of bounds or not in order",
    4: "the feature offsets of site {} are out of bounds",
    5: "the counts of site {} contradict its activations",
    6: "activations of {} are no positive numbers",
}


def damaged(store: Store, fault: int, where: object) -> NoReturn:
    """Raise `StoreDamaged` with the sentence of a kernel's code."""
    raise StoreDamaged(f"{store.path.name}: {FAULTS[fault].format(where)}", COLLECT_AGAIN)
