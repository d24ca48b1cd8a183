"""A whole pair of sites on a GPU: the sums, lists and histograms of `pairs`, with torch; the same code runs on its CPU.

Blocks of source features come in rising order. Every product of two activations at one position is written out and
added, atomically, to its cell of a tile [features of the block, d_sae]; the touched cells are gathered, and measures,
best of rows and columns, floor and histograms follow from them. Work grows with the products and the touched pairs;
beyond those a tile is only cleared and scanned, and nothing d_sae × d_sae ever exists.

Counts are integers, equal to the CPU engine's. Sums are float64 in whatever order the additions arrive: of n_both
positive products, each exact, two orders differ by at most n_both · 2⁻⁵² of the sum (2e-10 at a million, far within
float32 rounding, 6e-8). Measures take the CPU engine's float64 operations one by one, so that the links kept are the
same save where values are equal within that.

This package is the only part of `core.statistics` that imports torch; `devices` imports it, lazily.
"""

from core.statistics.cuda.memory import available
from core.statistics.cuda.whole import whole_pair

__all__ = ["available", "whole_pair"]
