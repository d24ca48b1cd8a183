"""'Copy as Python': every snippet runs as it is and gives what the page shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.contexts import sampled, strongest
from core.analyses.neighbours import StoreLinks
from core.analyses.tables import context_table, find_in, neighbour_table, site_table
from core.labels import Labels
from core.paths import ROOT
from core.store import Store
from core.values import Feature
from tests.chains import planted_chains
from ui import snippets

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py") if path.stem != "data")
"""Data shows what lies on the disk: there is nothing of a store to compute."""
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


def test_best_links_are_those_that_neighbours_gives(random_store: Store) -> None:
    table = result(snippets.site_table(random_store.path, "1", best_at="2"))
    links = StoreLinks(random_store)
    for name, best, value in table.select("feature", "best", "best_pearson").rows():
        found = links.neighbours(Feature.parse(name), "2", "pearson", 1)
        if not found:
            assert best is None
        elif best is not None:
            assert value == pytest.approx(found[0].measures["pearson"])
    assert table["best"].null_count() < 5
    assert table["feature"].to_list() == [f"1_{i}" for i in range(40)]


def test_together_names_each_answer(random_store: Store) -> None:
    both = snippets.together(
        contexts=snippets.contexts(random_store.path, FEATURE, 2),
        features=snippets.site_table(random_store.path, "0"),
    )
    scope: dict[str, Any] = {}
    exec(both, scope)
    assert (len(scope["contexts"]), len(scope["features"])) == (2, 30)
    assert both.count("open_store(") == 1


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_python_that_runs(page: str) -> None:
    """That it computes what is shown is compared page by page, in the tests of each."""
    path = Path(os.environ["STRATA_CACHE"]) / "stores" / "planted.h5"
    path.parent.mkdir(parents=True)
    planted_chains(path)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["store"] = "planted"
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception
    found = [code.value for code in app.code if code.language == "python"]
    assert found
    for snippet in found:
        scope: dict[str, Any] = {}
        exec(compile(snippet, page, "exec"), scope)
        assert any(isinstance(made, pl.DataFrame) for made in scope.values()), "nothing that could be compared"
