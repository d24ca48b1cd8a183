"""What each feature brings to all of its pairs: on how many positions it is active, and the sums of its activations.

The sums stand in the store's summary. So do the counts where every activation counts (r = 0); by another activity rule
they are counted, once a store and rule.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import BadArgument
from core.kernels import frozen, kernel
from core.statistics.faults import damaged
from core.store import Store
from core.values import Feature

KEPT_COUNTS = 64  # arrays of d_sae counts kept per store, one for each (site, activity rule) that was asked for


@dataclass(frozen=True, slots=True)
class Margins:
    """What each feature brings to its pairs: scalars for one feature, arrays [d_sae] for a site."""

    active: Any  # int64, by the activity rule
    total: Any  # float64, Σx
    squares: Any  # float64, Σx²


@kernel
def _count_active(offsets, values, floors, counts):  # type: ignore[no-untyped-def]
    for f in range(len(floors)):
        start, stop = offsets[f], offsets[f + 1]
        if start < 0 or stop < start or stop > len(values):
            return 4
        n = 0
        for e in range(start, stop):
            if np.float64(values[e]) > floors[f]:
                n += 1
        counts[f] = n
    return 0


@kernel
def all_positive(values):  # type: ignore[no-untyped-def]
    """Whether all of `values` are finite numbers above 0, as activations of a store are."""
    sound = True
    for value in values:
        sound &= (value > 0.0) & (value < np.inf)
    return sound


def margins(store: Store, key: str, activity: float = 0.0) -> Margins:
    """Margins [d_sae] of all features of a site; the sums are read from the store's summary."""
    summary = store.summary(key)
    total, squares = np.asarray(summary.total), np.asarray(summary.total_of_squares)
    return Margins(active_counts(store, key, activity), total, squares)


def feature_margins(store: Store, feature: Feature, activity: float = 0.0) -> Margins:
    """Margins of one feature as Python numbers; raises `StoreDamaged` where its row contradicts the summary."""
    summary, (_, values) = store.summary(feature.key), store.row(feature)
    i = feature.index
    if int(summary.active[i]) != len(values):
        damaged(store, 5, feature.key)
    active = int(np.count_nonzero(values > floor_of(store, feature, activity))) if activity else len(values)
    return Margins(active, float(summary.total[i]), float(summary.total_of_squares[i]))


def floors(store: Store, key: str, activity: float) -> np.ndarray:
    """r · max_i per feature, float64 [d_sae]: above it a feature counts as active. Raises `BadArgument` for a bad r."""
    check_activity(activity)
    return activity * np.asarray(store.summary(key).maximum, np.float64)


def floor_of(store: Store, feature: Feature, activity: float) -> float:
    """r · max_i of one feature."""
    check_activity(activity)
    return activity * float(store.summary(feature.key).maximum[feature.index])


def check_activity(activity: float) -> None:
    """The activity rule x > r · max_i makes sense for 0 ≤ r < 1 only; raises `BadArgument`."""
    if not 0 <= activity < 1:
        raise BadArgument(f"activity {activity} is not a share of the maximum", "choose r with 0 <= r < 1, such as 0.2")


_counted: weakref.WeakKeyDictionary[Store, OrderedDict[tuple[str, float], np.ndarray]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def active_counts(store: Store, key: str, activity: float = 0.0) -> np.ndarray:
    """Counted positions on which each feature of a site is active, int64 [d_sae].

    At r = 0 they stand in the store; otherwise one pass over the site's values counts them, once a store and rule.
    """
    if activity == 0:
        return np.asarray(store.summary(key).active)
    with _lock:
        kept = _counted.setdefault(store, OrderedDict())
        if (key, activity) in kept:
            kept.move_to_end((key, activity))
            return kept[key, activity]
    rows, limits = store.by_feature(key), floors(store, key, activity)
    counts = np.zeros(len(limits), np.int64)
    if fault := _count_active(*frozen(rows.offsets, rows.values), limits, counts):
        damaged(store, fault, key)
    counts.flags.writeable = False
    with _lock:
        kept[key, activity] = counts
        while len(kept) > KEPT_COUNTS:
            kept.popitem(last=False)
    return counts
