"""The Prompt page without a browser: what it opens on, tokens as links, two texts, typed text, its Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.communities import Settings, store_communities
from core.analyses.neighbours import StoreLinks
from core.analyses.prompt import prompt_graph, sequence_prompt
from core.analyses.prompt_opening import opening_token
from core.analyses.prompt_tables import feature_table
from core.labels import Labels, labels_path, write_labels
from core.paths import ROOT
from core.sources.planted import plant
from core.store import Store, open_store
from core.values import Feature, Label
from tests.chains import planted_chains
from tests.oracle import some_uncounted
from tests.test_gates_page import SCRIPT, everything
from ui import waiting
from ui.prompt_page import Asked, Text, drawn
from ui.prompt_words import as_python


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
    frame = pl.DataFrame(app.dataframe[0].value)
    return frame.with_columns(pl.col(name).cast(pl.Int64) for name in frame.columns if name == "community")


def snippet(app: AppTest) -> str:
    return next(code.value for code in app.code if "feature_table" in code.value)


def ran(app: AppTest) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(snippet(app), names)
    return names


def same_core(app: AppTest, plain: str) -> None:
    """The page's Python is this one, with the tokens and the link under inspection besides."""
    wanted = [line for line in plain.splitlines() if not line.startswith("from core.analyses.prompt")]
    assert set(wanted) <= set(snippet(app).splitlines())
    names = ran(app)
    assert names["tokens"]["activation"].max() > 0
    if "link_report" in snippet(app):  # the feature in focus has a link
        assert names["report"].link.source.key != names["report"].link.target.key


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
    assert table(app).equals(ran(app)["result"], null_equal=True)
    asked = Asked(Text(3, "", str(one)), Text(5, "", f"{two},{one}"), 5, "pearson", 0.3, 10, 0.0)
    same_core(app, as_python(str(store.path), asked, Settings()))


def test_the_snippet_computes_what_the_table_shows(app: AppTest, store: Store) -> None:
    opened(app, sequence="3", token="2-9", k="3", measure="jaccard", floor="0.1")
    assert table(app).equals(ran(app)["result"], null_equal=True)
    asked = Asked(Text(3, "", "2-9"), Text(), 3, "jaccard", 0.1, 10, 0.0)
    same_core(app, as_python(str(store.path), asked, Settings()))
    plain = as_python(str(store.path), asked)
    exec(plain, names := {})  # type: ignore[var-annotated]
    assert names["result"].columns == ["site", "feature", "name", "activation"]


def test_features_are_told_and_coloured_by_their_community(app: AppTest, store: Store) -> None:
    token = str(busy_token(store, 3))
    text = everything(opened(app, sequence="3", token=token, colour="community"))
    of = {str(feature): id for feature, id in store_communities(store, Labels.beside(store)).membership.items()}
    shown = table(app)
    assert shown["community"].to_list() == [of.get(name) for name in shown["feature"]]
    assert shown["community"].drop_nulls().len() > 0
    assert "Communities: Leiden at Jaccard 0.10 or more between adjacent sites, resolution 1." in text
    assert f"communities?store=planted&amp;community={shown['community'].drop_nulls()[0]}" in text
    graph = ran(app)["graph"]
    assert {name: data.get("community") for name, data in graph.nodes(data=True)} == {n: of.get(n) for n in graph}
    assert graph.graph["communities"].startswith("measure=jaccard floor=0.1 method=leiden")


def test_another_partition_is_told_by_the_address_and_goes_along_to_its_page(app: AppTest, store: Store) -> None:
    options = {"colour": "community", "method": "louvain", "links": "pearson", "above": "0.5"}
    text = everything(opened(app, sequence="3", token=str(busy_token(store, 3)), **options))
    assert "Communities: Louvain at Pearson 0.50 or more" in text
    assert "&amp;links=pearson&amp;method=louvain" in text
    assert table(app).equals(ran(app)["result"], null_equal=True)
    permalink = next(code.value for code in app.code if "feature_table" not in code.value)
    assert all(f"{name}={value}" in permalink for name, value in options.items())


def test_two_texts_coloured_by_community_still_tell_which_has_a_feature(app: AppTest, store: Store) -> None:
    one, two = busy_token(store, 3), busy_token(store, 5)
    options = {"sequence": "3", "token": str(one), "with": "5", "with_token": f"{two},{one}", "colour": "community"}
    text = everything(opened(app, **options))
    assert "in the first only" not in text  # the colours' meaning is the communities'
    assert "community=" in text
    graph = ran(app)["graph"]
    found = store_communities(store, Labels.beside(store))
    for colour, noted in (("community", True), ("site", False)):
        labels = [node["label"] for node in drawn(graph, store, "light", colour, found).nodes]
        assert any(label.endswith((" · both", " · first", " · second")) for label in labels) is noted
    assert set(table(app)["side"]) <= {"both", "first", "second"}


def test_communities_that_take_long_wait_until_they_are_asked_for(
    app: AppTest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.communities.UNASKED", 10)
    waiting._desk.clear()  # other tests have found them
    token = str(busy_token(store, 3))
    opened(app, sequence="3", token=token)
    assert "community" not in table(app).columns
    assert "store_membership" not in snippet(app)
    app.query_params["colour"] = "community"
    app.run()
    assert "community" in table(app).columns
    del app.query_params["colour"]
    app.run()
    assert "community" in table(app).columns  # it is kept now


def test_frequency_colours_as_on_evolution(app: AppTest, store: Store) -> None:
    assert "s-error" not in everything(opened(app, sequence="3", token="2-9", colour="frequency"))


def test_line_breaks_break_lines_and_chosen_neighbours_share_a_frame(app: AppTest, store: Store) -> None:
    text = everything(opened(app, sequence="3", token="4-6,9")).replace("\\", "")
    strip = text[text.index("s-tokens") :]
    assert strip.count("s-chosen") == 4
    assert strip.count("s-first") == strip.count("s-last") == 2
    every = everything(opened(app, sequence="3", token="all")).replace("\\", "")
    assert "s-chosen" not in every[every.index("s-tokens") :]
    assert "all tokens are chosen" in every


def test_labels_are_never_markup(app: AppTest, store: Store) -> None:
    write_labels(
        labels_path(store.path), [(Feature(str(s), i), Label(SCRIPT, "t")) for s in range(4) for i in range(10)]
    )
    text = everything(opened(app, sequence="3", token=str(busy_token(store, 3))))
    assert "&lt;img" in text
    assert SCRIPT not in text


def test_links_by_weights_begin_at_a_floor_of_their_own(app: AppTest, store: Store) -> None:
    path = Path(os.environ["STRATA_CACHE"]) / "stores" / "weighed.h5"
    rng = np.random.default_rng(0)
    weights = {key: {"decoder": rng.standard_normal((12, 4)), "encoder": rng.standard_normal((4, 12))} for key in "01"}
    plant(path, {key: (rng.random((200, 12)) < 0.5).astype(float) for key in "01"}, weights=weights)
    text = everything(opened(app, store="weighed", sequence="0", token="5", measure="decoder_cosine"))
    assert "Links are what the weights say" in text
    assert "decoder cosine at 0.30 and above." in text  # no common tokens are asked for
    found = ran(app)
    assert table(app).equals(found["result"], null_equal=True)
    assert found["graph"].number_of_edges()
    assert all(data["decoder_cosine"] >= 0.3 for *_, data in found["graph"].edges(data=True))
    assert "Pearson at 0.30" in everything(opened(app, store="planted", measure="decoder_cosine"))  # has no weights


def test_a_token_that_does_not_count_is_told(app: AppTest) -> None:
    path = Path(os.environ["STRATA_CACHE"]) / "stores" / "some.h5"
    some = plant(path, {key: np.ones((300, 3)) for key in "01"}, tokens=some_uncounted(300, seed=3))
    left_out = int(np.flatnonzero(~some.tokens.counted.astype(bool))[0])
    sequence = int(np.searchsorted(some.tokens.sequence_offsets, left_out, side="right")) - 1
    token = left_out - int(some.tokens.sequence_offsets[sequence])
    text = everything(opened(app, store="some", sequence=str(sequence), token=str(token)))
    assert "takes no part: nothing is active there" in text
    assert "Choose another token" in text


def test_features_of_a_single_site_go_from_nowhere_to_nowhere(app: AppTest) -> None:
    path = Path(os.environ["STRATA_CACHE"]) / "stores" / "one.h5"
    plant(path, {"0": np.ones((60, 3)), "1": np.zeros((60, 3))})
    text = everything(opened(app, store="one", sequence="0", token="5"))
    assert " at site 0</div>" in text
    assert "from site 0 to site 0" not in text
