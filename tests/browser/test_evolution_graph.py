"""The Evolution page in a real browser: clicks on a real canvas, hostile labels, cold links, the offline page."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core.paths import ROOT
from tests.browser.conftest import HREF, IMAGE, Server

pytestmark = pytest.mark.browser


def read(tab: Any, name: str) -> Any:
    return json.loads(tab.get_attribute(".strata-graph", f"data-{name}") or "null")


def until(tab: Any, wanted: Any, seconds: float = 30.0) -> None:
    """Wait until `wanted()` holds; the last try's error is what a failing test shows."""
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, f"waited {seconds} s at {tab.url}"
        tab.wait_for_timeout(50)


def open_page(tab: Any, url: str) -> None:
    tab.goto(url)
    tab.wait_for_selector(".strata-graph[data-nodes]", timeout=60_000)
    tab.wait_for_selector('td[data-cell="both"]', timeout=60_000)
    until(tab, lambda: still(tab))


def still(tab: Any) -> bool:
    """Whether the picture has stopped moving."""
    before = read(tab, "nodes")
    tab.wait_for_timeout(350)
    return bool(before == read(tab, "nodes"))


def click_at(tab: Any, kind: str, name: str) -> None:
    box = tab.locator(".strata-graph .stage").bounding_box()
    x, y = read(tab, kind)[name]
    tab.mouse.click(box["x"] + x, box["y"] + y)


def ran(tab: Any) -> bool:
    return bool(tab.evaluate("Boolean(window.ran)"))


def test_clicking_nodes_shows_their_cards_and_runs_nothing_of_their_labels(tab: Any, server: Server) -> None:
    open_page(tab, f"{server.url}/evolution?store=planted&feature=1_0")
    for node, label in (("2_0", IMAGE), ("2_1", HREF)):
        click_at(tab, "nodes", node)
        card = tab.locator(".st-key-card-feature .s-name")
        until(tab, lambda label=label, card=card: card.first.inner_text() == label)
        until(tab, lambda node=node: read(tab, "selected")["node"] == node and f"feature={node}" in tab.url)
        heading = tab.locator(".st-key-card-feature .s-head").first
        until(tab, lambda node=node, heading=heading: heading.inner_text().endswith(node))
        assert tab.locator("img[src=x]").count() == 0
    assert not ran(tab)


def test_clicking_a_link_shows_the_counts_of_the_command_line(tab: Any, server: Server) -> None:
    open_page(tab, f"{server.url}/evolution?store=planted&feature=1_0")
    click_at(tab, "links", "1_0,2_1")
    until(tab, lambda: "link=1_0" in tab.url and "2_1" in tab.locator(".s-link-top b").inner_text())
    asked = [sys.executable, "-m", "core", "link", str(server.cache / "stores" / "planted.h5"), "1_0", "2_1", "--json"]
    told = json.loads(subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
    both, source, target = told["n_both"], told["n_source"], told["n_target"]
    cells = {"both": both, "source_only": source - both, "target_only": target - both}
    cells["neither"] = told["n"] - source - target + both
    for cell, count in cells.items():
        assert tab.locator(f'td[data-cell="{cell}"]').inner_text() == f"{count:,}"
    assert tab.locator('.s-case[data-cell="both"] .s-kwic').count() > 0


def test_expanding_keeps_the_view_and_a_cold_link_restores_everything(tab: Any, chromium: Any, server: Server) -> None:
    open_page(tab, f"{server.url}/evolution?store=planted&feature=1_0&k=1&up=0&down=2")
    click_at(tab, "nodes", "2_0")
    until(tab, lambda: "feature=2_0" in tab.url)
    before = read(tab, "nodes")
    tab.get_by_role("button", name="Expand").click()
    until(tab, lambda: len(read(tab, "nodes")) > len(before) and still(tab))
    click_at(tab, "links", "2_0,3_0")
    until(tab, lambda: "→ 3_0" in tab.locator(".s-link-top b").inner_text())
    until(tab, lambda: read(tab, "selected")["edge"] == "2_0,3_0" and still(tab))
    seen = read(tab, "nodes"), read(tab, "selected"), tab.locator("table.s-measures").inner_text()
    other = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    open_page(other, tab.url)
    assert set(read(other, "nodes")) == set(seen[0])
    assert read(other, "selected") == seen[1] == {"node": "2_0", "edge": "2_0,3_0"}
    assert other.locator("table.s-measures").inner_text() == seen[2]
    other.context.close()


def test_the_graph_needs_no_mouse(tab: Any, server: Server) -> None:
    open_page(tab, f"{server.url}/evolution?store=planted&feature=1_0")
    tab.locator(".strata-graph").focus()
    tab.keyboard.press("ArrowRight")
    until(tab, lambda: "centre=1_0" in tab.url)
    until(tab, lambda: read(tab, "selected")["node"].startswith("2_"))  # published a moment after the picture is drawn
    assert f"feature={read(tab, 'selected')['node']}&" in tab.url + "&"


def test_the_offline_page_draws_the_graph_and_is_inert(tab: Any, server: Server, tmp_path: Path) -> None:
    open_page(tab, f"{server.url}/evolution?store=planted&feature=1_0")
    tab.get_by_role("button", name="Download").first.click()
    with tab.expect_download() as asked:
        tab.get_by_role("button", name="Page that works offline").click()
    saved = tmp_path / "evolution.html"
    asked.value.save_as(saved)
    nodes = read(tab, "nodes")
    wanted: list[str] = []
    tab.context.set_offline(True)
    tab.on("request", lambda request: wanted.append(request.url))
    tab.goto(saved.as_uri())
    tab.wait_for_selector(".strata-graph[data-nodes]", timeout=30_000)
    assert set(read(tab, "nodes")) == set(nodes)
    click_at(tab, "nodes", "2_1")
    until(tab, lambda: "2_1" in tab.locator("#said").inner_text())
    assert not ran(tab)
    assert [url for url in wanted if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_picture_can_be_had_as_png_three_times_as_large(tab: Any, server: Server, tmp_path: Path) -> None:
    open_page(tab, f"{server.url}/evolution?store=planted&feature=1_0")
    with tab.expect_download() as asked:
        tab.locator('[data-tool="png"]').click()
    asked.value.save_as(tmp_path / "graph.png")
    data = (tmp_path / "graph.png").read_bytes()
    width = int.from_bytes(data[16:20])
    assert data[:4] == b"\x89PNG"
    assert width > 2.5 * tab.locator(".strata-graph .stage").bounding_box()["width"]
    assert len(data) > 20_000
    assert tab.locator("body > div > .vis-network").count() == 0  # drawn out of sight, and taken away


PIXEL = """([x, y]) => {
  const canvas = [...document.querySelectorAll('*')].map(e => e.shadowRoot?.querySelector('canvas')).find(Boolean)
  const scale = canvas.width / canvas.clientWidth
  return [...canvas.getContext('2d').getImageData(x * scale, y * scale, 1, 1).data].slice(0, 3)
}"""


def paints(tab: Any) -> dict[str, list[int]]:
    """The colour of each feature's card on the canvas, beside its text."""
    return {name: tab.evaluate(PIXEL, [x - 20, y]) for name, (x, y) in read(tab, "nodes").items()}


def test_another_colouring_paints_the_cards_that_are_there(tab: Any, chromium: Any, server: Server) -> None:
    open_page(tab, f"{server.url}/evolution?store=planted&feature=1_0")
    by_site = paints(tab)
    tab.get_by_role("button", name="Colour: site").click()
    tab.get_by_text("frequency", exact=True).click()
    until(tab, lambda: "colour=frequency" in tab.url and paints(tab) != by_site)
    other = chromium.new_context(viewport={"width": 1440, "height": 950}).new_page()
    open_page(other, tab.url)
    until(tab, lambda: paints(tab) == paints(other))
    other.context.close()
