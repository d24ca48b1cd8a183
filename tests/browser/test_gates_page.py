"""The Gates page in a real browser: rows of contexts, links that lead on, the address, downloads, a narrow window."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from core.analyses.gates import gates
from core.analyses.splits import Divided, splits
from core.labels import labels_path, write_labels
from core.sources.structures import Planting
from core.store import Store
from core.values import Label
from tests.browser.conftest import IMAGE, Server

pytestmark = pytest.mark.browser
CARD = ".st-key-card-gate .s-truth-row"


@pytest.fixture(scope="module")
def store(server: Server) -> Store:
    """A store of gates and a split beside the other one, every feature with a hostile label."""
    planting = Planting(sites=2, width=24, tokens=10_000)
    for kind in ("or", "and", "and_not"):
        planting.gate(kind, site=1)
    planting.split(0)
    made, _ = planting.build(server.cache / "stores" / "structures.h5")
    write_labels(labels_path(made.path), [(feature, Label(f"{IMAGE} {feature}", "x")) for feature in planting.rows])
    return made


def opened(tab: Any, server: Server, query: str = "") -> None:
    tab.goto(f"{server.url}/gates?store=structures{query}")
    tab.wait_for_selector(".st-key-card-gate, .st-key-card-division")
    tab.wait_for_selector(".stApp[data-test-script-state=notRunning]")


def query(tab: Any) -> dict[str, str]:
    """What the address asks for, once the page has said all of it."""
    tab.wait_for_selector(".stApp[data-test-script-state=notRunning]")
    tab.wait_for_timeout(400)
    return {name: texts[0] for name, texts in parse_qs(urlsplit(tab.url).query).items()}


def test_a_gate_with_its_truth_table_and_no_script_of_a_label(tab: Any, server: Server, store: Store) -> None:
    wanted = gates(store, "0", "1")[-1]
    opened(tab, server, f"&shown={wanted.feature}")
    tab.wait_for_selector(CARD)
    assert tab.locator(f"{CARD}[data-row]").count() == sum(row.n > 0 for row in wanted.rows)
    assert tab.locator(f"{CARD} .s-focus").count() > 3
    assert IMAGE in tab.locator(".st-key-card-gate").inner_text()
    assert tab.evaluate("window.ran") is None


def test_an_inputs_link_leads_to_its_inspector(tab: Any, server: Server, store: Store) -> None:
    wanted = gates(store, "0", "1")[0]
    opened(tab, server, f"&shown={wanted.feature}")
    tab.locator(".s-formula a", has_text="inspect").first.click()
    tab.wait_for_selector(".st-key-card-link .s-counts")
    assert "/evolution" in tab.url
    assert query(tab)["link"] == f"{wanted.inputs[0]},{wanted.feature}"


def test_a_feature_leads_to_its_page(tab: Any, server: Server, store: Store) -> None:
    wanted = gates(store, "0", "1")[0]
    opened(tab, server, f"&shown={wanted.feature}")
    tab.locator(".s-formula a", has_text=str(wanted.inputs[0])).first.click()
    tab.wait_for_url("**/feature?**")
    assert query(tab)["feature"] == str(wanted.inputs[0])


def test_the_view_is_kept_in_the_address_and_a_split_has_its_bar(tab: Any, server: Server, store: Store) -> None:
    opened(tab, server)
    tab.locator('[data-testid="stButtonGroup"] button', has_text="Splits").click()
    tab.wait_for_selector(".st-key-card-division .s-division g rect")
    assert query(tab)["view"] == "splits"
    tab.reload()
    tab.wait_for_selector(".st-key-card-division .s-swatch")
    tab.locator(".s-division a").first.click()
    tab.wait_for_selector(".st-key-card-link .s-counts")
    (wanted,) = splits(store, "0", "1")
    assert query(tab)["link"] == f"{wanted.whole},{wanted.parts[wanted.division.n_alone.index(most(wanted))]}"


def most(one: Divided) -> int:
    """Tokens of the part that has the first segment of the bar."""
    return max(one.division.n_alone)


def test_the_download_holds_what_was_found(tab: Any, server: Server, store: Store, tmp_path: Path) -> None:
    opened(tab, server)
    tab.locator(".st-key-toolbar").get_by_role("button", name="Download").click()
    with tab.expect_download() as started:
        tab.locator(".st-key-download-gates-csv button").click()
    path = tmp_path / "gates.csv"
    started.value.save_as(path)
    assert pl.read_csv(path)["feature"].to_list() == [str(gate.feature) for gate in gates(store, "0", "1")]


def test_a_narrow_window_does_not_scroll_sideways(tab: Any, server: Server, store: Store) -> None:
    tab.set_viewport_size({"width": 400, "height": 900})
    opened(tab, server)
    tab.wait_for_selector(CARD)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    card = tab.locator(".st-key-card-gate").bounding_box()
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= 400
