"""The Evolution page without a browser: what it shows, keeps in the address and lets one copy."""

from __future__ import annotations

import contextlib
import html
import io
import os
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.export import written
from core.paths import ROOT
from core.values import about
from tests.chains import planted_chains


@pytest.fixture
def app(_own_cache: None) -> AppTest:
    stores = Path(os.environ["STRATA_CACHE"]) / "stores"
    stores.mkdir(parents=True)
    planted_chains(stores / "chains.h5")
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def opened(app: AppTest, **query: str) -> AppTest:
    """The page as a cold link would show it."""
    for name, text in ({"store": "chains"} | query).items():
        app.query_params[name] = text
    app.switch_page("pages/evolution.py").run()
    assert not app.exception, app.exception
    return app


def everything(app: AppTest) -> str:
    found: list[str] = []

    def walk(block: Any) -> None:
        for child in getattr(block, "children", {}).values():
            body = getattr(getattr(child, "proto", None), "body", None)
            if isinstance(body, str):
                found.append(body)
            walk(child)

    walk(app.main)
    return "\n".join(found)


def graph_of(app: AppTest) -> pl.DataFrame:
    return pl.DataFrame(app.dataframe[1].value)


def test_a_chain_is_found_and_noise_is_not(app: AppTest) -> None:
    links = graph_of(opened(app, feature="1_0"))
    ends = set(links.select("source", "target").rows())
    assert {("0_0", "1_0"), ("1_0", "2_0"), ("2_0", "3_0"), ("1_0", "2_1")} <= ends
    assert not any(int(end.split("_")[1]) > 5 for link in ends for end in link)
    assert "“the first” at site 1" in everything(app)


def test_noise_is_told_to_have_no_links(app: AppTest) -> None:
    opened(app, feature="1_7")
    assert len(graph_of(app)) == 0
    assert "has no link of Pearson 0.3 or more" in everything(app)


def test_it_opens_on_a_feature_with_links_when_none_is_chosen(app: AppTest) -> None:
    assert len(graph_of(opened(app))) > 2


def test_an_unknown_feature_is_named_and_the_page_goes_on(app: AppTest) -> None:
    opened(app, feature="1_900")
    assert "there is no 1_900" in everything(app)
    assert len(graph_of(app)) > 2


def test_bad_settings_fall_back(app: AppTest) -> None:
    opened(app, feature="1_0", measure="nonsense", k="99", floor="x", link="1_0", expanded="<b>,,9_9", centre="9_9")
    assert len(graph_of(app)) > 2


def test_a_floor_of_another_measure_is_dropped_where_it_cannot_be_meant(app: AppTest) -> None:
    opened(app, feature="1_0", measure="mutual_information", floor="0.9")
    assert "at 0.01 and above" in everything(app)
    assert "floor" not in app.query_params


def test_a_floor_that_chance_sets_for_mutual_information_can_be_used(app: AppTest) -> None:
    opened(app, feature="1_0", measure="mutual_information", floor="0.3")
    assert "at 0.30 and above" in everything(app)
    assert next(slider for slider in app.slider if slider.label.startswith("Weakest")).max == 0.7


def test_another_measure_starts_from_its_own_floor(app: AppTest) -> None:
    opened(app, feature="1_0", floor="0.5")
    app.radio(key="w:measure").set_value("mutual_information").run()
    assert "at 0.01 and above" in everything(app)
    assert "floor" not in app.query_params


def test_settings_of_the_address_are_used(app: AppTest) -> None:
    opened(app, feature="1_0", measure="jaccard", k="1", floor="0.5", up="0", down="1")
    assert graph_of(app).select("source", "target").rows() == [("1_0", "2_0")]
    assert "best links by Jaccard, one a step, at 0.50" in everything(app)


def test_the_inspector_shows_the_link_of_the_address_either_way_round(app: AppTest) -> None:
    opened(app, feature="1_0", link="3_0,2_0")
    assert 'data-cell="both"' in everything(app)
    assert "<b>2_0 <span>its heir</span> → 3_0" in everything(app)


def test_a_cell_without_contexts_is_a_line_and_takes_no_column(app: AppTest) -> None:
    text = everything(opened(app, feature="1_0", link="0_0,1_0"))
    assert re.findall('class="s-case" data-cell="([a-z_]+)"', text) == ["both", "source_only"]
    assert '<span data-cell="target_only">the target never fires alone</span>' in text
    assert "the source never fires alone" not in text


def test_what_a_number_of_the_inspector_means_is_there_without_a_pointer(app: AppTest) -> None:
    text = everything(opened(app, feature="1_0", link="0_0,1_0"))
    inspected = html.unescape(text[text.index("s-link-parts") :])
    tips = dict(re.findall('tabindex="0">([^<]*)<span role="tooltip">([^<]*)</span>', inspected))
    assert tips["sufficiency"] == about("sufficiency").meaning
    assert "The topic stays" in tips["shifted within the sequence"]
    assert "<tr title" not in inspected


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"feature": "1_0", "link": "1_0,2_7"}, "is below the floor"),
        ({"link": "1_0,2_7"}, "is below the floor"),
        ({"feature": "1_0", "link": "1_0,3_0"}, "its sites are not next to each other"),
        ({"feature": "3_0", "link": "0_0,3_0", "up": "0"}, "its sites are not next to each other"),
        ({"feature": "1_0", "link": "1_0,2_1", "k": "1"}, "it is not among the links that are followed"),
        ({"feature": "1_0", "link": "1_0,2_0", "both": "90000"}, "tokens only"),
        ({"feature": "1_0", "link": "0_4,1_4", "up": "0", "down": "0"}, "it is not among the links that are followed"),
    ],
)
def test_a_link_that_the_walk_leaves_out_is_shown_all_the_same(app: AppTest, query: dict[str, str], why: str) -> None:
    source, target = query["link"].split(",")
    opened(app, **query)
    text = everything(app)
    assert f"Dotted: the link {source} → {target}, which was asked for; " in text
    assert why in text
    assert (source, target) in graph_of(app).select("source", "target").rows()
    assert f"<b>{source} " in text  # the inspector
    assert app.query_params["link"] == query["link"]
    assert app.query_params["feature"] == query.get("feature", source)
    snippet = next(code.value for code in app.code if "evolution_graph" in code.value)
    scope: dict[str, Any] = {}
    exec(snippet, scope)
    assert (source, target) in scope["graph"].edges
    assert scope["result"]["asked"].to_list() == graph_of(app)["asked"].to_list()


def test_a_link_that_the_walk_leads_over_is_not_told_apart(app: AppTest) -> None:
    opened(app, feature="1_0", link="1_0,2_0")
    assert "Dotted" not in everything(app)
    assert "asked" not in graph_of(app).columns


def test_the_title_tells_of_what_was_followed_only(app: AppTest) -> None:
    opened(app, feature="1_0", link="1_0,3_7", down="0", up="0")
    assert "has no link of Pearson 0.3 or more" in everything(app)


def test_what_is_here_for_its_link_alone_cannot_be_expanded_but_centred(app: AppTest) -> None:
    opened(app, feature="3_7", centre="1_0", link="1_0,3_7")
    assert app.query_params["centre"] == "1_0"
    assert app.button(key="expand").disabled
    app.button(key="centre").click().run()
    assert "centre" not in app.query_params
    assert not app.button(key="expand").disabled


def test_a_link_of_measures_is_shown_whatever_the_settings_of_this_page(app: AppTest) -> None:
    opened(app, feature="1_5", floor="1", k="1", both="500")
    app.query_params.clear()
    for name, text in {"store": "chains", "from": "0", "to": "1", "link": "0_7,1_8"}.items():
        app.query_params[name] = text
    app.switch_page("pages/measures.py").run()
    app.button(key="to-evolution").click().run()
    assert app.query_params["link"] == "0_7,1_8"
    assert ("0_7", "1_8") in graph_of(app).select("source", "target").rows()


def test_buttons_expand_and_centre(app: AppTest) -> None:
    opened(app, feature="2_0", centre="1_0", k="1", up="0", down="2")
    before = len(graph_of(app))
    app.button(key="expand").click().run()
    assert app.query_params["expanded"] == "2_0"
    assert app.query_params["centre"] == "1_0"
    assert len(graph_of(app)) > before
    app.button(key="centre").click().run()
    assert "centre" not in app.query_params
    assert "expanded" not in app.query_params
    assert "“its heir” at site 2" in everything(app)


def test_the_snippet_runs_as_it_is_and_gives_what_is_shown(app: AppTest) -> None:
    opened(app, feature="1_0", link="1_0,2_0", expanded="2_1")
    snippet = next(code.value for code in app.code if "evolution_graph" in code.value)
    scope: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(snippet, scope)
    result = scope["result"].drop("n")
    shown = ("source", "target", "n_both", "target_name")
    assert (
        result.with_columns(target_name=written("target_")).select(shown).rows() == graph_of(app).select(shown).rows()
    )
    assert f"{scope['report'].link.n_both:,}</td>" in everything(app)


def test_the_permalink_holds_the_whole_view(app: AppTest) -> None:
    opened(app, feature="2_0", centre="1_0", link="2_0,3_0", measure="cosine", k="2", expanded="2_0", activity="0.2")
    link = next(code.value for code in app.code if "store=" in code.value and "import" not in code.value)
    for part in (
        "store=chains",
        "feature=2_0",
        "centre=1_0",
        "link=2_0%2C3_0",
        "measure=cosine",
        "k=2",
        "expanded=2_0",
    ):
        assert part in link


def test_a_feature_chosen_elsewhere_becomes_the_centre_unless_it_is_in_the_graph(app: AppTest) -> None:
    opened(app, feature="1_0", expanded="2_1")
    app.query_params["feature"] = "2_0"
    app.run()
    assert app.query_params["centre"] == "1_0"
    app.query_params["feature"] = "1_7"
    app.run()
    assert "centre" not in app.query_params
    assert "expanded" not in app.query_params
    assert len(graph_of(app)) == 0
