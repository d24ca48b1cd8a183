"""Choices and the address, in a browser made of a list: cold links, clicks, Back, other pages, quick clicks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ui import address, selection
from ui.selection import choice, count

MEASURE = {page: choice("measure", options) for page, options in
           (("evolution", ("pearson", "sufficiency", "jaccard")), ("layers", ("pearson", "jaccard")))}  # fmt: skip
K, FEATURE = count("k", 3, 1, 8), selection.text("feature", "0_0")
USED = {"evolution": (MEASURE["evolution"], K, FEATURE), "layers": (MEASURE["layers"],), "feature": (FEATURE,)}


class Run(SimpleNamespace):
    """A run's context; weak references to it must be possible."""


class Params(dict[str, str]):
    """``st.query_params``: each write is a step of the history, as Streamlit's is."""

    browser: Browser

    def to_dict(self) -> dict[str, str]:
        return dict(self)

    def from_dict(self, given: dict[str, str]) -> None:
        self.clear()
        self.update(given)
        self.browser.push()

    def __setitem__(self, name: str, text: str) -> None:
        super().__setitem__(name, text)
        self.browser.push()

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self.browser.push()


@dataclass
class Browser:
    """One tab: its history, where it is in it, and the pages that it shows."""

    params: Params = field(default_factory=Params)
    history: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    page: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    context: Any = None
    back_under_way: bool = False

    def push(self) -> None:
        entry = (self.page, dict(self.params))
        if self.back_under_way:
            self.history[-1] = entry
        elif self.history[-1] != entry:
            self.history.append(entry)

    def run(self, click: Callable[[], None] = lambda: None, query: dict[str, str] | None = None) -> None:
        """A run of the page's script; `query` is what the browser brings along, where that is not what it has."""
        if query is not None:
            dict.clear(self.params)
            dict.update(self.params, query)
        self.context = Run(is_history_navigation=self.back_under_way)
        click()
        self.draw()

    def draw(self) -> None:
        address.adopt(self.page)
        selection.choose(selection.STORE, selection.raw(selection.STORE) or "demo")
        self.shown = {setting.name: selection.value(setting) for setting in USED[self.page]}

    def open(self, page: str, **query: str) -> None:
        """A sidebar's link (without a query), or a link from elsewhere."""
        self.page = page
        self.history.append((page, query))
        self.run(query=query)

    def lead(self, page: str, click: Callable[[], None]) -> None:
        """A click that leads to another page, as `st.switch_page` does it: parameters first, then the page."""
        self.context = Run(is_history_navigation=False)
        click()
        self.params.from_dict(address.leave_for(page))
        self.page = page
        self.push()
        self.run()

    def back(self) -> None:
        self.history.pop()
        self.page, query = self.history[-1]
        self.back_under_way = True
        self.run(query=query)
        self.back_under_way = False


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch) -> Browser:
    tab = Browser()
    tab.params.browser = tab
    state: dict[str, Any] = {}
    for module in (address, selection):
        monkeypatch.setattr(module, "st", SimpleNamespace(query_params=tab.params, session_state=state))
    monkeypatch.setattr(address, "_run", lambda: tab.context)

    def refuse(name: str, why: str, instead: str = "") -> None:
        tab.refused.append(name)
        selection.drop(name)

    monkeypatch.setattr(selection, "refuse", refuse)
    return tab


def pick(setting: selection.Setting[Any], chosen: Any) -> Callable[[], None]:
    return lambda: selection.put(setting, chosen)


def test_a_link_opened_cold_shows_what_it_says_and_refuses_what_it_cannot(tab: Browser) -> None:
    tab.open("evolution", store="demo", k="5", measure="nonsense")
    assert tab.shown == {"measure": "pearson", "k": 5, "feature": "0_0"}
    assert tab.refused == ["measure"]
    assert tab.params == {"store": "demo", "k": "5"}


def test_a_click_is_one_step_and_back_undoes_it(tab: Browser) -> None:
    tab.open("evolution", store="demo")
    steps = len(tab.history)

    def click() -> None:
        selection.put(K, 6)
        selection.put(FEATURE, "1_1")

    tab.run(click)
    assert len(tab.history) == steps + 1
    assert tab.params == {"store": "demo", "k": "6", "feature": "1_1"}
    tab.run(pick(K, 3))  # the default stands in no address
    assert tab.params == {"store": "demo", "feature": "1_1"}
    tab.back()
    assert tab.shown == {"measure": "pearson", "k": 6, "feature": "1_1"}
    tab.back()
    assert tab.shown == {"measure": "pearson", "k": 3, "feature": "0_0"}
    assert tab.params == {"store": "demo"}


def test_back_from_another_page_shows_the_page_as_it_was_left(tab: Browser) -> None:
    """Also where all that the other page began with could be this one's."""
    tab.open("evolution", store="demo", feature="1_1", k="5", measure="jaccard")
    before = dict(tab.shown)
    tab.lead("feature", pick(FEATURE, "2_2"))
    assert tab.shown == {"feature": "2_2"}
    assert tab.params == {"store": "demo", "feature": "2_2"}
    for _ in range(2):  # Streamlit makes two steps of it
        tab.back()
        assert (tab.page, tab.shown) == ("evolution", before)
        assert tab.params == {"store": "demo", "feature": "1_1", "k": "5", "measure": "jaccard"}


def test_a_sidebars_link_brings_back_what_a_page_had_in_one_step(tab: Browser) -> None:
    tab.open("evolution", store="demo", feature="1_1", k="5")
    tab.open("feature")
    assert tab.shown == {"feature": "1_1"}
    tab.open("evolution")
    assert tab.shown == {"measure": "pearson", "k": 5, "feature": "1_1"}
    assert tab.history[-2:] == [("evolution", {}), ("evolution", {"store": "demo", "feature": "1_1", "k": "5"})]


def test_the_link_to_the_page_one_is_on_resets_nothing(tab: Browser) -> None:
    tab.open("evolution", store="demo", feature="1_1", k="5")
    tab.open("evolution")
    assert tab.shown == {"measure": "pearson", "k": 5, "feature": "1_1"}


def test_what_another_page_has_under_the_same_name_is_left_to_it_without_a_word(tab: Browser) -> None:
    tab.open("layers", store="demo", measure="jaccard")
    tab.open("evolution")
    assert tab.shown["measure"] == "jaccard"
    tab.run(pick(MEASURE["evolution"], "sufficiency"))
    tab.open("layers")
    assert tab.shown == {"measure": "pearson"}
    assert tab.params == {"store": "demo"}
    tab.open("evolution")
    assert tab.shown["measure"] == "sufficiency"
    assert not tab.refused


def test_an_event_that_brings_an_old_address_along_undoes_no_click(tab: Browser) -> None:
    tab.open("evolution", store="demo", k="5")
    old = dict(tab.params)
    tab.run(pick(FEATURE, "1_1"))
    tab.run(pick(K, 3))
    tab.run(query=old)  # it chooses nothing
    assert tab.shown == {"measure": "pearson", "k": 3, "feature": "1_1"}
    tab.run(pick(FEATURE, "2_2"), query=old)  # and this one something else
    assert tab.shown == {"measure": "pearson", "k": 3, "feature": "2_2"}
    assert tab.params == {"store": "demo", "feature": "2_2"}


def test_addresses_are_not_remembered_without_end(tab: Browser) -> None:
    tab.open("evolution", store="demo")
    for k in range(200):
        tab.lead("feature", pick(FEATURE, f"1_{k}"))
        tab.open("evolution")
        tab.run(pick(K, 1 + k % 8))
    state = address.session()
    assert len(state["left"]) == address.MOST_KEPT
    assert len(state["earlier"]) <= address.MOST_KEPT
