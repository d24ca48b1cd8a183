"""Opening a store: check it in milliseconds, then hand out memory maps."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from core.errors import (
    NothingRecorded,
    NotPermitted,
    StoreDamaged,
    StoreMissing,
    UnknownFeature,
    UnknownSite,
)
from core.store.checks import (
    COLLECT_AGAIN,
    Extent,
    check_sizes,
    dataset_names,
    explain_unreadable,
    read_extents,
    read_header,
    read_sites,
)
from core.store.format import (
    LOGITS,
    WEIGHTS,
    Norms,
    Sparse,
    Summary,
    Tokens,
    fingerprint,
)
from core.store.writer import checksum
from core.values import MIN_ACTIVE, Feature, Site


def open_store(path: str | Path) -> Store:
    """Open a complete store; its arrays are memory maps, so that only what is touched is read.

    Raises `StoreMissing`, `StoreForeign`, `StoreNewer`, `StoreIncomplete` or `StoreDamaged`.
    """
    path = Path(path)
    if not os.path.isfile(path):  # unlike `Path.is_file`, false for a name too long to be one
        raise StoreMissing(f"there is no store at {path}", "check the path, or collect one with `collect`")
    try:
        handle = path.open("rb")
        with h5py.File(path, "r") as file:
            attributes = read_header(path, file)
            extents = dict(read_extents(path, file))
            sites = read_sites(path, file)
        if not os.path.samestat(os.fstat(handle.fileno()), path.stat()):
            raise StoreDamaged(f"{path.name} was replaced while it was opened", "open it again")
    except PermissionError as error:
        raise NotPermitted(f"cannot read {path}: {error.strerror}", "change its permissions") from error
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeError) as error:
        explain_unreadable(path, error)
    store = Store(path, handle, attributes, sites, extents)
    check_sizes(path, sites, extents)
    _check_offsets(store)
    return store


class Store:
    """A complete store, open for reading; safe to share between threads.

    Sites are named by key or position along the forward pass. All arrays are read-only memory maps.
    """

    def __init__(
        self,
        path: Path,
        handle: BinaryIO,
        attributes: Mapping[str, Any],
        sites: tuple[Site, ...],
        extents: Mapping[str, Extent],
    ) -> None:
        self.path = path
        self._handle = handle  # what was opened stays what is read, whatever happens to the name
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
                self._maps[name] = np.memmap(self._handle, extent.dtype, "r", extent.offset, extent.shape)
        return self._maps[name]


def _check_offsets(store: Store) -> None:
    """The ends of every site's offsets against the number of its activations."""
    for site in store.sites:
        for sparse in (store.by_token(site.key), store.by_feature(site.key)):
            if len(sparse.indices) != len(sparse.values):
                raise StoreDamaged(f"{store.path.name}: site {site.key} has sizes that differ", COLLECT_AGAIN)
            if sparse.offsets[0] != 0 or sparse.offsets[-1] != len(sparse.indices):
                raise StoreDamaged(f"{store.path.name}: site {site.key} has wrong offsets", COLLECT_AGAIN)


def verify(store: Store) -> list[str]:
    """Names of the datasets whose bytes differ from their checksums, or that contradict the tokens; [] is sound."""
    bad = []
    with h5py.File(store.path, "r") as file:
        for name in dataset_names(file, ""):
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
