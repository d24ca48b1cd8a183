"""Chance: floors hold their rate, stores without links yield none, each null keeps what it should, caches are sound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from core.__main__ import main
from core.analyses import chance
from core.analyses.chance import Chance, chance_of_pair, together
from core.analyses.kept_nulls import is_kept, key_of
from core.errors import BadArgument
from core.results import clear_cache, results_folder
from core.sources.planted import plant, planted_tokens
from core.sources.structures import Planting
from core.statistics.best_alive import alive
from core.statistics.chance import best_by_chance, null_maxima, p_of_best
from core.statistics.false_discoveries import LOWEST, Floor, LinkValues, NullLinks, floor_at, q_values, stratum
from core.statistics.link_chance import link_chance
from core.statistics.margins import margins
from core.statistics.measures import MEASURE_FUNCTIONS
from core.statistics.nulls import NULLS
from core.statistics.rows import pair_counts
from core.store import Store
from core.values import MEASURES, Feature, PairCounts


def mixed(path: Path, seed: int, linked: int = 40, unlinked: int = 220) -> tuple[Store, set[tuple[int, int]]]:
    """Links of all strengths between features of all densities, amid many that are independent, some bursty."""
    planting = Planting(sites=2, width=linked + unlinked + 40, tokens=30_000, seed=seed)
    rng = np.random.default_rng(seed)
    chains = [
        planting.passed_on(0, 1, density=float(rng.lognormal(-6.5, 1)), noise=float(rng.uniform(0, 0.9)))
        for _ in range(linked)
    ]
    for site in (0, 1):
        for _ in range(unlinked):
            planting.unrelated(site, density=float(rng.lognormal(-7.5, 0.5)))
        for _ in range(40):
            planting.bursty(site, density=0.001, documents=0.02)
    store, _ = planting.build(path)
    return store, {(a.index, b.index) for a, b in (chain.features for chain in chains)}


def links_at(store: Store, measure: str, floor: float, min_both: int) -> list[tuple[int, int]]:
    """All links of alive features at or above a floor, the long way."""
    living = alive(store, "0"), alive(store, "1")
    found = []
    for i in np.flatnonzero(living[0]):
        counts = pair_counts(store, Feature("0", int(i)), "1")
        high = (MEASURE_FUNCTIONS[measure](counts) >= floor) & (counts.n_both >= min_both) & living[1]
        found += [(int(i), int(j)) for j in np.flatnonzero(high)]
    return found


def assert_equal(a: Floor, b: Floor) -> None:
    assert np.array_equal(astuple(a), astuple(b), equal_nan=True)


@pytest.mark.parametrize("measure", ["pearson", "cosine", "sufficiency", "necessity"])
def test_false_discoveries_stay_at_the_stated_rate(tmp_path: Path, measure: str) -> None:
    """On stores in which most of what reaches the lowest value looked at is chance."""
    rates: dict[float, list[float]] = {0.05: [], 0.2: []}
    kept: dict[float, list[int]] = {0.05: [], 0.2: []}
    power = []
    for seed in range(5):
        store, truth = mixed(tmp_path / f"{seed}.h5", seed, linked=100)
        chance = chance_of_pair(store, "0", "1", measure, min_both=1)
        assert chance.share_at(LOWEST[measure]) > 0.25
        for rate, realised in rates.items():
            floor = chance.floor(rate)
            assert floor.found
            found = links_at(store, measure, floor.value, 1)
            assert len(found) == floor.links
            kept[rate].append(floor.links)
            realised.append(np.mean([link not in truth for link in found]))
            power.append(len(truth & set(found)) / len(truth))
    for rate, realised in rates.items():
        print(f"{measure}: stated {rate}, realised {np.mean(realised):.3f} of {sum(kept[rate])} links")
        error = np.sqrt(rate * (1 - rate) / sum(kept[rate]))
        assert np.mean(realised) <= rate + 2 * error
        assert max(realised) <= 2 * rate + 0.05
    assert np.mean(power) > 0.4


def test_the_rate_holds_within_strata(tmp_path: Path) -> None:
    false, kept = 0, 0
    for seed in range(4):
        store, truth = mixed(tmp_path / f"{seed}.h5", seed)
        chance = chance_of_pair(store, "0", "1", "pearson", min_both=1)
        floors = {each["low"]: each["floor"] for each in chance.as_json(0.1)["strata"]}
        a, b = margins(store, "0").active, margins(store, "1").active
        for i, j in links_at(store, "pearson", 0.1, 1):
            floor = floors.get(10.0 ** int(stratum(float(a[i]) * b[j])), np.nan)
            counts = pair_counts(store, Feature("0", i), "1")
            if MEASURE_FUNCTIONS["pearson"](counts)[j] >= floor:
                kept, false = kept + 1, false + ((i, j) not in truth)
    print(f"strata: stated 0.1, realised {false / kept:.3f} of {kept} links")
    assert false / kept <= 0.1


def test_a_store_without_links_yields_almost_none(tmp_path: Path) -> None:
    kept = []
    for seed in range(6):
        store, _ = mixed(tmp_path / f"{seed}.h5", seed, linked=0)
        chance = chance_of_pair(store, "0", "1", min_both=1)
        assert len(chance.real.value) > 20
        assert 0.5 < chance.share_at(0.1) <= 1
        kept.append(chance.floor(0.05).links)
    print(f"links kept of stores without any: {kept}")
    assert sum(kept) <= 8
    assert kept.count(0) >= 5


def topical(path: Path, seed: int, linked: int) -> Store:
    """Features of twenty topics, each at random tokens of its documents; the first `linked` of each site are links."""
    rng, n, length, width = np.random.default_rng(seed), 30_000, 100, linked + 120
    topic = np.repeat(rng.integers(0, 20, n // length), length)

    def free() -> np.ndarray:
        of, rate = rng.integers(0, 20, width), rng.lognormal(-1.8, 0.6, width).clip(0.02, 0.6)
        return np.asarray((rng.random((n, width)) < rate) & (topic[:, None] == of))

    a, b = free(), free()
    strength = rng.uniform(0.1, 1, linked)
    follows = (a[:, :linked] & (rng.random((n, linked)) < strength)) | (b[:, :linked] & (rng.random((n, linked)) < 0.3))
    b[:, :linked] = follows
    sites = {key: x * rng.lognormal(0, 0.5, x.shape) for key, x in (("0", a), ("1", b))}
    return plant(path, sites, tokens=planted_tokens(n, [length] * (n // length)))


@pytest.mark.parametrize("measure", ["pearson", "jaccard"])
def test_shared_topics_are_no_discoveries(tmp_path: Path, measure: str) -> None:
    """As everybody asks, with 10 common tokens: what stands out of a topic is kept at the stated rate, none else."""
    kept = {(rate, null): [0, 0] for rate in (0.05, 0.2) for null in ("both", "document")}
    for seed in range(4):
        store = topical(tmp_path / f"{seed}.h5", seed, linked=60)
        for null in ("both", "document"):
            chance = chance_of_pair(store, "0", "1", measure, null=null)
            for rate in (0.05, 0.2):
                found = links_at(store, measure, chance.floor(rate).value, 10)
                kept[rate, null][0] += sum(i != j or i >= 60 for i, j in found)
                kept[rate, null][1] += len(found)
        none = chance_of_pair(topical(tmp_path / f"none-{seed}.h5", seed, linked=0), "0", "1", measure)
        assert len(none.real.value) > 100
        assert none.floor(0.2).links <= 2
    for (rate, null), (wrong, links) in kept.items():
        print(f"{measure} among topics, {null}: stated {rate}, realised {wrong / links:.3f} of {links} links")
    for rate in (0.05, 0.2):
        wrong, links = kept[rate, "both"]
        assert links > 100
        assert wrong / links <= rate + 2 * np.sqrt(rate * (1 - rate) / links)
        wrong, links = kept[rate, "document"]  # the twin: it parts topics, so that all who share one stand out
        assert wrong / links > 0.8


def by_document(tokens: int = 20_000, document: int = 50, seed: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Pairs of features that share a topic, a place in the text, the very token, or nothing."""
    rng = np.random.default_rng(seed)
    n = tokens // document
    topic = np.repeat(rng.random(n) < 0.1, document)
    place = np.tile(np.arange(document) < 3, n)
    same = rng.random(tokens) < 0.01
    return {
        "topic": (topic & (rng.random(tokens) < 0.3), topic & (rng.random(tokens) < 0.3)),
        "place": (place & (rng.random(tokens) < 0.5), place & (rng.random(tokens) < 0.5)),
        "token": (same, same & (rng.random(tokens) < 0.8)),
        "nothing": (rng.random(tokens) < 0.05, rng.random(tokens) < 0.05),
    }


def test_each_null_keeps_what_it_should(tmp_path: Path) -> None:
    pairs = by_document()
    dense = [np.stack([pair[side] for pair in pairs.values()], axis=1) * 1.0 for side in (0, 1)]
    store = plant(tmp_path / "k.h5", {"0": dense[0], "1": dense[1]}, tokens=planted_tokens(20_000, [50] * 400))
    beyond = {}
    for k, kind in enumerate(pairs):
        found = link_chance(store, Feature("0", k), Feature("1", k))
        beyond[kind] = {null: each.p <= 0.05 for null, each in found.items()}
    assert beyond["topic"] == {"shift": False, "document": True}
    assert beyond["place"] == {"shift": True, "document": False}
    assert beyond["token"] == {"shift": True, "document": True}
    assert beyond["nothing"] == {"shift": False, "document": False}
    n, i = store.n, margins(store, "0").active
    for null, each in link_chance(store, Feature("0", 3), Feature("1", 3)).items():
        assert each.expected_both == pytest.approx(i[3] * margins(store, "1").active[3] / n, rel=0.1), null


def test_p_values_of_independent_bursty_links_are_even(tmp_path: Path) -> None:
    planting = Planting(sites=2, width=60, tokens=20_000, seed=3)
    for site in (0, 1):
        for _ in range(60):
            planting.bursty(site, density=0.02, documents=0.1)
    store, _ = planting.build(tmp_path / "b.h5")
    found = [link_chance(store, Feature("0", k), Feature("1", k), draws=49)["document"].p for k in range(60)]
    assert np.mean(np.array(found) <= 0.1) <= 0.2
    assert 0.35 < np.mean(found) < 0.75


def test_the_best_match_by_chance_is_calibrated(tmp_path: Path) -> None:
    taus = np.array([0.08, 0.1, 0.12, 0.15, 0.2, 0.9])
    expected, reached, low = np.zeros(len(taus)), np.zeros(len(taus)), []
    for seed in range(5):
        store, _ = mixed(tmp_path / f"{seed}.h5", seed, linked=0)
        rows = np.flatnonzero(alive(store, "0"))
        living = alive(store, "1")
        best = np.array(
            [MEASURE_FUNCTIONS["pearson"](pair_counts(store, Feature("0", int(i)), "1"))[living].max() for i in rows]
        )
        reached += (best[:, None] >= taus).sum(axis=0)
        active = margins(store, "0").active[rows]
        null = np.concatenate([null_maxima(store, "0", "1", rows, "document", k)[:, 0] for k in range(4)])
        expected += best_by_chance([null], len(rows), taus)
        low.append(np.mean(p_of_best(best, active, null, np.tile(active, 4)) <= 0.1))
    print(f"best matches: expected {expected.round(1)}, reached {reached}; p <= 0.1 for {np.mean(low):.3f}")
    assert np.all(np.abs(expected - reached) <= 4 * np.sqrt(np.maximum(reached, 1)) + 0.1 * reached)
    assert 0.04 < np.mean(low) < 0.16
    assert expected[-1] == 0


def test_a_best_match_is_compared_with_features_as_frequent_on_either_side() -> None:
    active = np.arange(10, 2010)
    for n in (300, 1000, 1700):
        assert p_of_best([10 / n], [n], 10 / active, active)[0] == pytest.approx(0.5, abs=0.01)
    assert p_of_best([10 / 10], [10], 10 / active, active)[0] == pytest.approx(2 / 501)
    assert p_of_best([0.5], [5], np.array([0.6, 0.4]), np.array([3, 9]))[0] == pytest.approx(2 / 3)


def null_of(links: LinkValues, draws: int, paired: int) -> NullLinks:
    """The links of so many draws of all sources, of which nobody knows whose they are."""
    size = len(links.value)
    return NullLinks(links, paired, np.arange(size), np.full(size, 1 / draws), 1 / draws, size)


def test_q_values_by_hand_and_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    real, null = rng.random(60).round(2), (rng.random(90) * 0.7).round(2)
    found = q_values(real, null, 1 / 3)
    for k, v in enumerate(real):
        rates = [(np.sum(null >= t) + 1) / 3 / np.sum(real >= t) for t in real if t <= v]
        assert found[k] == pytest.approx(min(1, *rates))
    nothing = LinkValues(np.zeros(0), np.zeros(0, np.int64), np.zeros(0))
    assert not floor_at(nothing, {"shift": null_of(nothing, 3, 10)}).found
    links = LinkValues(real, np.full(60, 20), np.full(60, 100.0))
    assert not floor_at(links, {}).found
    assert not floor_at(links, {"document": null_of(nothing, 3, 0)}).found


def test_measures_of_null_links_are_those_of_the_row(random_store: Store) -> None:
    from core.statistics.null_draws import null_draw
    from core.statistics.nulls import draw, layout_of, row_map

    for measure in MEASURES:
        found = null_draw(random_store, "0", "1", (measure,), "shift", 0, 0.2)
        rows = row_map(random_store, "0", "1", draw(layout_of(random_store), "shift", 0), 0.2)
        values = []
        for i in np.flatnonzero(alive(random_store, "0")):
            counts: PairCounts = pair_counts(random_store, Feature("0", int(i)), "1", 0.2, rows)
            row = MEASURE_FUNCTIONS[measure](counts)
            values += row[(row >= LOWEST[measure]) & (counts.n_both > 0) & alive(random_store, "1")].tolist()
        assert np.allclose(np.sort(found.links[measure].values.value), np.sort(values))


# ---- the cache, the command and what cannot be asked


def numbers(chance: Chance) -> str:
    return json.dumps(chance.as_json(0.2), default=str)


def test_results_are_kept_and_damaged_ones_computed_again(random_store: Store) -> None:
    pairs = [("0", "1")]
    assert not is_kept(random_store, pairs, "pearson")
    fresh = chance_of_pair(random_store, "0", "1")
    assert is_kept(random_store, [("1", "0")], "cosine")  # the bounded measures come together
    assert not is_kept(random_store, pairs, "sufficiency")
    notices: list[str] = []
    assert numbers(chance_of_pair(random_store, "1", "0", notice=notices.append)) == numbers(fresh)
    assert not notices
    kept = sorted(results_folder().glob("chance-*.h5"))
    assert len(kept) == 3
    kept[0].write_bytes(kept[0].read_bytes()[:700])
    assert numbers(chance_of_pair(random_store, "0", "1", notice=notices.append)) == numbers(fresh)
    assert "damaged" in notices[0]
    clear_cache()
    assert not is_kept(random_store, pairs, "pearson")


def test_what_a_draw_hangs_on_is_part_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def names() -> set[str]:
        return {json.dumps(key_of("0", "1", "pearson", 0.0, 10, null, 3)) for null in NULLS}

    links, seen = key_of("0", "1", "pearson", 0.0), names()
    for name in ("null_rows.MOST_PRODUCTS", "null_rows.FEWEST_SOURCES", "nulls.BLOCK", "nulls.JITTER"):
        monkeypatch.setattr(f"core.statistics.{name}", 17)
        assert not seen & names(), name
        seen |= names()
    assert key_of("0", "1", "pearson", 0.0) == links  # of which nothing is drawn


def test_the_error_of_an_expected_number_by_hand() -> None:
    links = LinkValues(np.array([0.5, 0.4, 0.3, 0.2]), np.full(4, 20), np.full(4, 400.0))
    null = replace(null_of(links, 2, 100), source=np.array([7, 7, 9, 9]), asked=4)
    assert null.expected(0.3) == 1.5  # 1 of source 7, 0.5 of source 9, none of two others
    assert null.error(0.3) == pytest.approx(np.sqrt(4 / 3 * np.sum((np.array([1, 0.5, 0, 0]) - 0.375) ** 2)))
    assert np.isnan(replace(null, asked=1).error(0.3))


def test_links_with_fewer_common_tokens_are_other_files(random_store: Store) -> None:
    usual = chance_of_pair(random_store, "0", "1", "sufficiency")
    more = chance_of_pair(random_store, "0", "1", "sufficiency", min_both=1)
    clear_cache()
    fresh = chance_of_pair(random_store, "0", "1", "sufficiency", min_both=1)
    fewer = chance_of_pair(random_store, "0", "1", "sufficiency", min_both=12)
    assert numbers(more) == numbers(fresh)
    assert len(more.real.value) > len(usual.real.value) >= len(fewer.real.value) > 0
    assert usual.real.n_both.min() >= 10
    assert fewer.real.n_both.min() >= 12


def test_several_pairs_together(random_store: Store) -> None:
    parts = [chance_of_pair(random_store, *pair, min_both=1) for pair in (("0", "1"), ("1", "2"))]
    both = together(parts)
    assert len(both.real.value) == sum(len(part.real.value) for part in parts)
    assert both.pairs == (("0", "1"), ("1", "2"))
    for null, one in both.nulls.items():
        assert one.expected(0.1) == pytest.approx(sum(part.nulls[null].expected(0.1) for part in parts))
        apart = [part.nulls[null].error(0.1) ** 2 for part in parts]  # sources of two pairs are not taken for one
        assert one.error(0.1) ** 2 == pytest.approx(sum(apart), rel=0.3)


def test_a_floor_is_found_once_and_each_null_has_its_own(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked = chance_of_pair(random_store, "0", "1"), []

    def counted(real: LinkValues, nulls: Mapping[str, NullLinks], rate: float) -> Floor:
        asked.append((tuple(nulls), rate))
        return floor_at(real, nulls, rate)

    monkeypatch.setattr(chance, "floor_at", counted)
    for _ in range(3):
        assert_equal(found.floor(), floor_at(found.real, found.nulls))
        for name, null in found.nulls.items():
            assert_equal(found.floor(0.2, name), floor_at(found.real, {name: null}, 0.2))
    assert asked == [(NULLS, 0.05), (NULLS[:1], 0.2), (NULLS[1:], 0.2)]
    other = together([found, chance_of_pair(random_store, "1", "2")])
    assert_equal(other.floor(), floor_at(other.real, other.nulls))  # and not what was found of the first pair
    assert len(asked) == 4


def test_one_document_is_a_state_and_not_a_crash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dense = (np.random.default_rng(0).random((400, 6)) < 0.2) * 1.0
    store = plant(tmp_path / "one.h5", {"0": dense, "1": dense}, tokens=planted_tokens(400, [400]))
    chance = chance_of_pair(store, "0", "1")
    assert "one document" in chance.nulls["document"].state
    assert chance.floor(0.5).found  # the shift alone speaks
    alone = chance_of_pair(store, "0", "1", null="document")
    assert not alone.floor(0.5).found
    assert np.isnan(link_chance(store, Feature("0", 0), Feature("1", 0))["document"].p)
    assert np.isnan(alone.best_expected([0.5])).all()
    assert main(["chance", str(store.path), "--null", "document", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)[0]
    assert found["floor"] is None
    assert "one document" in found["nulls"]["document"]["state"]
    assert main(["link", str(store.path), "0_0", "1_0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chance"]["document"] == {"expected_both": None, "p": None, "draws": 0}


def test_why_there_is_no_floor_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No links; nothing that chance could be drawn from; links, but too few to tell them from chance."""
    rng = np.random.default_rng(0)
    found: dict[str, Chance] = {}
    for name, dense, lengths in (
        ("none", [(rng.random((2000, 3)) < 0.02) * 1.0 for _ in "01"], [100] * 20),
        ("nothing", [(np.random.default_rng(1).random((400, 6)) < 0.2) * 1.0 for _ in "01"], [1] * 400),
        ("few", [(np.random.default_rng(2).random((2000, 2)) < 0.02) * 1.0 for _ in "01"], [100] * 20),
    ):
        tokens = planted_tokens(sum(lengths), lengths)
        if name == "nothing":
            tokens = replace(tokens, sequence_document=np.zeros(len(lengths), np.int64))
        store = plant(tmp_path / f"{name}.h5", {"0": dense[0], "1": dense[1]}, tokens=tokens)
        found[name] = chance_of_pair(store, "0", "1")
        assert not found[name].floor().found
        assert main(["chance", str(store.path)]) == 0
        assert f"0 to 1, pearson: {found[name].why_no_floor()}\n" in capsys.readouterr().out
    links = {name: len(one.real.value) for name, one in found.items()}
    assert links == {"none": 0, "nothing": 8, "few": 2}
    assert found["few"].share_at(0.9) == 0  # q is 1 / 3 of the two links, since so few draws show no less
    assert {name: one.why_no_floor(0.1) for name, one in found.items()} == {
        "none": "there are no links of 0.1 or more between these sites",
        "nothing": "there is nothing to compare with: the store has one document, or its sequences one token",
        "few": "no floor can be shown at which at most 10% of the links between these sites are chance",
    }


def test_the_command(random_store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["chance", str(random_store.path), "--from", "0", "--to", "2", "--adjacent", "--min-both", "1", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["from"], one["to"]) for one in found] == [("0", "1"), ("1", "2")]
    assert set(found[0]["nulls"]) == {"shift", "document"}
    assert len(found[0]["best_match"]["expected"]) == len(found[0]["best_match"]["thresholds"])
    assert main(["chance", str(random_store.path), "--from", "0", "--to", "1"]) == 0
    assert "0 to 1, pearson: " in capsys.readouterr().out
    assert main(["chance", str(random_store.path), "--fdr", "2"]) == 1
    assert "false-discovery rate" in capsys.readouterr().err


def test_refusals(random_store: Store) -> None:
    for options in ({"null": "likeness"}, {"draws": 0}, {"measure": "likeness"}, {"target": "0"}):
        with pytest.raises(BadArgument):
            chance_of_pair(random_store, **{"source": "0", "target": "1", **options})
