"""Budgets measured: each file prints a table and writes JSON (``--json FILE``); tests never assert times."""
