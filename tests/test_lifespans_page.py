"""The Layers page's lifespans without a browser: how chains stop, what falls below τ and returns, and the words."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.analyses.lifespans import THEN, lifespans, then_table
from core.analyses.matches import adjacent_matches
from core.paths import ROOT
from core.sources.planted import plant
from core.store import Store
from tests.shared_views import everything


def fires(rng: np.random.Generator, n: int) -> np.ndarray:
    """Independent features, float64 [tokens, n]."""
    return (rng.random((4000, n)) < 0.03) * rng.lognormal(size=(4000, n))


def sites(*, copy: bool = True) -> dict[str, np.ndarray]:
    """0_0 lasts and 0_1 is its copy (without `copy` it is not); 0_2 and 0_3 return at 2, 0_3 by a hair's breadth."""
    rng = np.random.default_rng(0)
    base, other = fires(rng, 4), fires(rng, 4)
    near = base[:, [0]] * rng.lognormal(0, 0.05, (4000, 1))
    nearly = base[:, [3]] * rng.lognormal(0, 0.5, (4000, 1))
    base[:, [1]] = near if copy else other[:, [3]]
    at_1 = np.hstack([base[:, [0]], other[:, :2], nearly])
    return {"0": base, "1": at_1, "2": np.hstack([base[:, [0]], other[:, [2]], base[:, 2:]])}


@pytest.fixture
def stores(_own_cache: None) -> Path:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def store(stores: Path) -> Store:
    return plant(stores / "planted.h5", sites())


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    for name, text in ({"store": "planted", "view": "lifespans"} | query).items():
        app.query_params[name] = text
    app.switch_page("pages/layers.py").run()
    assert not app.exception, app.exception
    return app


def listed(app: AppTest) -> pl.DataFrame:
    return pl.DataFrame(app.dataframe[0].value)


def test_a_copy_without_an_heir_of_its_own_is_not_said_to_have_ended(store: Store) -> None:
    app = opened(born="0", length="1", shown="0_1")
    then = dict(listed(app).select("born", "then").iter_rows())
    assert then == {"0_1": "no longer one to one", "0_2": "ended", "0_3": "ended"}
    text = everything(app)
    assert "It is no longer one to one: its best match at site 1 is" in text
    assert "link=0_0%2C1_0" in text  # whose own best match is
    assert "1 is no longer one to one: such a match is there, but its own best match is another feature" in text
    assert "gone" not in text
    assert "still there" not in text


@pytest.mark.usefixtures("stores")
def test_without_a_copy_no_chain_is_no_longer_one_to_one(stores: Path) -> None:
    plant(stores / "planted.h5", sites(copy=False))
    app = opened(born="0", length="1")
    assert set(listed(app)["then"]) == {"ended"}
    assert "0 are no longer one to one" in everything(app)
    assert "None." in everything(opened(then="no longer one to one"))


@pytest.mark.parametrize("then", THEN)
def test_the_counts_lead_to_their_chains(store: Store, then: str) -> None:
    app = opened(then=then)
    found = lifespans(adjacent_matches(store))
    assert listed(app)["then"].to_list() == [then] * int(then_table(found).sum(0)[THEN.index(then)])


def test_a_title_says_how_its_chain_stops(store: Store) -> None:
    assert "lasts from site 0 to site 2; " in everything(opened(shown="0_0"))
    alone = everything(opened(then="ended", shown="0_2"))
    assert "It ends: its best match at site 1 is" in alone
    assert "It has no match to show" not in alone  # it has one, below τ


def test_half_lives_are_said_to_be_of_one_to_one_chains(store: Store) -> None:
    assert "Curves and half-lives are of one-to-one chains" in everything(opened())


def test_the_deepest_fall_is_in_focus_and_a_hair_breadth_is_told(store: Store) -> None:
    app = opened(list="returns")
    frame = listed(app)
    assert frame["before"].to_list() == ["0_2", "0_3"]
    assert frame["depth"].to_list() == sorted(frame["depth"], reverse=True)
    text = everything(app)
    fallen = frame["between"][0]
    assert (
        f"of site 0 falls to {fallen:.2f} in between and is there again at site 2, one of 2".replace("-", "−") in text
    )
    assert "1 of the 2 fall by less than 0.1 below τ" in text
    assert "Looked for across all sites, as the command lifespans does by default" in text
    assert "anish" not in text
    app = opened(list="returns", shown="0_3")
    assert f"falls to {frame['between'][1]:.2f} in between" in everything(app)


def test_what_does_not_return_is_not_told(stores: Path) -> None:
    rng = np.random.default_rng(1)
    plant(stores / "planted.h5", {key: fires(rng, 3) for key in "012"})
    text = everything(opened(list="returns"))
    assert "No feature falls below τ and returns" in text
    assert "hair" not in text
