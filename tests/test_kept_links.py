"""Links from kept pairs are the store's, whatever happens to the files; and nobody waits for one to be read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from core.analyses import kept_links
from core.analyses.kept_links import IDLE, CachedLinks, KeptPairs
from core.analyses.neighbours import StoreLinks
from core.results import clear_cache, pair_links, pair_path
from core.statistics.rows import pair_counts, two_feature_counts
from core.store import Store
from core.values import MEASURES, Feature

PAIR = ("0", "1", 0.0)


class Later:
    """An executor that does its work when told to."""

    def __init__(self) -> None:
        self.work: list[Callable[[], Any]] = []

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future:
        self.work.append(lambda: function(*arguments))
        return Future()

    def go_on(self) -> None:
        for each in self.work:
            each()
        self.work.clear()


@pytest.fixture(autouse=True)
def _always_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_links, "WORTH", 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the store was asked for."""
    found: list[object] = []
    for name, function in (("pair_counts", pair_counts), ("two_feature_counts", two_feature_counts)):

        def counted(*arguments: Any, function: Callable[..., Any] = function) -> Any:
            found.append(arguments[1])
            return function(*arguments)

        monkeypatch.setattr(f"core.analyses.neighbours.{name}", counted)
    return found


@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize(("min_both", "at_most"), [(0, 0.6), (4, 1.0), (20, 1.1)])
def test_neighbours_are_the_stores(
    random_store: Store, activity: float, min_both: int, at_most: float, asked: list[object]
) -> None:
    pair_links(random_store, "0", "1", activity)
    plain, kept = StoreLinks(random_store), CachedLinks(random_store)
    questions = missed = 0
    for measure in MEASURES:
        for key, to, width in (("0", "1", 30), ("1", "0", 40)):
            for i in range(width):
                for top in (1, 5, 40):
                    expected = plain.neighbours(Feature(key, i), to, measure, top, min_both, activity)
                    before = len(asked)
                    found = kept.neighbours(Feature(key, i), to, measure, top, min_both, activity)
                    assert repr(found) == repr(expected)
                    questions, missed = questions + 1, missed + len(asked) - before
    assert missed < at_most * questions  # the others were answered from what was kept


def test_without_kept_pairs_the_store_is_asked(random_store: Store, asked: list[object]) -> None:
    kept = CachedLinks(random_store)
    for key, to in (("0", "1"), ("1", "1"), ("2", "0")):
        found = kept.neighbours(Feature(key, 1), to, "pearson", 3)
        assert repr(found) == repr(StoreLinks(random_store).neighbours(Feature(key, 1), to, "pearson", 3))
    assert len(asked) == 6
    assert kept.kept._entries == {}


def test_a_pair_that_appears_is_used_and_one_that_is_cleared_is_not(random_store: Store, asked: list[object]) -> None:
    kept = CachedLinks(random_store)

    def ask() -> int:
        asked.clear()
        kept.neighbours(Feature("0", 1), "1", "pearson", 3)
        return len(asked)

    assert ask() == 1
    pair_links(random_store, "0", "1")
    assert ask() == 0
    clear_cache()
    assert ask() == 1
    assert kept.kept._entries == {}
    pair_links(random_store, "0", "1")
    assert ask() == 0


def test_a_replaced_pair_is_read_again_and_a_damaged_one_once(
    random_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair_links(random_store, "0", "1")
    path, kept, read = pair_path(random_store, "0", "1"), KeptPairs(), []
    inner = kept_links.read_pair
    monkeypatch.setattr(kept_links, "read_pair", lambda *arguments: read.append(1) or inner(*arguments))
    first = kept.get(random_store, *PAIR)
    assert first is not None
    assert kept.get(random_store, *PAIR) is first
    os.utime(path, ns=(1, 1))
    again = kept.get(random_store, "1", "0", 0.0)
    assert again is not None
    assert again is not first
    path.write_bytes(b"no pair")
    assert [kept.get(random_store, *PAIR) for _ in range(3)] == [None] * 3
    assert len(read) == 3


def test_a_feature_that_the_store_answers_at_once_reads_no_file(
    random_store: Store, asked: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair_links(random_store, "0", "1")
    kept = CachedLinks(random_store)
    work = 3 * len(random_store.by_token("1").indices) / random_store.n  # feature 5 fires three times
    monkeypatch.setattr(kept_links, "WORTH", work + 1)
    kept.neighbours(Feature("0", 5), "1", "pearson", 1)
    assert (len(asked), kept.kept._entries) == (1, {})
    kept.neighbours(Feature("0", 1), "1", "pearson", 1)
    assert (len(asked), len(kept.kept._entries)) == (1, 1)


def test_nobody_waits_for_a_file(random_store: Store) -> None:
    pair_links(random_store, "0", "1")
    later = Later()
    kept = KeptPairs(later)  # type: ignore[arg-type]
    assert kept.get(random_store, *PAIR) is None
    assert kept.get(random_store, *PAIR) is None
    assert len(later.work) == 1
    later.go_on()
    assert kept.get(random_store, *PAIR) is not None


def test_a_file_cleared_while_it_is_being_read_is_no_error(random_store: Store) -> None:
    pair_links(random_store, "0", "1")
    later = Later()
    kept = KeptPairs(later)  # type: ignore[arg-type]
    kept.get(random_store, *PAIR)
    clear_cache()
    later.go_on()
    assert kept.get(random_store, *PAIR) is None
    pair_links(random_store, "0", "1")
    kept.get(random_store, *PAIR)
    later.go_on()
    assert kept.get(random_store, *PAIR) is not None


def test_pages_share_the_kept_pairs_and_show_the_same(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from ui import readers

    pair_links(random_store, "0", "1")
    first, second = readers.links(random_store), readers.links(random_store)
    assert first.kept is second.kept
    plain = StoreLinks(random_store)
    for _ in range(50):  # read beside: before and after the answers are the same
        for i in (0, 1, 2, 5):
            found = first.neighbours(Feature("0", i), "1", "jaccard", 3)
            assert repr(found) == repr(plain.neighbours(Feature("0", i), "1", "jaccard", 3))
        if first.kept.get(random_store, *PAIR) is not None:
            break
        time.sleep(0.1)
    assert first.kept.get(random_store, *PAIR) is not None


def test_it_stays_within_its_bytes_and_what_is_in_use_stays(random_store: Store) -> None:
    pairs = [("0", "1", 0.0), ("1", "2", 0.0), ("0", "2", 0.0)]
    for pair in pairs:
        pair_links(random_store, *pair)
    sizes = [pair_path(random_store, *pair).stat().st_size for pair in pairs]
    now = [0.0]
    kept = KeptPairs(most_bytes=2 * (sizes[0] + sizes[1]), clock=lambda: now[0])
    held = [kept.get(random_store, *pair) for pair in pairs]
    assert [each is not None for each in held] == [True, True, sum(sizes[:2]) * 2 - sum(
        each.nbytes for each in held[:2] if each) >= 2 * sizes[2]]  # fmt: skip
    now[0] = IDLE + 1
    assert kept.get(random_store, *pairs[1]) is not None
    assert kept.get(random_store, *pairs[2]) is not None
    assert kept.get(random_store, *pairs[1]) is held[1]
    assert sum(entry.nbytes for entry in kept._entries.values()) <= 2 * (sizes[0] + sizes[1])
    assert KeptPairs(most_bytes=10).get(random_store, *PAIR) is None
