"""The five errors of the seed's own code (DESIGN 11): four with tests that fail on them, one with no counterpart.

Three stand with the analyses that they concern:

- dead features counted as disappearing: `test_turnover.test_dead_and_rare_features_are_neither_ended_nor_born`;
- "appearing" labels shifted by one layer: `test_turnover.test_births_are_counted_at_the_site_where_they_happen`;
- a CPM resolution that is always 0.1: `test_communities.test_the_resolution_takes_effect`, for both methods.

The Pearson matrix that is loaded for every measure is here. The fifth, k-means labels taken without checking which
cluster is the high one, has no counterpart: Strata has no k-means, and splits nothing into high and low.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.analyses.edges import edge_table
from core.analyses.matches import matches
from core.analyses.neighbours import StoreLinks
from core.analyses.store_graph import store_graph
from core.results import pair_links
from core.sources.planted import plant
from core.statistics.measures import BOUNDED
from core.store import Store
from core.values import MEASURES, Feature
from tests.oracle import dense_measures

# ---- the Pearson matrix loaded for every measure


@pytest.fixture
def dense(tmp_path: Path) -> tuple[Store, np.ndarray, np.ndarray]:
    """One source whose best target is another one by almost every measure, among noise."""
    rng = np.random.default_rng(3)
    n = 4000
    x, y = np.zeros((n, 4)), np.zeros((n, 7))
    on = rng.random(n) < 0.1
    x[on, 0] = rng.lognormal(0, 1.5, on.sum())
    strong = x[:, 0] > np.quantile(x[on, 0], 0.8)
    y[:, 0] = np.where(strong, x[:, 0], 0)  # the amplitude where it is strong: Pearson, cosine
    y[:, 1] = on * rng.lognormal(0, 1, n)  # the firing, with other amplitudes: Jaccard, mutual information
    y[:, 2] = on | (rng.random(n) < 0.3)  # always there as well: sufficiency
    y[strong & (rng.random(n) < 0.5), 3] = 1  # a part of it alone: necessity, as the first
    x[:, 1:] = (rng.random((n, 3)) < 0.05) * rng.lognormal(size=(n, 3))
    y[:, 4:] = (rng.random((n, 3)) < 0.05) * rng.lognormal(size=(n, 3))
    y[on & (rng.random(n) < 0.03), 1] = 0
    return plant(tmp_path / "measures.h5", {"0": x, "1": y}), x, y


def wanted(x: np.ndarray, y: np.ndarray, measure: str) -> np.ndarray:
    """Values of a measure between all features, straight from its definition."""
    return np.array([[dense_measures(a, b)[measure] for b in y.T] for a in x.T])


def test_the_measures_of_this_store_are_told_apart(dense: tuple[Store, np.ndarray, np.ndarray]) -> None:
    """What the tests below rest on: whoever reads Pearson for another measure gets other links."""
    _, x, y = dense
    best = {measure: int(np.nanargmax(wanted(x, y, measure)[0])) for measure in ("pearson", "jaccard", "sufficiency")}
    assert best == {"pearson": 0, "jaccard": 1, "sufficiency": 2}


@pytest.mark.parametrize("measure", MEASURES)
def test_links_are_of_the_measure_that_was_asked_for(dense: tuple[Store, np.ndarray, np.ndarray], measure: str) -> None:
    store, x, y = dense
    values = wanted(x, y, measure)
    found = StoreLinks(store).neighbours(Feature("0", 0), "1", measure, 1)[0]
    assert values[0, found.target.index] == np.nanmax(values[0])  # of equal ones that with the larger n_both
    assert found.measures[measure] == pytest.approx(np.nanmax(values[0]))
    pair, _ = pair_links(store, "0", "1", floor=0.01)
    floor = float(np.nanquantile(values, 0.7))
    for source, target, value in edge_table(store, pair, [measure], floor).select("source", "target", measure).rows():
        assert value == pytest.approx(values[Feature.parse(source).index, Feature.parse(target).index])
        assert value >= floor


@pytest.mark.parametrize("measure", BOUNDED)
def test_turnover_and_communities_are_of_the_measure_that_was_asked_for(
    dense: tuple[Store, np.ndarray, np.ndarray], measure: str
) -> None:
    store, x, y = dense
    values = wanted(x, y, measure)
    found = matches(store, "0", "1", measure, nulls=False)
    assert found.forward.value[0] == pytest.approx(np.nanmax(values[0]))
    assert found.forward.partner[0] == np.nanargmax(values[0])
    graph = store_graph(store, measure, 0.2)
    drawn = {
        (graph.index[s], graph.index[t]): w for s, t, w in zip(graph.source, graph.target, graph.weight, strict=True)
    }
    assert drawn
    for (i, j), weight in drawn.items():
        assert weight == pytest.approx(values[i, j])
