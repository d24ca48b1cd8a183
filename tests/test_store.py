"""A store holds exactly what was written, opens without reading it, and says by name what is wrong with a bad file."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from core import errors
from core.sources.planted import plant, planted_tokens, sparse_rows
from core.store import Header, SiteArrays, Sparse, Store, build_store, open_store, verify, writer
from core.store.format import index_dtype
from core.store.transpose import feature_offsets, transpose_into


def dense_of(store: Store, key: str, *, by: str) -> np.ndarray:
    """The activations of a site as a dense matrix, read from one of the two orders."""
    site = store.site(key)
    dense = np.zeros((store.n_positions, site.d_sae), np.float32)
    rows = store.by_token(key) if by == "token" else store.by_feature(key)
    for row in range(len(rows.offsets) - 1):
        part = slice(rows.offsets[row], rows.offsets[row + 1])
        if by == "token":
            dense[row, rows.indices[part]] = rows.values[part]
        else:
            dense[rows.indices[part], row] = rows.values[part]
    return dense


def test_both_orders_hold_what_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dense = {key: np.maximum(rng.normal(-1, 1, (333, 17)), 0).astype(np.float32) for key in "012"}
    store = plant(tmp_path / "s.h5", dense)
    for key, want in dense.items():
        assert np.array_equal(dense_of(store, key, by="token"), want)
        assert np.array_equal(dense_of(store, key, by="feature"), want)
        summary = store.summary(key)
        assert np.array_equal(summary.active, (want > 0).sum(0))
        assert np.array_equal(summary.maximum, want.max(0))
        np.testing.assert_allclose(summary.total, want.astype(float).sum(0), rtol=1e-12)
        np.testing.assert_allclose(summary.total_of_squares, (want.astype(float) ** 2).sum(0), rtol=1e-12)
    assert verify(store) == []


@pytest.mark.parametrize("budget", [1, 8 * 50, 8 * 1000, 1 << 20])
def test_transposing_in_passes_of_any_size_gives_the_same(budget: int) -> None:
    rng = np.random.default_rng(1)
    dense = np.where(rng.random((200, 33)) < 0.2, rng.random((200, 33)) + 0.1, 0)
    dense[:, 7] = 0
    rows = sparse_rows(dense)
    offsets = feature_offsets(rows.indices, 33)
    positions, values = np.empty(offsets[-1], np.uint32), np.empty(offsets[-1], np.float32)
    transpose_into(rows, offsets, positions, values, budget_bytes=budget)
    columns, want = np.nonzero(dense.T)
    assert np.array_equal(positions, want)
    assert np.array_equal(values, dense.T[columns, want].astype(np.float32))


@pytest.mark.parametrize("d_sae", [65_535, 65_536, 65_537])
def test_the_last_index_survives_at_the_edge_of_uint16(tmp_path: Path, d_sae: int) -> None:
    rows = Sparse(np.array([0, 1, 2]), np.array([d_sae - 1, 0]).astype(index_dtype(d_sae)), np.ones(2, np.float32))
    store = plant(tmp_path / "wide.h5", {"0": rows}, d_sae=d_sae)
    assert store.by_token("0").indices.tolist() == [d_sae - 1, 0]
    assert store.summary("0").active[[0, d_sae - 1]].tolist() == [1, 1]
    assert store.by_token("0").indices.dtype == index_dtype(d_sae)


def test_a_site_that_never_fires_and_a_store_without_positions_read_as_empty(tmp_path: Path) -> None:
    store = plant(tmp_path / "silent.h5", {"0": np.zeros((5, 4)), "1": np.ones((5, 4))})
    assert len(store.by_token("0").values) == 0
    assert store.summary("0").active.tolist() == [0, 0, 0, 0]
    nothing = plant(tmp_path / "nothing.h5", {"0": np.zeros((0, 4))}, tokens=planted_tokens(0, []))
    assert (nothing.n, nothing.n_positions, nothing.n_documents) == (0, 0, 0)


def test_arrays_are_aligned_contiguous_memory_maps(random_store: Store) -> None:
    with h5py.File(random_store.path) as file:
        dataset = file["sites/1/by_feature/values"]
        assert dataset.chunks is None
        assert dataset.compression is None
        assert dataset.id.get_offset() % 4096 == 0
    assert isinstance(random_store.by_feature("1").values, np.memmap)
    assert not random_store.by_feature("1").values.flags.writeable


def test_uncounted_positions_hold_no_activations(tmp_path: Path) -> None:
    tokens = planted_tokens(6)
    tokens.counted[[0, 3]] = 0
    store = plant(tmp_path / "s.h5", {"0": np.ones((6, 2))}, tokens=tokens)
    assert store.n == 4
    assert np.diff(store.by_token("0").offsets).tolist() == [0, 2, 2, 0, 2, 2]


def test_an_open_store_reads_what_was_opened_although_the_name_goes_to_another_file(tmp_path: Path) -> None:
    store = plant(tmp_path / "a.h5", {"0": np.full((50, 2), 3.0)})
    plant(tmp_path / "b.h5", {"0": np.full((50, 2), 7.0)})
    os.replace(tmp_path / "b.h5", tmp_path / "a.h5")
    assert store.row(store.feature("0_1"))[1].tolist() == [3.0] * 50
    assert open_store(tmp_path / "a.h5").row(store.feature("0_1"))[1].tolist() == [7.0] * 50


# ---- bad input


def broken(store: Store, tmp_path: Path, change: object) -> Path:
    """A copy of the store's file, changed through h5py by `change(file)`."""
    path = Path(shutil.copy(store.path, tmp_path / "broken.h5"))
    with h5py.File(path, "r+") as file:
        change(file)  # type: ignore[operator]
    return path


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(errors.StoreMissing, match="no store at"):
        open_store(tmp_path / "no.h5")
    with pytest.raises(errors.StoreMissing):
        open_store(tmp_path)
    with pytest.raises(errors.StoreMissing):
        open_store(tmp_path / ("long" * 1000))
    (tmp_path / "text.h5").write_text("not HDF5")
    with pytest.raises(errors.StoreForeign, match="not an HDF5 file"):
        open_store(tmp_path / "text.h5")
    (tmp_path / "empty.h5").touch()
    with pytest.raises(errors.StoreForeign):
        open_store(tmp_path / "empty.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1, 2]
    with pytest.raises(errors.StoreForeign, match="not a Strata store"):
        open_store(tmp_path / "other.h5")


def test_newer_and_unfinished_stores(random_store: Store, tmp_path: Path) -> None:
    with pytest.raises(errors.StoreNewer, match="version 2"):
        open_store(broken(random_store, tmp_path, lambda f: f.attrs.__setitem__("format_version", 2)))
    with pytest.raises(errors.StoreIncomplete):
        open_store(broken(random_store, tmp_path, lambda f: f.attrs.__setitem__("complete", False)))


def _shorten(name: str):  # type: ignore[no-untyped-def]
    def change(file: h5py.File) -> None:
        short = file[name][:-1]
        del file[name]
        file[name] = short

    return change


@pytest.mark.parametrize(
    "name",
    ["tokens/counted", "sites/0/by_token/offsets", "sites/1/by_feature/values", "sites/2/summary/maximum"],
)
def test_missing_or_shortened_datasets_are_damage(random_store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.StoreDamaged, match=name.rpartition("/")[2][:6]) as caught:
        open_store(broken(random_store, tmp_path, lambda f: f.__delitem__(name)))
    assert caught.value.way_out
    with pytest.raises(errors.StoreDamaged):
        open_store(broken(random_store, tmp_path, _shorten(name)))


@pytest.mark.parametrize("name", ["fingerprint", "recipe", "created"])
def test_a_missing_or_mistyped_attribute_is_damage(random_store: Store, tmp_path: Path, name: str) -> None:
    for change in (lambda f: f.attrs.__delitem__(name), lambda f: f.attrs.__setitem__(name, 7)):
        with pytest.raises(errors.StoreDamaged, match=name):
            open_store(broken(random_store, tmp_path, change))


@pytest.mark.parametrize(("name", "value"), [("n", -5), ("n_documents", "many")])
def test_counts_that_are_none_are_damage(random_store: Store, tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(errors.StoreDamaged):
        open_store(broken(random_store, tmp_path, lambda f: f.attrs.__setitem__(name, value)))


@pytest.mark.parametrize("content", [np.dtype("f4"), h5py.Empty("u4")], ids=["a type", "no shape"])
def test_what_is_no_array_is_damage(random_store: Store, tmp_path: Path, content: object) -> None:
    def change(file: h5py.File) -> None:
        del file["tokens/ids"]
        file["tokens/ids"] = content

    with pytest.raises(errors.StoreDamaged, match="tokens/ids is no array"):
        open_store(broken(random_store, tmp_path, change))


def test_a_store_without_a_vocabulary_is_damage(random_store: Store, tmp_path: Path) -> None:
    def forget(file: h5py.File) -> None:
        del file["tokens/vocabulary_offsets"]
        file["tokens/vocabulary_offsets"] = np.zeros(0, np.int64)

    with pytest.raises(errors.StoreDamaged, match="no vocabulary"):
        open_store(broken(random_store, tmp_path, forget))


def test_a_link_to_another_file_is_not_followed(random_store: Store, tmp_path: Path) -> None:
    def outside(file: h5py.File) -> None:
        del file["tokens/counted"]
        file["tokens/counted"] = h5py.ExternalLink(str(random_store.path), "tokens/counted")

    with pytest.raises(errors.StoreDamaged, match="lacks tokens/counted"):
        open_store(broken(random_store, tmp_path, outside))


def test_a_truncated_file_is_damage_at_every_length(random_store: Store, tmp_path: Path) -> None:
    whole = random_store.path.read_bytes()
    for size in np.linspace(100, len(whole) - 1, 25).astype(int):
        path = tmp_path / "short.h5"
        path.write_bytes(whole[:size])
        with pytest.raises((errors.StoreDamaged, errors.StoreForeign)):
            open_store(path)


def test_random_flips_in_the_whole_file_never_escape_as_other_errors(random_store: Store, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    whole = np.frombuffer(random_store.path.read_bytes(), np.uint8)
    path = tmp_path / "flipped.h5"
    for _ in range(150):
        bad = whole.copy()
        at = rng.integers(0, len(bad), 8)
        bad[at] ^= rng.integers(1, 256, 8).astype(np.uint8)
        path.write_bytes(bad.tobytes())
        with contextlib.suppress(errors.StrataError):  # damage where it is seen; any other error fails the test
            open_store(path)


def test_verify_names_the_dataset_whose_bytes_changed(random_store: Store, tmp_path: Path) -> None:
    def flip(file: h5py.File) -> None:
        file["sites/1/by_token/values"][5] += 1

    assert verify(open_store(broken(random_store, tmp_path, flip))) == ["sites/1/by_token/values"]


def test_unknown_sites_and_features_name_what_there_is(random_store: Store) -> None:
    with pytest.raises(errors.UnknownSite, match="its sites are 0, 1, 2"):
        random_store.site("9")
    with pytest.raises(errors.UnknownFeature, match="0 to 39"):
        random_store.feature("1_40")
    for text in ("", "5", "_3", "1_", "1_-2", "1_x", "1_²"):
        with pytest.raises(errors.UnknownFeature):
            random_store.feature(text)


# ---- writing


def header() -> Header:
    return Header({"model": "m"}, "recipe", "2026-01-01T00:00:00Z")


def test_no_disk_space_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(errors.NoDiskSpace, match="GB are needed"):
        plant(tmp_path / "s.h5", {"0": np.ones((5, 2))})
    assert os.listdir(tmp_path) == []


def test_an_interrupted_build_leaves_no_store(tmp_path: Path) -> None:
    tokens = planted_tokens(5)
    site = plant(tmp_path / "good.h5", {"0": np.ones((5, 2))}).site("0")

    def stop(stage: str, share: float) -> None:
        raise KeyboardInterrupt

    arrays = SiteArrays(site, sparse_rows(np.ones((5, 2))))
    with pytest.raises(KeyboardInterrupt):
        build_store(tmp_path / "s.h5", header(), tokens, [arrays], progress=stop)
    assert not (tmp_path / "s.h5").exists()
    build_store(tmp_path / "s.h5", header(), tokens, [arrays])
    assert open_store(tmp_path / "s.h5").n == 5


def test_a_feature_index_beyond_the_site_is_refused_when_writing(tmp_path: Path) -> None:
    rows = Sparse(np.array([0, 1]), np.array([9], np.uint16), np.ones(1, np.float32))
    with pytest.raises(errors.StoreDamaged, match="feature 9 of 4"):
        plant(tmp_path / "s.h5", {"0": rows}, d_sae=4)
