"""Communities: planted ones recovered, none in the twin; weights and halves against dense sums; the seed's faults."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl
import pytest

from core.__main__ import main
from core.analyses.communities import Communities, Settings, communities, store_communities
from core.analyses.community_tables import community_graph
from core.analyses.edges import edge_table
from core.analyses.feature_graph import FeatureGraph, links_graph, table_graph
from core.analyses.grouping import partition_of
from core.analyses.keywords import keywords, words_of
from core.analyses.neighbours import StoreLinks
from core.analyses.store_graph import document_halves, half_graphs, store_graph
from core.errors import BadArgument, NothingRecorded
from core.labels import Labels, labels_path, write_labels
from core.results import clear_cache, pair_links
from core.sources.planted import plant, planted_tokens
from core.sources.structures import Planting, one_of_each
from core.sources.truth import Truth
from core.statistics.partitions import adjusted_rand_index, best_overlaps, modularity_shares, numbered, within_and_at
from core.store import Store
from core.values import MEASURES, Feature, Label, Name
from tests.tiny import dense

METHODS = ("leiden", "louvain")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Truth]:
    return one_of_each(tmp_path_factory.mktemp("planted") / "all.h5")


def found_in(store: Store, **settings: object) -> Communities:
    return store_communities(store, Labels.beside(store), Settings(**settings))  # type: ignore[arg-type]


def ends_and_weights(graph: FeatureGraph) -> dict[tuple[Feature, Feature], float]:
    of = graph.features
    links = zip(graph.source.tolist(), graph.target.tolist(), graph.weight.tolist(), strict=True)
    return {(of[a], of[b]): w for a, b, w in links}


def ring_of_cliques(cliques: int = 12, size: int = 4) -> FeatureGraph:
    """Cliques over sites 0, 1, ..., each linked with the next by one link, shuffled."""
    rows = []
    for c in range(cliques):
        rows += [(f"{i}_{c}", f"{j}_{c}", 1.0) for i, j in itertools.combinations(range(size), 2)]
        rows.append((f"0_{c}", f"1_{(c + 1) % cliques}", 1.0))
    np.random.default_rng(3).shuffle(rows)
    rows = [(a, b, float(w)) for a, b, w in rows]
    return table_graph(pl.DataFrame(rows, ["source", "target", "jaccard"], orient="row"))


# ---- planted


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_communities_are_recovered(tmp_path: Path, method: str, seed: int) -> None:
    store, truth = one_of_each(tmp_path / "a.h5", seed=seed)
    found = found_in(store, method=method)
    groups = [*(c.features for c in truth.communities), *(c.features for c in truth.chains)]
    wanted = {feature: k for k, features in enumerate(groups) for feature in features if len(features) > 2}
    parts = np.array([found.membership.get(feature, 0) for feature in wanted])
    assert adjusted_rand_index(np.array(list(wanted.values())), parts) >= 0.95
    for planted in truth.communities:
        one = found.of(found.membership[planted.features[0]])
        assert one is not None
        assert set(one.features) == set(planted.features)
        assert one.stability >= 0.9
        assert one.cohesion == 1.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("measure", ["jaccard", "pearson"])
def test_the_negative_twin_has_none(tmp_path: Path, method: str, measure: str) -> None:
    store, _ = one_of_each(tmp_path / "twin.h5", twin=True)
    assert found_in(store, method=method, measure=measure).communities == ()


def test_dense_features_do_not_cling_together_by_chance(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sites = {key: (rng.random((3000, 6)) < 0.4).astype(np.float32) for key in "012"}
    sites["1"][:, 5] = sites["0"][:, 5]  # truly the same
    store = plant(tmp_path / "dense.h5", sites)
    graph = store_graph(store)
    assert list(ends_and_weights(graph)) == [(Feature("0", 5), Feature("1", 5))]


# ---- weights against dense sums


def dense_weights(
    store: Store, measure: str, floor: float, activity: float, min_both: int, rows: np.ndarray
) -> dict[tuple[Feature, Feature], float]:
    """Links between adjacent sites on some positions, one pair of columns at a time; maxima are the whole store's."""
    found = {}
    for a, b in itertools.pairwise(store.sites):
        X, Y = dense(store, a.key).astype(np.float64), dense(store, b.key).astype(np.float64)
        A, B = (activity * M.max(0) < M for M in (X, Y))
        X, Y, A, B = X[rows], Y[rows], A[rows], B[rows]
        for i, j in itertools.product(range(a.d_sae), range(b.d_sae)):
            both, n_i, n_j = int((A[:, i] & B[:, j]).sum()), int(A[:, i].sum()), int(B[:, j].sum())
            value = dense_value(measure, len(rows), n_i, n_j, both, X[:, i], Y[:, j], X[:, i] @ Y[:, j])
            by_chance = X[:, i].sum() * Y[:, j].sum() / len(rows)
            chance = dense_value(measure, len(rows), n_i, n_j, n_i * n_j // len(rows), X[:, i], Y[:, j], by_chance)
            chance = 0.0 if math.isnan(chance) else max(chance, 0.0)
            if both >= min_both and value >= floor and (value - chance) / (1 - chance) >= floor / 2:
                found[Feature(a.key, i), Feature(b.key, j)] = value
    return found


def dense_value(measure: str, n: int, n_i: int, n_j: int, both: int, x: np.ndarray, y: np.ndarray, xy: float) -> float:
    def share(a: float, b: float) -> float:
        return a / b if b else math.nan

    if measure == "pearson":
        return share(xy / n - x.mean() * y.mean(), x.std() * y.std())
    if measure == "cosine":
        return share(xy, math.sqrt((x @ x) * (y @ y)))
    return {
        "jaccard": share(both, n_i + n_j - both),
        "sufficiency": share(both, n_i),
        "necessity": share(both, n_j),
    }[measure]


@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize(
    ("measure", "floor"), [("jaccard", 0.05), ("pearson", 0.12), ("cosine", 0.2), ("necessity", 0.15)]
)
def test_weights_are_those_of_a_dense_oracle(random_store: Store, measure: str, floor: float, activity: float) -> None:
    everywhere = np.arange(random_store.n_positions)
    wanted = dense_weights(random_store, measure, floor, activity, 4, everywhere)
    found = ends_and_weights(store_graph(random_store, measure, floor, activity, min_both=4))
    assert len(wanted) > 5
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize(("measure", "floor"), [("jaccard", 0.08), ("pearson", 0.15)])
def test_halves_are_those_of_a_dense_oracle(random_store: Store, measure: str, floor: float, activity: float) -> None:
    halves = document_halves(random_store)
    assert sorted(np.concatenate(halves).tolist()) == list(range(random_store.n_positions))
    document = np.arange(random_store.n_positions) // 100
    assert not set(document[halves[0]]) & set(document[halves[1]])
    graphs = half_graphs(random_store, measure, floor, activity, min_both=3)
    for positions, graph in zip(halves, graphs, strict=True):
        wanted = dense_weights(random_store, measure, floor, activity, 2, positions)
        assert len(wanted) > 3
        assert ends_and_weights(graph) == pytest.approx(wanted)


def test_any_links_and_an_edge_table_give_the_same_graph(planted: tuple[Store, Truth]) -> None:
    store, _ = planted
    graph = store_graph(store)
    assert ends_and_weights(links_graph(StoreLinks(store))) == pytest.approx(ends_and_weights(graph))
    pairs = [pair_links(store, a.key, b.key)[0] for a, b in itertools.pairwise(store.sites)]
    table = pl.concat(edge_table(store, pair, ["jaccard"], 0.1) for pair in pairs).filter(pl.col("n_both") >= 10)
    again = table_graph(table.sample(fraction=1.0, shuffle=True, seed=1))
    assert ends_and_weights(again) == pytest.approx(ends_and_weights(graph))
    assert communities(again).parts.tolist() == communities(graph).parts.tolist()


def test_all_pairs_of_sites_link_what_skips_a_site(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    fires = (rng.random((2000, 1)) < 0.05).astype(np.float32)
    silent = np.zeros_like(fires)
    store = plant(tmp_path / "skip.h5", {"0": fires, "1": silent, "2": fires})
    assert len(found_in(store).graph.weight) == 0
    assert list(ends_and_weights(found_in(store, every=True).graph)) == [(Feature("0", 0), Feature("2", 0))]


# ---- partitions


@pytest.mark.parametrize("method", METHODS)
def test_the_resolution_takes_effect(method: str) -> None:
    """The seed passes its resolution on to nothing: every value gives the same communities."""
    graph = ring_of_cliques()
    numbers = [len(set(partition_of(graph, method, resolution).tolist())) for resolution in (0.05, 1.0, 40.0)]
    assert numbers[1] == 12
    assert numbers[0] < numbers[1] < numbers[2]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("resolution", [0.3, 1.0, 3.0])
def test_what_is_found_beats_what_it_might_be_taken_for(method: str, resolution: float) -> None:
    """The modularity with this resolution is higher than that of the partitions found at others."""
    graph = ring_of_cliques()
    ends = graph.source, graph.target, graph.weight

    def worth(parts: np.ndarray) -> float:
        return float(modularity_shares(*within_and_at(parts, *ends), resolution).sum())

    best = worth(partition_of(graph, method, resolution))
    assert all(best >= worth(partition_of(graph, method, other)) - 1e-12 for other in (0.05, 0.3, 1.0, 3.0, 40.0))


def test_modularity_is_that_of_networkx() -> None:
    graph = ring_of_cliques()
    parts = np.random.default_rng(0).integers(0, 5, len(graph.site))
    whole = nx.Graph()
    whole.add_weighted_edges_from(zip(graph.source, graph.target, graph.weight, strict=True))
    groups = [set(np.flatnonzero(parts == p).tolist()) for p in range(5)]
    within = within_and_at(parts, graph.source, graph.target, graph.weight)
    for resolution in (0.5, 1.0, 2.0):
        wanted = nx.community.modularity(whole, groups, resolution=resolution)
        assert modularity_shares(*within, resolution).sum() == pytest.approx(wanted)


def test_agreement_is_that_of_all_pairs_of_nodes() -> None:
    rng = np.random.default_rng(2)
    for _ in range(5):
        a, b = rng.integers(0, 4, 30), rng.integers(0, 3, 30)
        pairs = list(itertools.combinations(range(30), 2))
        first, second = (np.array([p[i] == p[j] for i, j in pairs]) for p in (a, b))
        expected = first.sum() * second.sum() / len(pairs)
        wanted = ((first & second).sum() - expected) / ((first.sum() + second.sum()) / 2 - expected)
        assert adjusted_rand_index(a, b) == pytest.approx(wanted)
        overlaps = [max(np.mean((b == q)[(a == p) | (b == q)] & (a == p)[(a == p) | (b == q)]) for q in range(3))
                    for p in range(4)]  # fmt: skip
        assert best_overlaps(a, b).tolist() == pytest.approx(overlaps)
    assert adjusted_rand_index(np.arange(5), np.arange(5)[::-1]) == 1.0


@pytest.mark.parametrize("method", METHODS)
def test_the_answer_depends_on_the_arguments_alone(planted: tuple[Store, Truth], method: str) -> None:
    store, _ = planted
    first = found_in(store, method=method)
    for threads in (1, 3):
        clear_cache()
        again = store_communities(store, Labels.beside(store), Settings(method=method), threads=threads)
        assert [c.as_json() for c in again.communities] == [c.as_json() for c in first.communities]
    sizes = [c.size for c in first.communities]
    assert sizes == sorted(sizes, reverse=True)
    assert [c.id for c in first.communities] == list(range(1, len(sizes) + 1))


def test_a_split_that_is_arbitrary_is_told_to_be_unstable(tmp_path: Path) -> None:
    """One group of equal links has no parts; modularity cuts it all the same, and elsewhere on each half."""
    planting = Planting(sites=3, width=40, tokens=10_000)
    planting.community((0, 1, 2), size=12)
    stable = Planting(sites=3, width=40, tokens=10_000)
    for _ in range(4):
        stable.community((0, 1, 2), size=3)
    found = [found_in(p.build(tmp_path / f"{k}.h5")[0]) for k, p in enumerate((planting, stable))]
    assert found[0].agreement_halves < 0.5 < found[1].agreement_halves
    assert max(c.stability for c in found[0].communities) < 0.8
    assert min(c.stability for c in found[1].communities) > 0.9


def test_a_single_document_has_no_halves(tmp_path: Path) -> None:
    fires = (np.random.default_rng(0).random((800, 1)) < 0.1).astype(np.float32)
    store = plant(tmp_path / "one.h5", {key: fires for key in "012"}, tokens=planted_tokens(800, [800]))
    (one,) = found_in(store).communities
    assert math.isnan(one.over_halves)
    assert one.stability == one.over_seeds == 1.0


def test_nothing_in_nothing_out() -> None:
    empty = table_graph(pl.DataFrame(schema={"source": pl.String, "target": pl.String, "jaccard": pl.Float64}))
    found = communities(empty)
    assert found.communities == ()
    assert math.isnan(found.modularity)


# ---- links by weights


@pytest.mark.parametrize("measure", ["decoder_cosine", "virtual_weight"])
def test_links_by_weights_are_those_of_the_matrices_and_have_no_halves(tmp_path: Path, measure: str) -> None:
    rng = np.random.default_rng(4)
    group = np.repeat(np.eye(4), 4, axis=0)  # four groups of four directions at each site
    weights = {}
    for key in "012":
        near = (group + 0.1 * rng.standard_normal((16, 4))).astype(np.float32)
        weights[key] = {"decoder": near, "encoder": near.T.copy()}
    active = {key: (rng.random((300, 16)) < 0.3).astype(float) for key in "012"}
    for site in active.values():
        site[:, 15] = 0  # dead features have no part in it
    store = plant(tmp_path / "weights.h5", active, weights=weights)
    graph = store_graph(store, measure, 0.5)
    expected = set()
    for a, b in (("0", "1"), ("1", "2")):
        x, y = (np.asarray(weights[key]["decoder"], np.float64) for key in (a, b))
        if measure == "decoder_cosine":
            x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
        full = (x @ y.T)[:15, :15]
        expected |= {(f"{a}_{i}", f"{b}_{j}") for i, j in zip(*np.nonzero(full >= 0.5), strict=True)}
    assert {(str(a), str(b)) for a, b in ends_and_weights(graph)} == expected
    assert half_graphs(store, measure, 0.5) == ()
    found = found_in(store, measure=measure, floor=0.5)
    assert sorted(one.size for one in found.communities) == [9, 12, 12, 12]
    assert all({f.index // 4 for f in one.features} == {one.features[0].index // 4} for one in found.communities)
    assert math.isnan(found.agreement_halves)
    assert all(math.isnan(one.over_halves) and one.stability == 1 for one in found.communities)
    part = community_graph(StoreLinks(store), found, 1, lambda feature: Name(), measure=measure, floor=0.5)
    assert all(data["weight"] == data[measure] >= 0.5 for *_, data in part.edges(data=True))
    rotated = {key: {"decoder": rng.standard_normal((16, 64)), "encoder": np.zeros((64, 16))} for key in "012"}
    apart = plant(tmp_path / "apart.h5", active, weights=rotated)
    assert found_in(apart, measure=measure, floor=0.6).communities == ()


def test_measures_of_weights_that_give_no_links_are_named(planted: tuple[Store, Truth]) -> None:
    with pytest.raises(BadArgument, match="no links above a floor"):
        store_graph(planted[0], "folded_mse")
    with pytest.raises(NothingRecorded):
        store_graph(planted[0], "decoder_cosine")


# ---- keywords


def test_keywords_come_from_labels_and_hints_stay_hints(planted: tuple[Store, Truth]) -> None:
    store, truth = planted
    first, second = truth.communities
    named = [(f, Label("names of girls in stories", "test")) for f in first.features]
    named += [(f, Label("numbers in stories", "test")) for f in second.features[:6]]
    write_labels(labels_path(store.path), named)
    found = found_in(store)
    one, other = (found.of(found.membership[c.features[0]]) for c in (first, second))
    assert one is not None
    assert other is not None
    assert {word.text for word in one.keywords} == {"names", "girls"}
    assert "numbers" in {word.text for word in other.keywords if not word.hint}
    assert {word.written[0] for word in other.keywords if word.hint} <= {"“"}
    labels_path(store.path).unlink()


def test_a_word_of_every_label_characterises_nothing() -> None:
    texts = ["words about cats", "words about cats", "words about dogs", "words about dogs"]
    words = words_of(map(Feature, "0000", range(4)), lambda f: Name(texts[f.index]))
    found = keywords([0, 0, 1, 1], words)
    assert [[word.text for word in found[group]] for group in (0, 1)] == [["cats"], ["dogs"]]


def test_words_that_stand_side_by_side_are_one_and_others_are_not() -> None:
    texts = ["full stop", "a full stop", "word at a full stop", "proper noun", "noun", "noun", "noun", "proper noun",
             "proper noun at a full stop", "red hat", "red", "hat", "red hat", "hat of red", "hat red"]  # fmt: skip
    words = [has for _, has in words_of([Feature("0", i) for i in range(15)], lambda f: Name(texts[f.index]))]
    assert [set(has) for has in words[:5]] == [{"full stop"}, {"full stop"}, {"word", "full stop"}, {"proper noun"},
                                               {"noun"}]  # fmt: skip
    assert words[8] == {"proper noun", "full stop"}
    assert words[9] == {"red", "hat"}  # as often apart


# ---- the command


def test_the_command_prints_one_document_with_the_agreed_keys(
    planted: tuple[Store, Truth], capsys: pytest.CaptureFixture[str]
) -> None:
    store, truth = planted
    assert main(["communities", str(store.path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    agreed = ["id", "size", "features", "sites", "stability", "keywords"]
    assert all(list(row) == [*agreed, "over_seeds", "over_halves", "cohesion"] for row in rows)
    assert {frozenset(row["features"]) for row in rows[:2]} == {
        frozenset(map(str, c.features)) for c in truth.communities
    }
    assert main(["communities", str(store.path), "--json", "--resolution", "100", "--method", "louvain"]) == 0
    assert len(json.loads(capsys.readouterr().out)) < len(rows)  # all smaller than three
    assert main(["communities", str(store.path)]) == 0
    assert "adjusted Rand index" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--resolution", "0"], ["--floor", "-1"], ["--seed", "-3"], ["--activity", "2"]])
def test_what_makes_no_sense_is_a_named_error(
    planted: tuple[Store, Truth], wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["communities", str(planted[0].path), *wrong]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_an_unknown_method_or_column_is_named() -> None:
    with pytest.raises(BadArgument, match="no method 'kmeans'"):
        communities(ring_of_cliques(), "kmeans")
    with pytest.raises(BadArgument, match="no column 'pearson'"):
        table_graph(pl.DataFrame({"source": ["0_1"], "target": ["1_1"], "jaccard": [0.5]}), "pearson")
    assert set(MEASURES) >= {"jaccard"}


@pytest.mark.parametrize("seed", range(5))
def test_communities_are_numbered_by_size_whatever_labels_an_algorithm_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = np.repeat([0, 1, 2, 3], [5, 40, 11, 2])
    relabelled = rng.permutation(4)[parts]
    assert numbered(parts).tolist() == numbered(relabelled).tolist()
    assert np.bincount(numbered(relabelled)).tolist() == [40, 11, 5, 2]
