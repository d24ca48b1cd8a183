"""Communities from the cache: the same as fresh, one file for app and command line, damage told, `prompt` filled."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses import kept_communities as kept
from core.analyses.communities import Communities, Settings, communities, store_communities, store_membership
from core.analyses.grouping import partition_of
from core.analyses.keywords import words_of
from core.analyses.store_graph import half_graphs, site_pairs, store_graph
from core.errors import HostedRefusal
from core.labels import Labels
from core.paths import ROOT
from core.results import arrays_path, clear_cache, read_arrays, results_folder
from core.sources.planted import plant, planted_tokens
from core.sources.structures import Planting
from core.store import Store

OTHERS = (
    {"measure": "cosine"}, {"floor": 0.2}, {"method": "louvain"}, {"resolution": 2.0}, {"seed": 1}, {"activity": 0.1},
    {"every": True}, {"min_both": 20},
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    planting = Planting(sites=3, width=40, tokens=10_000)
    for size in (5, 4, 3):
        planting.community((0, 1, 2), size=size)
    return planting.build(tmp_path_factory.mktemp("kept") / "planted.h5")[0]


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One group of equal links: any cut of it is arbitrary, so that its stability is neither 0 nor 1."""
    planting = Planting(sites=3, width=40, tokens=10_000)
    planting.community((0, 1, 2), size=12)
    return planting.build(tmp_path_factory.mktemp("loose") / "loose.h5")[0]


def told(found: Communities) -> list[object]:
    """Everything that a `Communities` says, for comparing; NaN by its name."""
    graph = [getattr(found.graph, name).tolist() for name in ("site", "index", "source", "target", "weight")]
    whole = found.modularity, found.agreement_seeds, found.agreement_halves
    return [found.graph.keys, graph, found.parts.tolist(), repr(whole), repr(found.communities)]


def fresh(store: Store, asked: Settings) -> Communities:
    """The same without any cache."""
    of = (store, asked.measure, asked.floor, asked.activity)
    options = {"pairs": site_pairs(store, asked.every), "min_both": asked.min_both}
    graph, halves = store_graph(*of, **options), half_graphs(*of, **options)  # type: ignore[arg-type]
    words = words_of(graph.features, Labels.beside(store).naming())
    return communities(graph, asked.method, asked.resolution, asked.seed, halves=halves, words=words)


def kinds() -> list[str]:
    return sorted(path.name.partition("-")[0] for path in results_folder().iterdir())


@pytest.mark.parametrize("method", ["leiden", "louvain"])
@pytest.mark.parametrize("name", ["store", "loose"])
def test_kept_communities_equal_fresh_ones(name: str, method: str, request: pytest.FixtureRequest) -> None:
    of: Store = request.getfixturevalue(name)
    asked = Settings(method=method)
    wanted = told(fresh(of, asked))
    assert told(store_communities(of, Labels.beside(of), asked)) == wanted
    assert told(store_communities(of, Labels.beside(of), asked)) == wanted


def test_the_second_time_nothing_is_computed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = told(store_communities(store, Labels.beside(store)))
    for name in ("store_graph", "half_graphs", "partition_of", "stability_of"):
        monkeypatch.setattr(kept, name, lambda *a, name=name, **k: pytest.fail(f"{name} was asked"))
    assert told(store_communities(store, Labels.beside(store))) == first
    assert store_membership(store, None).membership == store_communities(store, Labels.beside(store)).membership


def test_another_method_asks_for_no_links_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store_communities(store, Labels.beside(store))
    monkeypatch.setattr(kept, "store_graph", lambda *a, **k: pytest.fail("links are counted again"))
    monkeypatch.setattr(kept, "half_graphs", lambda *a, **k: pytest.fail("links are counted again"))
    again = Settings(method="louvain", resolution=2.0, seed=3)
    wanted = told(store_communities(store, Labels.beside(store), again))
    monkeypatch.undo()
    assert wanted == told(fresh(store, again))


def test_all_that_determines_a_result_is_in_its_key(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    several = [replace(Settings(), **other) for other in OTHERS]  # type: ignore[arg-type]
    keys = [json.dumps(kept.parts_key(asked)) for asked in (Settings(), *several)]
    assert len(set(keys)) == len(keys)
    of_graph = {json.dumps(kept.graph_key(asked)) for asked in several}
    assert len(of_graph) == 6  # method, resolution and seed are no part of the links
    monkeypatch.setattr(kept, "VERSION", 99)
    assert json.dumps(kept.parts_key(Settings())) not in keys
    monkeypatch.undo()
    monkeypatch.setattr(kept, "_version", lambda package: "another")
    assert json.dumps(kept.parts_key(Settings())) not in keys


@pytest.mark.parametrize("kind", ["graph", "halves", "parts", "stability"])
@pytest.mark.parametrize("spoil", ["cut", "flip", "garbage"])
def test_a_damaged_file_is_computed_again_with_a_notice(store: Store, kind: str, spoil: str) -> None:
    wanted = told(store_communities(store, Labels.beside(store)))
    (path,) = results_folder().glob(f"{kind}-*.h5")
    whole = bytearray(path.read_bytes())
    if spoil == "flip":
        arrays = read_arrays(path)
        assert arrays is not None
        whole[bytes(whole).find(max(arrays.values(), key=lambda part: part.nbytes).tobytes())] ^= 1
    path.write_bytes({"cut": whole[: len(whole) // 2], "flip": whole, "garbage": b"no HDF5"}[spoil])
    if kind == "halves":  # asked only where the stability is not kept
        next(results_folder().glob("stability-*.h5")).unlink()
    heard: list[str] = []
    assert told(store_communities(store, Labels.beside(store), notice=heard.append)) == wanted
    assert [text.startswith(kind) and "will be computed again" in text for text in heard] == [True]
    again: list[str] = []
    assert told(store_communities(store, Labels.beside(store), notice=again.append)) == wanted
    assert again == []


def test_a_single_document_has_no_halves_in_the_cache_either(tmp_path: Path) -> None:
    fires = (np.random.default_rng(0).random((800, 1)) < 0.1).astype(np.float32)
    of = plant(tmp_path / "one.h5", {key: fires for key in "012"}, tokens=planted_tokens(800, [800]))
    for _ in range(2):
        assert kept.kept_halves(of, Settings()) == ()
        assert told(store_communities(of, Labels.beside(of))) == told(fresh(of, Settings()))


def test_two_processes_at_once_and_the_app_share_one_file_of_each_kind(store: Store) -> None:
    command = [sys.executable, "-m", "core", "communities", str(store.path), "--json"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) for _ in range(2)]
    outputs = [json.loads(process.communicate(timeout=180)[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert outputs[0] == outputs[1] == [one.as_json() for one in fresh(store, Settings()).communities]
    assert kinds() == ["graph", "halves", "pair", "pair", "parts", "stability"]


def test_a_hosted_strata_counts_no_large_halves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.kept_graph(store, Settings())
    monkeypatch.setenv("STRATA_HOSTED", "1")
    monkeypatch.setattr("core.results.pairs.MOST_HOSTED", 10)
    assert store_membership(store, None).communities  # its links are kept
    with pytest.raises(HostedRefusal):
        store_communities(store, Labels.beside(store))


# ---- what `prompt` says of them


def test_what_is_at_hand_is_kept_or_light(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.at_hand(store)
    assert not kept.at_hand(store, most=0.0)
    assert kept.products_left(store, Settings()) > 0
    kept.kept_graph(store, Settings())
    assert kept.at_hand(store, most=0.0)
    clear_cache()
    assert not kept.at_hand(store, most=0.0)
    store_membership(store, None)
    arrays_path("graph", store, kept.graph_key(Settings())).unlink()
    assert kept.at_hand(store, most=0.0)


def nodes(capsys: pytest.CaptureFixture[str], store: Store, *options: str) -> tuple[dict[str, int | None], str]:
    assert main(["prompt", str(store.path), "--sequence", "3", "--token", "all", "--json", *options]) == 0
    captured = capsys.readouterr()
    return {n["feature"]: n["community"] for n in json.loads(captured.out)["nodes"]}, captured.err


def test_prompt_names_the_community_of_each_feature(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found, heard = nodes(capsys, store)
    of = {str(feature): id for feature, id in fresh(store, Settings()).membership.items()}
    assert heard == ""
    assert found == {name: of.get(name) for name in found}
    assert len(set(found.values()) - {None}) >= 2


def test_prompt_does_not_wait_for_communities_unless_told(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept.at_hand, "__defaults__", (None, 10.0))
    without, heard = nodes(capsys, store)
    assert set(without.values()) == {None}
    assert heard.startswith("notice: ")
    assert heard.count("\n") == 1
    assert f"python -m core communities {store.path}" in heard
    told_to, heard = nodes(capsys, store, "--communities")
    assert any(told_to.values())
    assert heard == ""
    clear_cache()
    assert main(["communities", str(store.path), "--json"]) == 0
    capsys.readouterr()
    assert nodes(capsys, store) == (told_to, "")


def test_the_table_for_people_has_them_too(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", str(store.path), "--sequence", "3", "--token", "all"]) == 0
    assert "community" in capsys.readouterr().out.splitlines()[1]


def test_partitions_are_those_of_the_graph(loose: Store) -> None:
    graph = kept.kept_graph(loose, Settings())
    assert kept.kept_parts(loose, Settings(), graph).tolist() == partition_of(graph).tolist()
