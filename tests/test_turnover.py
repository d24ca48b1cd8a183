"""Turnover: every number against dense float64 matrices; planted truth and its twins; the seed's errors; chance."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses.layer_tables import turnover_table
from core.analyses.matches import ADMISSIBLE, Matches, adjacent_matches, matches
from core.analyses.turnover import BANDS, band, share_at, share_curves, turnover
from core.commands.output import plain
from core.errors import BadArgument, Cancelled, NothingRecorded
from core.results import pair_links, results_folder
from core.sources.planted import plant, planted_tokens
from core.sources.structures import Planting, one_of_each
from core.statistics import best_alive
from core.statistics.chance import direction_maxima, row_maxima
from core.statistics.measures import BOUNDED
from core.statistics.nulls import draw, layout_of, partners_of
from core.store import Store
from core.values import MIN_ACTIVE
from tests.oracle import dense_measures, random_dense, some_uncounted

KEYS = (
    "from", "to", "measure", "threshold", "alive_from", "alive_to", "dead_from", "rare_from", "dead_to", "rare_to",
    "passed", "passed_mutual", "passed_by_chance", "ended", "inherited", "born",
)  # fmt: skip


def dense_site(store: Store, key: str) -> np.ndarray:
    """Activations [n_positions, d_sae] on the counted positions."""
    out = np.zeros((store.n_positions, store.site(key).d_sae))
    rows = store.by_feature(key)
    for f in range(out.shape[1]):
        entries = slice(int(rows.offsets[f]), int(rows.offsets[f + 1]))
        out[rows.indices[entries], f] = rows.values[entries]
    return out[np.asarray(store.tokens.counted).astype(bool)]


def oracle_matrix(x: np.ndarray, y: np.ndarray, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Measure and n_both of every pair; NaN where either is not alive."""
    values, both = np.full((x.shape[1], y.shape[1]), np.nan), np.zeros((x.shape[1], y.shape[1]))
    for i in np.flatnonzero((x > 0).sum(0) >= MIN_ACTIVE):
        for j in np.flatnonzero((y > 0).sum(0) >= MIN_ACTIVE):
            found = dense_measures(x[:, i], y[:, j])
            values[i, j], both[i, j] = found[measure], found["n_both"]
    return values, both


def oracle_best(values: np.ndarray, both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Partner and value of every row; ties to the larger n_both, then the smaller index."""
    partner, best = np.full(len(values), -1), np.full(len(values), np.nan)
    for i, row in enumerate(values):
        order = sorted((-v, -both[i, j], j) for j, v in enumerate(row.round(12)) if not np.isnan(v))
        if order:
            partner[i], best[i] = order[0][2], row[order[0][2]]
    return partner, best


@pytest.mark.parametrize("measure", BOUNDED)
@pytest.mark.parametrize("seed", [0, 1])
def test_best_matches_and_counts_against_a_dense_oracle(tmp_path: Path, measure: str, seed: int) -> None:
    tokens = some_uncounted(300, seed)
    sites = {"0": random_dense(300, 25, seed, 0.06), "1": random_dense(300, 30, seed + 9, 0.06)}
    sites["1"][:, 10:14] = sites["0"][:, 10:14] * 2  # passed on
    store = plant(tmp_path / "r.h5", sites, tokens=tokens)
    found = matches(store, "0", "1", measure)
    values, both = oracle_matrix(dense_site(store, "0"), dense_site(store, "1"), measure)
    for side, table, counts in ((found.forward, values, both), (found.backward, values.T, both.T)):
        partner, best = oracle_best(table, counts)
        np.testing.assert_allclose(side.value, best, atol=1e-12)
        assert side.partner.tolist() == partner.tolist()
    for threshold in (0.1, 0.3, 0.9, 0.95):
        told = turnover(found, threshold)
        assert told.passed == np.count_nonzero(np.nanmax(np.nan_to_num(values, nan=-1), 1) >= threshold)
        assert told.inherited == np.count_nonzero(np.nanmax(np.nan_to_num(values, nan=-1), 0) >= threshold)
        assert told.passed + told.ended == told.alive_from
        assert told.inherited + told.born == told.alive_to


def test_rare_features_that_fill_the_kept_places_hide_no_alive_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 rare features resemble the source more than the best alive one does, which is below the floor as well."""
    n = 4000
    source, target = np.zeros((n, 41)), np.zeros((n, 41))
    source[:12, 0] = 1
    target[:9, :20] = 1  # rare, and all of them closer to the source than what is alive
    target[10:400, 20] = 1  # alive: 2 in common with the source
    target[20:420, 21:41] = source[20:420, 1:21] = 1  # these fill the columns of the alive one
    source[10:400, 21:41] = 1
    store = plant(tmp_path / "full.h5", {"0": source, "1": target})
    pair, _ = pair_links(store, "0", "1")
    assert not np.any((pair.sources == 0) & (pair.targets == 20)), "the pair that matters is not among the kept ones"
    asked: list[str] = []
    ask = best_alive.ask
    monkeypatch.setattr(best_alive, "ask", lambda store, f, *rest: asked.append(str(f)) or ask(store, f, *rest))
    for measure in BOUNDED:
        values, _ = oracle_matrix(source, target, measure)
        forward, backward = best_alive.best_of_pair(store, pair, measure)
        np.testing.assert_allclose(forward.value, [np.nan if np.isnan(r).all() else np.nanmax(r) for r in values])
        np.testing.assert_allclose(backward.value, [np.nan if np.isnan(r).all() else np.nanmax(r) for r in values.T])
        assert forward.partner[0] == 20
    assert "0_0" in asked


def with_decoders(path: Path) -> tuple[Store, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((30, 12)), rng.standard_normal((25, 12))
    b[:10] = 3 * a[:10] + 0.1 * rng.standard_normal((10, 12))
    b[24] = 0
    weights = {key: {"decoder": each.astype(np.float32)} for key, each in (("0", a), ("1", b))}
    sites = {"0": random_dense(200, 30, 0, 0.2), "1": random_dense(200, 25, 1, 0.2)}
    return plant(path, sites, weights=weights), a, b


def test_decoder_cosine_against_dense_arithmetic(tmp_path: Path) -> None:
    store, a, b = with_decoders(tmp_path / "d.h5")
    found = matches(store, "0", "1", "decoder_cosine")
    with np.errstate(invalid="ignore"):
        table = (a / np.linalg.norm(a, axis=1)[:, None]) @ (b / np.linalg.norm(b, axis=1)[:, None]).T
    table[~found.alive_from], table[:, ~found.alive_to] = np.nan, np.nan
    for side, values in ((found.forward, table), (found.backward, table.T)):
        partner, best = oracle_best(values, np.zeros(values.shape))
        np.testing.assert_allclose(side.value, best, atol=1e-6)
        assert side.partner.tolist() == partner.tolist()
    assert turnover(found, 0.95).passed == sum(found.alive_from[:10])
    assert turnover(found, 0.95).passed_by_chance == 0


# ---- what was planted


def as_pairs(found: Matches, threshold: float = 0.95) -> set[tuple[str, str]]:
    heir = found.mutual_at(threshold)
    return {(f"{found.source}_{i}", f"{found.target}_{heir[i]}") for i in np.flatnonzero(heir >= 0)}


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_chains_are_passed_on_and_their_twins_are_not(tmp_path: Path, seed: int) -> None:
    for twin in (False, True):
        planting = Planting(sites=4, width=40, tokens=20_000, seed=seed, noise=0.0, twin=twin)
        for first, last in ((0, 3), (0, 3), (0, 1), (0, 1), (1, 2), (1, 3), (2, 3), (2, 3)):
            planting.passed_on(first, last)
        for site in range(4):
            planting.unrelated(site), planting.bursty(site), planting.rare(site), planting.dead(site)
        store, truth = planting.build(tmp_path / f"{twin}.h5")
        for found in adjacent_matches(store):
            told = turnover(found)
            planted = {(str(a), str(b)) for a, b in truth.passed(found.source, found.target)}
            assert as_pairs(found) == planted
            assert told.passed == told.inherited == told.passed_mutual == len(planted)
            assert told.passed_by_chance == 0
            assert bool(planted) != twin


@pytest.mark.parametrize("measure", BOUNDED)
def test_a_store_of_every_structure_but_chains_passes_nothing_on(tmp_path: Path, measure: str) -> None:
    store, _ = one_of_each(tmp_path / "twin.h5", twin=True)
    assert [turnover(found, 0.5).passed for found in adjacent_matches(store, measure)] == [0, 0, 0]


# ---- the seed's errors


def test_dead_and_rare_features_are_neither_ended_nor_born(tmp_path: Path) -> None:
    """The seed counts every feature without a match as disappearing, dead ones included."""
    planting = Planting(sites=2, width=30, tokens=5_000, noise=0.0)
    planting.passed_on(0, 1)
    planting.unrelated(0), planting.unrelated(1), planting.unrelated(1)
    for _ in range(3):
        planting.rare(0), planting.rare(1)
    told = turnover(matches(planting.build(tmp_path / "d.h5")[0], "0", "1"))
    assert (told.ended, told.born) == (1, 2)
    assert (told.dead_from, told.rare_from, told.dead_to, told.rare_to) == (25, 3, 24, 3)
    assert told.alive_from + told.dead_from + told.rare_from == 30


def test_births_are_counted_at_the_site_where_they_happen(tmp_path: Path) -> None:
    """The seed's "appearing" labels are shifted by one layer; three features begin at site 2 and nowhere else."""
    planting = Planting(sites=4, width=20, tokens=5_000, noise=0.0)
    planting.passed_on(0, 3)
    for _ in range(3):
        planting.passed_on(2, 3)
    store, truth = planting.build(tmp_path / "b.h5")
    found = adjacent_matches(store)
    assert {one.target: turnover(one).born for one in found} == {"1": 0, "2": 3, "3": 0}
    assert {one.source: turnover(one).ended for one in found} == {"0": 0, "1": 0, "2": 0}
    born = {f"2_{index}" for index in band(found[1], "born")}
    assert born == {str(feature) for feature in truth.born("2")}


@pytest.mark.parametrize("measure", ADMISSIBLE)
def test_best_matches_are_kept_and_their_pair_is_not_read_again(
    tmp_path: Path, measure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    sites = {key: (rng.random((400, 20)) < 0.2) * rng.lognormal(size=(400, 20)) for key in "01"}
    weights = {key: {"decoder": rng.standard_normal((20, 6)).astype(np.float32)} for key in "01"}
    store = plant(tmp_path / "s.h5", sites, weights=weights)
    first = matches(store, "0", "1", measure)
    for name in ("pair_links", "best_of_pair", "best_by_direction", "row_maxima"):
        monkeypatch.setattr(f"core.analyses.matches.{name}", lambda *asked, **running: pytest.fail("asked again"))
    again = matches(store, "0", "1", measure)
    for side in ("forward", "backward"):
        for part in ("partner", "value"):
            np.testing.assert_array_equal(getattr(getattr(first, side), part), getattr(getattr(again, side), part))
    assert {name: values.tolist() for name, values in first.chance.items()} == {
        name: values.tolist() for name, values in again.chance.items()
    }


# ---- bands and curves


@pytest.mark.parametrize("threshold", [0.3, 0.95])
def test_bands_hold_the_features_that_were_counted(tmp_path: Path, threshold: float) -> None:
    store, _ = one_of_each(tmp_path / "a.h5", tokens=10_000)
    found = matches(store, "1", "2")
    told, size = turnover(found, threshold), {name: len(band(found, name, threshold)) for name in BANDS}
    assert size["mutual"] == told.passed_mutual
    assert size["mutual"] + size["passed"] == told.passed
    assert size["mutual"] + size["inherited"] == told.inherited
    for name in ("ended", "born", "dead_from", "dead_to", "rare_from", "rare_to"):
        assert size[name] == getattr(told, name)
    with pytest.raises(BadArgument):
        band(found, "gone")


def test_the_curve_is_the_turnover_at_every_threshold(tmp_path: Path) -> None:
    store, _ = one_of_each(tmp_path / "a.h5", tokens=10_000)
    found = matches(store, "0", "1", "jaccard")
    values = np.unique(found.forward.value[found.forward.value > 0])  # the steps themselves included
    (curve,) = share_curves([found], values)
    for k in range(0, len(values), 7):
        told = turnover(found, float(values[k]))
        assert curve["passed"][k] == told.share
        assert curve["mutual"][k] * told.alive_from == pytest.approx(told.passed_mutual)
        assert curve["chance"][k] * told.alive_from == pytest.approx(told.passed_by_chance)
    assert np.isnan(share_at(np.array([]), np.array([0.5]))).all()


# ---- chance


def test_row_maxima_against_dense_arithmetic(tmp_path: Path) -> None:
    store = plant(tmp_path / "m.h5", {"0": random_dense(400, 12, 0), "1": random_dense(400, 15, 1)})
    x, y = dense_site(store, "0"), dense_site(store, "1")
    rows = np.flatnonzero(best_alive.alive(store, "0"))
    for name, found in row_maxima(store, "0", "1").items():
        to = partners_of(layout_of(store), draw(layout_of(store), name), np.arange(400))
        moved = np.where((to >= 0)[:, None], y[to], 0)
        for r, i in enumerate(rows):
            for m, measure in enumerate(BOUNDED):
                best = 0.0
                for j in np.flatnonzero(best_alive.alive(store, "1")):
                    value = dense_measures(x[:, i], moved[:, j])[measure]
                    best = max(best, 0.0 if np.isnan(value) else value)
                assert found[r, m] == pytest.approx(best, abs=1e-9)


def test_chance_sees_what_depends_on_the_place_or_on_the_topic_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    place = np.tile(np.arange(50), 200)
    topic = np.repeat(rng.random((200, 8)) < 0.1, 50, axis=0)
    words = rng.random((10_000, 8)) < 0.02
    by_kind = {
        "place": np.stack([place == k for k in range(1, 9)], 1), "topic": topic, "word": words,
    }  # fmt: skip
    tokens = planted_tokens(10_000, [50] * 200)
    high = {}
    for kind, dense in by_kind.items():
        store = plant(tmp_path / f"{kind}.h5", {"0": dense * 1.0, "1": dense * 2.0}, tokens=tokens)
        found = matches(store, "0", "1")
        assert turnover(found).passed == 8
        high[kind] = {name: bool(np.mean(values >= 0.9) == 1) for name, values in found.chance.items()}
        assert turnover(found).passed_by_chance == (0 if kind == "word" else 8)
    assert high["place"] == {"document": True, "shift": False}
    assert high["topic"] == {"document": False, "shift": True}
    assert high["word"] == {"document": False, "shift": False}


def test_where_no_null_says_anything_chance_is_unknown_and_not_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dense = random_dense(400, 12, 0, 0.2)
    tokens = replace(planted_tokens(400, [1] * 400), sequence_document=np.zeros(400, np.int64))
    store = plant(tmp_path / "s.h5", {"0": dense, "1": dense}, tokens=tokens)  # one document of one-token sequences
    alone = matches(store, "0", "1")
    assert turnover(alone).passed > 0
    assert np.isnan(turnover(alone).passed_by_chance)
    assert np.isnan(share_curves([alone], np.array([0.5, 0.9]))[0]["chance"]).all()
    assert plain(turnover(alone).as_json())["passed_by_chance"] is None
    assert turnover_table([alone], 0.9)["passed_by_chance"].to_list() == [None]
    known = replace(alone, chance={"shift": np.array([0.5, 0.96]), "document": np.zeros(0)})  # the twin: one speaks
    assert turnover(known).passed_by_chance == known.alive_from.sum() / 2


@pytest.mark.parametrize("measure", ["pearson", "decoder_cosine"])
def test_the_nulls_can_be_stopped_and_tell_how_far_they_are(tmp_path: Path, measure: str) -> None:
    store, _, _ = with_decoders(tmp_path / "d.h5")
    shares: list[float] = []
    with pytest.raises(Cancelled):  # the best matches are through, the nulls are not
        matches(store, "0", "1", measure, progress=shares.append, cancelled=lambda: max(shares, default=0) >= 0.5)
    assert max(shares) < 1
    shares.clear()
    notices: list[str] = []
    matches(store, "0", "1", measure, progress=shares.append)
    assert any(0.5 < share < 1 for share in shares) or measure == "decoder_cosine"  # one block of directions
    assert max(shares) == 1.0
    for path in results_folder().glob("*.h5"):
        path.write_bytes(path.read_bytes()[:700])
    matches(store, "0", "1", measure, notice=notices.append)
    assert {notice.split("-")[0] for notice in notices} >= {"matches", "turned" if "cosine" in measure else "maxima"}


def test_directions_agree_by_chance_in_few_dimensions_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sites = {"0": random_dense(200, 200, 0, 0.3), "1": random_dense(200, 200, 1, 0.3)}
    for d, low, high in ((2, 0.99, 1.0), (64, 0.2, 0.7)):
        weights = {key: {"decoder": rng.standard_normal((200, d)).astype(np.float32)} for key in sites}
        best = direction_maxima(plant(tmp_path / f"{d}.h5", sites, weights=weights), "0", "1")
        assert low <= np.median(best) <= high


# ---- refusals and the command


def test_refusals(tmp_path: Path) -> None:
    store = plant(tmp_path / "s.h5", {"0": random_dense(50, 8, 0), "1": random_dense(50, 8, 1)})
    for measure in ("sufficiency", "necessity", "mutual_information", "likeness"):
        with pytest.raises(BadArgument, match="symmetric"):
            matches(store, "0", "1", measure)
    with pytest.raises(NothingRecorded):
        matches(store, "0", "1", "decoder_cosine")
    found = matches(store, "1", "0")  # given backwards
    assert (found.source, found.target) == ("0", "1")
    for threshold in (0.0, -1.0, 1.1, float("nan")):
        with pytest.raises(BadArgument, match="threshold"):
            turnover(found, threshold)


def test_sites_where_nothing_is_alive(tmp_path: Path) -> None:
    store = plant(tmp_path / "z.h5", {"0": np.zeros((30, 4)), "1": np.ones((30, 3)), "2": random_dense(30, 6, 0)})
    told = [turnover(found) for found in adjacent_matches(store)]
    assert (told[0].alive_from, told[0].passed, told[0].born, told[0].dead_from) == (0, 0, 3, 4)
    assert np.isnan(told[0].share)
    assert told[1].ended == 3  # constant: no correlation with anything


def test_the_command_prints_what_the_design_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, _ = one_of_each(tmp_path / "a.h5", tokens=5_000)
    assert main(["turnover", str(store.path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [tuple(row) for row in printed] == [KEYS] * 3
    assert [(row["from"], row["to"]) for row in printed] == [("0", "1"), ("1", "2"), ("2", "3")]
    wide = ["turnover", str(store.path), "--from", "0", "--to", "3", "--measure", "jaccard", "--threshold", "0.5"]
    assert main([*wide, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["from"], row["to"], row["measure"], row["threshold"]) == ("0", "3", "jaccard", 0.5)
    assert main(["turnover", str(store.path)]) == 0
    assert "passed_by_chance" in capsys.readouterr().out
    assert main(["turnover", str(store.path), "--measure", "sufficiency"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert "decoder_cosine" in ADMISSIBLE
