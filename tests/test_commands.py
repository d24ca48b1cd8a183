"""What the commands refuse, what they say where there is nothing, what every one of them takes, and what docs show."""

from __future__ import annotations

import argparse
import gc
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.__main__ import COMMANDS, main, parser
from core.analyses.edges import silent_reach
from core.library import DEMO
from core.paths import ROOT
from core.sources.planted import plant, planted_tokens
from core.statistics.measures import mutual_information
from core.store import Store
from core.values import PairCounts

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command -> (exit code, standard output, standard error)."""

    def of(*words: object) -> tuple[int, str, str]:
        try:
            code = main(list(map(str, words)))
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return of


def sub_parsers() -> dict[str, argparse.ArgumentParser]:
    (actions,) = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(actions.choices)


def test_every_command_takes_json_and_says_what_each_option_is() -> None:
    found = sub_parsers()
    assert set(found) == set(COMMANDS)
    for name, sub in found.items():
        options = {option for action in sub._actions for option in action.option_strings}
        assert "--json" in options, name
        assert all(action.help for action in sub._actions), name
        assert "None" not in sub.format_help()


def test_help_speaks_to_users() -> None:
    for text in [parser().format_help(), *(sub.format_help() for sub in sub_parsers().values())]:
        assert not re.search("``|core\\.commands|MODULES|module", text)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["neighbours", "STORE", "0_0", "--to", "1", "--top", "0"], "--top"),
        (["neighbours", "STORE", "0_0", "--to", "1", "--top", "many"], "--top"),
        (["neighbours", "STORE", "0_0", "--to", "1", "--min-both", "-1"], "--min-both"),
        (["link", "STORE", "0_0", "1_0", "--contexts", "-1"], "--contexts"),
        (["lifespans", "STORE", "--gap", "0"], "--gap"),
        (["lifespans", "STORE", "--top", "-1"], "--top"),
        (["chance", "STORE", "--min-both", "-1"], "--min-both"),
        (["prompt", "STORE", "--sequence", "0", "--min-both", "-1"], "--min-both"),
    ],
)
def test_counts_that_cannot_be_are_bad_arguments(words: list[str], option: str, random_store: Store, run: Run) -> None:
    code, out, told = run(*(str(random_store.path) if word == "STORE" else word for word in words))
    assert (code, out) == (2, "")
    assert f"argument {option}: it is a whole number from" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["edges", "--floor", "5"], "pearson, cosine, jaccard go from -1 to 1"),
        (["edges", "--floor", "nan"], "pearson, cosine, jaccard go from -1 to 1"),
        (["edges", "--floor", "1.1", "--measure", "jaccard"], "jaccard goes from 0 to 1"),
        (["edges", "--floor", "0.7", "--measure", "mutual_information"], "mutual_information goes from 0 to 0.693"),
        (["edges", "--floor", "1.1", "--measure", "decoder_cosine"], "decoder_cosine goes from -1 to 1"),
        (["edges", "--floor", "nan", "--measure", "virtual_weight"], "virtual_weight can be any number"),
        (["edges", "--floor", "-1", "--measure", "folded_mse"], "folded_mse goes from 0 without an end"),
        (["communities", "--floor", "5"], "jaccard goes from 0 to 1"),
        (["communities", "--floor", "nan"], "jaccard goes from 0 to 1"),
        (["prompt", "--sequence", "0", "--floor", "9"], "pearson goes from -1 to 1"),
    ],
)
def test_a_floor_that_no_link_can_have_is_refused_with_the_range(
    words: list[str], told: str, random_store: Store, run: Run, tmp_path: Any
) -> None:
    out = ["--out", tmp_path / "links.csv"] if words[0] == "edges" else []
    code, printed, error = run(words[0], random_store.path, *words[1:], *out)
    assert (code, printed) == (1, "")
    assert re.fullmatch(rf"error: floor {words[words.index('--floor') + 1]} cannot be reached: {told} \(.+\)\n", error)
    assert not list(tmp_path.iterdir())


def test_weights_of_communities_are_positive_and_floors_are_numbers(random_store: Store, run: Run) -> None:
    code, _, error = run("communities", random_store.path, "--floor", "-0.5", "--measure", "pearson")
    assert (code, error[:23]) == (1, "error: floor -0.5 canno")
    code, _, error = run("pairs", random_store.path, "--floor", "nan")
    assert (code, error[:29]) == (1, "error: floor nan is no number")
    assert run("pairs", random_store.path, "--floor", "1.5")[0] == 0  # only the best of each feature


@pytest.mark.parametrize("floor", ["-9", "-1", "1", "0"])  # below the range every link is above the floor
def test_a_floor_that_links_reach_is_taken(floor: str, random_store: Store, run: Run, tmp_path: Any) -> None:
    assert run("edges", random_store.path, "--floor", floor, "--out", tmp_path / "links.csv")[0] == 0


def test_neighbours_says_why_there_are_none(random_store: Store, run: Run) -> None:
    words = ["neighbours", random_store.path, "0_0", "--to", "1"]
    everything = json.loads(run(*words, "--top", 99, "--json")[1])
    told = "on 699 tokens or more; without --min-both there are"
    assert f"{told} {len(everything)}\n" in run(*words, "--min-both", 699)[1]
    code, out, error = run(*words, "--min-both", 699, "--json")
    assert (code, json.loads(out)) == (0, [])
    assert told in error
    assert run("neighbours", random_store.path, "0_3", "--to", "1")[1] == "0_3 is never active: it has no neighbours\n"
    assert run(*words, "--min-both", 1)[2] == ""


@pytest.mark.parametrize(("floor", "measure", "silent"), [("0", "pearson", True), ("0.05", "pearson", False),
                                                          ("0.001", "mutual_information", True)])  # fmt: skip
def test_edges_says_where_pairs_that_never_fire_together_are_left_out(
    floor: str, measure: str, silent: bool, random_store: Store, run: Run, tmp_path: Any
) -> None:
    out = tmp_path / "links.csv"
    code, _, error = run("edges", random_store.path, "--measure", measure, "--floor", floor, "--out", out)
    assert code == 0
    assert ("never active together may reach" in error) is silent
    written = pl.read_csv(out)
    assert (written["n_both"] > 0).all()


@pytest.mark.parametrize("command", ["pairs", "edges", "turnover", "chance"])
def test_a_single_site_has_no_pairs(command: str, run: Run, tmp_path: Path) -> None:
    store = plant(tmp_path / "one.h5", {"0": np.eye(12)})
    code, out, error = run(command, store.path, *(["--out", tmp_path / "e.csv"] if command == "edges" else []))
    assert (code, out) == (1, "")
    assert "one.h5 has a single site" in error


def test_pairs_takes_one_site_with_its_neighbour_and_no_contradictions(random_store: Store, run: Run) -> None:
    (told,) = json.loads(run("pairs", random_store.path, "--from", "1", "--json")[1])
    assert (told["from"], told["to"]) == ("1", "2")
    assert len(json.loads(run("pairs", random_store.path, "--all", "--json")[1])) == 3
    assert run("pairs", random_store.path, "--all", "--adjacent")[0] == 2
    code, _, error = run("pairs", random_store.path, "--all", "--from", "0")
    assert code == 1
    assert "--all is about all sites" in error


def test_what_the_tables_tell_the_json_tells_too(run: Run) -> None:
    (*_, last) = json.loads(run("communities", DEMO, "--json")[1])
    assert {"over_seeds", "over_halves", "cohesion"} < last.keys()
    gate = json.loads(run("gates", DEMO, "--to", "4", "--json")[1])[0]
    low, high = gate["held_out_interval"]
    assert 0 < low <= gate["held_out_gain"] <= high
    table, n = gate["truth_table"], json.loads(run("info", DEMO, "--json")[1])["n"]
    assert (len(table), sum(row["n"] for row in table)) == (2 ** len(gate["inputs"]), n)
    said = sum(row["n_target"] for row in table if row["says"])
    assert gate["precision"] == said / sum(row["n"] for row in table if row["says"])


def test_tokens_are_printed_as_they_read_and_steer_no_terminal(run: Run, tmp_path: Path) -> None:
    tokens = planted_tokens(3)
    texts = [b"A", b"\x1b[31m", b" b\n"]
    tokens = replace(
        tokens, ids=np.arange(3, dtype=np.uint32), vocabulary_offsets=np.cumsum([0, *map(len, texts)]),
        vocabulary_bytes=np.frombuffer(b"".join(texts), np.uint8),
    )  # fmt: skip
    store = plant(tmp_path / "tokens.h5", {"0": np.eye(3), "1": np.eye(3)}, tokens=tokens)
    out = run("prompt", store.path, "--sequence", 0, "--token", "2")[1]
    assert out.splitlines()[0] == "A�[31m[ b↵]"
    assert "\x1b" not in out


@pytest.mark.parametrize("measure", [None, "cosine", "mutual_information"])
def test_edges_says_as_json_what_it_wrote(measure: str | None, random_store: Store, run: Run, tmp_path: Any) -> None:
    path = tmp_path / "links.parquet"
    chosen = ["--measure", measure] if measure else []
    code, out, _ = run("edges", random_store.path, *chosen, "--floor", 0.05, "--out", path, "--json")
    told, written = json.loads(out), pl.read_parquet(path)
    assert (code, told["path"], told["links"]) == (0, str(path), len(written))
    assert (told["measure"], told["floor"], told["activity"]) == (measure, 0.05, 0.0)
    assert [(pair["from"], pair["to"]) for pair in told["pairs"]] == [("0", "1"), ("1", "2")]
    counts = [len(written.filter(pl.col("source").str.starts_with(f"{pair['from']}_"))) for pair in told["pairs"]]
    assert [pair["links"] for pair in told["pairs"]] == counts
    assert sum(counts) == len(written) > 0


def examples() -> list[str]:
    """The commands that README and docs show, of the demo, to be pasted."""
    texts = [path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]
    blocks = [block for text in texts for block in re.findall(r"```\n(.*?)```", text, re.DOTALL)]
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.partition("-m core ")[2] for line in lines if "-m core " in line and "demo/demo.h5" in line]


@pytest.mark.parametrize("line", examples())
def test_the_examples_of_the_docs_say_something(line: str, run: Run) -> None:
    words = [str(DEMO) if word == "demo/demo.h5" else word for word in shlex.split(line)]
    code, out, error = run(*words, "--json")
    assert (code, error) == (0, "")
    found = json.loads(out)
    assert found
    if words[0] == "link":
        assert found["enough_data"]
        assert all(found["contexts"].values())


def test_there_are_examples_and_what_readme_says_of_them_is_so(run: Run) -> None:
    shown = examples()
    assert len(shown) >= 7
    assert {line.split()[0] for line in shown} >= {"info", "neighbours", "link", "turnover", "lifespans", "communities"}
    best = json.loads(run("neighbours", DEMO, "2_774", "--to", "6", "--json")[1])[0]
    assert (best["label"], best["n_source"], best["n_target"], best["n_both"]) == ("colour", 51, 51, 51)
    link = json.loads(run("link", DEMO, "3_241", "4_241", "--json")[1])
    assert link["n_both"] < min(link["n_source"], link["n_target"]) - link["n_both"]
    assert round(link["pearson"], 2) == 0.79


@pytest.mark.parametrize("words", [["info", "demo/demo.h5"], ["info"], ["--help"], ["neighbours", "--top", "0"]])
@pytest.mark.parametrize("looking", [True, False])
def test_whoever_looks_for_garbage_goes_on_to_do_so(words: list[str], looking: bool, run: Run) -> None:
    before = gc.isenabled()
    (gc.enable if looking else gc.disable)()
    try:
        run(*words)
        assert gc.isenabled() == looking
    finally:
        (gc.enable if before else gc.disable)()


def test_the_server_looks_for_garbage_once_all_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    from ui import serve

    monkeypatch.setattr(serve, "PATIENCE", 0.0)
    gc.disable()
    try:
        serve.make_ready()
        assert gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


@pytest.mark.parametrize("active", [(90, 60), (50, 50), (100, 60), (60, 100), (30, 40), (100, 100), (1, 99)])
def test_silent_reach_is_what_the_best_of_all_disjoint_pairs_reaches(active: tuple[int, int], tmp_path: Path) -> None:
    n = 100
    on = [np.arange(n) < count for count in active]
    store = plant(tmp_path / "s.h5", {key: one[:, None] * 1.0 for key, one in zip("01", on, strict=True)})
    pairs = [(a, b) for a in range(1, active[0] + 1) for b in range(1, active[1] + 1) if a + b <= n]
    a, b = np.array(pairs or [(0, 0)]).T
    wanted = mutual_information(PairCounts(n, a, b, np.zeros_like(a), a, a, b, b, 0.0)).max()
    assert silent_reach(store, "0", "1", ("mutual_information",)) == pytest.approx(wanted)
    assert silent_reach(store, "1", "0", ("mutual_information",)) == pytest.approx(wanted)
