"""The Evolution page in a real browser: clicks on a real canvas, hostile labels, cold links, the offline page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.labels import labels_path, write_labels
from core.paths import ROOT
from core.values import Feature, Label
from tests.chains import planted_chains

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]

QUIET = ("--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
IMAGE = '<img src=x onerror="window.ran=1">'
HREF = '<a href="javascript:window.ran=1" onmouseover="window.ran=1">href</a>'


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache") / "stores"
    folder.mkdir()
    planted_chains(folder / "chains.h5")
    labels = {(2, 0): IMAGE, (2, 1): HREF, (3, 0): "</script><script>window.ran=1</script>"}
    write_labels(
        labels_path(folder / "chains.h5"),
        [(Feature(str(site), index), Label(text, "outside")) for (site, index), text in labels.items()],
    )
    return folder


@pytest.fixture(scope="module")
def address(stores: Path) -> Iterator[str]:
    """A server of its own, on the planted store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    environment = {**os.environ, "STRATA_CACHE": str(stores.parent)}
    server = subprocess.Popen(
        [*command, "--server.headless=true", "--server.address=127.0.0.1"],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).read()
                break
            except OSError:
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        shown = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield shown
        shown.close()


@pytest.fixture
def sheet(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, accept_downloads=True)
    yield context.new_page()
    context.close()


def read(sheet: Any, name: str) -> Any:
    return json.loads(sheet.get_attribute(".strata-graph", f"data-{name}") or "null")


def until(sheet: Any, wanted: Any, seconds: float = 30.0) -> None:
    """Wait until `wanted()` holds; the last try's error is what a failing test shows."""
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, f"waited {seconds} s at {sheet.url}"
        sheet.wait_for_timeout(50)


def open_page(sheet: Any, url: str) -> None:
    sheet.goto(url)
    sheet.wait_for_selector(".strata-graph[data-nodes]", timeout=60_000)
    sheet.wait_for_selector('td[data-cell="both"]', timeout=60_000)
    until(sheet, lambda: still(sheet))


def still(sheet: Any) -> bool:
    """Whether the picture has stopped moving."""
    before = read(sheet, "nodes")
    sheet.wait_for_timeout(350)
    return bool(before == read(sheet, "nodes"))


def click_at(sheet: Any, kind: str, name: str) -> None:
    box = sheet.locator(".strata-graph .stage").bounding_box()
    x, y = read(sheet, kind)[name]
    sheet.mouse.click(box["x"] + x, box["y"] + y)


def ran(sheet: Any) -> bool:
    return bool(sheet.evaluate("Boolean(window.ran)"))


def test_clicking_nodes_shows_their_cards_and_runs_nothing_of_their_labels(sheet: Any, address: str) -> None:
    open_page(sheet, f"{address}/evolution?store=chains&feature=1_0")
    for node, label in (("2_0", IMAGE), ("2_1", HREF)):
        click_at(sheet, "nodes", node)
        card = sheet.locator(".st-key-card-feature .s-name")
        until(sheet, lambda label=label, card=card: card.first.inner_text() == label)
        assert read(sheet, "selected")["node"] == node
        assert f"feature={node}" in sheet.url
        assert sheet.locator("img[src=x]").count() == 0
    assert not ran(sheet)


def test_clicking_a_link_shows_the_counts_of_the_command_line(sheet: Any, address: str, stores: Path) -> None:
    open_page(sheet, f"{address}/evolution?store=chains&feature=1_0")
    click_at(sheet, "links", "1_0,2_1")
    until(sheet, lambda: "link=1_0" in sheet.url and "2_1" in sheet.locator(".s-link-top b").inner_text())
    asked = [sys.executable, "-m", "core", "link", str(stores / "chains.h5"), "1_0", "2_1", "--json"]
    told = json.loads(subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
    both, source, target = told["n_both"], told["n_source"], told["n_target"]
    cells = {"both": both, "source_only": source - both, "target_only": target - both}
    cells["neither"] = told["n"] - source - target + both
    for cell, count in cells.items():
        assert sheet.locator(f'td[data-cell="{cell}"]').inner_text() == f"{count:,}"
    assert sheet.locator('.s-case[data-cell="both"] .s-context').count() > 0


def test_expanding_keeps_the_view_and_a_cold_link_restores_everything(sheet: Any, browser: Any, address: str) -> None:
    open_page(sheet, f"{address}/evolution?store=chains&feature=1_0&k=1&up=0&down=2")
    click_at(sheet, "nodes", "2_0")
    until(sheet, lambda: "feature=2_0" in sheet.url)
    before = read(sheet, "nodes")
    sheet.get_by_role("button", name="Expand").click()
    until(sheet, lambda: len(read(sheet, "nodes")) > len(before) and still(sheet))
    click_at(sheet, "links", "2_0,3_0")
    until(sheet, lambda: "link=2_0" in sheet.url)
    seen = read(sheet, "nodes"), read(sheet, "selected"), sheet.locator("table.s-measures").inner_text()
    other = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    open_page(other, sheet.url)
    assert set(read(other, "nodes")) == set(seen[0])
    assert read(other, "selected") == seen[1] == {"node": "2_0", "edge": "2_0,3_0"}
    assert other.locator("table.s-measures").inner_text() == seen[2]
    other.context.close()


def test_the_graph_needs_no_mouse(sheet: Any, address: str) -> None:
    open_page(sheet, f"{address}/evolution?store=chains&feature=1_0")
    sheet.locator(".strata-graph").focus()
    sheet.keyboard.press("ArrowRight")
    until(sheet, lambda: "centre=1_0" in sheet.url)
    assert read(sheet, "selected")["node"].startswith("2_")


def test_the_offline_page_draws_the_graph_and_is_inert(sheet: Any, address: str, tmp_path: Path) -> None:
    open_page(sheet, f"{address}/evolution?store=chains&feature=1_0")
    sheet.get_by_role("button", name="Download").first.click()
    with sheet.expect_download() as asked:
        sheet.get_by_role("button", name="Page that works offline").click()
    saved = tmp_path / "evolution.html"
    asked.value.save_as(saved)
    nodes = read(sheet, "nodes")
    wanted: list[str] = []
    sheet.context.set_offline(True)
    sheet.on("request", lambda request: wanted.append(request.url))
    sheet.goto(saved.as_uri())
    sheet.wait_for_selector(".strata-graph[data-nodes]", timeout=30_000)
    assert set(read(sheet, "nodes")) == set(nodes)
    click_at(sheet, "nodes", "2_1")
    until(sheet, lambda: "2_1" in sheet.locator("#said").inner_text())
    assert not ran(sheet)
    assert [url for url in wanted if not url.startswith(("file:", "data:", "blob:"))] == []


def test_the_picture_can_be_had_as_png_three_times_as_large(sheet: Any, address: str, tmp_path: Path) -> None:
    open_page(sheet, f"{address}/evolution?store=chains&feature=1_0")
    with sheet.expect_download() as asked:
        sheet.locator('[data-tool="png"]').click()
    asked.value.save_as(tmp_path / "graph.png")
    data = (tmp_path / "graph.png").read_bytes()
    width = int.from_bytes(data[16:20])
    assert data[:4] == b"\x89PNG"
    assert width > 2.5 * sheet.locator(".strata-graph .stage").bounding_box()["width"]
    assert len(data) > 20_000
    assert sheet.locator("canvas").count() == 1
