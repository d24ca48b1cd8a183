"""Building a store whose sizes are known: allocate, fill through memory maps, seal, rename."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np

from core import __version__
from core.errors import NoDiskSpace, NotPermitted
from core.store.format import (
    ALIGNMENT,
    FORMAT,
    FORMAT_VERSION,
    OPTIONAL_ARRAYS,
    SITE_ATTRIBUTES,
    TOKEN_ARRAYS,
    Header,
    SiteArrays,
    Sparse,
    Tokens,
    fingerprint,
    index_dtype,
)
from core.store.transpose import feature_offsets, summarise, transpose_into

Progress = Callable[[str, float], None]
COPY_BYTES = 1 << 26
TRANSPOSE_BYTES = 1 << 29


def build_store(
    target: Path,
    header: Header,
    tokens: Tokens,
    sites: Sequence[SiteArrays],
    *,
    building: Path | None = None,
    progress: Progress = lambda stage, share: None,
    transpose_bytes: int = TRANSPOSE_BYTES,
) -> None:
    """Write a complete store to `target`: all or nothing.

    The file grows under the name `building` (default: `target` with ``.building`` appended) and is renamed last, so
    that an interrupted build leaves nothing that could be taken for good and can simply be repeated. The arrays may
    be memory maps: they are copied in pieces. Raises `NoDiskSpace` before writing where the disk cannot hold the
    file.
    """
    building = building or target.with_name(target.name + ".building")
    try:
        require_space(target.parent, needed_bytes(tokens, sites))
        with h5py.File(building, "w", alignment_threshold=1, alignment_interval=ALIGNMENT, libver="v110") as file:
            _write_header(file, header, tokens)
            _write_tokens(file, tokens)
            for k, arrays in enumerate(sites):
                progress(arrays.site.key, k / len(sites))
                _write_site(file, k, arrays, transpose_bytes)
            file.attrs["complete"] = True
        _flush(building)
        os.replace(building, target)
        _flush(target.parent)  # the new name must be on the disk before anything it was made of is removed
        progress("done", 1.0)
    except PermissionError as error:
        raise NotPermitted(f"cannot write {target}: {error.strerror}", "choose another folder") from error
    except OSError as error:
        # HDF5 reports a full disk in its message, without an errno.
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "space left" in str(error) or "write failed" in str(error):
            building.unlink(missing_ok=True)
            raise NoDiskSpace(f"the disk filled up while writing {target}", "free some space and run again") from error
        raise


def needed_bytes(tokens: Tokens, sites: Sequence[SiteArrays]) -> int:
    """About the size of the finished file: both orders of every site, tokens and optional parts."""
    total = sum(getattr(tokens, name).nbytes for name in Tokens.__dataclass_fields__)
    for arrays in sites:
        nnz, width = len(arrays.by_token.values), np.dtype(index_dtype(arrays.site.d_sae)).itemsize
        total += nnz * (width + 4 + 8) + arrays.by_token.offsets.nbytes + arrays.site.d_sae * 40
        total += sum(a.nbytes for part in (arrays.weights, arrays.logits) for a in part.values())
        total += 0 if arrays.norms is None else 2 * arrays.norms.input_norm.nbytes
    return total + (1 << 20)


def require_space(folder: Path, needed: int) -> None:
    """Raise `NoDiskSpace` unless `folder`'s disk has `needed` free bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoDiskSpace(
            f"{folder} has {free / 1e9:.2f} GB free and {needed / 1e9:.2f} GB are needed",
            "free some space, choose another folder or fewer tokens",
        )


def _write_header(file: h5py.File, header: Header, tokens: Tokens) -> None:
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["complete"] = False
    file.attrs["created"] = header.created
    file.attrs["strata_version"] = __version__
    file.attrs["settings"] = json.dumps(dict(header.settings), sort_keys=True)
    file.attrs["recipe"] = header.recipe
    file.attrs["fingerprint"] = fingerprint(header.recipe, tokens.ids)
    file.attrs["n"] = int(np.count_nonzero(tokens.counted))
    file.attrs["n_documents"] = len(np.unique(tokens.sequence_document))


def _write_tokens(file: h5py.File, tokens: Tokens) -> None:
    group = file.create_group("tokens")
    for name, (_, dtype) in TOKEN_ARRAYS.items():
        _write(group, name, getattr(tokens, name), dtype)


def _write_site(file: h5py.File, k: int, arrays: SiteArrays, transpose_bytes: int) -> None:
    site, by_token = arrays.site, arrays.by_token
    group = file.create_group(f"sites/{k}")
    for name in SITE_ATTRIBUTES:
        group.attrs[name] = getattr(site, name)
    _write(group, "by_token/offsets", by_token.offsets, np.int64)
    _write(group, "by_token/features", by_token.indices, index_dtype(site.d_sae))
    _write(group, "by_token/values", by_token.values, np.float32)
    _write_transposed(group, site.d_sae, by_token, transpose_bytes)
    optional = dict(arrays.weights) | {f"logits/{name}": array for name, array in arrays.logits.items()}
    if arrays.norms is not None:
        optional |= {"input_norm": arrays.norms.input_norm, "error_norm": arrays.norms.error_norm}
    for name, array in optional.items():
        _write(group, name, array, OPTIONAL_ARRAYS[name][1])


def _write_transposed(group: h5py.Group, d_sae: int, by_token: Sparse, transpose_bytes: int) -> None:
    offsets = feature_offsets(by_token.indices, d_sae)
    nnz = int(offsets[-1])
    positions = _create(group, "by_feature/positions", (nnz,), np.uint32)
    values = _create(group, "by_feature/values", (nnz,), np.float32)
    transpose_into(by_token, offsets, positions, values, budget_bytes=transpose_bytes)
    _write(group, "by_feature/offsets", offsets, np.int64)
    summary = summarise(Sparse(offsets, positions, _map(values)))
    for dataset in (positions, values):
        dataset.attrs["sha256"] = checksum(dataset)
    _write(group, "summary/active", summary.active, np.int64)
    _write(group, "summary/maximum", summary.maximum, np.float32)
    _write(group, "summary/total", summary.total, np.float64)
    _write(group, "summary/total_of_squares", summary.total_of_squares, np.float64)


def _create(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: type[np.generic]) -> h5py.Dataset:
    """A contiguous dataset whose place in the file is fixed at once, without a wasted pass of zeros."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.CONTIGUOUS)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return group.create_dataset(name, shape, np.dtype(dtype), dcpl=plist)


def _write(group: h5py.Group, name: str, array: np.ndarray, dtype: type[np.generic]) -> None:
    dataset = _create(group, name, array.shape, dtype)
    rows = max(1, COPY_BYTES // max(1, array.nbytes // max(1, len(array))))
    for start in range(0, len(array), rows):
        dataset[start : start + rows] = np.asarray(array[start : start + rows]).astype(dtype, copy=False)
    dataset.attrs["sha256"] = checksum(dataset)


def _map(dataset: h5py.Dataset) -> np.ndarray:
    """A read-only memory map of a contiguous dataset that was just written."""
    if not dataset.size:
        return np.empty(dataset.shape, dataset.dtype)
    dataset.file.flush()
    return np.memmap(dataset.file.filename, dataset.dtype, "r", offset=dataset.id.get_offset(), shape=dataset.shape)


def checksum(dataset: h5py.Dataset) -> str:
    """SHA-256 of a dataset's bytes, read in pieces."""
    digest = hashlib.sha256()
    rows = max(1, COPY_BYTES // max(1, dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))))
    for start in range(0, dataset.shape[0], rows):
        digest.update(np.ascontiguousarray(dataset[start : start + rows]).tobytes())
    return digest.hexdigest()


def _flush(path: Path) -> None:
    """Wait until a file's data, or a folder's names, are on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open folders, and orders renames itself
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
