"""The demo's findings: notes are read back rightly, planted structures are confirmed and their twins are not,
and what docs/findings.md lists is what the analyses find and its permalinks show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.gates import gates
from core.analyses.splits import merges, splits
from core.paths import ROOT
from core.sources.demo import STORE
from core.sources.planted import plant, planted_tokens
from core.sources.world import Document, Span
from core.store import Store, open_store
from core.values import Feature
from demo.annotations import Notes, notes_of, permuted, store_notes
from demo.confirm import Evidence, confirm_chain, confirm_division, confirm_gate, retested_gate
from demo.findings import EACH, FINDINGS, PAGE, f1_here, main
from demo.predicates import annotate, deal
from demo.structures import KINDS, long_lifespans
from demo.telling import APP, GATES, in_page, sentence
from tests.test_gates_page import everything
from ui import gates_page, layers_page, site_choice

KEPT: Mapping[str, Any] = json.loads(FINDINGS.read_text())
LISTED = KEPT["findings"]
FIRST = [next(one for one in LISTED if one["kind"] == kind) for kind in KINDS]


def named(one: Mapping[str, Any]) -> str:
    return f"{one['kind']}-{one['feature']}"


@pytest.fixture(scope="module")
def shipped() -> Store:
    return open_store(STORE)


# ---- notes


def test_notes_are_those_of_the_word_and_its_neighbours() -> None:
    spans = (
        Span(0, 1, {"part of speech": "determiner"}),
        Span(1, 5, {"part of speech": "adjective", "kind": "colour"}),
        Span(5, 9, {"part of speech": "noun"}),
    )
    found = notes_of(Document("a red cat", "example", spans, 0.0), [(0, 1), (1, 5), (5, 9)])
    assert found[0] == {("part of speech", "determiner"), ("after", "start of the text"), ("before", "colour")}
    assert ("after", "colour") in found[2]
    assert ("before", "end of the text") in found[2]


def test_the_shipped_store_is_annotated_token_by_token(shipped: Store) -> None:
    rows, registers = store_notes(shipped)
    assert len(rows) == len(registers) == shipped.n_documents
    assert sum(map(len, rows)) == shipped.n
    flat = [found for row in rows for found in row]
    texts = [shipped.token_bytes(int(t)) for t in shipped.tokens.ids[np.asarray(shipped.tokens.counted) > 0]]
    bullets = {text for text, found in zip(texts, flat, strict=True) if ("kind", "bullet") in found}
    assert bullets == {b"-"}


def test_permuting_cuts_only_the_tie_between_notes_and_words() -> None:
    rows = [[frozenset({("kind", f"{d}-{t}")}) for t in range(length)] for d, length in enumerate((2, 3, 4))]
    found = permuted(rows, ["a", "a", "b"], seed=0)
    assert found[0] == rows[1][:2]
    assert found[1] == [rows[0][0], rows[0][1], rows[0][0]]
    assert found[2] == rows[2]  # no other document of its register


# ---- planted


TOKENS, LENGTH = 16_000, 40
GATE_FEATURES = {"or": (0, 1, 0), "and": (2, 3, 1), "and_not": (2, 3, 2)}


@cache
def planted_notes(seed: int) -> dict[str, np.ndarray]:
    """Where each note holds: four that are independent, and two that divide a third."""
    rng = np.random.default_rng(seed)
    holds = {name: rng.random(TOKENS) < share for name, share in (("a", 0.04), ("b", 0.05), ("c", 0.3), ("d", 0.4))}
    holds["whole"] = rng.random(TOKENS) < 0.1
    holds["left"] = holds["whole"] & (rng.random(TOKENS) < 0.5)
    holds["right"] = holds["whole"] & ~holds["left"]
    return holds


def planted(folder: Path, of_notes: bool = True) -> Evidence:
    """A store whose features are notes and gates of them; its twin's notes are drawn anew, and say nothing of it."""
    h, rng = planted_notes(1), np.random.default_rng(2)
    first = [h["a"], h["b"], h["c"], h["d"], h["whole"]]
    second = [h["a"] | h["b"], h["c"] & h["d"], h["c"] & ~h["d"], h["left"], h["right"], h["a"]]
    noisy = [np.stack([f ^ (rng.random(TOKENS) < 0.002) for f in site], 1) for site in (first, second)]
    lengths = [LENGTH] * (TOKENS // LENGTH)
    store = plant(
        folder / "planted.h5",
        {str(k): f.astype(np.float32) for k, f in enumerate(noisy)},
        tokens=planted_tokens(TOKENS, lengths),
    )
    holds = h if of_notes else planted_notes(3)
    flat: list[Notes] = [frozenset(("kind", name) for name in holds if holds[name][t]) for t in range(TOKENS)]
    rows = [flat[at : at + LENGTH] for at in range(0, TOKENS, LENGTH)]
    halves = deal(store)
    real, cut = (annotate(r, store, halves) for r in (rows, permuted(rows, ["x"] * len(rows), 1)))
    return Evidence(store, real, cut)


def test_planted_gates_are_confirmed_and_their_twins_are_not(tmp_path: Path) -> None:
    evidence = planted(tmp_path)
    found = {gate.kind: gate for gate in gates(evidence.store, "0", "1") if gate.feature.index in (0, 1, 2)}
    assert set(found) == set(GATE_FEATURES)
    for kind, gate in found.items():
        assert retested_gate(evidence, gate) is not None
        answer = confirm_gate(evidence, gate)
        assert answer is not None
        wanted = {("kind", "abcd"[index]) for index in GATE_FEATURES[kind][:2]}
        assert {part.predicate[0][0] for part in answer.parts} == wanted
        assert answer.score.low > 0.9
        assert answer.gain is not None
        assert answer.gain.low > 0.05
    (tmp_path / "twin").mkdir()
    twin = planted(tmp_path / "twin", of_notes=False)
    assert all(retested_gate(twin, gate) is not None for gate in found.values())  # still gates, but not of these notes
    assert all(confirm_gate(twin, gate) is None for gate in found.values())


def test_planted_divisions_and_chains_are_confirmed_and_their_twins_are_not(tmp_path: Path) -> None:
    whole, parts, chain = Feature("0", 4), (Feature("1", 3), Feature("1", 4)), (Feature("0", 0), Feature("1", 5))
    evidence = planted(tmp_path)
    divided, lasting = confirm_division(evidence, whole, parts), confirm_chain(evidence, chain)
    assert divided is not None
    assert lasting is not None
    assert {part.feature for part in divided.parts} == set(parts)
    assert {part.predicate for part in lasting.parts} == {((("kind", "a"),),)}
    assert confirm_division(evidence, whole, (parts[0], Feature("1", 0))) is None  # the second is no part of it
    assert confirm_chain(evidence, (chain[0], Feature("1", 3))) is None  # not the same feature
    (tmp_path / "twin").mkdir()
    twin = planted(tmp_path / "twin", of_notes=False)
    assert confirm_division(twin, whole, parts) is None
    assert confirm_chain(twin, chain) is None


# ---- what is kept


def test_ten_and_more_of_every_sort_are_listed() -> None:
    assert len(LISTED) >= 10
    assert {one["kind"] for one in LISTED} == set(KINDS)
    assert all(sum(one["kind"] == kind for one in LISTED) <= EACH for kind in KINDS)
    for one in LISTED:
        explained = [*one["parts"], *([one["whole"]] if one["kind"] in ("split", "merge") else [])]
        assert all(part["f1"] >= 0.6 and part["low"] > part["by_chance"] for part in explained), named(one)
        assert one["score"]["f1"] >= 0.6
        assert one["gain"] is None or one["gain"]["f1"] >= 0.05


def test_no_two_of_a_kind_are_the_same_finding() -> None:
    for kind in KINDS:
        parts = [part["feature"] for one in LISTED if one["kind"] == kind for part in one["parts"]]
        assert len(parts) == len(set(parts))


def test_what_cannot_be_tested_on_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(tmp_path / "nowhere.h5")]) == 1
    assert "there is no store at" in capsys.readouterr().err
    assert main([str(STORE)]) == 1  # nothing in it that the analyses have not seen
    assert "is not a larger store" in capsys.readouterr().err


def test_the_page_holds_what_the_command_wrote() -> None:
    page = PAGE.read_text()
    assert in_page(page, KEPT) == page
    for one in LISTED:
        assert f"[{one['feature']}]({APP}{one['permalink']}) | {sentence(one)}" in page


def test_the_shipped_store_has_every_finding(shipped: Store) -> None:
    chains = {str(one.parts[0]): one for one in long_lifespans(shipped)}
    found: dict[tuple[str, str, str], Any] = {}
    for one in LISTED:
        if one["kind"] == "lifespan":
            assert [str(f) for f in chains[one["feature"]].parts] == one["inputs"]
            assert chains[one["feature"]].figures == pytest.approx(one["found"], abs=1e-6)
            continue
        query = dict(parse_qsl(urlsplit(one["permalink"]).query))
        place = query["view"], query["from"], query["to"]
        if place not in found:
            found[place] = {"gates": gates, "splits": splits, "merges": merges}[place[0]](shipped, *place[1:])
        if one["kind"] in GATES:
            gate = next(gate for gate in found[place] if str(gate.feature) == one["feature"])
            assert (gate.kind, list(gate.written)) == (one["kind"], one["inputs"])
            assert gate.held_out_f1 == pytest.approx(one["found"]["held_out_f1"], abs=1e-6)
        else:
            division = next(each for each in found[place] if str(each.whole) == one["feature"])
            assert [str(part) for part in division.parts] == one["inputs"]
            assert division.coverage == pytest.approx(one["found"]["coverage"], abs=1e-6)


def test_the_notes_bear_them_out_in_the_shipped_store_too(shipped: Store) -> None:
    rows, _ = store_notes(shipped)
    for one in LISTED:
        assert f1_here(one, shipped, rows) == pytest.approx(one["here"], abs=1e-9), named(one)
        assert one["here"] > 0.5, named(one)
    moved = permuted(rows, ["any"] * len(rows), seed=5)
    assert np.mean([f1_here(one, shipped, moved) for one in LISTED]) < 0.3


# ---- permalinks


@pytest.mark.parametrize("one", LISTED, ids=named)
def test_permalinks_say_what_their_pages_understand(one: Mapping[str, Any], shipped: Store) -> None:
    address = urlsplit(one["permalink"])
    query = dict(parse_qsl(address.query))
    assert query.pop("store") == "demo"
    known = [gates_page.VIEW, gates_page.SHOWN, *site_choice.settings(shipped, gates_page.EVERY)]
    if address.path == "/layers":
        known = [layers_page.VIEW, layers_page.SHOWN]
    by_name = {setting.name: setting for setting in known}
    assert (ROOT / "pages" / f"{address.path[1:]}.py").is_file()
    for name, text in query.items():
        assert by_name[name].write(by_name[name].read(text)) == text


@pytest.mark.parametrize("one", FIRST, ids=named)
def test_permalinks_open_on_their_row(one: Mapping[str, Any]) -> None:
    address = urlsplit(one["permalink"])
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    for name, text in parse_qsl(address.query):
        app.query_params[name] = text
    app.switch_page(f"pages/{address.path[1:]}.py").run()
    assert not app.exception, app.exception
    frame = pl.DataFrame(app.dataframe[0].value)
    assert one["feature"] in frame["born" if one["kind"] == "lifespan" else "feature"].to_list()
    shown = everything(app)
    if one["kind"] == "lifespan":
        assert all(f"<span>{part['feature']}</span>" in shown for part in one["parts"])  # the boxes of the chain
    elif one["kind"] in GATES:
        assert all(f"<span>{name.lstrip('!')}</span>" in shown for name in one["inputs"])  # head of the truth table
    else:  # the card shows the largest parts
        ends = ((part, one["feature"]) if one["kind"] == "merge" else (one["feature"], part) for part in one["inputs"])
        assert sum(f"{source}%2C{target}" in shown or f"{source},{target}" in shown for source, target in ends) >= 2
