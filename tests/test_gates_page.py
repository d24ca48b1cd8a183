"""The Gates page without a browser, and the pieces behind it: contexts of truth-table rows, tables, bars, snippets."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.gate_contexts import row_contexts
from core.analyses.gate_tables import division_table, gate_table, matching
from core.analyses.gates import gates
from core.analyses.splits import splits
from core.labels import Labels, labels_path, write_labels
from core.paths import ROOT
from core.sources.planted import plant
from core.sources.structures import Planting
from core.store import Store
from core.values import Label
from core.views.division import Paint, division_bar, segments
from tests.shared_views import everything
from tests.test_gates import dense
from ui.gates_page import VIEWS, Asked, as_python, as_shown

SCRIPT = "<img src=x onerror=alert(1)>"


@pytest.fixture
def store(_own_cache: None) -> Store:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planting = Planting(sites=3, width=24, tokens=10_000)
    gate = planting.gate("and_not", site=1)
    for kind in ("or", "and"):
        planting.gate(kind, site=1)
    planting.split(0)
    planting.merge(2)
    made, _ = planting.build(folder / "planted.h5")
    write_labels(labels_path(made.path), [(gate.feature, Label(SCRIPT, "test"))])
    return made


@pytest.fixture
def app(store: Store) -> AppTest:
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def opened(app: AppTest, **query: str) -> AppTest:
    for name, text in ({"store": "planted", "from": "0", "to": "1"} | query).items():
        app.query_params[name] = text
    app.switch_page("pages/gates.py").run()
    assert not app.exception, app.exception
    return app


def test_it_opens_on_a_gate_of_this_store(app: AppTest, store: Store) -> None:
    frame = pl.DataFrame(opened(app).dataframe[0].value)
    assert frame["feature"].to_list() == [str(g.feature) for g in gates(store, "0", "1")]
    assert "fires where" in everything(app)


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_shows_a_table_or_says_that_there_is_nothing(app: AppTest, view: str) -> None:
    for pair in (("0", "1"), ("1", "2"), ("0", "2")):
        opened(app, view=view, **{"from": pair[0], "to": pair[1]})
        text = everything(app)
        assert "s-error" not in text
        assert app.dataframe or "Choose two other sites." in text


def test_a_chosen_row_is_shown_and_found_by_name(app: AppTest, store: Store) -> None:
    wanted = gates(store, "0", "1")[-1].feature
    assert f"{wanted}" in everything(opened(app, shown=str(wanted)))
    frame = pl.DataFrame(opened(app, find=str(wanted)).dataframe[0].value)
    assert frame["feature"].to_list() == [str(wanted)]


def test_labels_are_never_markup(app: AppTest) -> None:
    assert SCRIPT not in everything(opened(app, shown="1_0"))


def test_bad_settings_fall_back(app: AppTest) -> None:
    opened(app, view="nonsense", shown="<b>", activity="7", **{"from": "9", "to": "0"})
    assert app.dataframe


def test_the_later_site_follows_the_earlier_one(app: AppTest) -> None:
    opened(app, **{"from": "1", "to": "1"})
    assert [box.value for box in app.selectbox][:2] == ["1", "2"]


@pytest.mark.parametrize("view", VIEWS)
def test_the_snippet_computes_what_the_table_shows(app: AppTest, store: Store, view: str) -> None:
    target = "1" if view != "merges" else "2"
    source = str(int(target) - 1)
    opened(app, view=view, **{"from": source, "to": target})
    names: dict[str, Any] = {}
    exec(as_python(str(store.path), Asked(view, source, target)), names)
    if app.dataframe:
        assert pl.DataFrame(app.dataframe[0].value).equals(as_shown(names[view]), null_equal=True)
    else:
        assert len(names[view]) == 0


@pytest.mark.usefixtures("_own_cache")
def test_one_site_is_told() -> None:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    plant(folder / "planted.h5", {"0": np.eye(20)})
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, text in {"store": "planted"}.items():
        app.query_params[name] = text
    app.switch_page("pages/gates.py").run()
    assert not app.exception
    assert "single site" in everything(app)


# ---- the pieces


def test_contexts_of_a_row_are_of_that_row(store: Store) -> None:
    source, target = dense(store, "0"), dense(store, "1")
    for gate in gates(store, "0", "1"):
        inputs = source[:, [f.index for f in gate.inputs]]
        for row in gate.rows:
            for fires in (True, False):
                found = row_contexts(store, gate.feature, gate.inputs, row.active, fires, count=4)
                there = np.all(inputs == row.active, axis=1) & (target[:, gate.feature.index] == fires)
                if not fires and not any(row.active):
                    assert found == ()
                    continue
                assert len(found) == min(4, there.sum())
                for context in found:
                    assert there[context.position]
                    assert (context.values[context.focus] > 0) == fires
                    assert [v[context.focus] > 0 for v in context.input_values] == list(row.active)


def test_tables_hold_what_was_found(store: Store) -> None:
    labels = Labels.beside(store)
    found = gates(store, "0", "1")
    frame = gate_table(found, labels)
    assert frame["inputs"].to_list() == [" ".join(g.written) for g in found]
    assert frame.filter(pl.col("feature") == "1_0")["name"].item() == SCRIPT
    assert len(matching(frame, "ONERROR")) == 1
    divided = division_table(splits(store, "0", "1"), labels)
    assert (divided["divided"] + divided["several"] + divided["rest"]).to_list() == pytest.approx([1.0] * len(divided))


def test_a_bar_of_many_parts_stays_readable_and_whole() -> None:
    shares = [0.04] * 20 + [0.1, 0.1]
    found = segments([f"p{k}" for k in range(20)], shares)
    assert len(found) == 12 + 3
    assert sum(one.share for one in found) == pytest.approx(1)
    bar = division_bar([SCRIPT] * 20, shares, Paint(["#000000"], ["#ffffff"], *["#123456"] * 3), "?part={}".format)
    assert "<img" not in bar
    drawn = ET.fromstring(bar)
    links = [a.get("href") for a in drawn.iter("{http://www.w3.org/2000/svg}a")]
    assert links == [f"?part={one.part}" for one in found if one.kind == "part"]
    widths = [float(r.get("width", "").rstrip("%")) for r in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert sum(widths[1:]) == pytest.approx(100, abs=0.1)  # the first one is the hatching's
