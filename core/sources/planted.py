"""Stores from dense arrays: activations whose answers are known, for tests, benchmarks and examples.

>>> import tempfile
>>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
>>> with tempfile.TemporaryDirectory() as folder:
...     store = plant(Path(folder) / "tiny.h5", {"0": a, "1": b})
...     store.n, store.summary("0").active.tolist()
(3, [2, 1])
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.store import Header, SiteArrays, Sparse, Store, Tokens, build_store, open_store
from core.store.format import index_dtype
from core.values import Site


def sparse_rows(dense: np.ndarray, counted: np.ndarray | None = None) -> Sparse:
    """The positive entries of `dense` [n_positions, d_sae] as rows by token; uncounted rows are left empty."""
    dense = np.asarray(dense, np.float32)  # first: what is 0 then is not active
    active = dense > 0
    if counted is not None:
        active &= counted.astype(bool)[:, None]
    rows, columns = np.nonzero(active)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(rows, minlength=len(dense)))])
    values = dense[rows, columns]
    return Sparse(offsets.astype(np.int64), columns.astype(index_dtype(dense.shape[1])), values)


def planted_tokens(
    n_positions: int, document_lengths: Sequence[int] | None = None, vocabulary: int = 50, seed: int = 0
) -> Tokens:
    """Random tokens in documents of the given lengths (default: one document a hundred positions), all counted."""
    if document_lengths is None:
        document_lengths = [min(100, n_positions - start) for start in range(0, n_positions, 100)]
    assert sum(document_lengths) == n_positions
    texts = [f" w{i}".encode() for i in range(vocabulary)]
    return Tokens(
        ids=np.random.default_rng(seed).integers(0, vocabulary, n_positions).astype(np.uint32),
        sequence_offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(document_lengths, dtype=np.int64)]),
        sequence_document=np.arange(len(document_lengths), dtype=np.int64),
        counted=np.ones(n_positions, np.uint8),
        vocabulary_bytes=np.frombuffer(b"".join(texts), np.uint8),
        vocabulary_offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum([len(t) for t in texts], dtype=np.int64)]),
    )


def planted_site(position: int, key: str, d_sae: int, d_in: int = 8) -> Site:
    """A site of an imaginary model; its hook is the residual stream before block `position`."""
    return Site(
        position=position,
        key=key,
        layer=position,
        hook_name=f"blocks.{position}.hook_resid_pre",
        sae_id=f"planted-{key}",
        d_in=d_in,
        d_sae=d_sae,
    )


def plant(
    path: Path,
    sites: Mapping[str, np.ndarray | Sparse],
    *,
    tokens: Tokens | None = None,
    d_sae: int | None = None,
    weights: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Store:
    """Write and open a store with one site a key, in order, from dense [n_positions, d_sae] or sparse activations.

    `d_sae` is needed for sparse ones only; `weights` gives optional parts per key (see `store.format.WEIGHTS`).
    """
    arrays = []
    for position, (key, activations) in enumerate(sites.items()):
        if isinstance(activations, Sparse):
            assert d_sae is not None
            rows, width = activations, d_sae
        else:
            rows, width = (
                sparse_rows(activations, None if tokens is None else tokens.counted),
                activations.shape[1],
            )
        tokens = tokens or planted_tokens(len(rows.offsets) - 1)
        parts = (weights or {}).get(key, {})
        d_in = parts["decoder"].shape[1] if "decoder" in parts else 8
        arrays.append(SiteArrays(planted_site(position, key, width, d_in), rows, weights=parts))
    assert tokens is not None
    digest = hashlib.sha256()
    for part in arrays:
        digest.update(part.by_token.offsets.tobytes() + part.by_token.values.tobytes())
        digest.update(part.by_token.indices.tobytes())
        for name in sorted(part.weights):
            digest.update(name.encode() + np.ascontiguousarray(part.weights[name]).tobytes())
    settings = {"model": "planted", "saes": "planted", "corpus": "planted"}
    header = Header(settings=settings, recipe=digest.hexdigest(), created="2026-01-01T00:00:00Z")
    build_store(path, header, tokens, arrays)
    return open_store(path)
