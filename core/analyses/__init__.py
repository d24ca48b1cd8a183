"""Analyses: pure functions from a store (or anything that answers `Links`) to frozen results."""
