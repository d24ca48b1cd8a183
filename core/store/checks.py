"""Whether an HDF5 file is a sound store: header, sizes, types and places of its datasets, without reading them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np

from core.errors import StoreDamaged, StoreForeign, StoreIncomplete, StoreNewer
from core.store.format import (
    FORMAT,
    FORMAT_VERSION,
    OPTIONAL_ARRAYS,
    SITE_ATTRIBUTES,
    TOKEN_ARRAYS,
    Kind,
    site_arrays,
)
from core.values import Site

COLLECT_AGAIN = "collect it again, or restore it from a copy"


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a dataset's bytes lie in the file."""

    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]


def check_sizes(path: Path, sites: Sequence[Site], extents: Mapping[str, Extent]) -> None:
    """Sizes and types of all datasets against each other; costs nothing that grows with the store."""
    positions = _length(path, extents, "tokens/ids")
    sequences = _length(path, extents, "tokens/sequence_document")
    if not _length(path, extents, "tokens/vocabulary_offsets"):
        raise StoreDamaged(f"{path.name} has no vocabulary", COLLECT_AGAIN)
    sizes = {"t": positions, "t+1": positions + 1, "s": sequences, "s+1": sequences + 1}
    for name, kind in TOKEN_ARRAYS.items():
        _check_size(path, f"tokens/{name}", kind, sizes, extents)
    for site in sites:
        sizes |= {"d": site.d_sae, "d+1": site.d_sae + 1, "d_in": site.d_in}
        for name, kind in site_arrays(site.d_sae).items():
            _check_size(path, f"sites/{site.position}/{name}", kind, sizes, extents)
        for name, kind in OPTIONAL_ARRAYS.items():
            if f"sites/{site.position}/{name}" in extents:
                _check_size(path, f"sites/{site.position}/{name}", kind, sizes, extents)


def _length(path: Path, extents: Mapping[str, Extent], name: str) -> int:
    if name not in extents or len(extents[name].shape) != 1:
        raise StoreDamaged(f"{path.name} lacks {name}", COLLECT_AGAIN)
    return extents[name].shape[0]


def _check_size(path: Path, name: str, kind: Kind, sizes: Mapping[str, int], extents: Mapping[str, Extent]) -> None:
    extent, (dimensions, dtype) = extents.get(name), kind
    if extent is None:
        raise StoreDamaged(f"{path.name} lacks {name}", COLLECT_AGAIN)
    wanted = [sizes.get(dimension) for dimension in dimensions]
    if extent.dtype != dtype or len(extent.shape) != len(wanted):
        raise StoreDamaged(f"{path.name}: {name} is {extent.dtype} {extent.shape}", COLLECT_AGAIN)
    if any(want is not None and want != got for want, got in zip(wanted, extent.shape, strict=True)):
        raise StoreDamaged(f"{path.name}: {name} has the shape {extent.shape}", COLLECT_AGAIN)


def read_header(path: Path, file: h5py.File) -> dict[str, Any]:
    """The root's attributes; raises `StoreForeign`, `StoreNewer` or `StoreIncomplete`."""
    attributes = dict(file.attrs)
    if attributes.get("format") != FORMAT:
        raise StoreForeign(f"{path} is an HDF5 file but not a Strata store", "choose a file made by `collect`")
    version = int(attributes["format_version"])
    if version > FORMAT_VERSION:
        raise StoreNewer(
            f"{path.name} has format version {version}, this Strata reads up to {FORMAT_VERSION}",
            "update Strata",
        )
    if not bool(attributes["complete"]):
        raise StoreIncomplete(f"{path.name} was never finished", "run the same `collect` again: it resumes")
    if not isinstance(json.loads(attributes["settings"]), dict):
        raise ValueError("settings are no JSON object")
    for name in ("fingerprint", "recipe", "created"):
        if not isinstance(attributes[name], str):
            raise ValueError(f"{name} is no text")
    for name in ("n", "n_documents"):
        if name in attributes and int(attributes[name]) < 0:
            raise ValueError(f"{name} is negative")
    return {name: attributes[name] for name in attributes}


def read_sites(path: Path, file: h5py.File) -> tuple[Site, ...]:
    """The sites along the forward pass."""
    group = file["sites"]
    sites = []
    for k in range(len(group)):
        attributes = group[str(k)].attrs
        values: dict[str, Any] = {}
        for name in SITE_ATTRIBUTES:
            kind: Callable[[Any], Any] = int if name in ("layer", "d_in", "d_sae") else str
            values[name] = kind(attributes[name])
        sites.append(Site(position=k, **values))
    if len({site.key for site in sites}) != len(sites) or not sites:
        raise StoreDamaged(f"{path.name} has no sites, or two of the same key", COLLECT_AGAIN)
    return tuple(sites)


def read_extents(path: Path, file: h5py.File) -> Iterator[tuple[str, Extent]]:
    """Every dataset's place; a dataset that reaches past the end of the file, or out of it, is damage."""
    size = path.stat().st_size
    for name in dataset_names(file, ""):
        dataset = file[name]
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
            raise StoreDamaged(f"{path.name}: {name} is no array", COLLECT_AGAIN)
        offset = dataset.id.get_offset()
        if dataset.size and offset is None:
            raise StoreDamaged(f"{path.name}: {name} cannot be memory-mapped", COLLECT_AGAIN)
        if dataset.dtype.kind not in "uif":
            raise StoreDamaged(f"{path.name}: {name} is not numeric", COLLECT_AGAIN)
        if dataset.size and offset + dataset.size * dataset.dtype.itemsize > size:
            raise StoreDamaged(f"{path.name} is truncated: {name} reaches past its end", COLLECT_AGAIN)
        yield name, Extent(offset or 0, dataset.dtype, dataset.shape)


def dataset_names(group: h5py.Group, prefix: str) -> Iterator[str]:
    """Names of all datasets below, hard links only: a link to another file is never followed."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        if isinstance(group[name], h5py.Group):
            yield from dataset_names(group[name], f"{prefix}{name}/")
        else:
            yield prefix + name


def explain_unreadable(path: Path, error: Exception) -> NoReturn:
    """Say by name why a file could not be read: not HDF5 at all, or damaged."""
    with path.open("rb") as file:
        if file.read(8) != b"\x89HDF\r\n\x1a\n":
            raise StoreForeign(f"{path} is not an HDF5 file", "choose a file made by `collect`") from error
    raise StoreDamaged(f"{path.name} cannot be read: {str(error)[:200]}", COLLECT_AGAIN) from error
