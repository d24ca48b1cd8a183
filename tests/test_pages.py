"""Home, Feature and Data without a browser: what they show, what wrong input gets, and what they never need."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.labels import labels_path, write_labels
from core.paths import ROOT
from core.store import Store
from core.values import Feature, Label
from tests.chains import planted_chains

IMAGE = "<img src=x onerror=alert(1)>"
HREF = "<a href=javascript:alert(1)>href</a>"
PAGES = {"home": "streamlit_app.py", "feature": "pages/feature.py", "data": "pages/data.py"}

Open = Callable[..., AppTest]


@pytest.fixture
def stores(_own_cache: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of stores with one planted store, and no shipped demo beside it."""
    monkeypatch.setattr("core.library.DEMO", Path("/nowhere/demo.h5"))
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True, exist_ok=True)
    planted_chains(folder / "chains.h5")
    return folder


@pytest.fixture
def page(stores: Path) -> Open:
    def opened(name: str, fine: bool = True, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for key, text in query.items():
            app.query_params[key] = text
        if name != "home":
            app.switch_page(PAGES[name])
        app.run()
        assert not app.exception, app.exception
        assert ("s-error" in shown(app)) is not fine, shown(app)
        return app

    return opened


def shown(app: AppTest) -> str:
    """All HTML of the page, that of components included."""
    found: list[str] = []

    def walk(block: Any) -> None:
        for child in getattr(block, "children", {}).values():
            proto = getattr(child, "proto", None)
            if hasattr(proto, "body"):
                found.append(proto.body)
            elif type(proto).__name__ == "BidiComponent":
                found.append(str(proto))
            walk(child)

    walk(app.main)
    walk(app.sidebar)
    return "\n".join(found)


# ---- what they show


def test_home_opens_on_a_finding_and_links_to_its_answers(page: Open) -> None:
    text = shown(page("home"))
    assert "chains" in text
    assert "by site" in text or "through all" in text or "not taken up" in text
    assert "feature?store=chains" in text


def test_feature_shows_the_feature_of_the_address(page: Open) -> None:
    app = page("feature", feature="1_0")
    assert "Feature 1_0" in shown(app)
    assert app.query_params["feature"] == "1_0"
    assert app.query_params["store"] == "chains"


def test_feature_opens_on_the_finding_when_none_is_chosen(page: Open) -> None:
    assert page("feature").query_params["feature"]


def test_settings_of_the_address_are_used_and_kept(page: Open) -> None:
    app = page("feature", feature="1_0", measure="jaccard", to="3", contexts="sampled", find="1_1")
    assert app.selectbox(key="w:measure").value == "jaccard"
    assert "at site 3" in shown(app)
    assert "the weaker half" in shown(app)
    assert all("1_1" in name for name in app.dataframe[0].value["feature"])
    app.selectbox(key="w:measure").select("cosine").run()
    assert app.query_params["measure"] == "cosine"
    app.selectbox(key="w:measure").select("pearson").run()
    assert "measure" not in app.query_params


def test_data_lists_the_stores_and_what_the_open_one_was_made_of(page: Open, stores: Path) -> None:
    text = shown(page("data"))
    assert "chains" in text
    assert "fingerprint" in text


def test_verify_compares_every_byte(page: Open) -> None:
    app = page("data")
    app.button(key="data:verify").click().run()
    assert "agrees with its checksum" in shown(app)


# ---- going around


def test_the_jump_box_selects_from_any_page(page: Open) -> None:
    app = page("feature", feature="1_0")
    app.text_input(key="strata:jump").input("2_1").run()
    assert app.query_params["feature"] == "2_1"
    app.text_input(key="strata:jump").input("nothing of the kind").run()
    assert "Neuronpedia address" in shown(app)


def test_the_selection_survives_a_change_of_page(page: Open) -> None:
    app = page("feature", feature="2_1", measure="jaccard")
    app.query_params.clear()
    app.switch_page("streamlit_app.py").run()
    assert app.query_params["store"] == "chains"
    app.query_params.clear()
    app.switch_page("pages/feature.py").run()
    assert app.query_params["feature"] == "2_1"
    assert app.query_params["measure"] == "jaccard"


def test_surprise_selects_something_alive(page: Open) -> None:
    app = page("feature", feature="1_0")
    app.button(key="strata:surprise").click().run()
    assert not app.exception
    assert app.query_params["feature"]


def test_another_store_starts_with_nothing_chosen(page: Open, stores: Path, random_store: Store) -> None:
    (stores / "random.h5").write_bytes(random_store.path.read_bytes())

    def script() -> None:
        import streamlit as st

        from ui import address, selection
        from ui.go import follow

        address.adopt()
        if st.button("go"):
            follow("data?store=random")
        st.text(f"{selection.raw('store')} {selection.raw('feature')} {st.session_state.get('strata:next')}")

    app = AppTest.from_function(script)
    app.query_params["store"], app.query_params["feature"] = "chains", "3_8"
    assert app.run().text[0].value == "chains 3_8 None"
    assert app.button[0].click().run().text[0].value == "random None data"


def test_the_table_lists_the_features_of_the_site(page: Open) -> None:
    app = page("feature", feature="1_0")
    assert list(app.dataframe[0].value["feature"])[:2] == ["1_0", "1_1"]


# ---- wrong input


def test_no_store_at_all(page: Open, stores: Path) -> None:
    (stores / "chains.h5").unlink()
    for name in ("home", "feature"):
        assert "There is no store to look at yet" in shown(page(name, fine=False))
    page("data")


def test_an_unknown_store_leaves_a_note_and_what_was_asked_of_it_is_not_asked_of_another(page: Open) -> None:
    opened = page("feature", store="<b>other</b>", feature="1_2")
    text = shown(opened)
    assert "There is no store called “&lt;b&gt;other&lt;/b&gt;” here; chains is open instead, at its beginning." in text
    assert opened.query_params["feature"] != "1_2"


def test_an_unknown_feature_leaves_a_note_and_the_page_goes_on(page: Open) -> None:
    text = shown(page("feature", feature="1_900"))
    assert re.search("feature = “1_900” cannot be used: .* there is no 1_900; [0-3]_[0-9] stands in", text)


@pytest.mark.parametrize(
    "query", [{"measure": "x"}, {"to": "99"}, {"contexts": ""}, {"state": "<i>"}, {"feature": "💥"}]
)
def test_bad_settings_fall_back(page: Open, query: dict[str, str]) -> None:
    assert "cannot be used" in shown(page("feature", **({"feature": "1_0"} | query)))


def test_a_dead_feature_says_so(page: Open, stores: Path, random_store: Store) -> None:
    (stores / "random.h5").write_bytes(random_store.path.read_bytes())
    text = shown(page("feature", store="random", feature="1_3"))
    assert "never active" in text
    assert "too little data" in shown(page("feature", store="random", feature="1_5"))


@pytest.mark.parametrize("damage", ["foreign", "truncated", "scrambled"])
def test_a_damaged_store_is_one_readable_box(page: Open, stores: Path, damage: str) -> None:
    good = (stores / "chains.h5").read_bytes()
    bad = {"foreign": b"not a store", "truncated": good[: len(good) // 2], "scrambled": good[:512] + os.urandom(4096)}
    (stores / "bad.h5").write_bytes(bad[damage])
    for name in ("home", "feature"):
        assert shown(page(name, fine=False, store="bad")).count('class="s-error"') == 1
    app = page("data", fine=False, store="bad")
    assert "chains" in shown(app)


def test_labels_are_never_markup(page: Open, stores: Path) -> None:
    labels = [(Feature(key, i), Label(text, IMAGE)) for key in "0123" for i, text in ((0, IMAGE), (1, HREF))]
    write_labels(labels_path(stores / "chains.h5"), labels)
    for name in PAGES:
        text = shown(page(name, feature="1_0"))
        assert IMAGE not in text
        assert HREF not in text
    assert "&lt;img src=x" in text or name == "data"


def test_a_damaged_label_file_is_said_and_does_without(page: Open, stores: Path) -> None:
    labels_path(stores / "chains.h5").write_bytes(b"no parquet")
    assert "is no label table" in shown(page("feature", fine=False, feature="1_0"))


def test_hosted_neither_collects_nor_browses_files(page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_HOSTED", "1")
    app = page("data")
    assert not [box for box in app.text_input if box.key and box.key.startswith(("collect:", "data:place"))]
    assert os.environ["STRATA_CACHE"] not in shown(app)


# ---- what they never need


BLOCK = """
import sys
for name in ("torch", "sae_lens", "transformer_lens", "transformers"):
    sys.modules[name] = None
"""


def test_every_page_runs_where_torch_cannot_be_imported(stores: Path) -> None:
    names = ["streamlit_app.py", *(f"pages/{path.name}" for path in sorted((ROOT / "pages").glob("*.py")))]
    script = (
        BLOCK
        + f"""
from streamlit.testing.v1 import AppTest
for name in {names!r}:
    app = AppTest.from_file({str(ROOT / "streamlit_app.py")!r}, default_timeout=90)
    app.query_params["store"] = "chains"
    if name != "streamlit_app.py":
        app.switch_page(name)
    app.run()
    assert not app.exception, (name, app.exception)
"""
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


def test_browsing_modules_of_core_leave_streamlit_and_torch_out() -> None:
    script = (
        BLOCK
        + """
import importlib, pkgutil, core
rooms = ("core.store", "core.statistics", "core.analyses", "core.views")
for module in pkgutil.walk_packages(core.__path__, "core."):
    if module.name.startswith(rooms) and not module.name.startswith("core.statistics.cuda"):
        importlib.import_module(module.name)
for name in ("core.labels", "core.library", "core.navigation", "core.jobs", "core.paths"):
    importlib.import_module(name)
assert "streamlit" not in sys.modules
"""
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_downloads_hold_what_is_shown(page: Open) -> None:
    from ui.share import as_csv, as_parquet

    frame = pl.DataFrame({"label": ["=cmd()", "fine"], "x": [1.0, 2.0], "l": [[1], [2]]})
    assert as_csv(frame).decode().splitlines() == ["label,x", "'=cmd(),1.0", "fine,2.0"]
    assert pl.read_parquet(as_parquet(frame)).equals(frame)
