"""Chance on the Evolution page: never in the way, found out where that is cheap and offered where it is not."""

from __future__ import annotations

import os
import re
import time
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.chance import chance_of_pair
from core.analyses.kept_nulls import is_kept
from core.errors import BadArgument, Cancelled, NoDiskSpace
from core.results import clear_cache
from core.store import open_store
from tests.test_evolution_page import app, everything, graph_of, opened  # noqa: F401 (a fixture)
from ui.chance import _works, floor_of, known, sentence
from ui.evolution import Settings

PAIRS = (("0", "1"), ("1", "2"), ("2", "3"))


def store_of_the_app():  # type: ignore[no-untyped-def]
    return open_store(Path(os.environ["STRATA_CACHE"]) / "stores" / "chains.h5")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn before somebody asks."""
    monkeypatch.setattr("ui.chance.AT_ONCE", 0.0)


def drawn_by_the_page(app: AppTest) -> None:  # noqa: F811
    """Wait for what the page has begun, and look again, as its fragment does."""
    wait([work.future for work in _works().values()], timeout=60)
    app.run()


def test_it_is_offered_and_told_when_it_is_known(app: AppTest, asked: None) -> None:  # noqa: F811
    opened(app, feature="1_0")
    assert "are chance" not in everything(app)
    assert "share of chance not known yet" in everything(app)  # in the link inspector
    app.button(key="chance:ask").click().run()
    assert not app.exception
    drawn_by_the_page(app)
    assert is_kept(store_of_the_app(), PAIRS, "pearson")
    assert "at most 5% of the links between these sites are chance" in everything(app)
    assert re.search(r'data-chance="q".*links as strong by Pearson.*: \d\.\d+% by chance', everything(app))
    assert re.search(r'data-chance="best".*as good a best match by chance.*: p 0\.0', everything(app))
    app.button(key="chance:use").click().run()
    chosen = app.query_params["floor"]
    floor = float(chosen[0] if isinstance(chosen, list) else chosen)
    found = known(store_of_the_app(), PAIRS, Settings("pearson", 3, 0.3, 0.0, 2, 3, 10))
    assert found is not None
    assert floor == floor_of(found)
    assert graph_of(app)["pearson"].min() >= floor
    assert app.button(key="chance:use").disabled


def test_it_is_found_out_at_once_where_that_is_cheap(app: AppTest) -> None:  # noqa: F811
    opened(app, feature="1_0")
    assert "chance:ask" not in [button.key for button in app.button]
    drawn_by_the_page(app)
    assert "at most 5% of the links between these sites are chance" in everything(app)
    assert not _works()
    clear_cache()
    opened(app, feature="1_0", measure="jaccard")  # other settings are another question
    drawn_by_the_page(app)
    assert "at most 5% of the links between these sites are chance" in everything(app)


def test_what_cannot_be_kept_is_said_and_not_drawn_for_ever(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def full(*_: object) -> None:
        raise NoDiskSpace("the disk is full: here", "free some space")

    monkeypatch.setattr("core.results.arrays.write", full)
    opened(app, feature="1_0")
    for _ in range(2):
        drawn_by_the_page(app)
        assert "the disk is full: here" in everything(app)
    assert len(_works()) == 1
    assert app.button(key="chance:ask").label == "Find out"


def test_what_was_stopped_is_not_begun_again(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    def until_stopped(*asked: Any, cancelled: Any, **rest: Any) -> None:
        while not cancelled():
            time.sleep(0.01)
        raise Cancelled("stopped", "start it again")

    monkeypatch.setattr("ui.chance.chance_of_pair", until_stopped)
    opened(app, feature="1_0")
    app.button(key="chance:stop").click().run()
    for _ in range(2):
        drawn_by_the_page(app)
        assert app.button(key="chance:ask").label == "Find out"


def test_it_can_be_stopped_and_what_fails_is_said(
    app: AppTest,  # noqa: F811
    asked: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def until_stopped(*asked: Any, cancelled: Any, **rest: Any) -> None:
        while not cancelled():
            time.sleep(0.01)
        raise Cancelled("stopped", "start it again")

    monkeypatch.setattr("ui.chance.chance_of_pair", until_stopped)
    opened(app, feature="1_0")
    app.button(key="chance:ask").click().run()
    assert "chance:ask" not in [button.key for button in app.button]
    app.button(key="chance:stop").click().run()
    time.sleep(0.2)
    app.run()
    assert not app.exception
    assert app.button(key="chance:ask")

    def fail(*asked: Any, **rest: Any) -> None:
        raise BadArgument("the disk is on fire", "put it out")

    monkeypatch.setattr("ui.chance.chance_of_pair", fail)
    app.button(key="chance:ask").click().run()
    time.sleep(0.2)
    for _ in range(2):
        app.run()
        assert "on fire" in everything(app)
    assert app.button(key="chance:ask").label == "Try again"


def test_what_is_kept_is_told_at_once(app: AppTest, asked: None) -> None:  # noqa: F811
    for pair in PAIRS:
        chance_of_pair(store_of_the_app(), *pair)
    opened(app, feature="1_0")
    assert "At 0." in everything(app)
    scope: dict[str, Any] = {}
    exec(next(code.value for code in app.code if "evolution_graph" in code.value), scope)
    assert f"At {scope['floor'].value + 0.005:.2f}" in everything(app)
    opened(app, feature="1_0", measure="sufficiency")
    assert "are chance" not in everything(app)


def test_noise_alone_has_no_floor_and_no_offer_without_pairs(app: AppTest) -> None:  # noqa: F811
    opened(app, feature="1_7")  # one site, so no pairs
    assert "chance:ask" not in [button.key for button in app.button]


def test_the_sentence_stays_true_when_rounded(app: AppTest) -> None:  # noqa: F811
    store = store_of_the_app()
    settings = Settings("pearson", 3, 0.3, 0.0, 2, 3, 10)
    assert known(store, PAIRS, settings) is None
    for pair in PAIRS:
        chance_of_pair(store, *pair)
    found = known(store, PAIRS, settings)
    assert found is not None
    assert floor_of(found) >= found.floor().value
    assert found.share_at(floor_of(found)) <= 0.05
    assert f"{floor_of(found):.2f}" in sentence(found)
