"""Contexts: right positions, right text, right activations; and the two commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses.contexts import (
    activation_histogram,
    decode,
    density,
    pair_contexts,
    sampled,
    spread,
    strongest,
    window_at,
)
from core.analyses.link import link_report
from core.sources.planted import plant, planted_tokens
from core.store import Store, Tokens
from core.values import DATA_FREE, MEASURES, Feature


def test_contexts_are_of_their_cell_strongest_first_and_one_a_document(random_store: Store) -> None:
    source, target = Feature("0", 1), Feature("1", 1)
    rows = [dict(zip(*map(np.ndarray.tolist, random_store.row(f)), strict=True)) for f in (source, target)]
    found = pair_contexts(random_store, source, target, count=5)
    assert [len(found[cell]) for cell in ("both", "source_only", "target_only")] == [5, 5, 5]
    for cell, contexts in found.items():
        assert len({context.document for context in contexts}) == len(contexts)
        for context in contexts:
            x, y = context.source_values[context.focus], context.target_values[context.focus]
            assert (x > 0, y > 0) == {"both": (True, True), "source_only": (True, False), "target_only": (False, True)}[
                cell
            ]
            start = context.position - context.focus
            assert list(context.source_values) == [rows[0].get(start + i, 0.0) for i in range(len(context.tokens))]
            assert list(context.target_values) == [rows[1].get(start + i, 0.0) for i in range(len(context.tokens))]
    peaks = [context.source_values[context.focus] for context in found["source_only"]]
    assert peaks == sorted(peaks, reverse=True)


def test_fewer_documents_than_asked_for_are_filled_up(random_store: Store) -> None:
    found = strongest(random_store, Feature("0", 1), 20)
    assert len(found) == 20
    assert len({context.document for context in found}) == random_store.n_documents == 7
    values = [context.values[context.focus] for context in found]
    assert values == sorted(values, reverse=True)
    positions, strength = random_store.row(Feature("0", 5))  # three positions in one document
    assert spread(random_store, positions, strength, 8).tolist() == [11, 12, 13]
    assert strongest(random_store, Feature("0", 3), 5) == ()  # the negative twin: a dead feature


def test_spread_of_a_dense_feature_is_that_of_a_full_sort(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 50, 5000).astype(float)
    store = plant(tmp_path / "s.h5", {"0": x[:, None]})
    positions, strength = store.row(Feature("0", 0))
    order = np.lexsort((positions, -strength))
    best: dict[int, int] = {}
    for p in positions[order].tolist():
        best.setdefault(p // 100, p)
    assert spread(store, positions, strength, 9).tolist() == list(best.values())[:9]


def test_windows_stay_within_their_sequence(random_store: Store) -> None:
    window = window_at(random_store, 103)
    assert (window.start, window.focus, window.document) == (100, 3, 1)
    assert len(window.tokens) == 3 + 1 + 12
    assert len(window_at(random_store, 699).tokens) == 13


def test_split_characters_read_right_and_every_token_has_a_string(tmp_path: Path) -> None:
    pieces = [b" caf", b"\xc3", b"\xa9", b" \xe2\x82", b"\xac", b"\xff", b"!", b"\xe2"]
    assert decode(pieces) == [" caf", "", "é", " ", "€", "�", "!", "�"]
    assert decode([]) == []
    plain = planted_tokens(8)
    offsets = np.concatenate([[0], np.cumsum([len(p) for p in pieces])])
    ids, texts = np.arange(8, dtype=np.uint32), np.frombuffer(b"".join(pieces), np.uint8)
    tokens = Tokens(ids, plain.sequence_offsets, plain.sequence_document, plain.counted, texts, offsets)
    store = plant(tmp_path / "s.h5", {"0": np.ones((8, 1))}, tokens=tokens)
    assert window_at(store, 2, window=0).tokens == ("é",)  # not cut by the window's edge
    assert window_at(store, 4, window=1).tokens == (" ", "€", "�")


def test_samples_come_from_their_band_and_are_seeded(random_store: Store) -> None:
    feature = Feature("0", 1)
    values = np.sort(random_store.row(feature)[1])
    found = sampled(random_store, feature, 4, seed=3)
    assert found == sampled(random_store, feature, 4, seed=3) != sampled(random_store, feature, 4, seed=4)
    for (low, high), contexts in found.items():
        assert len(contexts) == 4
        for context in contexts:
            rank = np.searchsorted(values, context.values[context.focus])
            assert int(low * len(values)) <= rank <= np.ceil(high * len(values))
    assert all(contexts == () for contexts in sampled(random_store, Feature("0", 3)).values())


def test_histogram_and_density(random_store: Store) -> None:
    histogram = activation_histogram(random_store, Feature("0", 1), 10)
    active = int(random_store.summary("0").active[1])
    assert histogram.counts.sum() == active
    assert density(random_store, Feature("0", 1)) == active / 700
    assert activation_histogram(random_store, Feature("0", 3)).counts.sum() == 0


def test_link_says_the_same_in_either_order(random_store: Store) -> None:
    a, b = Feature("0", 1), Feature("1", 2)
    report = link_report(random_store, b, a, activity=0.2)
    assert report == link_report(random_store, a, b, activity=0.2)
    (both, source_only), (target_only, neither) = report.table
    assert both + source_only + target_only + neither == random_store.n
    assert (both + source_only, both + target_only) == (report.link.n_source, report.link.n_target)


def test_link_json_has_the_contracts_keys(random_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["link", str(random_store.path), "1_2", "0_1", "--contexts", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {
        "source", "target", "n", "n_source", "n_target", "n_both", *MEASURES, "lift", "label", "intervals",
        "expected_both", "enough_data", "chance", "contexts", *DATA_FREE, "folded_with",
    }  # fmt: skip
    assert (found["source"], found["target"]) == ("0_1", "1_2")
    assert set(found["contexts"]) == {"both", "source_only", "target_only"}
    assert set(found["contexts"]["both"][0]) == {
        "position", "document", "tokens", "focus", "source_values", "target_values",
    }  # fmt: skip
    assert len(found["intervals"]["sufficiency"]) == 2
    assert [found[name] for name in (*DATA_FREE, "folded_with")] == [None] * 4  # this store has no weights


def test_neighbours_json_has_the_contracts_keys(random_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["neighbours", str(random_store.path), "1_2", "--to", "0", "--measure", "jaccard", "--top", "3", "--json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 3
    assert set(found[0]) == {"feature", "n", "n_source", "n_target", "n_both", *MEASURES, "lift", "label"}
    assert [row["jaccard"] for row in found] == sorted((row["jaccard"] for row in found), reverse=True)
    assert main(["neighbours", str(random_store.path), "1_3", "--to", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []  # dead


def test_commands_name_what_is_wrong(random_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(random_store.path)
    for words in (
        "link STORE 0_1 0_1",
        "link STORE 0_1 1_2 --level 7",
        "link STORE 0_1 x",
        "neighbours STORE 0_1 --to 8",
        "neighbours STORE 0_999 --to 1",
        "neighbours STORE 0_1 --to 1 --activity 2",
    ):
        command = [path if word == "STORE" else word for word in words.split()]
        assert main(command) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
    assert main(["link", path, "0_1", "1_2"]) == 0
    assert main(["neighbours", path, "0_1", "--to", "1"]) == 0
    assert "pearson" in capsys.readouterr().out


@pytest.mark.parametrize("count", [0, -1, -100])
def test_no_context_is_given_where_none_is_asked_for(random_store: Store, count: int) -> None:
    assert strongest(random_store, Feature("0", 1), count) == ()
    assert not any(pair_contexts(random_store, Feature("0", 1), Feature("1", 1), count).values())
