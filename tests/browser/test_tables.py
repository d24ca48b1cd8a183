"""Tables on a canvas: the row that the page shows is ticked and in sight, and a table's buttons cover nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Server
from tests.browser.test_evolution_graph import until

pytestmark = pytest.mark.browser
READY = ".stApp[data-test-script-state=notRunning]"
TABLE = '[data-testid="stDataFrame"]'
TICKED = "(table) => [...table.querySelectorAll('tr[aria-selected=true]')].map((row) => row.innerText)"
FROM_TOP = "(table) => table.querySelector('.dvn-scroller').scrollTop"
COVERED = """
() => {
  const bar = document.querySelector('[data-testid="stElementToolbarButtonContainer"]').getBoundingClientRect()
  const buttons = [...document.querySelectorAll('[data-testid="stMain"] :is(button, input)')]
  return buttons.filter((e) => !e.closest('[data-testid="stDataFrame"]')).filter((e) => {
    const r = e.getBoundingClientRect()
    return r.width && r.left < bar.right && r.right > bar.left && r.top < bar.bottom && r.bottom > bar.top
  }).map((e) => e.innerText)
}
"""


def opened(tab: Any, server: Server, path: str) -> Any:
    tab.goto(f"{server.url}/{path}")
    tab.wait_for_selector(f"{TABLE} .dvn-scroller")
    tab.wait_for_selector(READY)
    return tab.locator(TABLE).first


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("gates?store=demo", ".st-key-card-gate .s-name a"),
        ("gates?store=demo&view=merges", ".st-key-card-division .s-name a"),
        ("layers?store=demo&view=lifespans", ".st-key-card-chain .s-box span"),
        ("feature?store=demo&feature=4_601", ""),
    ],
)
def test_the_row_that_is_shown_is_ticked_and_in_sight(tab: Any, server: Server, path: str, row: str) -> None:
    table = opened(tab, server, path)
    shown = tab.locator(row).first.inner_text() if row else path.rpartition("=")[2]
    until(tab, lambda: any(shown in text for text in table.evaluate(TICKED)))


def test_the_tick_follows_what_is_chosen_and_the_table_stays_where_it_is(tab: Any, server: Server) -> None:
    table = opened(tab, server, "feature?store=demo&feature=4_601")
    until(tab, lambda: table.evaluate(FROM_TOP) > 1000)
    before = table.evaluate(FROM_TOP)
    table.scroll_into_view_if_needed()
    box = table.locator("canvas").first.bounding_box()
    tab.mouse.click(box["x"] + 18, box["y"] + 38 + 35 * 2)
    until(tab, lambda: "4_601" not in tab.url and "feature=4_" in tab.url)
    chosen = tab.url.partition("feature=")[2].partition("&")[0]
    until(tab, lambda: any(chosen in text for text in table.evaluate(TICKED)))
    assert table.evaluate(FROM_TOP) == before


def test_a_row_at_the_top_moves_nothing(tab: Any, server: Server) -> None:
    table = opened(tab, server, "feature?store=demo&feature=4_1")
    until(tab, lambda: any("4_1" in text for text in table.evaluate(TICKED)))
    assert table.evaluate(FROM_TOP) == 0


@pytest.mark.parametrize("path", ["gates?store=demo", "feature?store=demo&feature=4_1", "communities?store=planted"])
def test_a_tables_buttons_cover_nothing_and_offer_no_second_download(tab: Any, server: Server, path: str) -> None:
    table = opened(tab, server, path)
    table.hover()
    tab.wait_for_timeout(400)
    names = table.locator('[data-testid="stElementToolbar"] button:visible').evaluate_all(
        "(all) => all.map((e) => e.getAttribute('aria-label'))"
    )
    assert "Search" in names
    assert not {"Download as CSV", "Clear selection"} & set(names)
    assert tab.evaluate(COVERED) == []


def test_nothing_found_is_a_sentence_and_no_grid(tab: Any, server: Server) -> None:
    tab.goto(f"{server.url}/gates?store=demo&find=zzqq")
    tab.wait_for_function("() => document.querySelector('.s-title')?.innerText.includes('“zzqq”')")
    tab.wait_for_selector(READY)
    assert "Clear the search." in tab.locator(".s-sub").inner_text()
    assert tab.locator(TABLE).count() == 0
