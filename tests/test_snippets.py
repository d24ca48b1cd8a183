"""'Copy as Python': every snippet runs as it is and gives what the page shows."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from core.analyses.contexts import sampled, strongest
from core.analyses.neighbours import StoreLinks
from core.analyses.tables import context_table, find_in, neighbour_table, site_table
from core.labels import Labels
from core.store import Store
from core.values import Feature
from ui import snippets

FEATURE = Feature("1", 2)


def result(snippet: str) -> pl.DataFrame:
    scope: dict[str, Any] = {}
    exec(compile(snippet, "snippet", "exec"), scope)
    frame: pl.DataFrame = scope["result"]
    return frame


def test_contexts(random_store: Store) -> None:
    found = strongest(random_store, FEATURE, 7, window=9)
    assert result(snippets.contexts(random_store.path, FEATURE, 7, window=9)).equals(context_table(found))
    bands = sampled(random_store, FEATURE, 3)
    everything = [context for band in bands.values() for context in band]
    assert result(snippets.contexts(random_store.path, FEATURE, 3, sampled=True)).equals(context_table(everything))


@pytest.mark.parametrize("measure", ["pearson", "necessity"])
def test_neighbours(random_store: Store, measure: str) -> None:
    links = StoreLinks(random_store).neighbours(FEATURE, "2", measure, 5)
    wanted = neighbour_table(links, FEATURE, Labels.beside(random_store))
    assert len(wanted) == 5
    assert result(snippets.neighbours(random_store.path, FEATURE, "2", measure, 5)).equals(wanted)


def test_site_table_with_a_search_that_tries_to_break_out(random_store: Store) -> None:
    text = "'); raise SystemExit('"
    table = site_table(random_store, Labels.beside(random_store), "1")
    assert result(snippets.site_table(random_store.path, "1", "w1", "alive")).equals(find_in(table, "w1", "alive"))
    assert len(result(snippets.site_table(random_store.path, "1", text))) == 0


def test_together_runs_too(random_store: Store) -> None:
    both = snippets.together(
        snippets.contexts(random_store.path, FEATURE, 2), snippets.site_table(random_store.path, "0")
    )
    assert len(result(both)) == 30
