"""What docs/measures.md says of adding a measure is so: its odds ratio, taken from the page, is asked of the engine."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.__main__ import main, parser
from core.analyses import edges as edges_of_a_pair
from core.analyses.kept_links import CachedLinks
from core.analyses.neighbours import StoreLinks
from core.commands import edges as edges_command
from core.errors import BadArgument
from core.paths import ROOT
from core.results import pair_links
from core.statistics import measures
from core.statistics.rows import pair_counts
from core.store import Store
from core.values import MEASURES, Feature, about
from ui import evolution

NAME = "odds_ratio"
SECTION = (ROOT / "docs" / "measures.md").read_text().split("## Adding a measure")[1]


@pytest.fixture
def odds_ratio(monkeypatch: pytest.MonkeyPatch) -> Any:
    code = re.search(r"```python\n(.*?)```", SECTION, re.DOTALL)
    assert code
    scope = dict(vars(measures))
    exec(code.group(1), scope)
    monkeypatch.setitem(measures.MEASURE_FUNCTIONS, NAME, scope[NAME])
    return scope[NAME]


def test_neighbours_and_links_know_it(random_store: Store, odds_ratio: Any) -> None:
    feature = Feature("0", 0)
    found = StoreLinks(random_store).neighbours(feature, "1", NAME, 5)
    values = [link.measures[NAME] for link in found]
    counts = pair_counts(random_store, feature, "1")
    wanted = np.sort(np.asarray(odds_ratio(counts))[np.asarray(counts.n_target) > 0])
    np.testing.assert_allclose(values, wanted[~np.isnan(wanted)][::-1][:5])
    assert StoreLinks(random_store).link(feature, found[0].target).measures[NAME] == values[0]


def test_kept_pairs_that_know_nothing_of_it_are_not_asked(
    random_store: Store, odds_ratio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.analyses.kept_links.WORTH", 0)
    pair_links(random_store, "0", "1")
    for i in range(30):
        found = CachedLinks(random_store).neighbours(Feature("0", i), "1", NAME, 3)
        assert repr(found) == repr(StoreLinks(random_store).neighbours(Feature("0", i), "1", NAME, 3))


@pytest.fixture
def in_both_lists(odds_ratio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """MEASURES has the name in whatever module has taken it over."""
    for module in [module for name, module in sys.modules.items() if name.split(".")[0] in ("core", "ui")]:
        if getattr(module, "MEASURES", None) == MEASURES:
            monkeypatch.setattr(module, "MEASURES", (*MEASURES, NAME))
    for module in (edges_of_a_pair, edges_command):  # made of MEASURES as they were imported
        monkeypatch.setattr(module, "COLUMNS", edges_of_a_pair.COLUMNS | {NAME: pl.Float64})


@pytest.mark.usefixtures("in_both_lists")
def test_whole_pairs_go_on_without_it(random_store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store, pair = str(random_store.path), ["--from", "0", "--to", "1"]
    for _ in "computed", "kept":
        assert main(["pairs", store, *pair, "--json"]) == 0
        told = capsys.readouterr()
        assert set(json.loads(told.out)[0]["histograms"]) == set(MEASURES)
        assert not told.err
    for others in (
        ["turnover", store, *pair],
        ["chance", store, *pair],
        ["edges", store, "--out", str(tmp_path / "e.csv")],
    ):
        assert main(others) == 0
        assert "notice" not in capsys.readouterr().err
    assert main(["link", store, "0_0", "1_0"]) == 0
    assert NAME in capsys.readouterr().out


@pytest.mark.usefixtures("in_both_lists")
@pytest.mark.parametrize("command", ["chance", "edges", "communities"])
def test_what_needs_whole_pairs_by_it_says_so(random_store: Store, tmp_path: Path, command: str) -> None:
    out = ["--out", str(tmp_path / "e.csv")] if command == "edges" else []
    options = parser((command,)).parse_args([command, str(random_store.path), *out])
    options.measure = NAME  # its list of choices was made before
    with pytest.raises(BadArgument, match="not computed by 'odds_ratio'"):
        options.run(options)


def test_pages_do_without_a_floor_and_a_meaning_of_its_own() -> None:
    assert evolution.floor_of(NAME).default == evolution.FLOOR
    assert (about(NAME).words, about(NAME).meaning, about(NAME).by_rule) == ("odds ratio", "", True)


def test_the_places_that_it_names_are_there() -> None:
    places = re.findall(r"`([A-Z_]+)`(?: and its neighbours)? in `([\w/]+\.py)`", SECTION)
    assert len(places) >= 10
    for name, path in places:
        assert re.search(rf"^(\w+, )*{name}\b", (ROOT / path).read_text(), re.MULTILINE), (name, path)
    assert all((ROOT / path).is_file() for path in re.findall(r"`([\w/]+\.py)`", SECTION))
