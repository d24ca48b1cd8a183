"""Words can be read: 4.5 to 1 against what is behind them (WCAG 2), in the light theme and in the dark one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Server

pytestmark = pytest.mark.browser
PAGES = {
    "evolution?store=demo": ".st-key-card-link",
    "prompt?store=demo": ".s-tokens",
    "layers?store=demo": ".s-sankey",
    "layers?store=demo&view=lifespans": ".s-heat",
    "gates?store=demo": ".s-formula i",
    "data?store=demo": ".st-key-card-collect",
}
POOR = """
() => {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const channels = (colour) => {
    brush.clearRect(0, 0, 1, 1); brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1)
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data
    return [r, g, b, a / 255]
  }
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1)
  const luminance = (colour) => {
    const [r, g, b] = colour.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const paper = channels(getComputedStyle(document.querySelector(".stApp")).backgroundColor)
  const found = {}
  for (const e of document.querySelectorAll(".stApp *")) {
    const words = [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join("")
    if (!words || e instanceof SVGElement || !e.checkVisibility() || e.closest("[disabled], script, style")) continue
    // a box has the colour of its site, and whichever ink is better on it
    if (e.closest('[data-testid="stIconMaterial"], [data-testid="stDataFrame"], .strata-graph, .s-box')) continue
    const grounds = []
    let seen = 1
    for (let p = e; p; p = p.parentElement) {
      seen *= +getComputedStyle(p).opacity
      grounds.unshift(channels(getComputedStyle(p).backgroundColor))
    }
    const ground = grounds.reduce((below, top) => over(top, below), paper)
    const ink = channels(getComputedStyle(e).color)
    const [low, high] = [over([...ink.slice(0, 3), ink[3] * seen], ground), ground].map(luminance).sort((a, b) => a - b)
    const ratio = (high + 0.05) / (low + 0.05)
    if (ratio < 4.5) found[`${e.tagName} ${e.className}: ${words.slice(0, 20)}`] = ratio.toFixed(2)
  }
  return found
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_words_stand_out_from_what_is_behind_them(chromium: Any, server: Server, path: str, theme: str) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 950}, color_scheme=theme)
    context.set_default_timeout(60_000)
    tab = context.new_page()
    tab.goto(f"{server.url}/{path}")
    tab.wait_for_selector(PAGES[path])
    tab.wait_for_selector(".stApp[data-test-script-state=notRunning]")
    for closed in tab.locator("details:not([open]) > summary").element_handles():
        closed.click()
    assert tab.evaluate(POOR) == {}
    context.close()
