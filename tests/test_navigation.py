"""The jump box: what a person may type, and where it leads; the stores that are found."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import BadArgument, NotPermitted
from core.labels import Labels, labels_path, write_labels
from core.library import DEMO, found_stores, give_place, given_places
from core.navigation import neuronpedia_address, parse_jump
from core.paths import stores_folder
from core.sources.planted import plant, planted_tokens
from core.store import Store, open_store
from core.values import Feature, Label
from tests.test_damage import flip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Feature 0_0 fires on the token w7 alone, 1_2 on everything but that one, 1_3 nowhere."""
    tokens = planted_tokens(600)
    on_seven = (tokens.ids == 7).astype(float)[:, None]
    first = np.hstack([on_seven, np.zeros((600, 3))])
    second = np.hstack([on_seven * 0.5, np.zeros((600, 1)), 1 - on_seven, np.zeros((600, 1))])
    store = plant(tmp_path_factory.mktemp("jump") / "jump.h5", {"0": first, "1": second}, tokens=tokens)
    write_labels(labels_path(store.path), [(Feature("1", 2), Label("Closing quote", "test", 0.9))])
    return open_store(store.path)


def jump(text: str, store: Store) -> tuple[str, list[str]]:
    found = parse_jump(text, store, Labels.beside(store))
    return found.kind, [str(each.feature) for each in found.found]


def test_a_feature(store: Store) -> None:
    assert jump(" 1_2 ", store) == ("feature", ["1_2"])


@pytest.mark.parametrize("text", ["1_900", "7_1", "9.mlp_3", "1_" + "9" * 5000])
def test_a_feature_that_is_not_there_is_said(text: str, store: Store) -> None:
    answer = parse_jump(text, store, Labels.beside(store))
    assert answer.kind == "nothing"
    assert text in answer.message or text.split("_")[0] in answer.message


def test_a_label_in_any_case_and_order(store: Store) -> None:
    assert jump("QUOTE clos", store) == ("labels", ["1_2"])


def test_a_token_leads_to_the_features_that_fire_on_it(store: Store) -> None:
    assert jump("W7", store) == ("tokens", ["0_0", "1_0"])


@pytest.mark.parametrize(
    "text", ["", "  ", "no such thing", "<img src=x onerror=alert(1)>", "_", "1_", "_3", "٣_٣", "\x00"]
)
def test_anything_else_tells_what_can_be_typed(text: str, store: Store) -> None:
    answer = parse_jump(text, store, Labels.beside(store))
    assert answer.kind == "nothing"
    assert "Neuronpedia address" in answer.message


def test_a_neuronpedia_address(store: Store) -> None:
    store = open_store(store.path)
    sites = tuple(replace(site, neuronpedia_id=f"gpt2-small/{site.key}-res-jb") for site in store.sites)
    store.sites = sites
    for address in ("https://www.neuronpedia.org/gpt2-small/1-res-jb/2", "neuronpedia.org/gpt2-small/1-res-jb/2?x=1"):
        assert jump(address, store) == ("feature", ["1_2"])
    assert neuronpedia_address(sites[1], Feature("1", 2)) == "https://www.neuronpedia.org/gpt2-small/1-res-jb/2"
    for wrong in ("5-res-jb/2", "1-res-jb/900", "1-res-jb/", "1-res-jb/x", "1-res-jb/" + "9" * 5000):
        assert jump(f"https://www.neuronpedia.org/gpt2-small/{wrong}", store)[0] == "nothing"


def test_an_address_that_is_none_is_told(store: Store) -> None:
    assert "names no feature" in parse_jump("http://[neuronpedia.org", store, Labels.beside(store)).message


@pytest.mark.parametrize(("name", "value"), [("by_token/offsets", 2**60), ("by_token/features", 65_535)])
def test_a_damaged_store_answers_with_what_is_wrong(store: Store, tmp_path: Path, name: str, value: int) -> None:
    position = int(np.flatnonzero(store.tokens.ids == 7)[0])
    entry = position + 1 if name.endswith("offsets") else int(store.by_token("0").offsets[position])
    damaged = flip(store, tmp_path / "d.h5", f"sites/0/{name}", entry, value)
    answer = parse_jump("w7", damaged, Labels.beside(damaged))
    assert answer.kind == "nothing"
    assert "out of bounds" in answer.message


def test_no_address_is_made_of_an_id_that_is_none(store: Store) -> None:
    assert neuronpedia_address(store.sites[0], Feature("0", 0)) == ""
    assert neuronpedia_address(replace(store.sites[0], neuronpedia_id="javascript:alert(1)//x"), Feature("0", 0)) == ""


def test_places_are_remembered_and_a_second_store_of_one_name_gets_its_own(store: Store, tmp_path: Path) -> None:
    stores = Path(os.environ["STRATA_CACHE"]) / "stores"
    stores.mkdir()
    (stores / "jump.h5").write_bytes(store.path.read_bytes())
    give_place(str(store.path.parent))
    assert given_places() == [store.path.parent]
    names = {found.name: found.path for found in found_stores()}
    assert names["jump"] == stores / "jump.h5"
    assert names["jump~2"] == store.path
    for wrong in (str(tmp_path / "nowhere"), "long" * 2000, "a\0b", "~nobody-of-that-name"):
        with pytest.raises(BadArgument):
            give_place(wrong)


def test_hosted_looks_nowhere_else(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    give_place(str(store.path.parent))
    monkeypatch.setenv("STRATA_HOSTED", "1")
    assert given_places() == []


def test_a_cache_folder_that_cannot_be_made_is_named_and_the_demo_still_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("STRATA_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(NotPermitted, match="STRATA_CACHE"):
        stores_folder()
    assert [found.path for found in found_stores()] in ([DEMO], [])
