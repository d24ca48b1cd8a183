"""How long each page takes to its first paint and until it is whole: the first time ever, and again (DESIGN 6, 7).

    python -m benchmarks.pages [--store FILE] [--limit 120] [--json FILE]

A server and a browser of its own, and an empty result cache. "First" is a page that nobody has opened before, by its
address in a new window, and includes what it computes; "again" is a click on its name in the sidebar. "Painted" is the
title, or how far the work has come; "whole" is when nothing runs any more, or the limit.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.app import APP, FLAGS, server
from benchmarks.table import keep, options, row, show
from core.warm_up import compile_kernels

PAGES = ("", "evolution", "layers", "feature", "gates", "communities", "prompt", "measures")
PAINTED = ".s-title, [data-testid=stProgress]"
WHOLE = """() => document.querySelector('.s-title') && !document.querySelector('[data-testid=stProgress]')
  && !document.querySelector('[data-stale=true], [data-testid=stStatusWidget], [data-testid=stSkeleton]')
  && document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"""

OTHER = """before => document.querySelector('[data-testid=stProgress]')
  || ![before, undefined].includes(document.querySelector('.s-title')?.textContent)"""


def visit(browser: Any, address: str, limit: float) -> tuple[float, float]:
    """Seconds to the first paint and to the whole page, in a window of its own."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_selector(PAINTED, timeout=limit * 1000)
    painted = time.perf_counter() - began
    whole = painted + until_whole(page, limit)
    page.context.close()
    return painted, whole


def turn_to(page: Any, name: str, limit: float) -> tuple[float, float]:
    """The same from a click on a page's name, in a window that shows another page."""
    before = page.text_content(".s-title")
    began = time.perf_counter()
    page.get_by_role("link", name=name.capitalize() or "Home", exact=True).click()
    page.wait_for_function(OTHER, arg=before, timeout=limit * 1000)
    painted = time.perf_counter() - began
    return painted, painted + until_whole(page, limit)


def until_whole(page: Any, limit: float) -> float:
    """Seconds until nothing runs any more, or the limit."""
    began = time.perf_counter()
    while time.perf_counter() - began < limit and not page.evaluate(WHOLE):
        page.wait_for_timeout(20)
    return time.perf_counter() - began


def measure(cache: Path, store: str, limit: float) -> list[dict]:
    """All figures as rows of the table."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    compile_kernels()
    rows = []
    with sync_playwright() as playwright, server(cache, *APP) as address:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        visit(browser, f"{address}/data?store={store}", limit)  # Streamlit's own start is measured by `benchmarks.app`
        first = {name: visit(browser, f"{address}/{name}?store={store}", limit) for name in PAGES}
        window = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        window.goto(f"{address}/data?store={store}")
        window.wait_for_selector(PAINTED)
        until_whole(window, limit)
        for name in PAGES:
            again = turn_to(window, name, limit)
            for when, seconds, budget in (("first", first[name], 5.0), ("again", again, 1.0)):
                rows.append(row(f"{name or 'home'}, {when}: painted", seconds[0], "s", budget))
                rows.append(row(f"{name or 'home'}, {when}: whole", seconds[1], "s"))
        browser.close()
    return rows


def main() -> None:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--store", default="demo/demo.h5", help="a store's file (default: the shipped demo)")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds to wait for a page at most")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        stores = Path(cache) / "stores"
        stores.mkdir()
        (stores / "measured.h5").symlink_to(Path(chosen.store).resolve())
        rows = measure(Path(cache), "measured", chosen.limit)
    title = f"Every page on {Path(chosen.store).name}"
    show(title, rows)
    keep(chosen.json, title, rows)


if __name__ == "__main__":
    main()
