"""The Communities page without a browser: what it opens on, follows and lets one copy; colours of Evolution."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analyses.communities import Settings, store_communities
from core.analyses.community_tables import MOST, community_graph, community_table, member_table, with_text
from core.analyses.neighbours import StoreLinks
from core.labels import Labels, labels_path, write_labels
from core.paths import ROOT
from core.sources.planted import plant
from core.sources.structures import Planting
from core.sources.truth import Truth
from core.store import Store
from core.values import Feature, Label
from tests.test_gates_page import everything
from ui.communities import colours_in_view
from ui.communities_shown import as_python

SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture
def planted(_own_cache: None) -> tuple[Store, Truth]:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planting = Planting(sites=3, width=40, tokens=10_000)
    for size in (5, 4, 3):
        planting.community((0, 1, 2), size=size)
    store, truth = planting.build(folder / "planted.h5")
    largest = truth.communities[0].features
    write_labels(labels_path(store.path), [(f, Label(f"names of rivers {SCRIPT}", "test")) for f in largest])
    return store, truth


@pytest.fixture
def app(planted: tuple[Store, Truth]) -> AppTest:
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


@pytest.fixture
def app_of_loose(loose: Store) -> AppTest:
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def opened(app: AppTest, page: str = "communities", **query: str) -> AppTest:
    for name, text in ({"store": "planted"} | query).items():
        app.query_params[name] = text
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


def table_of(app: AppTest, place: int = 0) -> pl.DataFrame:
    return pl.DataFrame(app.dataframe[place].value)


def test_it_opens_on_a_community_of_this_store(app: AppTest) -> None:
    opened(app)
    text = everything(app)
    assert "hold together through all 3 sites" in text
    assert "found again each time" in text
    assert table_of(app)["size"].to_list() == [15, 12, 9]
    assert SCRIPT not in text


def test_a_chosen_community_and_a_chosen_feature_are_shown(app: AppTest, planted: tuple[Store, Truth]) -> None:
    third = planted[1].communities[2].features
    assert set(table_of(opened(app, community="3"), 1)["feature"]) == {str(f) for f in third}
    other = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    opened(other, feature=str(third[0]))
    assert set(table_of(other, 1)["feature"]) == {str(f) for f in third}


def test_what_was_typed_filters_by_keyword_label_and_feature(app: AppTest, planted: tuple[Store, Truth]) -> None:
    assert table_of(opened(app, find="rivers"))["size"].to_list() == [15]
    assert table_of(opened(app, find=str(planted[1].communities[1].features[0])))["size"].to_list() == [12]
    assert "No community matches “no such word”. Clear the search" in everything(opened(app, find="no such word"))


def test_settings_of_the_address_are_used_and_bad_ones_fall_back(app: AppTest) -> None:
    assert "Louvain groups" in everything(opened(app, method="louvain", links="pearson", above="0.5"))
    assert "Pearson 0.50 or more between adjacent sites" in everything(app)
    opened(app, method="x", links="y", above="z", resolution="-1", community="99", find="", feature="<b>", link="a,b")
    assert table_of(app)["size"].to_list() == [15, 12, 9]


@pytest.mark.parametrize("query", [{"above": "0.01"}, {"links": "mutual_information", "above": "0.4"}])
def test_an_address_may_go_further_than_a_slider(app: AppTest, query: dict[str, str]) -> None:
    assert f"{float(query['above']):.2f} or more" in everything(opened(app, **query))


def test_a_hosted_app_draws_fewer_than_the_address_asks(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_HOSTED", "1")
    assert "drawn = “300” cannot be used" in everything(opened(app, drawn="300"))


def test_a_floor_above_all_links_is_told(app: AppTest) -> None:
    assert "No three features are linked" in everything(opened(app, above="1"))


def test_a_change_of_settings_follows_the_feature(app: AppTest, planted: tuple[Store, Truth]) -> None:
    second = {str(f) for f in planted[1].communities[1].features}
    opened(app, community="2")
    app.query_params["links"] = "cosine"
    app.run()
    assert set(table_of(app, 1)["feature"]) == second


def test_the_snippet_computes_what_is_shown(app: AppTest, planted: tuple[Store, Truth]) -> None:
    opened(app, find="rivers", community="1")
    snippet = next(code.value for code in app.code if "store_communities" in code.value)
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert names["result"]["id"].to_list() == table_of(app)["id"].to_list()
    assert sorted(names["graph"]) == sorted(table_of(app, 2)["feature"])
    assert names["features"]["feature"].to_list() == table_of(app, 1)["feature"].to_list()
    link = str(names["report"].link.source), str(names["report"].link.target)
    assert names["graph"].has_edge(*link)
    wanted = as_python(str(planted[0].path), Settings(), 1, MOST, "rivers", link=",".join(link))
    assert snippet.strip() == wanted.strip()


@pytest.fixture
def loose(_own_cache: None) -> Store:
    """Two groups of six chains that hang together by a few links: at a low resolution one community of two parts."""
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    first = rng.random(500) < 0.3
    topic = np.repeat(np.stack([first, np.where(rng.random(500) < 0.5, first, rng.random(500) < 0.3)], 1), 20, axis=0)
    sites = {key: topic[:, [0] * 6 + [1] * 6] * (rng.random((10_000, 12)) < 0.5) * 1.0 for key in "012"}
    return plant(folder / "planted.h5", sites)


def python_of(app: AppTest) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(next(code.value for code in app.code if "store_communities" in code.value), names)
    return names


def test_a_community_is_told_part_by_part(app_of_loose: AppTest) -> None:
    app = app_of_loose
    text = everything(opened(app, resolution="0.01"))
    assert "Its parts" in text
    assert "part=2" in text
    assert table_of(app)["size"].to_list() == [36]
    every = table_of(app, 1)
    assert sorted(every["part"].to_list()) == [1] * 18 + [2] * 18
    assert every["strength"].to_list() == sorted(every["strength"], reverse=True)
    of_part = set(every.filter(pl.col("part") == 2)["feature"])
    text = everything(opened(app, resolution="0.01", part="2"))
    assert "a part of the 36 of community 1" in text
    assert "show the whole community" in text
    assert set(table_of(app, 1)["feature"]) == set(table_of(app, 2)["feature"]) == of_part
    names = python_of(app)
    assert set(names["graph"]) == of_part
    assert set(names["features"].filter(pl.col("part") == 2)["feature"]) == of_part


def test_a_chosen_feature_is_drawn_though_others_are_better_connected(app_of_loose: AppTest) -> None:
    opened(app_of_loose, resolution="0.01", drawn="10")
    drawn, every = set(table_of(app_of_loose, 2)["feature"]), table_of(app_of_loose, 1)["feature"].to_list()
    assert len(drawn) == 10
    left_out = next(name for name in reversed(every) if name not in drawn)
    opened(app_of_loose, resolution="0.01", drawn="10", feature=left_out)
    shown = set(table_of(app_of_loose, 2)["feature"])
    assert left_out in shown
    assert set(python_of(app_of_loose)["graph"]) == shown


def test_of_a_large_store_stability_comes_after_the_rest(
    app: AppTest, planted: tuple[Store, Truth], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.communities.UNASKED", 10)
    st.cache_resource.clear()  # what other tests computed of an equal store
    waited: list[Settings] = []

    def not_yet(store: Store, labels: Labels, asked: Settings) -> None:
        waited.append(asked)

    with monkeypatch.context() as patched:
        patched.setattr("ui.communities.find_stability", not_yet)
        text = everything(opened(app))
        assert waited
        assert "15 features, stability not known yet" in text
        assert "is being worked out" in text
        assert "over_seeds" not in table_of(app).columns
        assert str(app.query_params["community"]) == "1"  # it stays
    app.run()
    text = everything(app)
    assert "15 features, found again each time" in text
    assert table_of(app)["over_seeds"].to_list() == [1.0] * 3
    other = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    monkeypatch.setattr("ui.communities.find_stability", not_yet)
    assert "found again each time" in everything(opened(other))  # it is kept now


def test_a_part_of_another_community_is_forgotten(app: AppTest) -> None:
    opened(app, community="1", part="7")
    assert "a part of" not in everything(app)  # planted ones have no parts


def test_a_hosted_app_keeps_to_what_it_can_afford(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_HOSTED", "1")
    monkeypatch.setattr("ui.communities.MOST_HOSTED", 10)
    assert "a hosted Strata finds communities" in everything(opened(app)).replace("A hosted", "a hosted")


@pytest.mark.usefixtures("_own_cache")
def test_one_site_is_told() -> None:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    plant(folder / "planted.h5", {"0": np.eye(20)})
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    assert "single site" in everything(opened(app))


# ---- the pieces


def test_a_picture_keeps_the_best_connected_of_every_site_and_counts_the_rest(planted: tuple[Store, Truth]) -> None:
    store, truth = planted
    labels = Labels.beside(store)
    found = store_communities(store, labels)
    name_of = labels.naming()
    whole = community_graph(StoreLinks(store), found, 1, name_of, MOST)
    assert set(whole) == {str(f) for f in truth.communities[0].features}
    assert (whole.number_of_edges(), whole.graph["pruned_nodes"], whole.graph["pruned_edges"]) == (50, 0, 0)
    part = community_graph(StoreLinks(store), found, 1, name_of, 6)
    assert sorted(data["key"] for _, data in part.nodes(data=True)) == ["0", "0", "1", "1", "2", "2"]
    assert (part.graph["pruned_nodes"], part.number_of_edges() + part.graph["pruned_edges"]) == (9, 50)
    assert all(data["weight"] == data["jaccard"] >= 0.1 for *_, data in part.edges(data=True))


def test_tables_hold_every_member_once(planted: tuple[Store, Truth]) -> None:
    store, _ = planted
    labels = Labels.beside(store)
    found = store_communities(store, labels)
    members = member_table(found, labels.naming())
    assert members["feature"].is_unique().all()
    assert len(members) == community_table(found)["size"].sum() == 36
    assert with_text(community_table(found), members, "RIVERS names")["id"].to_list() == [1]


def test_only_as_many_communities_are_coloured_as_there_are_colours() -> None:
    of = {Feature("0", k): k for k in range(20)}
    grounds, ranked = colours_in_view([f"0_{k}" for k in range(25)], of, "dark")
    assert len(grounds) == len(set(grounds.values())) == len(ranked) == 8


def test_evolution_colours_by_community_and_says_which(app: AppTest) -> None:
    opened(app, page="evolution", feature="1_0", colour="community", floor="0.2")
    text = everything(app)
    assert "Communities: Leiden at Jaccard 0.10 or more between adjacent sites, resolution 1." in text
    assert "community=1" in text
    opened(app, page="evolution", colour="community", links="pearson", method="louvain")
    assert "Communities: Louvain at Pearson 0.30 or more" in everything(app)
