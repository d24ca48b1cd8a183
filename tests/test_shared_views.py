"""Every view of Gates and Layers: what it offers for download is what its "Copy as Python" computes, frame by frame."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from core.store import Store
from core.values import Feature
from tests.shared_views import Catch, compare, everything, planted_structures, shared  # noqa: F401  (a fixture)


@pytest.fixture
def store(_own_cache: None) -> Store:
    return planted_structures([Feature("1", 0)])


GATES = [
    {"view": "gates", "from": "0", "to": "1"},
    {"view": "gates", "from": "0", "to": "1", "kind": "and_not", "activity": "0.2"},
    {"view": "gates", "to": "every", "find": "1_0 'name'"},
    {"view": "splits", "from": "0", "to": "1"},
    {"view": "merges", "from": "1", "to": "2"},
    {"view": "merges", "from": "0", "to": "1"},
    {"view": "seed", "from": "0", "to": "1"},
    {"view": "seed", "to": "every", "kind": "and"},
]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("query", GATES)
def test_gates(shared: Catch, query: dict[str, str]) -> None:  # noqa: F811
    _, found = shared("gates", store="planted", **query)
    assert query["view"] in found[0]
    compare(found)


LAYERS = [
    {},
    {"measure": "jaccard", "tau": "0.5", "of": "all", "at": "0", "band": "ended"},
    {"view": "lifespans"},
    {"view": "lifespans", "born": "0", "length": "2"},
    {"view": "lifespans", "lasting": "2", "list": "returns"},
    {"view": "lifespans", "then": "no longer one to one", "tau": "0.5"},
    {"view": "sites"},
    {"view": "sites", "mark": "dead 1 300.0 inf"},
    {"view": "sites", "mark": "maximum 0 0.0 2.5"},
]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("query", LAYERS)
def test_layers(shared: Catch, query: dict[str, str]) -> None:  # noqa: F811
    _, found = shared("layers", store="planted", **query)
    compare(found)
    assert ("returns" in found[0]) == (query.get("list") == "returns")
    assert ("behind-the-mark" in found[0]) == ("mark" in query)


@pytest.mark.parametrize(
    ("page", "query"),
    [("gates", {"view": "seed", "to": "every", "shown": "1_1 and"}), ("layers", {"shown": "1_11", "at": "1"})],
)
@pytest.mark.usefixtures("store")
def test_a_permalink_has_all_that_was_chosen(shared: Catch, page: str, query: dict[str, str]) -> None:  # noqa: F811
    app, _ = shared(page, store="planted", **query)
    link = next(code.value for code in app.code if f"{page}?" in code.value)
    assert {name: texts[0] for name, texts in parse_qs(urlsplit(link).query).items()} == {"store": "planted", **query}


@pytest.mark.usefixtures("store")
def test_what_another_page_has_chosen_under_the_same_name_is_left_to_it(shared: Catch) -> None:  # noqa: F811
    app, _ = shared("gates", store="planted", view="merges", to="2", **{"from": "1"})
    app.query_params.clear()  # as the sidebar's links do
    app.switch_page("pages/layers.py").run()
    assert "cannot be used" not in everything(app)
    assert "are still there at site" in everything(app)  # turnover, as without a choice
    app.query_params.clear()
    app.switch_page("pages/gates.py").run()
    assert "merge" in everything(app)
