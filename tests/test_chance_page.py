"""Chance on the Evolution page: asked for and never in the way, told once it is known, and used as the floor."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.chance import chance_of_pair
from core.analyses.kept_nulls import is_kept
from core.errors import BadArgument, Cancelled
from core.store import open_store
from tests.test_evolution_page import app, everything, graph_of, opened  # noqa: F401 (a fixture)
from ui.chance import floor_of, known, sentence
from ui.evolution import Settings

PAIRS = (("0", "1"), ("1", "2"), ("2", "3"))


def store_of_the_app():  # type: ignore[no-untyped-def]
    return open_store(Path(os.environ["STRATA_CACHE"]) / "stores" / "chains.h5")


def test_it_is_offered_and_told_when_it_is_known(app: AppTest) -> None:  # noqa: F811
    opened(app, feature="1_0")
    assert "are chance" not in everything(app)
    app.button(key="chance:ask").click().run()
    assert not app.exception
    until = time.monotonic() + 60
    while not is_kept(store_of_the_app(), PAIRS, "pearson") and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(0.3)
    app.run()
    assert "at most 5% of the links between these sites are chance" in everything(app)
    app.button(key="chance:use").click().run()
    chosen = app.query_params["floor"]
    floor = float(chosen[0] if isinstance(chosen, list) else chosen)
    found = known(store_of_the_app(), PAIRS, Settings("pearson", 3, 0.3, 0.0, 2, 3, 10))
    assert found is not None
    assert floor == floor_of(found)
    assert graph_of(app)["pearson"].min() >= floor
    assert app.button(key="chance:use").disabled


def test_it_can_be_stopped_and_what_fails_is_said(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
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


def test_what_is_kept_is_told_at_once(app: AppTest) -> None:  # noqa: F811
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
