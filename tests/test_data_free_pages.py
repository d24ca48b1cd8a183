"""Measures of weights on the pages: chosen where weights allow them, told for what they are, and never half there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analyses.agreement import disagreements, kept_links, with_weights
from core.analyses.agreement_tables import disagreement_table
from core.analyses.assigned import agreed, agreement_table, assignment, is_kept
from core.analyses.matches import matches
from core.analyses.neighbours import StoreLinks
from core.analyses.turned import turned
from core.analyses.turnover import turnover
from core.labels import Labels
from core.paths import ROOT
from core.results import pair_links
from core.statistics.data_free import pair_values
from core.store import Store, open_store
from core.values import DATA_FREE, MEASURES, Feature
from tests.chains import planted_chains
from tests.test_gates_page import everything
from tests.test_pages import shown
from ui import measure_choice

Open = Callable[..., AppTest]
PAGES = {name: f"pages/{name}.py" for name in ("evolution", "feature", "measures", "layers")}


@pytest.fixture
def stores(_own_cache: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("core.library.DEMO", Path("/nowhere/demo.h5"))
    st.cache_resource.clear()  # other tests open the same store, and leave what failed there
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planted_chains(folder / "weights.h5", weights=True)
    planted_chains(folder / "bare.h5")
    planted_chains(folder / "spaces.h5", weights=True, spaces_differ=True)
    return folder


@pytest.fixture
def store(stores: Path) -> Store:
    return open_store(stores / "weights.h5")


@pytest.fixture
def page(stores: Path) -> Open:
    def opened(name: str, fine: bool = True, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for key, text in ({"store": "weights"} | query).items():
            app.query_params[key] = text
        app.switch_page(PAGES[name]).run()
        assert not app.exception, app.exception
        assert ("s-error" in everything(app)) is not fine
        return app

    return opened


def snippet(app: AppTest) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    exec(next(code.value for code in app.code if "open_store" in code.value), scope)
    return scope


def test_what_can_be_chosen_depends_on_the_weights(stores: Path) -> None:
    weights, bare, spaces = (open_store(stores / f"{name}.h5") for name in ("weights", "bare", "spaces"))
    graphs = (*MEASURES, "decoder_cosine", "virtual_weight")
    assert [measure_choice.of_graphs(each) for each in (weights, bare, spaces)] == [graphs, MEASURES, MEASURES]
    every = (*MEASURES, *DATA_FREE)
    assert [measure_choice.of_features(each) for each in (weights, bare, spaces)] == [every, MEASURES, every]
    assert measure_choice.of_pair(spaces, "0", "2") == every
    assert measure_choice.of_pair(spaces, "0", "3") == MEASURES


# ---- Evolution


def links_of(app: AppTest) -> pl.DataFrame:
    return pl.DataFrame(app.dataframe[1].value)


def test_the_graph_by_decoder_cosine_follows_directions_alone(page: Open, store: Store) -> None:
    app = page("evolution", feature="1_0", measure="decoder_cosine", floor="0.5")
    text, links = everything(app), links_of(app)
    assert "the data-free flow graph of Laptev et al. (2025)" in text
    assert "both active on" not in text
    assert {("0_0", "1_0"), ("1_0", "2_0"), ("2_0", "3_0")} <= set(links.select("source", "target").rows())
    ends = [[int(name[2:]) for name in links[end]] for end in ("source", "target")]
    for source, target, i, j, value in zip(
        links["source"], links["target"], *ends, links["decoder_cosine"], strict=True
    ):
        assert (
            value == pair_values(store, "decoder_cosine", source[0], target[0], np.array([i]), np.array([j]))[0] >= 0.5
        )
    told = snippet(app)["result"]
    assert told.select("source", "target", "decoder_cosine").rows() == (
        links.select("source", "target", "decoder_cosine").rows()
    )


def test_a_direction_that_goes_no_further_has_no_link(page: Open) -> None:
    """The negative twin: 1_2 is passed on by its activations, but not by its direction."""
    assert len(links_of(page("evolution", feature="1_2"))) > 0
    app = page("evolution", feature="1_2", measure="decoder_cosine", floor="0.7")
    assert len(links_of(app)) == 0
    assert "has no link of decoder cosine 0.7 or more" in everything(app)


def test_fewest_common_tokens_is_a_setting_of_weights_too(page: Open) -> None:
    app = page("evolution", feature="1_0", measure="decoder_cosine", both="30", floor="0")
    assert "both active on 30 tokens or more" in everything(app)
    assert "flow graph" not in everything(app)
    assert links_of(app)["n_both"].min() >= 30
    assert links_of(page("evolution", feature="1_0", measure="decoder_cosine", floor="0"))["n_both"].min() < 30


@pytest.mark.parametrize("name", ["bare", "spaces"])
def test_where_weights_do_not_allow_it_another_measure_stands_in(page: Open, name: str) -> None:
    app = page("evolution", store=name, feature="1_0", measure="decoder_cosine")
    assert "measure = “decoder_cosine” cannot be used" in everything(app)
    assert "by Pearson" in everything(app)
    assert "decoder cosine" not in app.radio(key="w:measure").options


def test_chance_turns_directions_and_has_none_for_virtual_weights(page: Open, store: Store) -> None:
    app = page("evolution", feature="1_0", measure="decoder_cosine")
    assert "turned at random" not in everything(app).replace("Turn one site", "")
    app.button(key="turned:ask").click().run()
    floor = turned(store, [("0", "1"), ("1", "2"), ("2", "3")]).floor()
    assert f"the best match of 1 feature in 20 reaches {np.ceil(100 * floor) / 100:.2f}" in everything(app)
    app.button(key="turned:use").click().run()
    chosen = app.query_params["floor"]
    assert float(chosen[0] if isinstance(chosen, list) else chosen) == pytest.approx(np.ceil(100 * floor) / 100)
    assert snippet(app)["floor"] == floor
    app = page("evolution", feature="1_0", measure="virtual_weight")
    assert "has no chance to compare with" in everything(app)
    assert "turned:ask" not in [button.key for button in app.button]


def test_the_inspector_tells_them_below_and_what_theta_is(page: Open, store: Store) -> None:
    text = everything(page("evolution", feature="1_0", link="1_0,2_0"))
    value = pair_values(store, "decoder_cosine", "1", "2", np.array([0]), np.array([0]))[0]
    assert "from the weights" in text
    assert f">{value:.3f}</td>" in text
    assert "θ is the JumpReLU threshold" in text
    assert "from the weights" not in everything(page("evolution", store="bare", feature="1_0", link="1_0,2_0"))
    text = everything(page("evolution", store="spaces", feature="2_0", link="2_0,3_0"))
    below = text[text.index("from the weights") :]
    assert below.split("</table>")[0].count("<td>–</td>") == 3
    assert "θ is the" not in below


# ---- Feature


@pytest.mark.parametrize("measure", DATA_FREE)
def test_feature_lists_neighbours_by_weights(page: Open, store: Store, measure: str) -> None:
    app = page("feature", feature="1_0", measure=measure, to="2")
    links = StoreLinks(store).neighbours(Feature("1", 0), "2", measure, 8)
    text = everything(app)
    places = [text.index(f"feature={link.target}") for link in links]
    assert len(places) == 8
    table = snippet(app)["neighbours"]
    assert table["feature"].to_list() == [str(link.target) for link in links]
    assert table[measure].to_list() == [link.measures[measure] for link in links]


def test_feature_names_spaces_that_differ_in_the_table_alone(page: Open) -> None:
    app = page("feature", fine=False, store="spaces", feature="2_0", measure="decoder_cosine", to="3")
    text = everything(app)
    assert "live in different spaces" in text
    assert "no match" in shown(app)
    assert "All features of site 2" in text
    app.selectbox(key="w:to").select("1").run()
    assert "s-error" not in everything(app)


# ---- Measures


def dense_ranks(values: np.ndarray) -> np.ndarray:
    return np.array([((values < v).sum() + (values == v).sum() / 2) / len(values) for v in values])


@pytest.mark.parametrize("first", DATA_FREE)
def test_agreement_with_a_measure_of_weights(page: Open, store: Store, first: str) -> None:
    app = page("measures", first=first, second="pearson", **{"from": "0", "to": "1"})
    found, _ = pair_links(store, "0", "1")
    kept = with_weights(store, kept_links(store, found), [first])
    x = kept.values[first] * (-1 if first == "folded_mse" else 1)
    y = kept.values["pearson"]
    rho = np.corrcoef(dense_ranks(x), dense_ranks(y))[0, 1]
    text = everything(app)
    assert f"(rank correlation {rho:.2f})".replace("-", "−") in text
    assert "kept for their activations" in text
    table = disagreement_table(kept, first, "pearson", Labels.beside(store))
    assert pl.DataFrame(app.dataframe[0].value).equals(table, null_equal=True)
    assert snippet(app)[f"{first}_against_pearson"].equals(table, null_equal=True)
    apart = np.abs(dense_ranks(x) - dense_ranks(y))
    assert apart[disagreements(kept, first, "pearson", 1)[0]] == pytest.approx(apart.max())
    np.testing.assert_allclose(kept.values[first], pair_values(store, first, "0", "1", kept.sources, kept.targets))


def test_measures_of_sites_without_common_space_fall_back(page: Open) -> None:
    app = page("measures", store="spaces", first="decoder_cosine", **{"from": "2", "to": "3"})
    assert "first = “decoder_cosine” cannot be used" in everything(app)
    page("measures", store="spaces", first="decoder_cosine", **{"from": "1", "to": "2"})


# ---- Layers


ADJACENT = (("0", "1"), ("1", "2"), ("2", "3"))


def test_mutual_best_at_any_value_is_not_taken_for_one_to_one(page: Open, store: Store) -> None:
    """The table of turnover counts them at τ or above, the one of the weights at any value: both numbers are told."""
    found = [matches(store, *pair) for pair in ADJACENT]
    every = sum(int(one.mutual.sum()) for one in found)
    for tau in (0.95, 0.5):
        above = sum(turnover(one, tau).passed_mutual for one in found)
        assert above < every
        text = everything(page("layers", tau=str(tau)))
        assert f"at any value: {every:,}. Of these {above:,} are at τ = {tau:g} or above" in text
        assert "mutual best, any Pearson" in text
    assert "what Turnover by Pearson calls one to one" in everything(page("layers", measure="jaccard"))


def test_assigned_pairs_beside_mutual_best_matches(page: Open, store: Store) -> None:
    app = page("layers")
    rows = [agreed(matches(store, *pair), assignment(store, *pair)) for pair in ADJACENT]
    text = everything(app)
    for one in rows:
        assert one.both >= 4  # features 0, 1, 3, 4 and 5 stay alike; 0 and 1 share one heir by activations
        partner = assignment(store, one.source, one.target).partner
        found = matches(store, one.source, one.target)
        mutual = {(i, int(j)) for i, j in enumerate(found.mutual_at(-1.0)) if j >= 0}
        assert one.both == len(mutual & {(i, int(j)) for i, j in enumerate(partner)})
        assert one.mutual == len(mutual)
        assert f"<b>{100 * one.share:.1f}%</b>" in text
    assert snippet(app)["one_to_one_by_weights"].equals(agreement_table(rows))
    assert "the JumpReLU threshold" in text


@pytest.mark.parametrize("name", ["bare", "spaces"])
def test_where_not_all_can_be_assigned_nothing_is_said(page: Open, name: str) -> None:
    app = page("layers", store=name)
    assert "Do the weights pair" not in everything(app)
    assert "one_to_one_by_weights" not in snippet(app)


def test_large_sites_are_assigned_when_asked(page: Open, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.layers_assigned.AT_ONCE", 5)
    app = page("layers")
    assert "Of the pairs that the weights assign" not in everything(app)
    assert "one_to_one_by_weights" not in snippet(app)
    assert not is_kept(store, "0", "1")
    app.button(key="assign").click().run()
    assert "Of the pairs that the weights assign" in everything(app)
    app.run()
    assert "Of the pairs that the weights assign" in everything(app)
    assert is_kept(store, "0", "1")
