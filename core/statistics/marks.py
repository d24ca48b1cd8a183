"""Marks of a byte each, as on the cells of a row: where they stand, eight of them read as one word.

Neither clearing nor reading a long row of cells then costs much that grows with its length.
"""

from __future__ import annotations

import numpy as np

from core.kernels import copy_eight, kernel

GATHER = np.uint64(0x0102040810204080)  # eight bytes of 0 or 1 times this have those bits in the highest byte


@kernel
def marked(met, words, listed, places):  # type: ignore[no-untyped-def]
    """How many of `met` are marked, and their places, rising: eight marks are one word, 64 are passed over at once.

    A product gathers the lowest bits of a word's bytes into one byte; where the bits of each byte stand is looked up.
    Eight places are always written, of which those count that have a mark. `words` ends with a whole line of the cache.
    """
    found = np.uint64(0)
    for line in range(np.uint64(0), np.uint64((met + 63) // 64 * 8), np.uint64(8)):
        if any_of_line(words, line):
            for w in range(line, line + np.uint64(8)):
                byte = (words[w] * GATHER) >> np.uint64(56)
                copy_eight(listed, np.int64(np.uint64(9) * byte), np.uint32(np.uint64(8) * w), places, np.int64(found))
                found += np.uint64(listed[byte, np.uint64(8)])
    return np.int64(found)


@kernel
def any_of_line(words, line):  # type: ignore[no-untyped-def]
    """Whether any of eight neighbouring words is not zero."""
    found = words[line] | words[line + np.uint64(1)] | words[line + np.uint64(2)] | words[line + np.uint64(3)]
    found |= words[line + np.uint64(4)] | words[line + np.uint64(5)]
    return (found | words[line + np.uint64(6)] | words[line + np.uint64(7)]) != 0


def bits_of_bytes() -> np.ndarray:
    """Of each byte the places of its bits, and after eight of them how many there are; uint32 [256, 9].

    >>> bits_of_bytes()[0b10010].tolist()
    [1, 4, 0, 0, 0, 0, 0, 0, 2]
    """
    listed = np.zeros((256, 9), np.uint32)
    for byte in range(256):
        bits = [bit for bit in range(8) if byte >> bit & 1]
        listed[byte, : len(bits)] = bits
        listed[byte, 8] = len(bits)
    return listed
