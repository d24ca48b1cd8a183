"""Opening a store: check it in milliseconds, then hand out memory maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from core.errors import (
    NothingRecorded,
    NotPermitted,
    StoreDamaged,
    StoreForeign,
    StoreIncomplete,
    StoreMissing,
    StoreNewer,
    UnknownFeature,
    UnknownSite,
)
from core.store.format import (
    FORMAT,
    FORMAT_VERSION,
    LOGITS,
    SITE_ATTRIBUTES,
    WEIGHTS,
    Norms,
    Sparse,
    Summary,
    Tokens,
    fingerprint,
    index_dtype,
)
from core.store.writer import checksum
from core.values import MIN_ACTIVE, Feature, Site

COLLECT_AGAIN = "collect it again, or restore it from a copy"


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a dataset's bytes lie in the file."""

    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]


def open_store(path: str | Path) -> Store:
    """Open a complete store; its arrays are memory maps, so that only what is touched is read.

    Raises `StoreMissing`, `StoreForeign`, `StoreNewer`, `StoreIncomplete` or `StoreDamaged`.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreMissing(f"there is no store at {path}", "check the path, or collect one with `collect`")
    try:
        with h5py.File(path, "r") as file:
            attributes = _checked_header(path, file)
            extents = dict(_extents(path, file))
            sites = _read_sites(path, file)
    except PermissionError as error:
        raise NotPermitted(f"cannot read {path}: {error.strerror}", "change its permissions") from error
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeError) as error:
        _explain_unreadable(path, error)
    store = Store(path, attributes, sites, extents)
    store.check()
    return store


class Store:
    """A complete store, open for reading; safe to share between threads.

    Sites are named by key or position along the forward pass. All arrays are read-only memory maps.
    """

    def __init__(
        self,
        path: Path,
        attributes: Mapping[str, Any],
        sites: tuple[Site, ...],
        extents: Mapping[str, Extent],
    ) -> None:
        self.path = path
        self.sites = sites
        self.fingerprint: str = str(attributes["fingerprint"])
        self.recipe: str = str(attributes["recipe"])
        self.created: str = str(attributes["created"])
        self.settings: Mapping[str, Any] = json.loads(attributes["settings"])
        self._attributes = attributes
        self._extents = extents
        self._maps: dict[str, np.ndarray] = {}
        self._by_key = {site.key: site for site in sites}

    # ---- what is in it

    @property
    def n_positions(self) -> int:
        """Tokens fed to the model, special ones included."""
        return self._extents["tokens/ids"].shape[0]

    @cached_property
    def n(self) -> int:
        """Counted positions: those that take part in statistics."""
        written = self._attributes.get("n")
        return int(np.count_nonzero(self.tokens.counted)) if written is None else int(written)

    @cached_property
    def n_documents(self) -> int:
        """Documents that the sequences were cut from."""
        written = self._attributes.get("n_documents")
        return len(np.unique(self.tokens.sequence_document)) if written is None else int(written)

    @property
    def n_sequences(self) -> int:
        """Windows that went through the model."""
        return self._extents["tokens/sequence_document"].shape[0]

    @property
    def model(self) -> str:
        """The model's name, as given when collecting."""
        return str(self.settings.get("model", "unknown"))

    def site(self, key: str) -> Site:
        """The site of this key; raises `UnknownSite`."""
        try:
            return self._by_key[key]
        except KeyError:
            known = ", ".join(self._by_key)
            raise UnknownSite(f"there is no site {key!r} in {self.path.name}", f"its sites are {known}") from None

    def feature(self, text: str | Feature) -> Feature:
        """A feature of this store from ``KEY_INDEX``; raises `UnknownSite` or `UnknownFeature`."""
        feature = Feature.parse(text) if isinstance(text, str) else text
        d_sae = self.site(feature.key).d_sae
        if not 0 <= feature.index < d_sae:
            raise UnknownFeature(
                f"site {feature.key} has {d_sae} features, there is no {feature}",
                f"choose an index from 0 to {d_sae - 1}",
            )
        return feature

    def order(self, a: Feature, b: Feature) -> tuple[Feature, Feature]:
        """The two features as (source, target): the earlier site first, within one site the smaller index."""
        first = (self.site(a.key).position, a.index)
        return (a, b) if first <= (self.site(b.key).position, b.index) else (b, a)

    # ---- its arrays

    @cached_property
    def tokens(self) -> Tokens:
        """Token ids, sequences, documents, counted positions and the vocabulary's texts."""
        return Tokens(*(self._array(f"tokens/{name}") for name in Tokens.__dataclass_fields__))

    def by_token(self, key: str) -> Sparse:
        """Rows are positions, indices are features."""
        return self._sparse(key, "by_token", "features")

    def by_feature(self, key: str) -> Sparse:
        """Rows are features, indices are positions."""
        return self._sparse(key, "by_feature", "positions")

    def summary(self, key: str) -> Summary:
        """Per feature: active positions, maximum, Σx and Σx²."""
        group = self._group(key)
        return Summary(*(self._array(f"{group}/summary/{name}") for name in Summary.__dataclass_fields__))

    def row(self, feature: Feature) -> tuple[np.ndarray, np.ndarray]:
        """Positions (rising, uint32) and activations (float32) of one feature; raises `StoreDamaged`."""
        rows = self.by_feature(self.feature(feature).key)
        start, stop = int(rows.offsets[feature.index]), int(rows.offsets[feature.index + 1])
        if not 0 <= start <= stop <= len(rows.indices):
            raise StoreDamaged(f"{self.path.name}: the offsets of {feature} are out of bounds", COLLECT_AGAIN)
        return rows.indices[start:stop], rows.values[start:stop]

    def token_bytes(self, token: int) -> bytes:
        """A token's text as bytes: join those of neighbouring tokens before decoding, a character may span several."""
        offsets, size = self.tokens.vocabulary_offsets, len(self.tokens.vocabulary_bytes)
        if not 0 <= token < len(offsets) - 1 or not 0 <= offsets[token] <= offsets[token + 1] <= size:
            raise StoreDamaged(f"{self.path.name} has no text of token {token}", COLLECT_AGAIN)
        return self.tokens.vocabulary_bytes[offsets[token] : offsets[token + 1]].tobytes()

    def has(self, key: str, part: str) -> bool:
        """Whether an optional part is recorded: a name of WEIGHTS, ``norms`` or ``logits``.

        ``has("5", "decoder")`` asks for the decoder of site 5.
        """
        names = {"norms": "input_norm", "logits": "logits/top_token"}
        return f"{self._group(key)}/{names.get(part, part)}" in self._extents

    def weights(self, key: str, name: str) -> np.ndarray:
        """One of the SAE's arrays (`format.WEIGHTS`), float32; raises `NothingRecorded`."""
        assert name in WEIGHTS
        return self._optional(key, name)

    def norms(self, key: str) -> Norms:
        """Sizes of the SAE's input and of its error per position; raises `NothingRecorded`."""
        return Norms(self._optional(key, "input_norm"), self._optional(key, "error_norm"))

    def logits(self, key: str) -> dict[str, np.ndarray]:
        """What each feature's direction promotes and suppresses [d_sae, 10]; raises `NothingRecorded`."""
        return {name: self._optional(key, f"logits/{name}") for name in LOGITS}

    # ---- within

    def _group(self, key: str) -> str:
        return f"sites/{self.site(key).position}"

    def _sparse(self, key: str, order: str, indices: str) -> Sparse:
        group = f"{self._group(key)}/{order}"
        return Sparse(*(self._array(f"{group}/{name}") for name in ("offsets", indices, "values")))

    def _optional(self, key: str, name: str) -> np.ndarray:
        full = f"{self._group(key)}/{name}"
        if full not in self._extents:
            raise NothingRecorded(
                f"{self.path.name} holds no {name} of site {key}",
                "collect the store again with a model at hand",
            )
        return self._array(full)

    def _array(self, name: str) -> np.ndarray:
        """The memory map of a dataset, made at its first use."""
        if name not in self._maps:
            extent = self._extents.get(name)
            if extent is None:
                raise StoreDamaged(f"{self.path.name} lacks {name}", COLLECT_AGAIN)
            if 0 in extent.shape:
                self._maps[name] = np.empty(extent.shape, extent.dtype)
            else:
                self._maps[name] = np.memmap(self.path, extent.dtype, "r", extent.offset, extent.shape)
        return self._maps[name]

    def check(self) -> None:
        """Sizes and types of all datasets against each other; costs nothing that grows with the store."""
        for name, shape, dtype in _expected(self):
            extent = self._extents.get(name)
            if extent is None:
                raise StoreDamaged(f"{self.path.name} lacks {name}", COLLECT_AGAIN)
            if extent.dtype != dtype or len(extent.shape) != len(shape):
                raise StoreDamaged(f"{self.path.name}: {name} is {extent.dtype} {extent.shape}", COLLECT_AGAIN)
            if any(want is not None and want != got for want, got in zip(shape, extent.shape, strict=True)):
                raise StoreDamaged(f"{self.path.name}: {name} has the shape {extent.shape}", COLLECT_AGAIN)
        for site in self.sites:
            for sparse in (self.by_token(site.key), self.by_feature(site.key)):
                if len(sparse.indices) != len(sparse.values):
                    raise StoreDamaged(f"{self.path.name}: site {site.key} has sizes that differ", COLLECT_AGAIN)
                if sparse.offsets[0] != 0 or sparse.offsets[-1] != len(sparse.indices):
                    raise StoreDamaged(f"{self.path.name}: site {site.key} has wrong offsets", COLLECT_AGAIN)


def _expected(store: Store) -> Iterator[tuple[str, tuple[int | None, ...], np.dtype]]:
    """Name, shape (None: free) and type of every dataset that a store must have, and of the optional ones it has."""
    t, s = store.n_positions, store.n_sequences
    yield "tokens/ids", (t,), np.dtype(np.uint32)
    yield "tokens/sequence_offsets", (s + 1,), np.dtype(np.int64)
    yield "tokens/sequence_document", (s,), np.dtype(np.int64)
    yield "tokens/counted", (t,), np.dtype(np.uint8)
    yield "tokens/vocabulary_bytes", (None,), np.dtype(np.uint8)
    yield "tokens/vocabulary_offsets", (None,), np.dtype(np.int64)
    for site in store.sites:
        group, d = f"sites/{site.position}", site.d_sae
        yield f"{group}/by_token/offsets", (t + 1,), np.dtype(np.int64)
        yield f"{group}/by_token/features", (None,), np.dtype(index_dtype(d))
        yield f"{group}/by_token/values", (None,), np.dtype(np.float32)
        yield f"{group}/by_feature/offsets", (d + 1,), np.dtype(np.int64)
        yield f"{group}/by_feature/positions", (None,), np.dtype(np.uint32)
        yield f"{group}/by_feature/values", (None,), np.dtype(np.float32)
        for name, dtype in (
            ("active", np.int64),
            ("maximum", np.float32),
            ("total", np.float64),
            ("total_of_squares", np.float64),
        ):
            yield f"{group}/summary/{name}", (d,), np.dtype(dtype)
        optional: dict[str, tuple[tuple[int | None, ...], type[np.generic]]] = {
            "input_norm": ((t,), np.float32),
            "error_norm": ((t,), np.float32),
            "decoder": ((d, None), np.float32),
            "encoder": ((site.d_in, d), np.float32),
            "encoder_bias": ((d,), np.float32),
            "decoder_bias": ((None,), np.float32),
            "threshold": ((d,), np.float32),
        }
        for name in LOGITS:
            optional[f"logits/{name}"] = ((d, None), np.uint32 if name.endswith("token") else np.float32)
        for name, (shape, kind) in optional.items():
            if f"{group}/{name}" in store._extents:
                yield f"{group}/{name}", shape, np.dtype(kind)


def _checked_header(path: Path, file: h5py.File) -> dict[str, Any]:
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
    return {name: attributes[name] for name in attributes}


def _read_sites(path: Path, file: h5py.File) -> tuple[Site, ...]:
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


def _extents(path: Path, file: h5py.File) -> Iterator[tuple[str, Extent]]:
    """Every dataset's place; a dataset that reaches past the end of the file, or out of it, is damage."""
    size = path.stat().st_size
    for name in _dataset_names(file, ""):
        dataset = file[name]
        offset = dataset.id.get_offset()
        if dataset.size and offset is None:
            raise StoreDamaged(f"{path.name}: {name} cannot be memory-mapped", COLLECT_AGAIN)
        if dataset.dtype.kind not in "uif":
            raise StoreDamaged(f"{path.name}: {name} is not numeric", COLLECT_AGAIN)
        if dataset.size and offset + dataset.size * dataset.dtype.itemsize > size:
            raise StoreDamaged(f"{path.name} is truncated: {name} reaches past its end", COLLECT_AGAIN)
        yield name, Extent(offset or 0, dataset.dtype, dataset.shape)


def _dataset_names(group: h5py.Group, prefix: str) -> Iterator[str]:
    """Names of all datasets below, hard links only: a link to another file is never followed."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        if isinstance(group[name], h5py.Group):
            yield from _dataset_names(group[name], f"{prefix}{name}/")
        else:
            yield prefix + name


def _explain_unreadable(path: Path, error: Exception) -> None:
    with path.open("rb") as file:
        if file.read(8) != b"\x89HDF\r\n\x1a\n":
            raise StoreForeign(f"{path} is not an HDF5 file", "choose a file made by `collect`") from error
    raise StoreDamaged(f"{path.name} cannot be read: {str(error)[:200]}", COLLECT_AGAIN) from error


def verify(store: Store) -> list[str]:
    """Names of the datasets whose bytes differ from their checksums, or that contradict the tokens; [] is sound."""
    bad = []
    with h5py.File(store.path, "r") as file:
        for name in _dataset_names(file, ""):
            written = file[name].attrs.get("sha256")
            if written is not None and written != checksum(file[name]):
                bad.append(name)
    if fingerprint(store.recipe, store.tokens.ids) != store.fingerprint:
        bad.append("fingerprint")
    if int(np.count_nonzero(store.tokens.counted)) != store.n:
        bad.append("n")
    return bad


def dead_and_rare(summary: Summary) -> tuple[int, int]:
    """How many features are never active, and how many on 1 to MIN_ACTIVE − 1 positions.

    >>> active = np.array([0, 1, 9, 10])
    >>> dead_and_rare(Summary(active, active, active, active))
    (1, 2)
    """
    dead = int(np.count_nonzero(summary.active == 0))
    return dead, int(np.count_nonzero((summary.active > 0) & (summary.active < MIN_ACTIVE)))
