"""Prompts: a typed text gives what the store holds of it, chosen tokens their strongest features, links the store's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.__main__ import main
from core.analyses.neighbours import StoreLinks
from core.analyses.prompt import (
    as_prompt,
    chosen_tokens,
    compare_graph,
    prompt_graph,
    sequence_prompt,
    strongest_features,
)
from core.analyses.prompt_opening import opening_token
from core.analyses.prompt_tables import as_json, feature_table
from core.collect import Settings, collect
from core.collect.prompting import Prompter, open_prompter
from core.errors import BadArgument, HostedRefusal, ModelNotFound, NothingRecorded, PromptTooLong, SaeMismatch
from core.labels import Labels
from core.paths import ROOT
from core.store import Store, open_store
from core.values import MEASURES, Feature
from tests import tiny
from tests.oracle import dense_measures
from tests.test_gates_page import everything
from tests.tiny import dense


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prompt")
    tiny.gpt2(folder / "model")
    for name, kind, hook in (
        ("a", "standard", "blocks.0.hook_resid_pre"),
        ("b", "jumprelu", "blocks.2.hook_resid_post"),
    ):
        tiny.sae(folder / "saes" / name, kind, hook)
    tiny.corpus(folder / "text.txt")
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    options = {"model": str(folder / "model"), "saes": str(folder / "saes"), "text": str(folder / "text.txt")}
    return open_store(collect(Settings(**options, out=folder / "tiny.h5", device="cpu")))


@pytest.fixture(scope="module")
def prompter(store: Store) -> Prompter:
    return open_prompter(store)


def text_of(store: Store, sequence: int) -> str:
    start, stop = store.tokens.sequence_offsets[sequence : sequence + 2]
    return b"".join(store.token_bytes(int(i)) for i in store.tokens.ids[start + 1 : stop]).decode()


def test_a_sequence_typed_again_has_the_stores_activations(store: Store, prompter: Prompter) -> None:
    again = 0
    for sequence in range(store.n_sequences):
        kept = sequence_prompt(store, sequence)
        try:
            encoded = prompter.encode(text_of(store, sequence))
        except UnicodeDecodeError:  # the window ends within a character
            continue
        start, stop = store.tokens.sequence_offsets[sequence : sequence + 2]
        if not np.array_equal(encoded.ids, store.tokens.ids[start:stop]):
            continue  # it was tokenised with what stood before it
        again += 1
        typed = as_prompt(store, "prompt", encoded.ids, encoded.counted, encoded.active)
        assert typed.tokens == kept.tokens
        assert np.array_equal(typed.counted, kept.counted)
        for site in store.sites:
            rows = typed.active[site.key], kept.active[site.key]
            full = np.zeros((2, len(kept.tokens), site.d_sae))
            for side, row in enumerate(rows):
                full[side, np.repeat(np.arange(len(kept.tokens)), np.diff(row.offsets)), row.indices] = row.values
            assert full[1].any()
            np.testing.assert_allclose(full[0], full[1], rtol=1e-4, atol=1e-4)
    assert again >= 40


def test_the_strongest_features_are_those_of_the_dense_activations(store: Store) -> None:
    x = dense(store, store.sites[0].key)
    for sequence in (0, 3, 7):
        prompt = sequence_prompt(store, sequence)
        start, stop = store.tokens.sequence_offsets[sequence : sequence + 2]
        for positions in ((1,), (2, 5), tuple(range(stop - start))):
            largest = x[start:stop][list(positions)].max(0)
            expected = [int(i) for i in np.lexsort((np.arange(len(largest)), -largest)) if largest[i] > 0][:4]
            found = strongest_features(prompt, store.sites[0].key, positions, top=4)
            assert [f.index for f, _ in found] == expected
            assert [v for _, v in found] == [pytest.approx(largest[i]) for i in expected]
        for feature, _ in found:
            assert prompt.row(feature) == pytest.approx(x[start:stop, feature.index])
    assert strongest_features(sequence_prompt(store, 0), store.sites[0].key, (0,)) == []  # not counted


@pytest.mark.parametrize("measure", ["pearson", "necessity"])
def test_links_are_the_stores(store: Store, measure: str) -> None:
    prompt = sequence_prompt(store, 1)
    first, second = (site.key for site in store.sites)
    graph = prompt_graph(StoreLinks(store), prompt, (3,), top=6, measure=measure, floor=0.05, min_both=4, activity=0.1)
    x, y = dense(store, first)[store.tokens.counted == 1], dense(store, second)[store.tokens.counted == 1]
    sources = [i for i, _ in strongest_features(prompt, first, (3,), 6)]
    targets = [j for j, _ in strongest_features(prompt, second, (3,), 6)]
    expected = {}
    for i in sources:
        for j in targets:
            one = dense_measures(x[:, i.index].astype(float), y[:, j.index].astype(float), 0.1)
            if one["n_both"] >= 4 and one[measure] >= 0.05:
                expected[str(i), str(j)] = one
    assert expected
    assert set(graph.edges) == set(expected)
    for ends, one in expected.items():
        assert graph.edges[ends]["weight"] == pytest.approx(one[measure])
        assert graph.edges[ends]["n_both"] == one["n_both"]
    assert not prompt_graph(StoreLinks(store), prompt, (3,), floor=1.01).edges


def test_json_has_exactly_the_keys_of_the_design(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    text = text_of(store, 0)
    assert (
        main(["prompt", str(store.path), "--text", text, "--token", "-1", "--floor", "-1", "--min-both", "0", "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["tokens", "nodes", "links"]
    assert "".join(found["tokens"][1:]) == text
    assert set(found["nodes"][0]) == {"feature", "activation", "label", "community"}
    assert set(found["links"][0]) == {"source", "target", "n", "n_source", "n_target", "n_both", *MEASURES}
    assert (
        main(
            [
                "prompt",
                str(store.path),
                "--sequence",
                "0",
                "--token",
                "-1",
                "--floor",
                "-1",
                "--min-both",
                "0",
                "--json",
            ]
        )
        == 0
    )
    kept = json.loads(capsys.readouterr().out)
    assert [node["feature"] for node in kept["nodes"]] == [node["feature"] for node in found["nodes"]]
    assert kept["links"] == found["links"]
    assert main(["prompt", str(store.path), "--sequence", "2", "--token", "all"]) == 0
    assert " -> " in capsys.readouterr().out


def test_two_prompts_share_what_is_active_on_both(store: Store) -> None:
    links, texts = StoreLinks(store), [(sequence_prompt(store, s), (4,)) for s in (0, 1)]
    options: dict[str, Any] = {"top": 5, "floor": 0.0, "min_both": 1}
    one, two = (prompt_graph(links, *text, **options) for text in texts)
    both = compare_graph(links, *texts, **options)
    assert set(both) == set(one) | set(two)
    hidden = 0
    for name, data in both.nodes(data=True):
        on = [prompt.row(Feature.parse(name))[4] for prompt, _ in texts]
        assert [data["first"], data["second"]] == pytest.approx(on)
        assert data["activation"] == max(data["first"], data["second"])
        assert (
            data["side"]
            == {(True, True): "both", (True, False): "first", (False, True): "second"}[on[0] > 0, on[1] > 0]
        )
        hidden += data["side"] == "both" and not (name in one and name in two)
    assert hidden  # active on both though among the strongest of one only
    assert set(one.edges) | set(two.edges) <= set(both.edges)
    assert both.graph["active"] >= max(one.graph["active"], two.graph["active"]) >= len(one)
    same = compare_graph(links, texts[0], texts[0], **options)
    assert {data["side"] for _, data in same.nodes(data=True)} == {"both"}
    table = feature_table(both, Labels.beside(store))
    assert table.columns == ["site", "feature", "name", "activation", "side", "first", "second"]
    assert len(table) == len(both)
    of_one_site = table.filter(pl.col("site") == store.sites[0].key)["side"].to_list()
    assert of_one_site == sorted(of_one_site)  # both, first, second
    assert feature_table(one, Labels.beside(store)).columns == ["site", "feature", "name", "activation"]


@pytest.mark.parametrize("measure", ["decoder_cosine", "virtual_weight"])
def test_links_by_weights_are_those_of_the_matrices(
    store: Store, measure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (site.key for site in store.sites)
    graph = prompt_graph(StoreLinks(store), sequence_prompt(store, 1), (3,), measure=measure, floor=-9, min_both=0)
    a, b = (np.asarray(store.weights(key, "decoder"), np.float64) for key in (first, second))
    if measure == "decoder_cosine":
        full = (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (b / np.linalg.norm(b, axis=1, keepdims=True)).T
    else:
        full = a @ np.asarray(store.weights(second, "encoder"), np.float64)
    assert graph.number_of_edges() == sum(d["key"] == first for _, d in graph.nodes(data=True)) * sum(
        d["key"] == second for _, d in graph.nodes(data=True)
    )
    for source, target, data in graph.edges(data=True):
        value = full[Feature.parse(source).index, Feature.parse(target).index]
        assert data["weight"] == data[measure] == pytest.approx(value, rel=1e-5, abs=1e-6)
    asked = [
        "prompt",
        str(store.path),
        "--sequence",
        "1",
        "--token",
        "3",
        "--measure",
        measure,
        "--floor",
        "-1" if measure == "decoder_cosine" else "-9",
        "--json",
    ]
    assert main(asked) == 0
    assert all(measure in link for link in json.loads(capsys.readouterr().out)["links"])


def test_an_uncounted_token_has_no_features(store: Store) -> None:
    graph = prompt_graph(StoreLinks(store), sequence_prompt(store, 0), (0,))
    assert not len(graph)
    assert as_json(sequence_prompt(store, 0), graph, Labels.beside(store))["nodes"] == []


def test_communities_are_named_where_they_are_known(store: Store) -> None:
    prompt = sequence_prompt(store, 0)
    graph = prompt_graph(StoreLinks(store), prompt, (2,))
    first = Feature(graph.nodes[next(iter(graph))]["key"], graph.nodes[next(iter(graph))]["index"])
    found = as_json(prompt, graph, Labels.beside(store), {first: 3})["nodes"]
    assert [node["community"] for node in found] == [3, *[None] * (len(graph) - 1)]


def test_where_to_begin_is_a_token_with_features(store: Store) -> None:
    sequence, token = opening_token(store, Labels.beside(store))
    assert all(strongest_features(sequence_prompt(store, sequence), site.key, (token,)) for site in store.sites)
    assert opening_token(store, Labels.beside(store)) == (sequence, token)


def test_a_typed_text_on_the_page(store: Store, prompter: Prompter) -> None:
    stores = Path(os.environ["STRATA_CACHE"]) / "stores"
    stores.mkdir(parents=True)
    (stores / "tiny.h5").symlink_to(store.path)
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    options = {"store": "tiny", "text": "The cat sat on the mat", "token": "all", "with": "0", "with_token": "-1"}
    for name, text in (options | {"floor": "0", "both": "0"}).items():
        app.query_params[name] = text
    app.switch_page("pages/prompt.py").run()
    assert not app.exception, app.exception
    shown = everything(app)
    assert "s-error" not in shown
    assert "of the prompt and token" in shown
    frame = pl.DataFrame(app.dataframe[0].value)
    encoded = prompter.encode("The cat sat on the mat")
    largest = encoded.active[store.sites[0].key].values.max()
    assert frame.filter(pl.col("site") == store.sites[0].key)["first"].max() == pytest.approx(float(largest))
    app.query_params["text"] = "the cat " * 200
    app.run()
    assert "reads 64" in everything(app)


def test_text_that_is_no_unicode_is_read_without_it(prompter: Prompter) -> None:
    assert np.array_equal(prompter.ids_of("the \ud83d cat"), prompter.ids_of("the ? cat"))


@pytest.mark.parametrize("text", ["", "x", "9", "-10", "3-", "5-3", "1,,2", "1;2", "٣"])
def test_tokens_that_make_no_sense(text: str) -> None:
    with pytest.raises(BadArgument):
        chosen_tokens(text, 9)


def test_named_errors(
    store: Store, prompter: Prompter, random_store: Store, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with pytest.raises(PromptTooLong, match="reads 64"):
        prompter.encode("the cat " * 200)
    with pytest.raises(BadArgument, match="nothing to look at"):
        prompter.encode("")
    with pytest.raises(NothingRecorded, match="names no model"):
        open_prompter(random_store)
    with pytest.raises(BadArgument, match="no sequence 999"):
        sequence_prompt(store, 999)
    links, prompt = StoreLinks(store), sequence_prompt(store, 0)
    for wrong in ({"measure": "x"}, {"measure": "folded_mse"}, {"top": 0}):
        with pytest.raises(BadArgument):
            prompt_graph(links, prompt, (1,), **wrong)  # type: ignore[arg-type]
    assert main(["prompt", str(random_store.path), "--text", "a b"]) == 1
    assert "error: " in capsys.readouterr().err
    monkeypatch.setenv("STRATA_HOSTED", "1")
    with pytest.raises(HostedRefusal):
        open_prompter(store)


def test_other_saes_than_the_stores_are_refused(store: Store, tmp_path: Path) -> None:
    class Moved:
        """The store, as if its settings said something else."""

        def __init__(self, **settings: str) -> None:
            self.settings = dict(store.settings) | settings

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

    for name, d_sae in (("a", 40), ("z", 40)):
        hook = "blocks.0.hook_resid_pre" if name == "a" else "blocks.2.hook_resid_post"
        tiny.sae(tmp_path / "other" / name, "standard", hook, d_sae=d_sae)
    with pytest.raises(SaeMismatch, match="is not the one"):
        open_prompter(Moved(saes=str(tmp_path / "other")))  # type: ignore[arg-type]
    with pytest.raises(ModelNotFound):
        open_prompter(Moved(model_source=str(tmp_path / "gone")))  # type: ignore[arg-type]
