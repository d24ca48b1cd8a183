"""The Prompt page in a real browser: a text of one's own, typed into the first card, and run by its button."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from tests.browser.conftest import Server
from tests.browser.test_evolution_graph import until

pytestmark = pytest.mark.browser


def test_a_prompt_is_typed_into_the_first_card_and_run(tab: Any, server: Server) -> None:
    tab.goto(f"{server.url}/prompt?store=planted&sequence=3&token=5")
    card = tab.locator(".st-key-card-text-first")
    until(tab, lambda: card.get_by_label("Sequence of the store").input_value() == "3")
    box = card.get_by_role("textbox", name="A prompt of your own")
    box.fill("Once upon a time")
    card.get_by_role("button", name="Run").click()
    until(tab, lambda: parse_qs(urlparse(tab.url).query).get("text") == ["Once upon a time"])
    assert not {"sequence", "token"} & set(parse_qs(urlparse(tab.url).query))
    tab.get_by_text("names no model to run").wait_for()  # a planted store has none, and says so
    assert tab.get_by_role("textbox", name="A prompt of your own").input_value() == "Once upon a time"
