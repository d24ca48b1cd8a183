"""What a store consists of: names, types and sizes of its datasets (docs/store.md tells the same in prose)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.values import Site

FORMAT = "strata-store"
FORMAT_VERSION = 1
ALIGNMENT = 4096

SITE_ATTRIBUTES = tuple(name for name in Site.__dataclass_fields__ if name != "position")

Kind = tuple[tuple[str, ...], type[np.generic]]
"""Dimensions and type of a dataset: t positions, s sequences, d features of the site, d_in its width, * any length."""

TOKEN_ARRAYS: Mapping[str, Kind] = {
    "ids": (("t",), np.uint32),
    "sequence_offsets": (("s+1",), np.int64),
    "sequence_document": (("s",), np.int64),
    "counted": (("t",), np.uint8),
    "vocabulary_bytes": (("*",), np.uint8),
    "vocabulary_offsets": (("*",), np.int64),
}

OPTIONAL_ARRAYS: Mapping[str, Kind] = {
    "input_norm": (("t",), np.float32),
    "error_norm": (("t",), np.float32),
    "decoder": (("d", "*"), np.float32),
    "encoder": (("d_in", "d"), np.float32),
    "encoder_bias": (("d",), np.float32),
    "decoder_bias": (("*",), np.float32),
    "threshold": (("d",), np.float32),
    "logits/top_token": (("d", "*"), np.uint32),
    "logits/top_value": (("d", "*"), np.float32),
    "logits/bottom_token": (("d", "*"), np.uint32),
    "logits/bottom_value": (("d", "*"), np.float32),
}


def site_arrays(d_sae: int) -> dict[str, Kind]:
    """The datasets that every site must have."""
    return {
        "by_token/offsets": (("t+1",), np.int64),
        "by_token/features": (("*",), index_dtype(d_sae)),
        "by_token/values": (("*",), np.float32),
        "by_feature/offsets": (("d+1",), np.int64),
        "by_feature/positions": (("*",), np.uint32),
        "by_feature/values": (("*",), np.float32),
        "summary/active": (("d",), np.int64),
        "summary/maximum": (("d",), np.float32),
        "summary/total": (("d",), np.float64),
        "summary/total_of_squares": (("d",), np.float64),
    }


WEIGHTS = ("decoder", "encoder", "encoder_bias", "decoder_bias", "threshold")
"""Optional datasets of a site: what data-free measures and the residue need."""

LOGITS = ("top_token", "top_value", "bottom_token", "bottom_value")
"""Optional datasets under ``logits/``: what a decoder direction promotes and suppresses."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """Compressed rows: row r holds ``indices[offsets[r]:offsets[r+1]]`` and the values beside them.

    By token, a row is a position and the indices are features; by feature, a row is a feature and the indices are
    positions. Indices rise strictly within a row.
    """

    offsets: np.ndarray  # int64 [rows + 1]
    indices: np.ndarray  # uint16 or uint32 [nnz]
    values: np.ndarray  # float32 [nnz]


@dataclass(frozen=True, slots=True)
class Summary:
    """Per feature, over all counted positions: how often it is active, its maximum, Σx and Σx²."""

    active: np.ndarray  # int64 [d_sae]
    maximum: np.ndarray  # float32 [d_sae]
    total: np.ndarray  # float64 [d_sae]
    total_of_squares: np.ndarray  # float64 [d_sae]


@dataclass(frozen=True, slots=True)
class Norms:
    """Per position: the size of the SAE's input and of its reconstruction error."""

    input_norm: np.ndarray  # float32 [n_positions]
    error_norm: np.ndarray  # float32 [n_positions]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens fed to the model, in order, cut into sequences of documents."""

    ids: np.ndarray  # uint32 [n_positions]
    sequence_offsets: np.ndarray  # int64 [n_sequences + 1]
    sequence_document: np.ndarray  # int64 [n_sequences]
    counted: np.ndarray  # uint8 [n_positions]
    vocabulary_bytes: np.ndarray  # uint8
    vocabulary_offsets: np.ndarray  # int64 [vocabulary + 1]


@dataclass(frozen=True, slots=True)
class SiteArrays:
    """What a writer hands over for one site: activations in token order and the optional parts."""

    site: Site
    by_token: Sparse
    norms: Norms | None = None
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)  # keys from WEIGHTS
    logits: Mapping[str, np.ndarray] = field(default_factory=dict)  # keys from LOGITS, each [d_sae, 10]


@dataclass(frozen=True, slots=True)
class Header:
    """What a store says of itself; `settings` is JSON data (model, saes, corpus, context size, ...)."""

    settings: Mapping[str, Any]
    recipe: str
    created: str


def index_dtype(d_sae: int) -> type[np.uint16] | type[np.uint32]:
    """The narrowest type that holds every feature's index.

    >>> index_dtype(65_536).__name__, index_dtype(65_537).__name__
    ('uint16', 'uint32')
    """
    return np.uint16 if d_sae <= 65_536 else np.uint32


def fingerprint(recipe: str, ids: np.ndarray) -> str:
    """SHA-256 of the recipe and the token ids; it keys every result computed from a store."""
    digest = hashlib.sha256(recipe.encode())
    step = 1 << 22
    for start in range(0, len(ids), step):
        digest.update(np.ascontiguousarray(ids[start : start + step], dtype="<u4").tobytes())
    return digest.hexdigest()


def site_key(
    layer: int, hook_name: str, neuronpedia_id: str, *, any_pre: bool, taken: frozenset[str] = frozenset()
) -> str:
    """A site's short name (DESIGN 1, "key"); `any_pre` says whether the store has any ``resid_pre`` site.

    >>> site_key(3, "blocks.3.hook_resid_pre", "", any_pre=True)
    '3'
    >>> site_key(5, "blocks.5.hook_resid_post", "", any_pre=True)
    '6'
    >>> site_key(5, "blocks.5.hook_resid_post", "", any_pre=False)
    '5'
    >>> site_key(2, "blocks.2.hook_mlp_out", "", any_pre=True, taken=frozenset({"2.mlp"}))
    '2.mlp@2'
    >>> site_key(11, "blocks.11.hook_resid_post", "gpt2-small/12-res-jb", any_pre=True)
    '12'
    """
    key = _plain_key(layer, hook_name, neuronpedia_id, any_pre)
    copy = 2
    unique = key
    while unique in taken:
        unique = f"{key}@{copy}"
        copy += 1
    return unique


def _plain_key(layer: int, hook_name: str, neuronpedia_id: str, any_pre: bool) -> str:
    _, _, source = neuronpedia_id.partition("/")
    if source and source.split("-")[0].isdigit():
        name = source.split("-")[0]
    elif hook_name.endswith("resid_post") and any_pre:
        name = str(layer + 1)
    else:
        name = str(layer)
    return name + _suffix(hook_name)


def _suffix(hook_name: str) -> str:
    """The part of the block that a hook stands for; residual pre and post need none."""
    last = hook_name.rsplit("hook_", 1)[-1]
    if "resid_mid" in last:
        return ".mid"
    if hook_name.endswith((".ln2.hook_normalized", "mlp_in")):
        return ".tc"
    if "mlp" in hook_name:
        return ".mlp"
    if "attn" in hook_name or last in ("z", "attn_out"):
        return ".att"
    return ""
