"""Which text the Prompt page is about: of the store or typed, one or two, and what is wrong with it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.prompt_opening import opening_token
from core.labels import Labels
from core.store import Store
from tests.test_gates_page import everything
from tests.test_prompt_page import app, opened, store  # noqa: F401 (fixtures)


def test_a_text_that_cannot_be_read_keeps_its_title_and_a_way_out(app: AppTest) -> None:  # noqa: F811
    opened(app, sequence="3", token="500")
    assert "Sequence 3 cannot be shown" in everything(app)
    next(button for button in app.button if button.label == "Its last token").click().run()
    assert "cannot be shown" not in everything(app)
    other = opened(app, text="Once upon a time")
    assert "“Once upon a time” cannot be shown" in everything(other)
    next(button for button in other.button if button.label == "Another text").click().run()
    assert "cannot be shown" not in everything(other)


def test_what_makes_no_sense_falls_back_or_is_told(app: AppTest) -> None:  # noqa: F811
    for query in ({"sequence": "99999"}, {"k": "99"}, {"measure": "x"}, {"feature": "<b>"}, {"link": "1_1"}):
        assert "s-error" not in everything(opened(app, **query))
    assert "names no tokens" in everything(opened(app, sequence="3", token="x"))
    assert next(box.label for box in app.number_input).startswith("Sequence")  # the way out is still there


def test_typed_text_where_there_is_no_model_is_a_named_error(app: AppTest) -> None:  # noqa: F811
    text = everything(opened(app, text="Once upon a time"))
    assert "names no model to run" in text
    assert [box for box in app.text_area if "prompt of your own" in box.label]


def test_the_card_says_which_sequence_it_shows_and_runs_what_is_typed(app: AppTest, store: Store) -> None:  # noqa: F811
    opened(app)
    sequence, token = opening_token(store, Labels.beside(store))
    assert app.number_input(key="prompt:first:sequence").value == sequence
    assert app.text_input(key="w:token").placeholder == str(token)
    app.text_area(key="prompt:first:typed").set_value("Once upon a time")
    app.button(key="prompt:first:typed:run").click().run()
    assert app.query_params["text"] == "Once upon a time"
    assert app.text_area(key="prompt:first:typed").value == "Once upon a time"
    assert app.number_input(key="prompt:first:sequence").value is None
    app.number_input(key="prompt:first:sequence").set_value(3).run()
    assert "text" not in app.query_params
    assert "of sequence 3" in everything(app)


def test_running_an_empty_box_keeps_the_sequence_and_its_tokens(app: AppTest) -> None:  # noqa: F811
    opened(app, sequence="3", token="5")
    app.button(key="prompt:first:typed:run").click().run()
    assert (app.query_params["sequence"], app.query_params["token"]) == ("3", "5")


def test_a_second_text_is_chosen_in_the_row_above_and_changed_on_its_card(app: AppTest) -> None:  # noqa: F811
    opened(app, sequence="3", token="5")
    app.number_input(key="prompt:second:sequence").set_value(7).run()
    assert app.query_params["with"] == "7"
    assert app.number_input(key="prompt:second:sequence").value == 7
    app.button(key="prompt:alone").click().run()
    assert "with" not in app.query_params
    assert "prompt:alone" not in {button.key for button in app.button}


def test_hosted_offers_sequences_only(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("STRATA_HOSTED", "1")
    opened(app, sequence="3", token="5")
    assert not app.text_area
    assert "cannot be typed here" in everything(opened(app, text="Once upon a time"))
