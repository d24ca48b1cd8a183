"""The Prompt page without a browser: what it opens on, tokens as links, two texts, typed text, its Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.neighbours import StoreLinks
from core.analyses.prompt import feature_table, opening_token, prompt_graph, sequence_prompt
from core.labels import Labels, labels_path, write_labels
from core.paths import ROOT
from core.store import Store, open_store
from core.values import Feature, Label
from tests.chains import planted_chains
from tests.test_gates_page import SCRIPT, everything
from ui.prompt_page import Asked, Text, as_python

PLAIN = Asked(Text(3, "", "7"), Text(), 5, "pearson", 0.3, 10, 0.0)


@pytest.fixture
def store(_own_cache: None) -> Store:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planted_chains(folder / "planted.h5")
    return open_store(folder / "planted.h5")


@pytest.fixture
def app(store: Store) -> AppTest:
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def opened(app: AppTest, **query: str) -> AppTest:
    for name, text in ({"store": "planted"} | query).items():
        app.query_params[name] = text
    app.switch_page("pages/prompt.py").run()
    assert not app.exception, app.exception
    return app


def busy_token(store: Store, sequence: int) -> int:
    """A token of a sequence on which the first and the last site are active."""
    prompt = sequence_prompt(store, sequence)
    graph = {t: len(prompt_graph(StoreLinks(store), prompt, (t,))) for t in range(len(prompt.tokens))}
    return max(graph, key=lambda token: graph[token])


def table(app: AppTest) -> pl.DataFrame:
    return pl.DataFrame(app.dataframe[0].value)


def test_it_opens_on_a_token_with_something_to_see(app: AppTest, store: Store) -> None:
    text = everything(opened(app))
    sequence, token = opening_token(store, Labels.beside(store))
    assert f"token {token} of sequence {sequence}" in text
    assert "s-error" not in text
    assert "s-tokens" in text
    labels = Labels.beside(store)
    graph = prompt_graph(StoreLinks(store), sequence_prompt(store, sequence), (token,))
    assert table(app)["feature"].to_list() == feature_table(graph, labels)["feature"].to_list()


def test_each_token_is_a_link_to_itself_shaded_by_the_selected_feature(app: AppTest, store: Store) -> None:
    token = busy_token(store, 3)
    text = everything(opened(app, sequence="3", token=str(token)))
    assert f"sequence=3&amp;token={token + 1 if token < 50 else token - 1}" in text.replace("\\u0026", "&")
    assert "s-chosen" in text
    last = table(app)["feature"].to_list()[-1]
    assert f"Feature {last}" in everything(opened(app, sequence="3", token=str(token), feature=last))


def test_an_address_with_a_feature_and_a_link(app: AppTest, store: Store) -> None:
    token = busy_token(store, 3)
    graph = prompt_graph(StoreLinks(store), sequence_prompt(store, 3), (token,))
    source, target = next(iter(graph.edges))
    text = everything(opened(app, sequence="3", token=str(token), feature=source, link=f"{source},{target}"))
    assert f"<b>{source} " in text
    assert f"{target} " in text


def test_two_sequences_share_features(app: AppTest, store: Store) -> None:
    one, two = busy_token(store, 3), busy_token(store, 5)
    options = {"sequence": "3", "token": str(one), "with": "5", "with_token": f"{two},{one}"}
    text = everything(opened(app, **options))
    assert " share " in text
    assert "in both" in text
    assert set(table(app)["side"]) <= {"both", "first", "second"}
    names: dict[str, Any] = {}
    asked = Asked(Text(3, "", str(one)), Text(5, "", f"{two},{one}"), 5, "pearson", 0.3, 10, 0.0)
    exec(as_python(str(store.path), asked), names)
    assert table(app).equals(names["result"], null_equal=True)


def test_the_snippet_computes_what_the_table_shows(app: AppTest, store: Store) -> None:
    opened(app, sequence="3", token="2-9", k="3", measure="jaccard", floor="0.1")
    names: dict[str, Any] = {}
    exec(as_python(str(store.path), Asked(Text(3, "", "2-9"), Text(), 3, "jaccard", 0.1, 10, 0.0)), names)
    assert table(app).equals(names["result"], null_equal=True)


def test_what_makes_no_sense_falls_back_or_is_told(app: AppTest) -> None:
    for query in ({"sequence": "99999"}, {"k": "99"}, {"measure": "x"}, {"feature": "<b>"}, {"link": "1_1"}):
        assert "s-error" not in everything(opened(app, **query))
    assert "names no tokens" in everything(opened(app, sequence="3", token="x"))
    assert next(box.label for box in app.number_input).startswith("Sequence")  # the way out is still there


def test_typed_text_where_there_is_no_model_is_a_named_error(app: AppTest) -> None:
    text = everything(opened(app, text="Once upon a time"))
    assert "names no model to run" in text
    assert [box for box in app.text_area if "prompt of your own" in box.label]


def test_hosted_offers_sequences_only(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_HOSTED", "1")
    opened(app, sequence="3", token="5")
    assert not app.text_area
    assert "cannot be typed here" in everything(opened(app, text="Once upon a time"))


def test_labels_are_never_markup(app: AppTest, store: Store) -> None:
    write_labels(
        labels_path(store.path), [(Feature(str(s), i), Label(SCRIPT, "t")) for s in range(4) for i in range(10)]
    )
    text = everything(opened(app, sequence="3", token=str(busy_token(store, 3))))
    assert "&lt;img" in text
    assert SCRIPT not in text
