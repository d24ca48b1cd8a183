"""The shell and its pages in a real browser: cold permalinks, the jump box, Back, hostile labels, collecting."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import HREF, IMAGE, Server

pytestmark = pytest.mark.browser
VIEW = "feature?store=planted&feature=2_1&measure=jaccard&to=0&contexts=sampled&find=2_"


def query(tab: Any) -> dict[str, str]:
    return {name: texts[0] for name, texts in parse_qs(urlsplit(tab.url).query).items()}


def ready(tab: Any, selector: str) -> None:
    tab.wait_for_selector(selector)
    tab.wait_for_selector(".stApp[data-test-script-state=notRunning]")


def test_a_permalink_opened_cold_restores_the_view(tab: Any, server: Server) -> None:
    tab.goto(f"{server.url}/{VIEW}")
    ready(tab, ".st-key-card-neighbours .s-table")
    assert "Feature 2_1" in tab.locator(".s-sub").first.inner_text()
    assert tab.get_by_label("Measure", exact=True).input_value() == "Jaccard"
    assert tab.get_by_label("Site", exact=True).input_value() == "site 0"
    assert tab.get_by_label("Find", exact=True).input_value() == "2_"
    assert "the weaker half" in tab.locator(".st-key-card-contexts").inner_text().casefold()
    assert query(tab) == {k: v[0] for k, v in parse_qs(VIEW.partition("?")[2]).items()}


def test_the_permalink_that_is_offered_opens_the_same_view(tab: Any, server: Server) -> None:
    tab.goto(f"{server.url}/{VIEW}")
    ready(tab, ".st-key-card-neighbours .s-table")
    tab.get_by_role("button", name="Permalink").click()
    link = tab.locator("[data-testid=stPopoverBody] code").first.inner_text()
    shown = tab.locator(".st-key-card-neighbours .s-table").inner_text()
    other = tab.context.browser.new_context().new_page()
    other.goto(link)
    ready(other, ".st-key-card-neighbours .s-table")
    assert other.locator(".st-key-card-neighbours .s-table").inner_text() == shown
    other.context.close()


def test_the_jump_box_leads_to_a_feature_from_home_and_back_leads_back(tab: Any, server: Server) -> None:
    tab.goto(f"{server.url}/?store=planted")
    ready(tab, ".st-key-card-sites .s-table")
    tab.get_by_label("Jump to").fill("3_2")
    tab.get_by_label("Jump to").press("Enter")
    tab.wait_for_url("**/feature?*3_2*")
    ready(tab, ".s-kwic")
    tab.get_by_label("Jump to").fill("href")
    tab.get_by_label("Jump to").press("Enter")
    tab.locator(".s-found a").first.click()
    tab.wait_for_function("() => /_[13579]$/.test(new URL(location).searchParams.get('feature'))")
    tab.go_back()
    tab.wait_for_function("() => new URL(location).searchParams.get('feature') === '3_2'")
    tab.wait_for_function("() => document.querySelector('.s-sub').innerText.includes('3_2')")


def test_a_neighbour_leads_on_without_reloading(tab: Any, server: Server) -> None:
    tab.goto(f"{server.url}/feature?store=planted&feature=1_2")
    ready(tab, ".st-key-card-neighbours a")
    tab.evaluate("window.stays = 1")
    first = tab.locator(".st-key-card-neighbours a").first
    wanted = first.inner_text()
    first.click()
    tab.wait_for_function("f => document.querySelector('.s-sub').innerText.includes(f)", arg=wanted)
    assert query(tab)["feature"] == wanted
    assert tab.evaluate("window.stays") == 1


def test_back_undoes_one_click_at_a_time_also_to_what_stands_in_no_address(tab: Any, server: Server) -> None:
    """A view by default, a click, another page (two steps of the history), and all the way back."""
    tab.goto(f"{server.url}/layers?store=planted")
    ready(tab, ".s-sankey")
    entries, first = tab.evaluate("history.length"), query(tab)
    tab.locator(".s-sankey a").first.click()
    tab.wait_for_function("() => new URL(location).searchParams.has('band')")
    ready(tab, ".s-sankey")
    banded = query(tab)
    assert tab.evaluate("history.length") == entries + 1
    tab.get_by_label("Jump to").fill("3_2")
    tab.get_by_label("Jump to").press("Enter")
    tab.wait_for_url("**/feature?*3_2*")
    ready(tab, ".s-kwic")
    assert query(tab) == {"store": "planted", "feature": "3_2"}
    assert tab.evaluate("history.length") == entries + 3
    for address, wanted in ((banded, True), (banded, True), (first, False)):
        tab.go_back()
        ready(tab, ".s-sankey")
        tab.wait_for_function(f"() => new URL(location).searchParams.has('band') === {str(wanted).lower()}")
        tab.wait_for_timeout(1000)  # what is not written now is not written
        assert query(tab) == address


def test_hostile_labels_are_shown_and_run_nothing(tab: Any, server: Server) -> None:
    for page, selector in (("feature?store=planted&feature=1_0", ".s-name"), ("?store=planted", ".s-chain")):
        tab.goto(f"{server.url}/{page}")
        ready(tab, selector)
        shown = tab.locator("body").inner_text()
        assert IMAGE in shown or HREF in shown
        tab.locator(selector).first.hover()
        tab.wait_for_timeout(300)
        assert not tab.evaluate("Boolean(window.ran)")
        assert tab.locator("img[src=x]").count() == 0


def test_nothing_spills_out_of_a_narrow_window(tab: Any, server: Server) -> None:
    tab.set_viewport_size({"width": 420, "height": 850})
    for page, selector in (("", ".s-chain"), ("feature?feature=1_0", ".s-kwic"), ("data", ".s-table")):
        tab.goto(f"{server.url}/{page}")
        ready(tab, selector)
        main = "document.querySelector('[data-testid=stMain]')"
        assert tab.evaluate(f"{main}.scrollWidth <= {main}.clientWidth + 1")


@pytest.mark.model
def test_collecting_goes_on_while_pages_change_and_its_store_opens(tab: Any, server: Server, tmp_path: Path) -> None:
    from tests import tiny

    model = tiny.gpt2(tmp_path / "model")
    for layer in (0, 1):
        tiny.sae(tmp_path / "saes" / str(layer), "standard", f"blocks.{layer}.hook_resid_pre")
    text = tiny.corpus(tmp_path / "corpus.txt", 3000)
    tab.goto(f"{server.url}/data?store=planted")
    ready(tab, ".st-key-card-collect")
    for label, typed in (("Model", model), ("SAEs", tmp_path / "saes"), ("Text", text), ("Tokens", 40_000)):
        tab.get_by_label(label, exact=True).fill(str(typed))
        tab.get_by_label(label, exact=True).press("Enter")
        tab.wait_for_timeout(400)
        ready(tab, ".st-key-card-collect")
    assert "2 sites" in tab.locator(".st-key-card-collect").inner_text()
    tab.get_by_role("button", name="Collect", exact=True).click()
    tab.wait_for_selector(".s-job")
    tab.get_by_role("link", name="Feature", exact=True).click()
    ready(tab, ".s-kwic")
    tab.get_by_role("link", name="Data", exact=True).click()
    tab.wait_for_function(
        "() => document.querySelector('.s-note')?.innerText.includes('is collected and open')", timeout=180_000
    )
    assert "2 sites" in tab.locator(".s-store").inner_text()


def test_an_unknown_page_and_store_are_no_traceback(tab: Any, server: Server) -> None:
    tab.goto(f"{server.url}/feature?store=../../etc/passwd&feature=%3Cscript%3E")
    ready(tab, ".s-note")
    assert "Traceback" not in tab.locator("body").inner_text()
    (told,) = tab.locator(".s-note").all_inner_texts()
    assert told == "There is no store called “../../etc/passwd” here; demo is open instead, at its beginning."
