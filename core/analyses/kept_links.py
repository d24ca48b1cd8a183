"""Links from pairs of sites that were computed before, where they are at hand; from the store where not.

The numbers are the same either way, so that it is a matter of time alone. A kept pair in memory answers in the time of
a look-up, but reading one takes as long as some dozens of questions to the store. So a page never waits for a file:
`KeptPairs` reads it beside, and until it is there the store answers.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.analyses.neighbours import StoreLinks, links_of, take
from core.errors import NotPermitted
from core.results import mark_used, pair_path, read_pair
from core.statistics.margins import Margins, active_counts, margins
from core.statistics.measures import COMPILED, measure_function, mutual_information
from core.statistics.pairs import PairLinks, in_order
from core.statistics.ranking import rank
from core.store import Store
from core.values import Feature, Link, PairCounts

MOST_BYTES = 512 << 20
IDLE = 60.0
"""Seconds without a question after which a pair gives way to another one. Before that, what does not fit stays out:
a picture that needs more pairs than there is room for would else read them round and round."""

WORTH = 20_000
"""Products of activations from which on looking a feature up takes less time than asking the store, also where the
kept links cannot tell and it is asked after all."""

ROUNDING = 1e-9
"""By less the engine's values, which the floor was compared with, differ from those of the measure's function."""


@dataclass(frozen=True, slots=True)
class KeptPair:
    """A pair with what it takes to find a feature's links in it, either way."""

    pair: PairLinks
    source_starts: np.ndarray  # int64 [d_source + 1]; links are sorted by (source, target)
    by_target: np.ndarray  # int32 [links], links in the order of (target, source)
    target_starts: np.ndarray  # int64 [d_target + 1]
    n: int
    source: Margins
    target: Margins

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        pair = self.pair
        arrays = (pair.sources, pair.targets, pair.n_both, pair.sum_xy, self.by_target)
        return sum(array.nbytes for array in (*arrays, self.source_starts, self.target_starts))

    def links_with(self, feature: Feature) -> tuple[np.ndarray, np.ndarray]:
        """Places of the links that have `feature`, and the indices of the other ends, which rise."""
        if feature.key == self.pair.source:
            places = np.arange(self.source_starts[feature.index], self.source_starts[feature.index + 1])
            return places, self.pair.targets[places]
        places = self.by_target[self.target_starts[feature.index] : self.target_starts[feature.index + 1]]
        return places, self.pair.sources[places]

    def counts(self, places: np.ndarray) -> PairCounts:
        """As those of the pair; the margins are at hand."""
        i, j, a, b = self.pair.sources[places], self.pair.targets[places], self.source, self.target
        margins = a.active[i], b.active[j], self.pair.n_both[places], a.total[i], a.squares[i], b.total[j], b.squares[j]
        return PairCounts(self.n, *margins, self.pair.sum_xy[places])


def indexed(store: Store, pair: PairLinks) -> KeptPair:
    """A pair, ready to be asked."""
    by_target = np.argsort(pair.targets, kind="stable").astype(np.int32)
    starts = [
        np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(ends, minlength=store.site(key).d_sae))])
        for key, ends in ((pair.source, pair.sources), (pair.target, pair.targets))
    ]
    sides = [margins(store, key, pair.activity) for key in (pair.source, pair.target)]
    plain = [Margins(*(np.asarray(part) for part in (of.active, of.total, of.squares))) for of in sides]
    return KeptPair(pair, starts[0], by_target, starts[1], store.n, *plain)


@dataclass(slots=True)
class _Entry:
    stamp: tuple[int, int]  # time and size of the file that was read
    kept: KeptPair | None  # None: it was damaged
    used: float

    @property
    def nbytes(self) -> int:
        return self.kept.nbytes if self.kept else 0


class KeptPairs:
    """Kept pairs in memory, of any stores, shared by all who ask; never more than `most_bytes`.

    Whether there is a file is asked anew each time: one that appears is read, one that was replaced is read again, and
    one that was cleared is forgotten. With an executor `get` does not wait: it answers None until a pair has been read.
    """

    def __init__(
        self,
        beside: Executor | None = None,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._beside, self._most_bytes, self._clock = beside, most_bytes, clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[Path, _Entry] = OrderedDict()
        self._reading: dict[Path, int] = {}  # and how many bytes they may take

    def get(self, store: Store, a: str, b: str, activity: float) -> KeptPair | None:
        """The kept pair of two sites, if it is at hand; a damaged one is none."""
        try:
            path = pair_path(store, *in_order(store, a, b), activity)
        except NotPermitted:  # there is no cache folder
            return None
        with self._lock:
            try:
                found = path.stat()
            except OSError:  # none was computed, or it was cleared
                self._entries.pop(path, None)
                return None
            stamp = found.st_mtime_ns, found.st_size
            entry = self._entries.get(path)
            if entry is not None and entry.stamp == stamp:
                entry.used = self._clock()
                self._entries.move_to_end(path)
                mark_used(path)  # it must not give way on the disk while it is of use here
                return entry.kept
            self._entries.pop(path, None)
            if path in self._reading or not self._make_room(2 * found.st_size):
                return None
            self._reading[path] = 2 * found.st_size
        if self._beside is None:
            return self._read(store, path, stamp)
        self._beside.submit(self._read, store, path, stamp)
        return None

    def _make_room(self, size: int) -> bool:
        """Let go of what nobody asks for, until `size` bytes fit; the lock is held."""
        held = sum(entry.nbytes for entry in self._entries.values()) + sum(self._reading.values())
        idle = [p for p, entry in self._entries.items() if entry.used <= self._clock() - IDLE]
        while held + size > self._most_bytes and idle:
            held -= self._entries.pop(idle.pop(0)).nbytes
        return held + size <= self._most_bytes

    def _read(self, store: Store, path: Path, stamp: tuple[int, int]) -> KeptPair | None:
        kept = None
        try:
            pair = read_pair(path, store)
            kept = None if pair is None else indexed(store, pair)
        finally:
            with self._lock:
                del self._reading[path]
                self._entries[path] = _Entry(stamp, kept, self._clock())
        return kept


class CachedLinks(StoreLinks):
    """Links from kept pairs, and from the store where they cannot tell; the same numbers either way.

    A kept pair holds the best `top` of each feature among those that it is ever active together with, and all links at
    or above its floor. It answers where nothing that was not kept can come before what it would list.
    """

    def __init__(self, store: Store, kept: KeptPairs | None = None) -> None:
        super().__init__(store)
        self.kept = KeptPairs() if kept is None else kept

    def neighbours(
        self, feature: Feature, to: str, measure: str, top: int, min_both: int = 0, activity: float = 0.0
    ) -> list[Link]:
        """As those of `StoreLinks`."""
        feature = self.store.feature(feature)
        if top > 0 and measure in COMPILED and to != feature.key and self._work(feature, to) >= WORTH:
            kept = self.kept.get(self.store, feature.key, to, activity)
            found = None if kept is None else self._from(kept, feature, to, measure, top, min_both, activity)
            if found is not None:
                return found
        return super().neighbours(feature, to, measure, top, min_both, activity)

    def _work(self, feature: Feature, to: str) -> float:
        """About how many products of activations the store would go through."""
        active = int(self.store.summary(feature.key).active[feature.index])
        return active * len(self.store.by_token(to).indices) / max(1, self.store.n)

    def _from(
        self, kept: KeptPair, feature: Feature, to: str, measure: str, top: int, min_both: int, activity: float
    ) -> list[Link] | None:
        """The best links out of a kept pair; None where others might come before them."""
        pair = kept.pair
        places, others = kept.links_with(feature)
        counts = kept.counts(places)
        values = measure_function(measure)(counts)
        best = rank(values, counts.n_both, top, min_both=min_both)
        whole = min_both > 0 and len(places) < pair.top  # all that it is ever active together with were kept
        if not whole:
            if len(best) < top:
                return None
            worst = float(values[best[-1]])
            if not (measure in pair.floor_measures and worst > pair.floor + ROUNDING):
                # The first places of the row are the true ones; the last might be shared with one that was not kept.
                first = rank(values, counts.n_both, pair.top - 1)
                if not np.isin(best, first).all() or not self._beyond(feature, to, measure, activity, worst):
                    return None
        return links_of(self.store, feature, to, others[best], take(counts, best))

    def _beyond(self, feature: Feature, to: str, measure: str, activity: float, worst: float) -> bool:
        """Whether no feature that is never active together with `feature` can be as good as `worst`.

        For those, Pearson is negative and the other measures are 0, but for mutual information, which grows with how
        often the other one is active, and is largest for the site's densest.
        """
        if measure != "mutual_information":
            return worst > 0
        active = int(active_counts(self.store, feature.key, activity)[feature.index])
        densest = int(active_counts(self.store, to, activity).max(initial=0))
        apart = PairCounts(self.store.n, active, min(densest, self.store.n - active), 0, 0, 0, 0, 0, 0)
        return worst > float(mutual_information(apart))
