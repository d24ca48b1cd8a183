"""A narrow window: names break where they are long and not word by word, and what is cut off fades where it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.browser.test_evolution_graph import read, until

pytestmark = pytest.mark.browser
NARROW, WIDE = 420, 1440

FADES = """
(element) => ["left", "right"].map((side) => parseFloat(getComputedStyle(element).getPropertyValue(`--s-more-${side}`)))
"""
SIDES = "(stage) => ['left', 'right', 'bottom'].map((side) => stage.style.getPropertyValue(`--${side}`))"
READY = ".stApp[data-test-script-state=notRunning]"


def opened(tab: Any, server: Server, width: int, path: str, wait_for: str) -> None:
    tab.set_viewport_size({"width": width, "height": 950})
    tab.goto(f"{server.url}/{path}")
    tab.wait_for_selector(wait_for)
    tab.wait_for_selector(READY)


def test_a_table_that_is_cut_fades_where_more_of_it_is_hidden(tab: Any, server: Server) -> None:
    opened(tab, server, NARROW, "gates?store=demo&view=splits", ".st-key-card-division .s-table")
    room = tab.locator(".st-key-card-division .s-scroll")
    assert room.evaluate("(element) => element.scrollWidth > element.clientWidth")
    left, right = room.evaluate(FADES)
    assert left == 0 < right
    room.evaluate("(element) => { element.scrollLeft = element.scrollWidth }")
    tab.wait_for_timeout(300)
    left, right = room.evaluate(FADES)
    assert right == 0 < left


def test_names_in_a_table_break_where_they_are_long_and_not_at_every_word(tab: Any, server: Server) -> None:
    opened(tab, server, NARROW, "gates?store=demo&view=splits", ".st-key-card-division .s-called")
    names = tab.locator(".st-key-card-division .s-called").evaluate_all(
        "(all) => all.map((e) => [e.innerText, e.clientHeight / parseFloat(getComputedStyle(e).lineHeight)])"
    )
    assert any(len(text.split()) > 3 for text, _ in names)
    for text, lines in names:
        assert lines <= 1 + len(text) / 15, text


def test_a_table_on_a_canvas_fades_too(tab: Any, server: Server) -> None:
    frame = '[data-testid="stDataFrameResizable"]'
    opened(tab, server, NARROW, "gates?store=demo&view=splits", f"{frame} .dvn-scroller")
    until(tab, lambda: tab.locator(frame).first.evaluate(FADES)[1] > 0)


def test_what_fits_does_not_fade(tab: Any, server: Server) -> None:
    opened(tab, server, WIDE, "gates?store=demo&view=splits", ".st-key-card-division .s-table")
    assert tab.locator(".st-key-card-division .s-scroll").evaluate(FADES) == [0, 0]


def faded(tab: Any, wanted: list[str]) -> list[str]:
    """Which sides of the graph fade, once they are those that are wanted, or after a while."""
    for _ in range(40):
        sides: list[str] = tab.locator(".strata-graph .stage").evaluate(SIDES)
        if sides == wanted:
            break
        tab.wait_for_timeout(100)
    return sides


def test_a_graph_that_is_cut_fades_until_all_of_it_is_shown(tab: Any, server: Server) -> None:
    opened(tab, server, NARROW, "evolution?store=demo", ".strata-graph[data-nodes]")
    assert faded(tab, ["36px", "36px", "0px"]) == ["36px", "36px", "0px"]
    tab.get_by_role("button", name="Fit the graph").click()
    assert faded(tab, ["0px"] * 3) == ["0px"] * 3


def test_a_graph_that_fits_does_not_fade(tab: Any, server: Server) -> None:
    opened(tab, server, WIDE, "evolution?store=demo", ".strata-graph[data-nodes]")
    assert faded(tab, ["0px"] * 3) == ["0px"] * 3


@pytest.mark.parametrize("path", ["evolution", "prompt", "communities"])
def test_all_of_a_graph_can_be_read_where_the_sidebar_leaves_it_little_room(
    tab: Any, server: Server, path: str
) -> None:
    opened(tab, server, 1024, f"{path}?store=demo", ".strata-graph[data-type]")
    assert faded(tab, ["0px"] * 3) == ["0px"] * 3
    assert set_in(tab)["name"] >= 11


def test_a_small_graph_shows_names_that_can_be_read_and_no_ids(tab: Any, server: Server) -> None:
    opened(tab, server, WIDE, "evolution?store=demo", ".strata-graph[data-type]")
    until(tab, lambda: set_in(tab)["id"])
    opened(tab, server, NARROW, "evolution?store=demo", ".strata-graph[data-type]")
    assert set_in(tab) == {"id": False, "name": 11}


def test_a_graph_fills_its_stage(tab: Any, server: Server) -> None:
    opened(tab, server, 1024, "evolution?store=demo", ".strata-graph[data-type]")
    stage, places = tab.locator(".strata-graph .stage").bounding_box(), read(tab, "nodes").values()
    for side, at in zip(("width", "height"), zip(*places, strict=True), strict=True):
        assert max(at) - min(at) > 0.7 * stage[side]


def set_in(tab: Any) -> Any:
    """How large names are on cards, in pixels, and whether ids stand below them."""
    return read(tab, "type")


def test_no_choice_of_a_row_of_buttons_is_out_of_reach(tab: Any, server: Server) -> None:
    opened(tab, server, NARROW, "measures?store=demo", ".st-key-card-spreads, [data-testid=stButtonGroup]")
    hidden = tab.locator('[data-testid="stButtonGroup"] [role="radiogroup"]').evaluate_all(
        "(all) => all.filter((row) => row.scrollWidth > row.clientWidth + 1).map((row) => row.innerText)"
    )
    assert hidden == []
