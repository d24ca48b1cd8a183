"""Where Strata is hosted for the public: what it refuses to compute, and what it does not tell of its machine."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.errors import HostedRefusal
from core.library import DEMO
from core.paths import ROOT
from core.results import kept_arrays, pair_links
from core.results.pairs import MOST_HOSTED
from core.statistics.devices import work
from core.store import Store, open_store
from tests.chains import planted_chains
from tests.test_pages import shown
from ui import data_page


@pytest.fixture
def store(_own_cache: None, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store larger than what a hosted Strata computes."""
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planted_chains(folder / "chains.h5")
    monkeypatch.setenv("STRATA_HOSTED", "1")
    monkeypatch.setattr("core.results.pairs.MOST_HOSTED", 10)
    st.cache_resource.clear()
    return open_store(folder / "chains.h5")


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, text in ({"store": "chains"} | query).items():
        app.query_params[name] = text
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


def test_what_is_not_kept_and_large_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostedRefusal, match=r"a hosted Strata computes up to 10 .*your own machine"):
        pair_links(store, "0", "1")
    with pytest.raises(HostedRefusal):
        kept_arrays("test", store, ["0", "1"], lambda: {"a": np.zeros(1)})
    monkeypatch.setenv("STRATA_HOSTED", "0")
    pair_links(store, "0", "1")
    kept_arrays("test", store, ["0", "1"], lambda: {"a": np.zeros(1)})
    monkeypatch.setenv("STRATA_HOSTED", "1")
    assert pair_links(store, "0", "1")[1]
    kept_arrays("test", store, ["0", "1"], lambda: pytest.fail("it is kept"))


def test_the_shipped_demo_fits_with_room_to_spare() -> None:
    store = open_store(DEMO)
    keys = [site.key for site in store.sites]
    assert 4 * max(work(store, a, b) for a in keys for b in keys) < MOST_HOSTED


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("gates", {"view": "gates"}),
        ("gates", {"view": "splits"}),
        ("layers", {"view": "turnover"}),
        ("measures", {}),
        ("communities", {}),
    ],
)
def test_a_page_shows_the_refusal(page: str, query: dict[str, str]) -> None:
    text = shown(opened(page, **query))
    assert "a hosted Strata computes up to 10" in text
    assert text.count('class="s-error"') == 1


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("page", ["feature", "evolution", "data"])
def test_pages_that_compute_little_work_and_tell_no_folder(page: str) -> None:
    app = opened(page)
    text = shown(app)
    assert 's-error"' not in text
    assert not [button for button in app.button if button.label == "Verify every byte"]
    told = text + "".join(code.value for code in app.code)
    assert os.environ["STRATA_CACHE"] not in told
    assert page == "data" or "open_store('chains.h5')" in told


def test_settings_that_may_be_folders_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ["/home/anna/gpt2", "../saes", "C:\\models", "demo", "hf:a/b", 128]
    assert all(map(data_page._to_show, values))
    monkeypatch.setenv("STRATA_HOSTED", "1")
    assert [value for value in values if data_page._to_show(value)] == ["demo", "hf:a/b", 128]
