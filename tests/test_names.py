"""No hint passes for a label: in every download and table of every page, in boxes, cards and commands.

Columns and keys that end in ``label`` hold labels only, those in ``hint`` hints only; those in ``name`` or ``names``
are written for people, with hints in quotes.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import networkx as nx
import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.__main__ import main
from core.labels import Labels
from core.paths import ROOT
from core.store import Store
from core.values import Feature
from tests.shared_views import everything, planted_structures

LABEL = "a 'name'"
VIEWS: dict[str, list[dict[str, str]]] = {
    "home": [{}],
    "feature": [{"feature": "1_0"}, {"feature": "1_1", "to": "0"}],
    "evolution": [{"feature": "1_0", "floor": "0.1", "both": "0", "link": "0_0,1_0"}],
    "prompt": [{"sequence": "3", "token": "all"}, {"sequence": "3", "with": "5", "token": "all", "with_token": "all"}],
    "layers": [
        {"view": "turnover"},
        {"view": "lifespans"},
        {"view": "lifespans", "list": "returns"},
        {"view": "sites", "mark": "maximum 1 0.0 inf"},
    ],
    "gates": [{"view": view, "to": "every"} for view in ("gates", "splits", "merges", "seed")],
    "communities": [{"above": "0.05"}],
    "measures": [{"from": "0", "to": "1"}, {"from": "0", "to": "1", "unseen": "0,0"}],
    "data": [{}],
}
FILES = {
    "csv": lambda raw: pl.read_csv(io.BytesIO(raw), infer_schema=False),
    "parquet": lambda raw: pl.read_parquet(io.BytesIO(raw)),
}


@pytest.fixture
def store(_own_cache: None) -> Store:
    return planted_structures([Feature("1", 0), Feature("0", 1), Feature("2", 2)])


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a page offers for download, by file name."""
    found: dict[str, Any] = {}
    draw: Callable[..., Any] = st.download_button

    def keep(label: str, data: Any, file_name: str, *args: Any, **options: Any) -> Any:
        found[file_name] = data() if callable(data) else data
        return draw(label, data, file_name, *args, **options)

    monkeypatch.setattr(st, "download_button", keep)
    return found


def opened(page: str, query: dict[str, str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    for name, text in ({"store": "planted"} | query).items():
        app.query_params[name] = text
    app = app.run() if page == "home" else app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


def check(key: str, value: Any) -> None:
    """One cell of a table, or one value of a document, under its name."""
    if not isinstance(value, str) or not value:
        return
    if key.endswith("label") or (key in ("source", "target") and "_" not in value):
        assert value == LABEL, f"{key}: {value}"
    elif key.endswith("hint"):
        assert value != LABEL
        assert not value.startswith("“"), f"{key}: {value}"
    elif key.endswith(("name", "names")) and key != "hook_name":
        for one in value.split(", "):
            assert one == LABEL or re.fullmatch("“.+”", one), f"{key}: {value}"


def check_frame(frame: pl.DataFrame) -> None:
    for column, kind in frame.schema.items():
        if kind == pl.String:
            for value in frame[column]:
                check(column.removeprefix("'"), value)


def check_document(document: Any) -> None:
    for key, value in document.items() if isinstance(document, dict) else ():
        check(key, value)
    for part in document.values() if isinstance(document, dict) else document if isinstance(document, list) else ():
        check_document(part)


def check_file(name: str, made: Any, hints: set[str]) -> None:
    ending = name.rpartition(".")[2]
    if ending in FILES:
        check_frame(FILES[ending](made))
    elif ending == "json":
        check_document(json.loads(made))
    elif ending == "graphml":
        check_document([data for _, data in nx.parse_graphml(made).nodes(data=True)])
    else:
        assert ending in ("svg", "html")
        assert not {hint for hint in hints if f">{hint}<" in made or f'"label": "{hint}\\n' in made}


def check_titles(shown: Any) -> None:
    """Each column of a table has a title in words."""
    told = json.loads(shown.proto.columns)
    assert set(shown.value) <= set(told)
    assert not [one["label"] for one in told.values() if not one.get("hidden") and "_" in one["label"]]


PLACES = [(page, query) for page, queries in VIEWS.items() for query in queries]


@pytest.mark.parametrize(("page", "query"), PLACES, ids=[f"{page}-{k}" for k, (page, _) in enumerate(PLACES)])
def test_no_hint_passes_for_a_label_and_no_machine_name_for_a_title(
    page: str, query: dict[str, str], store: Store, offered: dict[str, Any]
) -> None:
    labels = Labels.beside(store)
    hints = {hint for site in store.sites for hint in labels.hints(site.key) if hint}
    app = opened(page, query)
    assert bool(offered) == (page not in ("home", "data"))
    for name, made in offered.items():
        check_file(name, made, hints)
    for shown in app.dataframe:
        check_frame(pl.from_pandas(shown.value, include_index=False))
        check_titles(shown)
    named = re.findall(r'class="s-box"[^>]*><b>([^<]*)</b>', app_text(app)) if page in ("home", "layers") else []
    assert all(name == "a &#x27;name&#x27;" or name[0] + name[-1] == "“”" for name in named)
    assert named or page not in ("home",)


def app_text(app: AppTest) -> str:
    """All text of a page with that of its components, which is JSON: a quote within has a backslash."""
    return everything(app).replace('\\"', '"').replace("\\u201c", "“").replace("\\u201d", "”")


def test_every_page_is_looked_at() -> None:
    assert {path.stem for path in (ROOT / "pages").glob("*.py")} | {"home"} == set(VIEWS)


@pytest.mark.parametrize(
    "frame",
    [
        {"label": ["w7"]},
        {"source_label": ["“w7”"]},
        {"hint": [LABEL]},
        {"name": ["w7"]},
        {"part_names": [f"{LABEL}, w7"]},
    ],
)
def test_the_check_sees_a_hint_in_a_label_s_place(frame: dict[str, list[str]]) -> None:
    with pytest.raises(AssertionError):
        check_frame(pl.DataFrame(frame))


@pytest.mark.parametrize(
    "command",
    [
        ["neighbours", "1_0", "--to", "2", "--top", "24"],
        ["link", "0_0", "1_0"],
        ["prompt", "--sequence", "3", "--token", "all"],
        ["communities", "--floor", "0.05"],
    ],
)
def test_commands_give_labels_only(command: list[str], store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command[0], str(store.path), *command[1:], "--json"]) == 0
    check_document(json.loads(capsys.readouterr().out))
