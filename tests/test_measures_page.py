"""The Measures page without a browser: what it opens on, what a mark leads to, what its Python computes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.__main__ import main
from core.analyses.agreement import Agreement, kept_links, with_weights
from core.analyses.agreement_tables import disagreement_table
from core.analyses.link import link_report
from core.analyses.unseen import late_features, never_together
from core.errors import Cancelled
from core.labels import Labels, labels_path, write_labels
from core.paths import ROOT
from core.results import pair_links
from core.store import Store, open_store
from core.values import MEASURES, Feature, Label
from core.views import measure_charts
from tests.chains import planted_chains
from tests.shared_views import Catch, compare, everything, shared, spoil  # noqa: F401  (shared is a fixture)
from ui import waiting
from ui.inspector import document


@pytest.fixture
def store(_own_cache: None) -> Store:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planted_chains(folder / "planted.h5")
    return open_store(folder / "planted.h5")


@pytest.fixture
def weighed(_own_cache: None) -> Store:
    """Features that are linked along four sites, with weights of all kinds."""
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planted_chains(folder / "weighed.h5", weights=True)
    return open_store(folder / "weighed.h5")


@pytest.fixture
def app(store: Store) -> AppTest:
    return AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)


def opened(app: AppTest, **query: str) -> AppTest:
    for name, text in ({"store": "planted", "from": "0", "to": "1"} | query).items():
        app.query_params[name] = text
    app.switch_page("pages/measures.py").run()
    assert not app.exception, app.exception
    assert "s-error" not in everything(app)
    return app


def widest(store: Store, first: str, second: str) -> pl.DataFrame:
    found, _ = pair_links(store, "0", "1")
    return disagreement_table(kept_links(store, found), first, second, Labels.beside(store))


def test_it_opens_on_the_widest_disagreement(app: AppTest, store: Store) -> None:
    text = everything(opened(app))
    table = widest(store, "pearson", "sufficiency")
    assert "Pearson and sufficiency disagree most on" in text
    assert pl.DataFrame(app.dataframe[0].value)["source"].to_list() == table["source"].to_list()
    assert f"{table['source'][0]} " in text
    assert "never do" in text


def test_other_measures_and_the_link_of_the_address(app: AppTest, store: Store) -> None:
    text = everything(opened(app, first="jaccard", second="necessity", spread="mutual_information", link="0_2,1_2"))
    assert "Jaccard and necessity disagree most" in text
    assert "<b>0_2 " in text
    pairs = pl.DataFrame(app.dataframe[1].value)
    assert "mutual_information" in pairs.columns


def test_a_bar_shows_the_pairs_of_its_range(app: AppTest) -> None:
    pairs = pl.DataFrame(opened(app, spread="sufficiency", low="0.96").dataframe[1].value)
    assert len(pairs)
    assert pairs["sufficiency"].is_between(0.96, 0.98).all()
    assert [button.label for button in app.button if button.label == "All values"]


def test_links_of_other_sites_and_bad_settings_fall_back(app: AppTest, store: Store) -> None:
    table = widest(store, "pearson", "sufficiency")
    for link in ("2_1,3_1", "0_9999,1_1", "<b>"):
        assert f"<b>{table['source'][0]} " in everything(opened(app, link=link))
    assert "<b>0_1 " in everything(opened(app, link="1_1,0_1"))
    opened(app, first="nonsense", low="nonsense", activity="7", **{"from": "9", "to": "0"})


def test_a_measure_agrees_with_itself(app: AppTest) -> None:
    assert "agrees with itself" in everything(opened(app, first="cosine", second="cosine"))


COMPARED = [
    {},
    {"spread": "sufficiency", "low": "0.96", "activity": "0.2"},
    {"first": "jaccard", "second": "mutual_information", "to": "2", "unseen": "2,0", "by": "tokens"},
    {"first": "decoder_cosine", "second": "folded_mse", "from": "1", "to": "3", "link": "1_2,3_2"},
]


@pytest.mark.parametrize("query", COMPARED)
def test_the_snippet_computes_all_that_the_page_shows_and_offers(
    weighed: Store,
    shared: Catch,  # noqa: F811
    query: dict[str, str],
) -> None:
    source, target = query.get("from", "0"), query.get("to", "1")
    app, found = shared("measures", **({"store": "weighed", "from": source, "to": target} | query))
    assert "s-error" not in everything(app)
    assert len(found[0]) == 9
    empty = [name for name, frame in found[0].items() if not len(frame)]
    assert empty == ["not-seen-0-2"] * ("unseen" in query)  # every feature of site 2 fires in the first document
    made = compare(found, f"-{source}-{target}")
    shown = [made[f"{query.get('first', 'pearson')}_against_{query.get('second', 'sufficiency')}"]]
    shown += [made["pairs_of_names"], made["not_seen"]]
    for table, frame in zip(app.dataframe, shown, strict=False):
        assert pl.DataFrame(table.value).equals(frame, null_equal=True)
    assert made["seen"]["never_co_active"][-1] == pair_links(weighed, source, target)[0].never_co_active
    counted, _ = pair_links(weighed, source, target, float(query.get("activity", 0)))
    whole = made["distributions"].group_by("measure").agg(pl.col("pairs").sum())["pairs"].to_list()
    assert whole == [int(counted.histograms[0].sum())] * len(MEASURES)
    assert set(made["errors_by_tokens"]["measure"]) == set(MEASURES) == set(made["errors_by_common_tokens"]["measure"])
    assert len(made["maximum_activations"]) == len(weighed.sites)


def test_a_dot_of_what_was_not_seen_lists_its_pairs_or_features(app: AppTest, store: Store) -> None:
    opened(app)
    labels = Labels.beside(store)
    assert pl.DataFrame(app.dataframe[2].value).equals(never_together(store, labels, "0", "1"), null_equal=True)
    opened(app, unseen="1,0")
    assert len(late_features(store, labels, "1", 0)) == 0
    assert "0 not seen at site 1" in everything(app)
    assert "None: all have been seen by then." in everything(app)
    for wrong in ("9,0", "1,99", "pairs", "<b>,1"):
        assert "Never together" in everything(opened(app, unseen=wrong))


def test_errors_by_all_tokens_of_another_measure(app: AppTest) -> None:
    told = everything(opened(app, by="tokens", off="ninth", of="jaccard"))
    assert "9 times of 10 within 5%" in told
    assert "Half of the time within" not in told
    assert [control for control in app.get("button_group") if control.label == "Along"]


def test_names_that_are_hints_stand_in_quotes(app: AppTest, store: Store) -> None:
    names = pl.DataFrame(opened(app).dataframe[0].value)["source_name"]
    assert all(name.startswith("“") for name in names)  # there are no labels
    write_labels(labels_path(store.path), [(Feature("0", i), Label("a label", "test")) for i in range(40)])
    assert set(pl.DataFrame(opened(app).dataframe[0].value)["source_name"]) == {"a label"}


def test_the_inspected_link_is_downloaded_as_the_command_prints_it(
    app: AppTest, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [button.label for button in opened(app).get("download_button") if "JSON" in button.label]
    assert main(["link", str(store.path), "0_2", "1_2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    report = link_report(store, Feature("0", 2), Feature("1", 2), contexts=8)
    assert json.loads(document(report, Labels.beside(store))) == printed


def test_a_damaged_file_is_computed_again_with_a_notice(app: AppTest) -> None:
    waiting._desk.clear()  # other tests ask the same of an equal store
    whole = everything(opened(app))
    assert "will be computed again" not in whole
    names = [spoil(kind) for kind in ("pair", "convergence", "seen", "apart")]
    told = everything(opened(app))
    assert [told.count(f"{name} is damaged and will be computed again") for name in names] == [1] * 4
    assert "will be computed again" not in everything(opened(app))


def test_the_measures_of_weights_and_the_unseen_features_can_be_stopped(store: Store) -> None:
    def stop(done: int, of: int) -> None:
        raise Cancelled("stopped", "go on")

    kept = kept_links(store, pair_links(store, "0", "1")[0])
    told: list[tuple[int, int]] = []
    assert late_features(store, Labels.beside(store), "1", 0, report=lambda *part: told.append(part)) is not None
    assert told[-1] == (store.site("1").d_sae,) * 2
    with pytest.raises(Cancelled):
        late_features(store, Labels.beside(store), "1", 0, report=stop)
    with pytest.raises(Cancelled):
        with_weights(store, kept, ["decoder_cosine"], report=stop)


def test_the_squares_of_the_heat_map_touch_and_keep_their_links() -> None:
    counts, sites = np.array([3, 1, 5]), np.array([7, 8, 9])
    x, y = np.array([0.125, 0.125, 0.875]), np.array([0.25, 0.75, 0.25])
    found = Agreement("pearson", "jaccard", 0.5, 9, x, y, counts, sites, (0.25, 0.5))
    look = dict.fromkeys(("text", "quiet", "line", "paper", "bar", "accent"), "#888888")
    squares, points = measure_charts.scatter(found, [], ("Pearson", "Jaccard"), look, ["#ffffff", "#000000"]).data
    assert (squares.type, squares.xgap, squares.ygap) == ("heatmap", None, None)
    assert (squares.x0, squares.dx, squares.y0, squares.dy) == (0.125, 0.25, 0.25, 0.5)
    wanted = [[np.log(3), np.nan, np.nan, np.log(5)], [0.0, np.nan, np.nan, np.nan]]
    np.testing.assert_allclose(np.array(squares.z, float), wanted)
    assert list(points.customdata) == [7, 8, 9]
    assert points.marker.opacity == points.selected.marker.opacity == points.unselected.marker.opacity == 0


def test_a_heat_map_of_no_links_is_empty() -> None:
    none = np.array([])
    found = Agreement("pearson", "jaccard", float("nan"), 0, none, none, none, none, (0.1, 0.1))
    look = dict.fromkeys(("text", "quiet", "line", "paper", "bar", "accent"), "#888888")
    squares, points = measure_charts.scatter(found, [], ("Pearson", "Jaccard"), look, ["#ffffff", "#000000"]).data
    assert np.isnan(np.array(squares.z, float)).all()
    assert not len(points.x)
