"""The GPU engine against the CPU engine and a dense oracle: its code on torch's CPU device, and on a GPU if any."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.agreement import agreement
from core import results
from core.__main__ import main
from core.errors import BadArgument, Cancelled, DeviceMissing, OutOfMemory, PackageMissing, StoreDamaged
from core.paths import ROOT
from core.results import pair_links, pair_path
from core.sources.planted import plant, planted_tokens
from core.statistics import devices, pairs
from core.statistics.margins import margins
from core.statistics.measures import BOUNDED, all_measures
from core.statistics.pairs import PairLinks
from core.statistics.rows import RowMap
from core.store import Sparse, Store
from core.values import MEASURES
from tests.oracle import dense_measures, random_dense, some_uncounted
from tests.test_damage import flip
from tests.test_pairs import expected_links

torch = pytest.importorskip("torch", reason="torch is not installed: nothing of the GPU engine was tested")
from core.statistics import cuda  # noqa: E402
from core.statistics.cuda import whole  # noqa: E402
from core.statistics.cuda.memory import block_size  # noqa: E402

GPU = torch.cuda.is_available()
ON_A_GPU = [
    pytest.mark.cuda,
    pytest.mark.skipif(not GPU, reason="NOT TESTED: no NVIDIA GPU here; run tests/test_cuda.py where there is one"),
]
DEVICES = ["cpu", pytest.param("cuda", marks=ON_A_GPU)]
TINY = [None, (1, 1), (4, 7), (1000, 50)]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Arrays of a test are small: threads that wait for each other only cost time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def on(device: str, store: Store, *arguments: object, **more: object) -> PairLinks:
    found = cuda.whole_pair(store, "0", "1", *arguments, device=device, **more)  # type: ignore[arg-type]
    assert found.device == device
    return found


def assert_agree(store: Store, found: PairLinks, expected: PairLinks) -> None:
    """Counts exactly, Σxy within float64 rounding, links and histograms save at edges."""
    same = agreement(store, expected, found)
    assert same.sound, same
    assert same.sums <= 1e-12 * max(store.n, 1)
    links = list(zip(found.sources.tolist(), found.targets.tolist(), strict=True))
    assert links == sorted(set(links))
    for name in ("jaccard", "sufficiency", "necessity", "mutual_information"):  # of counts alone: to the bit
        m = MEASURES.index(name)
        assert np.array_equal(found.histograms[m], expected.histograms[m]), name
    assert found.histograms.sum(1).tolist() == expected.histograms.sum(1).tolist()
    for part in ("sources", "targets", "n_both", "sum_xy", "histograms"):
        assert getattr(found, part).dtype == getattr(expected, part).dtype


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("activity", [0.0, 0.2])
@pytest.mark.parametrize(("top", "floor"), [(1, 2.0), (3, 0.15), (16, 0.0), (64, 0.3)])
@pytest.mark.parametrize("block", TINY)
def test_what_the_cpu_engine_keeps(
    random_store: Store, device: str, activity: float, top: int, floor: float, block: tuple[int, int] | None
) -> None:
    found = on(device, random_store, activity, top, floor, block=block)
    assert_agree(random_store, found, pairs.whole_pair(random_store, "0", "1", activity, top, floor))
    if device == "cpu" and block is None:
        kept = set(zip(found.sources.tolist(), found.targets.tolist(), strict=True))
        assert kept == expected_links(random_store, activity, top, floor)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    activity=st.sampled_from([0.0, 0.2, 0.7]),
    scale=st.sampled_from([1.0, 1e-30, 1e30]),
    n=st.sampled_from([1, 2, 30, 150]),
    density=st.sampled_from([0.0, 0.02, 0.15, 0.9]),
    whole_numbers=st.booleans(),
    top=st.sampled_from([1, 2, 16]),
    block=st.sampled_from(TINY),
)
def test_random_sites_equal_the_oracle(
    tmp_path_factory: pytest.TempPathFactory, seed: int, activity: float, scale: float, n: int, density: float,
    whole_numbers: bool, top: int, block: tuple[int, int] | None,
) -> None:  # fmt: skip
    tokens = some_uncounted(n, seed)
    dense = {key: random_dense(n, d, seed + d, density, scale) for key, d in (("0", 11), ("1", 8))}
    if whole_numbers:  # ties everywhere
        dense = {key: np.ceil(site / scale).clip(max=2) * scale for key, site in dense.items()}
    dense = {key: site.astype(np.float32).astype(np.float64) for key, site in dense.items()}
    store = plant(tmp_path_factory.mktemp("stores") / "s.h5", dense, tokens=tokens)
    found = on("cpu", store, activity, top, 0.3, block=block)
    assert_agree(store, found, pairs.whole_pair(store, "0", "1", activity, top, 0.3))
    x, y = (dense[key][tokens.counted.astype(bool)] for key in "01")
    measured = all_measures(found.counts(store))
    for e, (i, j) in enumerate(zip(found.sources, found.targets, strict=True)):
        truth = dense_measures(x[:, i], y[:, j], activity)
        assert found.n_both[e] == truth["n_both"]
        assert np.isclose(found.sum_xy[e], (x[:, i] * y[:, j]).sum(), rtol=1e-12)
        for name in MEASURES:
            assert np.isclose(measured[name][e], truth[name], rtol=1e-6, atol=1e-9, equal_nan=True), name


@pytest.mark.parametrize("device", DEVICES)
def test_a_wider_pair_in_blocks_of_every_size(tmp_path: Path, device: str) -> None:
    """Several blocks that double, log-normal densities, lists of columns that fill and are then beaten."""
    rng = np.random.default_rng(3)
    sites = {}
    for key, d in (("0", 300), ("1", 150)):
        density = np.minimum(rng.lognormal(-4, 1.5, d), 0.6)
        sites[key] = np.where(rng.random((800, d)) < density, rng.lognormal(size=(800, d)), 0).astype(np.float32)
    store = plant(tmp_path / "w.h5", sites)
    for activity in (0.0, 0.2):
        expected = pairs.whole_pair(store, "0", "1", activity, 5, 0.2)
        for block in (None, (100, 5000), (33, 10**6)):
            assert_agree(store, on(device, store, activity, 5, 0.2, block=block), expected)


@pytest.mark.parametrize("whole_numbers", [False, True])
def test_additions_may_arrive_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole_numbers: bool
) -> None:
    """As they do on a GPU; here backwards, so that sums differ in their last bits and equal values come apart."""
    accumulate, rng = whole.accumulate, np.random.default_rng(4)

    def backwards(positions, x, fires, bases, *rest):  # type: ignore[no-untyped-def]
        return accumulate(positions.flip(0), x.flip(0), None if fires is None else fires.flip(0), bases.flip(0), *rest)

    dense = [np.where(rng.random((500, d)) < 0.3, rng.lognormal(size=(500, d)), 0) for d in (50, 40)]
    if whole_numbers:
        dense = [np.minimum(np.ceil(site), 2) / 3 for site in dense]
    dense[1][:, 30:] = dense[1][:, :10]  # features that do the same
    store = plant(tmp_path / "o.h5", {"0": dense[0].astype(np.float32), "1": dense[1].astype(np.float32)})
    monkeypatch.setattr(whole, "accumulate", backwards)
    for activity in (0.0, 0.2):
        found, expected = on("cpu", store, activity, 3, 0.2), pairs.whole_pair(store, "0", "1", activity, 3, 0.2)
        assert_agree(store, found, expected)
        assert not np.array_equal(found.sum_xy, expected.sum_xy)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("activity", [0.0, 0.2])
def test_other_rows_of_the_target(random_store: Store, device: str, activity: float) -> None:
    """As nulls ask for: some rows twice, some not at all, some empty."""
    rng = np.random.default_rng(1)
    offsets, order = random_store.by_token("1").offsets, rng.integers(0, 700, 700)
    starts, stops = offsets[order], np.where(rng.random(700) < 0.9, offsets[order + 1], offsets[order])
    rows = RowMap(starts, stops, 690, *(margins(random_store, key, activity) for key in "01"))
    found = on(device, random_store, activity, 3, 0.2, rows=rows, block=(9, 100))
    expected = pairs.whole_pair(random_store, "0", "1", activity, 3, 0.2, rows=rows)
    kept = [list(zip(one.sources, one.targets, one.n_both, strict=True)) for one in (found, expected)]
    assert kept[0] == kept[1]
    assert np.allclose(found.sum_xy, expected.sum_xy, rtol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_sites_without_links(tmp_path: Path, device: str) -> None:
    dead = plant(tmp_path / "d.h5", {"0": np.zeros((5, 3)), "1": np.ones((5, 2)), "2": np.zeros((5, 4))})
    for source, target, never in (("0", "1", 6), ("1", "2", 8), ("0", "2", 12)):
        for activity in (0.0, 0.2):
            found = cuda.whole_pair(dead, source, target, activity, device=device)
            assert (len(found.sources), found.never_co_active, found.histograms.sum()) == (0, never, 0)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("d_sae", [65_536, 65_537])
def test_either_index_width(tmp_path: Path, device: str, d_sae: int) -> None:
    kind = np.uint16 if d_sae == 65_536 else np.uint32
    rows = Sparse(np.array([0, 2, 3, 3]), np.array([1, d_sae - 1, d_sae - 1], kind), np.array([1, 2, 3], np.float32))
    store = plant(tmp_path / "w.h5", {"0": rows, "1": rows}, tokens=planted_tokens(3), d_sae=d_sae)
    last = d_sae - 1
    found = on(device, store, block=(64, 100))
    assert list(zip(found.sources, found.targets, found.n_both, found.sum_xy, strict=True)) == [
        (1, 1, 1, 1.0), (1, last, 1, 2.0), (last, 1, 1, 2.0), (last, last, 2, 13.0),
    ]  # fmt: skip
    assert found.never_co_active == d_sae**2 - 4


def test_running_out_of_memory_halves_the_blocks_and_says_so(
    random_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    accumulate, asked, heard = whole.accumulate, [], []

    def small(*arguments: object) -> object:
        asked.append(arguments[5])
        if arguments[5] > 5 * 64:  # five rows of 40 columns, padded to 64
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return accumulate(*arguments)

    monkeypatch.setattr(whole, "accumulate", small)
    found = on("cpu", random_store, notice=heard.append)
    assert_agree(random_store, found, pairs.whole_pair(random_store, "0", "1"))
    assert heard == [f"cpu ran out of memory: blocks are now of {rows} features" for rows in (15, 7, 3)]
    monkeypatch.setattr(whole, "accumulate", lambda *arguments: small(*arguments[:5], 10**6))
    with pytest.raises(OutOfMemory, match="single feature"):
        on("cpu", random_store)


def test_other_failures_are_not_taken_for_lack_of_memory(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(whole, "accumulate", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        on("cpu", random_store)


@pytest.mark.parametrize("part", ["Run", "all_links"])
def test_what_cannot_be_halved_is_a_named_error(
    random_store: Store, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def full(*_: object) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(whole, part, full)
    with pytest.raises(OutOfMemory, match="choose --device cpu"):
        on("cpu", random_store)


def test_blocks_follow_what_is_free() -> None:
    sizes = [block_size(free, 24_576) for free in (0, 1 << 28, 1 << 30, 16 << 30, 140 << 30)]
    assert sizes[0] == (1, 1 << 12)
    assert sizes == sorted(sizes)
    assert sizes[-2] == sizes[-1]  # more would gain nothing


def test_progress_cancel_and_refusals(random_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    on("cpu", random_store, progress=shares.append, block=(4, 100))
    assert shares == sorted(shares)
    assert len(shares) > 5
    assert shares[-1] == 1
    with pytest.raises(Cancelled):
        on("cpu", random_store, cancelled=lambda: len(shares) > 5)
    for options in ({"target": "0"}, {"activity": 2.0}, {"top": 0}, {"floor_measures": ("likeness",)}):
        with pytest.raises(BadArgument):
            cuda.whole_pair(random_store, **{"source": "0", "target": "1", "device": "cpu", **options})
    monkeypatch.setattr(pairs, "MOST_LINKS", 10)
    with pytest.raises(BadArgument, match="higher floor"):
        on("cpu", random_store)


@pytest.mark.parametrize(
    ("name", "entry", "value"),
    [
        ("sites/1/by_token/features", 100, 65_535),
        ("sites/1/by_token/offsets", 50, 2**40),
        ("sites/1/by_token/offsets", 50, -1),
        ("sites/0/by_feature/positions", 10, 2**32 - 1),
        ("sites/0/by_feature/offsets", 4, 2**50),
        ("sites/0/by_feature/offsets", 4, -1),
    ],
)
def test_damage_is_named(random_store: Store, tmp_path: Path, name: str, entry: int, value: int) -> None:
    with pytest.raises(StoreDamaged):  # before the device meets it: a bad index there ends the process
        on("cpu", flip(random_store, tmp_path / "d.h5", name, entry, value))


# ---- the choice of a device


@pytest.fixture
def gpu_box(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with a GPU, whose part torch's CPU device plays; returns the devices that computed."""
    computed: list[str] = []
    engine = cuda.whole_pair

    def played(*arguments: object, **more: object) -> PairLinks:
        computed.append("cuda")
        return engine(*arguments, device="cpu", **more)  # type: ignore[arg-type]

    monkeypatch.setattr(devices, "driver_present", lambda: True)
    monkeypatch.setattr(devices, "gpu_present", lambda: True)
    monkeypatch.setattr(cuda, "whole_pair", played)
    return computed


def test_auto_takes_the_gpu_where_the_pair_is_worth_it(
    random_store: Store, gpu_box: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devices.work(random_store, "0", "1") == pytest.approx(
        random_store.summary("0").active.sum() * random_store.summary("1").active.sum() / 700
    )
    pair_links(random_store, "0", "1")
    assert gpu_box == []
    monkeypatch.setattr(devices, "LEAST_WORK", 10)
    pair_links(random_store, "0", "2", device="cpu")
    assert gpu_box == []
    pair_links(random_store, "1", "2", progress=lambda share: None, threads=2)
    assert gpu_box == ["cuda"]
    monkeypatch.setenv("STRATA_HOSTED", "1")
    assert devices.chosen_device("auto", 1e12) == "cpu"


def test_a_kept_pair_serves_every_device(random_store: Store, gpu_box: list[str]) -> None:
    first, cached = pair_links(random_store, "0", "1", device="cuda")
    again, kept = pair_links(random_store, "0", "1", device="cpu")
    assert (gpu_box, cached, kept) == (["cuda"], False, True)
    assert (again.device, again.seconds) == (first.device, first.seconds)
    assert results.read_pair(pair_path(random_store, "0", "1"), random_store) is not None


def test_a_gpu_too_small_hands_over_to_the_cpu_unless_it_was_asked_for(
    random_store: Store, gpu_box: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> PairLinks:
        raise OutOfMemory("site 1 does not fit the memory of cuda", "choose --device cpu")

    monkeypatch.setattr(cuda, "whole_pair", full)
    monkeypatch.setattr(devices, "LEAST_WORK", 10)
    heard: list[str] = []
    found, _ = pair_links(random_store, "0", "1", notice=heard.append)
    assert found.device == "cpu"
    assert heard == ["site 1 does not fit the memory of cuda: the CPU takes over"]
    with pytest.raises(OutOfMemory):
        pair_links(random_store, "0", "2", device="cuda")


def test_a_device_that_is_not_here_is_named(
    random_store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(devices, "driver_present", lambda: True)
    monkeypatch.setattr(devices, "gpu_present", lambda: False)
    with pytest.raises(DeviceMissing):
        devices.chosen_device("cuda", 1e12)
    assert devices.chosen_device("auto", 1e12) == "cpu"
    with pytest.raises(BadArgument):
        devices.chosen_device("abacus", 1)
    assert main(["pairs", str(random_store.path), "--device", "cuda"]) == 1
    assert capsys.readouterr().err == "error: there is no device 'cuda' here (choose --device auto or cpu)\n"

    def missing() -> bool:
        raise ImportError("No module named 'torch'", name="torch")

    monkeypatch.setattr(devices, "gpu_present", missing)
    with pytest.raises(PackageMissing):
        devices.chosen_device("cuda", 1e12)
    assert devices.chosen_device("auto", 1e12) == "cpu"


def test_small_pairs_import_no_torch(random_store: Store, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom core.statistics import devices\ndevices.driver_present = lambda: True\n"
        "from core.__main__ import main\n"
        f"assert main(['pairs', {str(random_store.path)!r}, '--json']) == 0\nassert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {pair["device"] for pair in json.loads(done.stdout)} == {"cpu"}


def test_the_comparison_itself_finds_what_is_wrong(random_store: Store) -> None:
    from dataclasses import replace

    good = pairs.whole_pair(random_store, "0", "1", 0.0, 3, 0.5)
    assert agreement(random_store, good, good).sound
    other = replace(good, n_both=good.n_both + (np.arange(len(good.n_both)) == 7))
    assert not agreement(random_store, good, other).sound
    measures = all_measures(good.counts(random_store))
    strong = int(np.nanargmax(measures[BOUNDED[0]]))  # no edge of any list
    rest = np.arange(len(good.sources)) != strong
    parts = {name: getattr(good, name)[rest] for name in ("sources", "targets", "n_both", "sum_xy")}
    lacking = agreement(random_store, good, replace(good, **parts))
    assert (lacking.one_sided, lacking.unexplained) == (1, 1)


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=ON_A_GPU)])
def test_on_a_real_gpu_the_choice_and_the_command(
    random_store: Store, device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pairs", str(random_store.path), "--device", device, "--json"]) == 0
    assert {pair["device"] for pair in json.loads(capsys.readouterr().out)} == {"cuda"}
