"""Results in memory: as many as fit, whatever their number; those that nobody asked for longest go first."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

MOST = 256 * 2**20
MOST_HOSTED = MOST // 4
"""Bytes of all results of long work together; a hosted app has one gigabyte for everything."""


@dataclass(slots=True)
class Shelf:
    """Results by key, `most` bytes of them; the newest stays whatever its size. Not for two threads at once."""

    most: int
    size: int = 0
    _kept: OrderedDict[Hashable, tuple[Any, int]] = field(default_factory=OrderedDict)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable) -> Any:
        """The result, which counts as used now; raises `KeyError`."""
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: Hashable, result: Any, size: int) -> None:
        """Keep a result of so many bytes, in place of the older one under its key and of what it leaves no room for.

        >>> shelf = Shelf(100)
        >>> shelf.put("a", 1, 40), shelf.put("b", 2, 40), shelf.get("a"), shelf.put("c", 3, 50)
        (None, None, 1, None)
        >>> [key in shelf for key in "abc"], shelf.size
        ([True, False, True], 90)
        """
        if key in self._kept:
            self.size -= self._kept.pop(key)[1]
        self._kept[key] = result, size
        self.size += size
        while self.size > self.most and len(self._kept) > 1:
            self.size -= self._kept.popitem(last=False)[1][1]


def bytes_of(result: Any) -> int:
    """About how much memory a result takes: arrays, frames and all that dataclasses and collections hold, each once.

    Arrays that lie in a file take none.

    >>> bytes_of(np.zeros(1000)) - 8000 < 200, bytes_of((np.zeros(1000), [np.zeros(500)])) // 1000
    (True, 12)
    """
    total, seen, left = 0, {id(None)}, [result]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, (np.memmap, type)):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)  # of an array that has its own memory, all of it
        if isinstance(one, np.ndarray):
            left.append(one.base)
        elif isinstance(one, (pl.DataFrame, pl.Series)):
            total += int(one.estimated_size())
        else:
            left += _parts(one)
    return total


def _parts(one: Any) -> list[Any]:
    if isinstance(one, Mapping):
        return [*one.keys(), *one.values()]
    if isinstance(one, (list, tuple, set, frozenset)):
        return list(one)
    names = getattr(one, "__dataclass_fields__", {})
    return [*getattr(one, "__dict__", {}).values()] or [getattr(one, name) for name in names]
