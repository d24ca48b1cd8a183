"""Data: where stores lie, what is kept and how much may be, and an answer to every click."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.library import DEMO, size_text
from core.paths import ROOT
from core.results import results_folder
from tests.chains import planted_chains
from tests.shared_views import everything


@pytest.fixture
def app(_own_cache: None) -> AppTest:
    stores = Path(os.environ["STRATA_CACHE"]) / "stores"
    stores.mkdir(parents=True)
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def opened(app: AppTest) -> str:
    app.switch_page("pages/data.py").run()
    assert not app.exception, app.exception
    return everything(app)


def test_the_shipped_demo_does_not_count_as_lying_in_the_cache_folder(app: AppTest) -> None:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    assert f"demo ships with Strata; collected stores will lie in {folder}</p>" in opened(app)
    planted_chains(folder / "chains.h5")
    size = (folder / "chains.h5").stat().st_size
    text = opened(app)
    assert f"2 stores, {size_text(size + DEMO.stat().st_size)}</div>" in text
    assert f"demo ships with Strata; 1 store, {size_text(size)}, in {folder}</p>" in text


def test_a_store_elsewhere_is_told_apart(app: AppTest, tmp_path: Path) -> None:
    planted_chains(tmp_path / "mine.h5")
    opened(app)
    app.text_input(key="data:place").set_value(str(tmp_path)).run()
    text = everything(app)
    assert f"; 1 store, {size_text((tmp_path / 'mine.h5').stat().st_size)}, elsewhere</p>" in text
    assert f'{tmp_path} <span class="s-quiet">1 store</span>' in text


def test_a_place_that_is_none_is_said_below_where_it_was_typed(app: AppTest) -> None:
    opened(app)
    text = everything(app.text_input(key="data:place").set_value("/no/such/place").run())
    assert text.count('role="alert"') == 1
    told = "There is no folder and no .h5 file at &#x27;/no/such/place&#x27;"
    assert text.index("Look elsewhere too") < text.index(told) < text.index("Results kept")
    assert 'role="alert"' not in everything(app.run())


def test_a_folder_without_stores_is_said_to_have_none(app: AppTest, tmp_path: Path) -> None:
    opened(app)
    text = everything(app.text_input(key="data:place").set_value(str(tmp_path)).run())
    assert f'{tmp_path} <span class="s-quiet">no stores</span>' in text


def test_clearing_says_how_much_is_free_again(app: AppTest) -> None:
    assert "None yet. They may take 10 GB: beyond that, what was not used for longest gives way." in opened(app)
    assert clear_button(app).disabled
    results_folder().mkdir()
    (results_folder() / "pair-1.h5").write_bytes(bytes(2_500_000))
    assert "2.5 MB, computed again when needed. They may take 10 GB" in opened(app)
    clear_button(app).click().run()
    text = everything(app)
    assert "Cleared: 2.5 MB are free again." in text
    assert "None yet." in text
    assert not list(results_folder().iterdir())
    assert "Cleared" not in everything(app.run())


def test_the_bound_that_was_chosen_is_told(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_CACHE_GB", "0.25")
    assert "They may take 250 MB" in opened(app)


def clear_button(app: AppTest) -> Any:
    return next(button for button in app.button if button.label == "Clear")
