"""The Layers page without a browser: each view opens, drills down and survives bad addresses; snippets and pictures."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses import layer_tables as tables
from core.analyses.lifespans import lifespans
from core.analyses.matches import adjacent_matches
from core.analyses.returns import matches_for_returns, returns
from core.analyses.site_features import behind
from core.analyses.site_summary import (
    density_spread,
    maximum_spread,
    range_of_maxima,
    silent_after,
    site_summary,
    token_steps,
)
from core.analyses.turnover import BANDS, Turnover, turnover
from core.labels import Labels, labels_path, write_labels
from core.paths import ROOT
from core.sources.planted import plant
from core.sources.structures import Planting
from core.store import Store
from core.values import MIN_ACTIVE, Feature, Label
from core.views.curves import steps_of
from core.views.sankey import Paint, layout, sankey
from tests.oracle import random_dense, some_uncounted
from tests.shared_views import everything, spoil
from ui import waiting
from ui.layers_marks import Mark, bin_marks
from ui.layers_page import VIEWS, Asked, turnover_title
from ui.layers_turnover import share_figure
from ui.text import percent

SCRIPT = "<img src=x onerror=alert(1)>"
Open = Callable[..., AppTest]


@pytest.fixture
def store(_own_cache: None) -> Store:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planting = Planting(sites=4, width=24, tokens=6_000, noise=0.0)
    for first, last in ((0, 3), (0, 2), (0, 0), (1, 3), (2, 3), (3, 3)):
        planting.passed_on(first, last)
    for site in range(4):
        planting.rare(site), planting.unrelated(site)
    made, _ = planting.build(folder / "planted.h5")
    write_labels(labels_path(made.path), [(Feature("2", 0), Label(SCRIPT, "test"))])
    return made


@pytest.fixture
def opened(store: Store) -> Open:
    def go(**query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for name, text in ({"store": "planted"} | query).items():
            app.query_params[name] = text
        app.switch_page("pages/layers.py").run()
        assert not app.exception, app.exception
        return app

    return go


def test_it_opens_on_what_is_passed_on(opened: Open, store: Store) -> None:
    text = everything(opened())
    told = [turnover(one) for one in adjacent_matches(store)]
    assert turnover_title(Asked("turnover", "pearson", 0.95, "alive", "0", "mutual"), told) in text
    assert "features are still there at site" in text
    assert "s-error" not in text


@pytest.mark.parametrize("band", BANDS)
def test_every_band_lists_its_features(opened: Open, store: Store, band: str) -> None:
    app = opened(band=band, at="1")
    found = next(one for one in adjacent_matches(store) if one.source == "1")
    wanted = tables.band_table(found, band, 0.95, Labels.beside(store))
    if len(wanted):
        shown = pl.DataFrame(app.dataframe[0].value)
        assert shown["feature"].to_list() == wanted["feature"].to_list()
    else:
        assert "None. Choose another band" in everything(app)


@pytest.mark.parametrize(
    ("band", "why"), [("rare_from", "It is not matched: on fewer than 10 tokens"), ("dead_to", "it never fires")]
)
def test_features_without_matches_say_why(opened: Open, band: str, why: str) -> None:
    told = everything(opened(band=band, at="1"))
    assert why in told
    assert "ever resembles it" not in told


def test_lifespans_of_a_chosen_cell(opened: Open, store: Store) -> None:
    app = opened(view="lifespans", born="0", length="3")
    shown = pl.DataFrame(app.dataframe[0].value)
    assert shown["length"].to_list() == [3]
    assert shown["born"].to_list() == ["0_1"]
    app = opened(view="lifespans")
    assert pl.DataFrame(app.dataframe[0].value)["length"].to_list() == [4, 3, 3, 2]


@pytest.mark.usefixtures("_own_cache")
def test_what_vanishes_and_reappears() -> None:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    base, other = ((rng.random((3000, 4)) < 0.03) * rng.lognormal(size=(3000, 4)) for _ in range(2))
    plant(folder / "planted.h5", {"0": base, "1": other, "2": base})
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, text in {"store": "planted", "view": "lifespans", "list": "returns"}.items():
        app.query_params[name] = text
    app.switch_page("pages/layers.py").run()
    assert not app.exception
    assert set(pl.DataFrame(app.dataframe[0].value)["before"]) == {f"0_{i}" for i in range(4)}


def test_lifespans_of_a_point_of_the_curve_and_what_the_title_tells(opened: Open, store: Store) -> None:
    app = opened(view="lifespans", born="0", lasting="3")
    shown = pl.DataFrame(app.dataframe[0].value)
    assert shown["length"].to_list() == [4, 3]
    text = everything(app)
    assert "that begin at site 0 and last 3 sites or more" in text
    assert "lasts from site 0 to site 3; half of all one-to-one chains stop within" in text


def test_shares_of_all_features_count_dead_and_rare_ones_everywhere(opened: Open, store: Store) -> None:
    raw, alive = everything(opened(of="all")), everything(opened())
    step = turnover(adjacent_matches(store)[0])
    assert step.raw_share < step.share
    for text, share in ((raw, step.raw_share), (alive, step.share)):
        assert f">{100 * share:.0f}%</text>" in text  # the flow
        assert f"<b>{percent(share)}</b>" in text  # the numbers
    assert turnover_title(Asked("turnover", "pearson", 0.95, "all", "0", "mutual"), [step]) != turnover_title(
        Asked("turnover", "pearson", 0.95, "alive", "0", "mutual"), [step]
    )


@pytest.mark.parametrize("of", ["alive", "all"])
def test_chance_is_drawn_on_the_scale_of_the_shares(tmp_path: Path, of: str) -> None:
    rng = np.random.default_rng(0)
    dense = (rng.random((2000, 40)) < 0.3) * rng.lognormal(size=(2000, 40))
    dense[:, 20:] = 0  # half of the features are dead
    (found,) = adjacent_matches(plant(tmp_path / "s.h5", {"0": dense, "1": rng.permutation(dense)}))
    figure: Any = share_figure([found], Asked("turnover", "pearson", 0.95, of, "0", "mutual"), "light")
    passed, chance = figure.data
    scale = 0.5 if of == "all" else 1.0
    assert passed.y[0] == pytest.approx(scale)
    assert chance.y[0] == pytest.approx(scale)


def test_the_features_behind_every_bin_and_every_point_are_as_many_as_are_drawn(store: Store) -> None:
    labels, (low, high) = Labels.beside(store), range_of_maxima(store)
    for site in store.sites:
        drawn = {"density": density_spread(store, site.key), "maximum": maximum_spread(store, site.key, low, high)}
        for panel, spread in drawn.items():
            marks = bin_marks(panel, site.key, spread.edges)
            assert len(marks) == len(steps_of(spread.edges, spread.counts)[0])
            for bin_, count in enumerate(spread.counts):
                panel_, key, *ends = marks[1 + 2 * bin_][0].removeprefix("mark=").split(" ")
                assert len(behind(store, panel_, key, float(ends[0]), float(ends[1]), labels)) == count
        for panel, times in (("dead", 1), ("silent", MIN_ACTIVE)):
            for n in (1, 500, store.n):
                wanted = silent_after(store, site.key, np.array([n]), times)[0]
                found = behind(store, panel, site.key, n, np.inf, labels)
                assert len(found) == wanted
                column = found["first" if panel == "dead" else "tenth"]
                assert all(value is None or value > n for value in column)


def test_a_mark_lists_its_features_with_contexts(opened: Open, store: Store) -> None:
    app = opened(view="sites", mark=str(Mark("density", "1", 0.0, float("inf"))))
    alive = int((np.asarray(store.summary("1").active) > 0).sum())
    assert len(app.dataframe[0].value) == alive
    assert "Behind the mark" in everything(app)
    for bad in ("<b>", "nan 1.0", "0.0 nan", "inf inf", "-1.0 1.0", "0.5 0.5", "1.0 0.5"):
        app = opened(view="sites", mark=f"density 1 {bad}")
        assert "cannot be used" in everything(app)
        assert not list(app.dataframe)
    assert "pairs that are never active together" in everything(app)


CLICK = """
import streamlit as st
from ui import selection
from ui.marks import take_over

selection.choose("shown", "1_2")
take_over(st.session_state["data"])
st.write(f"{selection.raw('at')} {selection.raw('tau')} {selection.raw('shown')}")
"""


@pytest.mark.parametrize(
    ("data", "told"),
    [(["at=2", "tau=0.5", "shown="], "2 0.5 None"), (None, "None None 1_2"), ([3, "=x"], "None None 1_2")],
)
def test_a_click_on_a_point_chooses_what_it_stands_for(data: Any, told: str) -> None:
    app = AppTest.from_string(CLICK)
    app.session_state["data"] = data
    app.run()
    assert app.markdown[0].value == told


def test_the_sites_in_numbers(opened: Open, store: Store) -> None:
    text = everything(opened(view="sites"))
    for site in store.sites:
        assert str(site_summary(store, site.key).densest) in text


def test_bad_settings_fall_back(opened: Open) -> None:
    app = opened(
        view="nonsense", measure="sufficiency", tau="7", at="99", band="gone", shown="<b>", born="x", length="-1"
    )
    assert "still there" in everything(app)
    assert "cannot be used" in everything(app)


@pytest.mark.parametrize("view", VIEWS[:2])
def test_without_directions_the_page_says_so(opened: Open, view: str) -> None:
    text = everything(opened(view=view, measure="decoder_cosine"))
    assert "no decoder" in text
    assert "s-error" in text


def test_labels_are_never_markup(opened: Open) -> None:
    for query in ({"at": "1", "band": "mutual", "shown": "1_0"}, {"view": "lifespans", "born": "0", "length": "4"}):
        assert SCRIPT not in everything(opened(**query))


@pytest.mark.usefixtures("_own_cache")
def test_one_site_is_told() -> None:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    plant(folder / "planted.h5", {"0": np.eye(20)})
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["store"] = "planted"
    app.switch_page("pages/layers.py").run()
    assert not app.exception
    assert "single site" in everything(app)


# ---- tables and pictures


def test_tables_hold_what_was_found(store: Store) -> None:
    labels, found = Labels.beside(store), adjacent_matches(store)
    frame = tables.turnover_table(found, 0.95)
    assert (frame["passed"] + frame["ended"]).to_list() == frame["alive_from"].to_list()
    curves = tables.curve_table(found)
    at = curves.filter(pl.col("threshold") == 0.95)
    assert at["passed"].to_list() == pytest.approx(frame["share_of_alive"].to_list())
    chains = lifespans(found)
    births = tables.birth_table(chains)
    assert births["born"].sum() == len(chains.birth)
    assert tables.chain_table(chains, range(len(chains.birth)), labels)["length"].to_list() == chains.length.tolist()
    assert set(tables.survival_table(chains)["born"]) == {"all", "0", "1", "2", "3"}
    keys = [site.key for site in store.sites]
    back = returns(keys, matches_for_returns(store, nulls=False), 0.95)
    assert len(tables.return_table(back, labels)) == len(back)


def step(source: str, target: str, **numbers: int) -> Turnover:
    zero = dict.fromkeys(("dead_from", "rare_from", "dead_to", "rare_to"), 0)
    rest = zero | {"passed_by_chance": 0.0} | numbers
    return Turnover(source, target, "pearson", 0.95, **rest)  # type: ignore[arg-type]


FLOW = [
    step("0", "1", alive_from=10, alive_to=12, passed=7, passed_mutual=4, ended=3, inherited=5, born=7, dead_from=2),
    step("1", "<b>", alive_from=12, alive_to=6, passed=0, passed_mutual=0, ended=12, inherited=0, born=6, rare_to=1),
]
PAINT = Paint(["#111111", "#222222", "#333333"], "#000000", "#888888", "#ff8800")


def test_flows_are_kept_at_every_bar() -> None:
    drawn = layout(FLOW)
    for k, flow in enumerate(FLOW):
        here = {band.name: band for band in drawn.bands if band.pair == k}
        out = sum(here[name].left[1] - here[name].left[0] for name in ("mutual", "passed", "ended"))
        into = sum(here[name].right[1] - here[name].right[0] for name in ("mutual", "inherited", "born"))
        assert out == pytest.approx(flow.alive_from * drawn.scale)
        assert into == pytest.approx(flow.alive_to * drawn.scale)


def test_every_band_is_a_link_and_keys_are_escaped() -> None:
    drawn = sankey(FLOW, PAINT, lambda pair, name: f"?at={pair}&band={name}", {"data-go": ""}, (0, "ended"))
    tree = ET.fromstring(drawn.replace("data-go", 'data-go=""', 1000).replace('data-go=""=""', 'data-go=""'))
    links = {a.get("href") for a in tree.iter("{http://www.w3.org/2000/svg}a")}
    names = {(0, n) for n in ("mutual", "passed", "inherited", "ended", "born", "dead_from")}
    names |= {(1, "ended"), (1, "born"), (1, "rare_to")}
    assert links == {f"?at={pair}&band={name}" for pair, name in names}
    assert "<b>" not in drawn
    plain = sankey(FLOW, PAINT)
    assert "<a" not in plain
    ET.fromstring(plain)


def test_silent_features_against_tokens_by_counting(tmp_path: Path) -> None:
    dense, tokens = random_dense(500, 20, 0, 0.02), some_uncounted(500, 0)
    store = plant(tmp_path / "s.h5", {"0": dense}, tokens=tokens)
    counted = dense[np.asarray(tokens.counted).astype(bool)] > 0
    steps = token_steps(store)
    assert steps[-1] == store.n
    for times in (1, MIN_ACTIVE):
        wanted = [int((counted[:k].sum(0) < times).sum()) for k in steps]
        assert silent_after(store, "0", steps, times).tolist() == wanted


def test_a_damaged_file_is_computed_again_with_a_notice(opened: Open) -> None:
    waiting._desk.clear()  # other tests ask the same of an equal store
    assert "will be computed again" not in everything(opened())
    name = spoil("matches")
    assert f"{name} is damaged and will be computed again" in everything(opened())
    assert "will be computed again" not in everything(opened())
