"""What a reader waits for: a cold start to the first graph, a change of page, a click to the redrawn graph (DESIGN 7).

    python -m benchmarks.app [--store NAME_OR_FILE] [--json FILE]

A server and a browser of its own. "Cold" counts from starting the server's process as ``make run`` does, kernels
compiled beforehand, to a graph on the canvas; the browser is already running, as a reader's is. Beside it stands what
Streamlit alone takes in the same run, to show one line of text. Clicks are timed in the page: from the mouse button to
the painted canvas.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import keep, options, row, show
from core.paths import ROOT
from core.warm_up import compile_kernels

TITLE = "The app in a browser"
READY = ".strata-graph[data-drawn]"  # set while the canvas is painted
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
WATCH = """() => {
  const root = [...document.querySelectorAll('*')].map(e => e.shadowRoot?.querySelector('.strata-graph')).find(Boolean)
  const before = root.dataset.drawn
  window.redrawn = new Promise(done => {
    let began = 0
    addEventListener('mousedown', () => began ||= performance.now(), { capture: true, once: true })
    new MutationObserver((_, self) => {
      if (root.dataset.drawn === before) return
      self.disconnect()
      done(performance.now() - began)
    }).observe(root, { attributes: true, attributeFilter: ['data-drawn'] })
  })
}"""


CHANGE = """() => {
  const drawn = () => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('[data-drawn]'))
  window.changed = new Promise(done => addEventListener('mousedown', () => {
    const began = performance.now()
    const look = () => drawn() ? done(performance.now() - began) : requestAnimationFrame(look)
    look()
  }, { capture: true, once: true }))
}"""


APP = ("ui.serve",)
BARE = ("streamlit", "run")


@contextlib.contextmanager
def server(cache: Path, *module: str) -> Iterator[str]:
    """A Python module's server on a free port, from the start of its process to the first answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", *module, f"--server.port={port}"]
    running = subprocess.Popen(
        [*command, "--server.headless=true", "--server.address=127.0.0.1"],
        cwd=ROOT, env={**os.environ, "STRATA_CACHE": str(cache)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(1200):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).read()
                break
            except OSError:
                time.sleep(0.02)
        yield address
    finally:
        running.terminate()
        running.wait(20)


def measure(cache: Path, store: str, starts: int, clicks: int) -> list[dict]:
    """All figures as rows of the table; the least of several cold starts, the median of several clicks."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    compile_kernels()
    cold, bare, answering, changes, redrawn, largest = [], [], [], [], [], 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        for _ in range(starts):
            bare.append(bare_streamlit(browser, cache))
            began = time.perf_counter()
            with server(cache, *APP) as address:
                answering.append(time.perf_counter() - began)
                page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
                page.goto(f"{address}/evolution?store={store}", wait_until="commit")
                page.wait_for_selector(READY, timeout=120_000)
                cold.append(time.perf_counter() - began)
                changes += [change(page) for _ in range(clicks)]
                redrawn += [expand(page) for _ in range(clicks)]
                largest = max(largest, int(page.get_attribute(READY, "data-drawn")))
        browser.close()
    return [
        row("cold start to the first graph", min(cold), "s", 3.0),
        row("of which until the server answers", min(answering), "s"),
        row("Streamlit alone, cold start to one line of text", min(bare), "s"),
        row("warm change of page, Feature to Evolution, median", float(np.median(changes)), "s", 0.3),
        row("click on Expand to the redrawn graph, median", float(np.median(redrawn)), "s", 0.5),
        row("the same, slowest", max(redrawn), "s"),
        row("features on the largest graph", largest, ""),
    ]


def bare_streamlit(browser: Any, cache: Path) -> float:
    """Seconds from starting Streamlit on an app of one line to that line in the browser: nobody starts faster."""
    script = cache / "bare.py"
    script.write_text("import streamlit\n\nstreamlit.write('one line of text')\n")
    began = time.perf_counter()
    with server(cache, *BARE, str(script)) as address:
        page = browser.new_context().new_page()
        page.goto(address, wait_until="commit")
        page.wait_for_selector("text=one line of text", timeout=120_000)
        spent = time.perf_counter() - began
        page.context.close()
    return spent


def change(page: Any) -> float:
    """To the Feature page and back; seconds of the way back, to a graph on the canvas."""
    page.get_by_role("link", name="Feature", exact=True).click()
    page.wait_for_selector(READY, state="detached", timeout=30_000)
    page.wait_for_timeout(1500)  # the Feature page finishes
    page.evaluate(CHANGE)
    page.get_by_role("link", name="Evolution", exact=True).click()
    spent = page.evaluate("window.changed") / 1000
    page.wait_for_timeout(1500)
    return float(spent)


def expand(page: Any) -> float:
    """Choose the next feature of the canvas and expand it; seconds to a canvas with more features."""
    box = page.locator(".strata-graph .stage").bounding_box()
    nodes = json.loads(page.get_attribute(READY, "data-nodes"))
    asked = page.url.split("expanded=")[1] if "expanded=" in page.url else ""
    inside = [n for n, (x, y) in nodes.items() if n not in asked and 40 < x < box["width"] - 40 and 40 < y < 480]
    for node in inside:
        page.mouse.click(box["x"] + nodes[node][0], box["y"] + nodes[node][1])
        page.wait_for_timeout(900)
        page.evaluate(WATCH)
        page.get_by_role("button", name="Expand", exact=True).click()
        spent = page.evaluate("Promise.race([window.redrawn, new Promise(r => setTimeout(r, 4000, -1))])")
        page.wait_for_timeout(600)
        if spent > 0:  # it had links of its own to add
            return spent / 1000
    raise RuntimeError("no feature of this store can be expanded")


def main() -> None:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--store", default="demo/demo.h5", help="a store's file (default: the shipped demo)")
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--clicks", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        path = Path(chosen.store).resolve()
        stores = Path(cache) / "stores"
        stores.mkdir()
        (stores / "measured.h5").symlink_to(path)
        rows = measure(Path(cache), "measured", chosen.starts, chosen.clicks)
    show(TITLE, rows)
    keep(chosen.json, TITLE, rows)


if __name__ == "__main__":
    main()
