"""The Layers page in a real browser: bands and numbers that are clicked, the address, downloads, a narrow window."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from core.analyses.layer_tables import turnover_table
from core.analyses.matches import adjacent_matches
from core.analyses.neighbours import StoreLinks
from core.analyses.turnover import turnover
from core.labels import labels_path, write_labels
from core.sources.structures import Planting
from core.store import Store
from core.values import Feature, Label
from tests.browser.conftest import IMAGE, Server

pytestmark = pytest.mark.browser
HEAD = ".st-key-card-band .s-head"


@pytest.fixture(scope="module")
def store(server: Server) -> Store:
    """Chains that last, begin and end, every feature with a hostile label."""
    planting = Planting(sites=3, width=24, tokens=6_000, noise=0.0)
    for first, last in ((0, 2), (0, 2), (0, 1), (1, 2), (0, 0), (2, 2)):
        planting.passed_on(first, last)
    planting.rare(0)
    made, _ = planting.build(server.cache / "stores" / "layers.h5")
    write_labels(labels_path(made.path), [(feature, Label(f"{IMAGE} {feature}", "x")) for feature in planting.rows])
    return made


def opened(tab: Any, server: Server, query: str = "") -> None:
    tab.goto(f"{server.url}/layers?store=layers{query}")
    tab.wait_for_selector(".st-key-card-link, .st-key-card-spreads")
    tab.wait_for_selector(".stApp[data-test-script-state=notRunning]")


def query(tab: Any) -> dict[str, str]:
    """What the address asks for, once the page has said all of it."""
    tab.wait_for_selector(".stApp[data-test-script-state=notRunning]")
    tab.wait_for_timeout(400)
    return {name: texts[0] for name, texts in parse_qs(urlsplit(tab.url).query).items()}


def test_a_click_on_a_band_lists_its_features(tab: Any, server: Server, store: Store) -> None:
    opened(tab, server)
    tab.locator('.s-sankey a[href*="at=0&band=ended"]').click(force=True)
    tab.wait_for_function(f"document.querySelector('{HEAD}').innerText.includes('SITE 0')")
    told = turnover(adjacent_matches(store)[0])
    assert f"{told.ended} feature" in tab.locator(HEAD).inner_text().lower()
    assert tab.locator(HEAD).bounding_box()["y"] < 900  # seen without scrolling
    assert query(tab)["band"] == "ended"
    assert query(tab)["at"] == "0"
    assert tab.evaluate("window.ran") is None
    assert IMAGE in tab.locator(".st-key-card-link").inner_text()


POINT = """
() => {
  const plot = document.querySelector('.st-key-card-curves .js-plotly-plot')
  const { xaxis, yaxis } = plot._fullLayout, k = 100, point = plot.calcdata[0][k]
  const box = plot.querySelector('.nsewdrag').getBoundingClientRect()
  return [box.x + xaxis.l2p(point.x), box.y + yaxis.l2p(point.y), [...plot._fullData[0].customdata[k]]]
}
"""


def test_a_click_on_a_curve_sets_the_threshold_there(tab: Any, server: Server, store: Store) -> None:
    opened(tab, server, "&at=1")
    tab.locator(".st-key-card-curves").scroll_into_view_if_needed()
    tab.wait_for_selector(".st-key-card-curves .js-plotly-plot .nsewdrag")
    tab.wait_for_timeout(500)
    x, y, chosen = tab.evaluate(POINT)
    assert "tau=0.5" in chosen
    tab.mouse.move(x - 3, y)
    tab.mouse.move(x, y, steps=4)
    tab.wait_for_timeout(200)
    tab.mouse.click(x, y)
    tab.wait_for_function("document.querySelector('.s-sub')?.innerText.includes('of 0.5')")
    found = query(tab)
    assert float(found["tau"]) == pytest.approx(0.5, abs=0.02)  # a point is small, and its neighbours are near
    assert found["at"] in ("0", "1")  # the curves of both pairs of sites lie on each other here


def test_bands_are_reached_by_keyboard(tab: Any, server: Server, store: Store) -> None:
    opened(tab, server)
    tab.locator('.s-sankey a[href*="at=0"][href*="band=born"]').focus()
    tab.keyboard.press("Enter")
    tab.wait_for_function(f"document.querySelector('{HEAD}').innerText.includes('SITE 1')")
    assert query(tab)["band"] == "born"


def test_the_keyboard_can_skip_the_picture_and_sees_where_it_is(tab: Any, server: Server, store: Store) -> None:
    opened(tab, server)
    tab.locator(".s-sankey a").first.focus()
    tab.keyboard.press("Shift+Tab")
    assert tab.locator(".s-skip").bounding_box()["height"] > 10
    tab.keyboard.press("Tab")
    ring = "getComputedStyle(document.querySelector('.s-sankey a:focus-visible path, .s-sankey a:focus-visible text'))"
    assert tab.evaluate(f"{ring}.strokeWidth") == "2.5px"
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_function("document.activeElement.id === 'behind'")
    assert tab.evaluate("document.activeElement.closest('.st-key-card-band') !== null")


def test_the_letters_of_the_picture_can_be_read_on_a_phone(tab: Any, server: Server, store: Store) -> None:
    tab.set_viewport_size({"width": 420, "height": 900})
    opened(tab, server)
    sizes = (
        "[...document.querySelectorAll('.s-sankey text')].map(t => t.getScreenCTM().a * t.getAttribute('font-size'))"
    )
    tab.wait_for_selector(".s-sankey text")
    assert min(tab.evaluate(sizes)) >= 11


def test_a_number_of_the_table_and_of_the_sites_leads_to_its_features(tab: Any, server: Server, store: Store) -> None:
    opened(tab, server, "&view=sites")
    tab.locator('.st-key-card-site-numbers a[href*="band=dead_from"]').first.click()
    tab.wait_for_selector(HEAD)
    assert "never active" in tab.locator(HEAD).inner_text()
    tab.get_by_text("The same in numbers").click()
    tab.locator('.st-key-numbers a[href*="band=rare_from"]').click()
    tab.wait_for_function(f"document.querySelector('{HEAD}').innerText.includes('rare')")


def test_a_step_of_a_lifespan_leads_to_the_inspector(tab: Any, server: Server, store: Store) -> None:
    opened(tab, server, "&view=lifespans&born=0&length=3")
    tab.locator(".st-key-card-chain .s-step a").first.click()
    tab.wait_for_url("**/evolution?*link=*")
    tab.wait_for_selector(".st-key-card-graph")
    links = StoreLinks(store)

    def weakest(chain: int) -> float:
        steps = [links.link(Feature(str(site), chain), Feature(str(site + 1), chain)) for site in (0, 1)]
        return min(step.measures["pearson"] for step in steps)

    best = max((0, 1), key=weakest)  # of the two chains as long, the one whose weakest step is the stronger is on top
    assert query(tab)["link"] == f"0_{best},1_{best}"


def test_the_download_holds_what_is_shown(tab: Any, server: Server, store: Store, tmp_path: Path) -> None:
    opened(tab, server, "&tau=0.9")
    tab.get_by_role("button", name="Download", exact=True).click()
    with tab.expect_download() as found:
        tab.locator(".st-key-download-turnover-csv button").click()
    found.value.save_as(tmp_path / "turnover.csv")
    wanted = turnover_table(adjacent_matches(store), 0.9)
    assert pl.read_csv(tmp_path / "turnover.csv")["passed"].to_list() == wanted["passed"].to_list()


@pytest.mark.parametrize("view", ["turnover", "lifespans", "sites"])
def test_nothing_sticks_out_of_a_narrow_window(tab: Any, server: Server, store: Store, view: str) -> None:
    tab.set_viewport_size({"width": 420, "height": 900})
    opened(tab, server, f"&view={view}")
    assert tab.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 421
