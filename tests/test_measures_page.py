"""The Measures page without a browser: what it opens on, what a mark leads to, what its Python computes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.__main__ import main
from core.analyses.agreement import kept_links, with_weights
from core.analyses.agreement_tables import disagreement_table
from core.analyses.link import link_report
from core.analyses.unseen import late_features, never_together
from core.errors import Cancelled
from core.labels import Labels, labels_path, write_labels
from core.paths import ROOT
from core.results import pair_links
from core.store import Store, open_store
from core.values import MEASURES, Feature, Label
from tests.chains import planted_chains
from tests.shared_views import everything, spoil
from ui.inspector import document
from ui.measures_answers import range_of
from ui.measures_page import Asked, as_python


@pytest.fixture
def store(_own_cache: None) -> Store:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planted_chains(folder / "planted.h5")
    return open_store(folder / "planted.h5")


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
    for link in ("2_1,3_1", "0_9999,1_1", "<b>", "1_1,0_1"):
        assert f"<b>{table['source'][0]} " in everything(opened(app, link=link))
    opened(app, first="nonsense", low="nonsense", activity="7", **{"from": "9", "to": "0"})


def test_a_measure_agrees_with_itself(app: AppTest) -> None:
    assert "agrees with itself" in everything(opened(app, first="cosine", second="cosine"))


@pytest.mark.parametrize("low", ["", "0.96"])
def test_the_snippet_computes_what_the_page_shows(app: AppTest, store: Store, low: str) -> None:
    opened(app, spread="sufficiency", low=low)

    class Here:
        pass

    here: Any = Here()
    here.store = store
    asked = Asked("0", "1", "pearson", "sufficiency", 0.0, "sufficiency", low)
    found, _ = pair_links(store, "0", "1")
    of: Any = Here()
    of.pair = found
    names: dict[str, Any] = {}
    exec(as_python(here, asked, *range_of(of, asked)), names)
    assert pl.DataFrame(app.dataframe[0].value).equals(names["result"], null_equal=True)
    assert pl.DataFrame(app.dataframe[1].value).equals(names["pairs"], null_equal=True)
    assert names["seen"]["never_co_active"][-1] == found.never_co_active
    assert pl.DataFrame(app.dataframe[2].value).equals(names["unseen"], null_equal=True)
    assert names["squares"]["links"].sum() > 0
    assert set(names["by_tokens"]["measure"]) <= set(MEASURES)
    assert set(names["errors"]["measure"]) <= set(MEASURES)
    assert len(names["maxima"]) == 4


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
    assert "Half of the time within 5%" in everything(opened(app, by="tokens", off="ninth", of="jaccard"))
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
