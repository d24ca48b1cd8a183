"""What an address asks for and cannot be shown is said on every page: what was asked, why not, what stands in."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.paths import ROOT
from core.store import Store
from core.values import Feature
from tests.shared_views import everything, planted_structures


@pytest.fixture
def store(_own_cache: None) -> Store:
    return planted_structures([Feature("1", 0)])


def opened(page: str, **query: str) -> AppTest:
    """A page as a cold link would show it."""
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    for name, text in ({"store": "planted"} | query).items():
        app.query_params[name] = text
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


def notes(app: AppTest) -> list[str]:
    """What is said at the top of the page."""
    return [text.removeprefix('<div class="s-note">').removesuffix("</div>") for text in everything(app).splitlines()
            if text.startswith('<div class="s-note">')]  # fmt: skip


FEATURE = [("9_1", "there is no site", "_"), ("1_99", "there is no 1_99", "_"), ("cat", "is not a feature", "_")]
LINK = [("1_0,99_2", "there is no site", "link"), ("1_0", "two features", "link"), ("1_0,1_0", "twice", "link")]
ASKED = [
    *(("feature", {"feature": text}, why, shown) for text, why, shown in FEATURE),
    *(("evolution", {"feature": text}, why, shown) for text, why, shown in FEATURE),
    *(("evolution", {"link": text}, why, shown) for text, why, shown in LINK),
    ("evolution", {"centre": "9_1", "feature": "1_0"}, "there is no site", "1_0"),
    ("evolution", {"centre": "0_20", "feature": "1_0", "floor": "1"}, "1_0 is not in the graph around it", "1_0"),
    ("evolution", {"expanded": "1_0,9_1", "feature": "1_0"}, "there is no site", ""),
    ("evolution", {"floor": "nan", "feature": "1_0"}, "it goes from 0 to 1", "0.3"),
    ("evolution", {"k": "many", "feature": "1_0"}, "it goes from 1 to 8", "3"),
    ("prompt", {"feature": "9_1", "sequence": "3"}, "there is no site", "_"),
    ("prompt", {"feature": "1_23", "sequence": "3"}, "not among the strongest", "_"),
    ("prompt", {"link": "1_0,99_2", "sequence": "3"}, "there is no site", "link"),
    ("prompt", {"link": "0_22,1_23", "sequence": "3", "token": "all"}, "not among the links shown", ""),
    ("prompt", {"sequence": "99999"}, "it goes from 0 to 1", "the opening text"),
    ("prompt", {"with": "-1", "sequence": "3"}, "it goes from 0 to 1", "no second text"),
    ("communities", {"community": "first"}, "it goes from 0 to 1,000,000", "the most telling one"),
    ("layers", {"view": "lifespans", "length": "long"}, "it goes from 0 to 1,000", "any length"),
    ("communities", {"community": "999"}, "communities are found", "community 3"),
    ("communities", {"community": "2", "find": "1_0"}, "not among those listed", "community 3"),
    ("communities", {"community": "1", "part": "77"}, "parts", "the whole of it"),
    ("communities", {"feature": "1_23"}, "it is in no community", "_"),
    ("communities", {"feature": "9_1"}, "there is no site", ""),
    ("communities", {"link": "0_22,1_23"}, "not among the links drawn", ","),
    ("layers", {"shown": "9_1"}, "it is not listed here", "_"),
    ("layers", {"shown": "9_1", "view": "lifespans"}, "it is not listed here", "_"),
    ("layers", {"shown": "1_1", "view": "lifespans", "born": "0", "length": "7"}, "it is not listed here", ""),
    ("layers", {"shown": "9_1", "view": "lifespans", "list": "returns"}, "it is not listed here", ""),
    ("layers", {"shown": "9_1", "view": "sites", "mark": "maximum 1 0.0 inf"}, "it is not listed here", "1_"),
    ("layers", {"at": "9"}, "it is one of", "1"),
    ("layers", {"view": "sites", "mark": "density 9 0 1"}, "a panel, a site and two numbers", ""),
    ("layers", {"view": "sites", "mark": "density"}, "a panel, a site and two numbers", ""),
    ("gates", {"shown": "9_1", "to": "every"}, "it is not listed here", "1_"),
    ("gates", {"shown": "9_1", "to": "every", "view": "splits"}, "it is not listed here", "0_"),
    ("gates", {"shown": "9_1", "to": "every", "find": "nothing is called so"}, "it is not listed here", ""),
    ("gates", {"view": "seed", "kind": "and_not", "to": "every"}, "no such kind", "every kind"),
    ("gates", {"from": "1", "to": "1"}, "site 1 does not come after site 1", "2"),
    ("measures", {"from": "1", "to": "0"}, "it is one of", ""),
    ("measures", {"from": "1", "to": "1"}, "site 1 does not come after site 1", "2"),
    ("measures", {"link": "1_0,2_0", "from": "0", "to": "1"}, "no link of sites 0 and 1", "0_"),
    ("measures", {"link": "1_0,99_2"}, "there is no site", "the widest disagreement"),
    ("measures", {"low": "high"}, "it is no number", "all values"),
    ("measures", {"low": "12"}, "the bars go from -1 to 1", "all values"),
    ("measures", {"unseen": "9,1", "from": "0", "to": "1"}, "no mark of these two sites", "what no token has shown"),
]  # fmt: skip


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("page", "query", "why", "instead"), ASKED)
def test_what_cannot_be_shown_is_said(page: str, query: dict[str, str], why: str, instead: str) -> None:
    app = opened(page, **query)
    (told,) = notes(app)
    name, _, rest = told.partition(" = ")
    assert name in query
    assert rest.startswith(f"“{query[name]}” cannot be used: ")
    assert why in rest
    assert instead in rest.rpartition("; ")[2]
    if instead == "_":  # some feature: the one that the page is about now
        assert rest.rpartition("; ")[2].removesuffix(" stands in.") in everything(app).replace(told, "")
    assert rest.endswith(" stands in." if instead else ".")
    assert app.query_params.get(name) != query[name]
    app.run()
    assert not notes(app)  # somebody has done something: the page is as if it had never been asked


FITS = [
    ("feature", {"feature": "1_0", "to": "2"}),
    ("evolution", {"feature": "1_0", "link": "0_0,1_0"}),
    ("evolution", {"feature": "0_0", "centre": "1_0", "expanded": "0_0"}),
    ("prompt", {"sequence": "3", "token": "all"}),
    ("communities", {"community": "1"}),
    ("layers", {"shown": "1_11", "at": "1"}),
    ("gates", {"view": "seed", "to": "every", "shown": "1_1 and"}),
    ("gates", {"kind": "and_not", "to": "every"}),
    ("measures", {"low": "0.5", "from": "0", "to": "2", "link": "0_0,2_0"}),
    ("measures", {"from": "0", "to": "1", "unseen": "0,0"}),
]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("page", "query"), FITS)
def test_what_can_be_shown_is_shown_without_a_word(page: str, query: dict[str, str]) -> None:
    app = opened(page, **query)
    assert not notes(app)
    assert {name: app.query_params[name] for name in query} == query


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("page", [path.stem for path in sorted((ROOT / "pages").glob("*.py"))])
def test_every_page_says_that_a_store_is_not_there(page: str) -> None:
    (told,) = notes(opened(page, store="nowhere"))
    assert told == "There is no store called “nowhere” here; demo is open instead, at its beginning."


@pytest.mark.usefixtures("store")
def test_what_a_click_has_left_behind_is_passed_over() -> None:
    app = opened("gates", to="every", shown="1_0")
    app.selectbox(key="w:kind").set_value("and").run()  # the gate in focus is an or
    assert "1_0" in app.session_state["strata"]["chosen"]["shown"]
    assert not notes(app)


@pytest.mark.usefixtures("_own_cache")
def test_a_note_stays_while_the_page_only_starts_anew() -> None:
    def page() -> None:
        import streamlit as st

        from ui.notes import note, start_anew, take_notes

        if "runs" not in st.session_state:
            st.session_state.runs = 0
            note("said")
        st.write(take_notes())
        st.session_state.runs += 1
        if st.session_state.runs < 3:
            start_anew()

    app = AppTest.from_function(page).run()
    assert (app.session_state.runs, app.json[0].value) == (3, '["said"]')
    assert app.run().json[0].value == "[]"
