"""Tests; each file is about one thing, `oracle` is the dense float64 truth that they compare with."""
