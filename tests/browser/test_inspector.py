"""The link inspector at widths of its own: the tokens it is about are seen, and its terms say what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser

PLACES = """(cells) => cells.map((cell) => [...cell.querySelectorAll(".s-kwic")].map((row) => {
  const focus = row.querySelector(".s-focus").getBoundingClientRect();
  const room = row.querySelector(".s-after").getBoundingClientRect();
  return { left: focus.left, cut: Math.max(room.left - focus.left, focus.right - room.right) };
}))"""


def opened(tab: Any, server: Server, width: int, query: str = "") -> None:
    tab.set_viewport_size({"width": width, "height": 950})
    tab.goto(f"{server.url}/evolution?store=demo{query}")
    tab.wait_for_selector(".s-case .s-kwic")


@pytest.mark.parametrize("width", [1440, 1024, 920, 420])
def test_no_token_in_focus_is_cut_off_and_they_stand_below_each_other(tab: Any, server: Server, width: int) -> None:
    opened(tab, server, width)
    cells = tab.locator(".s-case").evaluate_all(PLACES)
    assert sum(map(len, cells)) == 24
    for rows in cells:
        assert max(row["cut"] for row in rows) <= 0.5
        assert max(row["left"] for row in rows) - min(row["left"] for row in rows) <= 1


def test_what_has_contexts_takes_the_width_of_what_has_none(tab: Any, server: Server) -> None:
    opened(tab, server, 1440, "&feature=3_226&link=3_226,4_226")
    assert tab.locator(".s-case").count() == 1
    widths = [tab.locator(name).bounding_box()["width"] for name in (".s-case", ".s-link-texts")]
    assert widths[0] == pytest.approx(widths[1])


def test_a_term_says_what_it_means_when_the_keyboard_reaches_it(tab: Any, server: Server) -> None:
    opened(tab, server, 1024)
    term = tab.locator(".s-measures .s-tip").first
    said = term.locator('[role="tooltip"]')
    assert not said.is_visible()
    term.focus()
    assert said.is_visible()
    assert "correlation" in said.inner_text()
    tab.keyboard.press("Tab")
    assert not said.is_visible()
