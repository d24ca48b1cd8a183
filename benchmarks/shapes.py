"""Stores of a given shape, made fast: how much there is and how it is spread, without a model.

GPT-2 shape is 24,576 features a site, L0 = 60 with log-normal densities (σ = 1.5), log-normal amplitudes. Half of the
later site's activations follow features of the earlier one, so that links exist; the others are independent.

    python -m benchmarks.shapes cache/bench.h5 --tokens 1000000
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from core.kernels import kernel
from core.sources.planted import plant, planted_tokens
from core.store import Sparse, Store, Tokens, open_store
from core.store.format import index_dtype

D_SAE, L0, SIGMA = 24_576, 60, 1.5
DOCUMENT = 500  # mean number of tokens of a document
FOLLOW = 0.5  # share of a token's activations that follow the site before
DRAWN = 50_000  # tokens that a thread draws at once: what is drawn depends on it, and not on how many threads there are


def densities(d_sae: int, l0: float, rng: np.random.Generator, sigma: float = SIGMA) -> np.ndarray:
    """Log-normal firing probabilities [d_sae] with the sum `l0`, none above one half."""
    raw = rng.lognormal(0, sigma, d_sae)
    for _ in range(20):
        raw = np.minimum(raw * (l0 / raw.sum()), 0.5)
    return raw


@kernel
def _draw(seed, first, n, draws, cumulative, followed_offsets, followed, follow, features, counts):  # type: ignore[no-untyped-def]
    """Distinct rising features a token: a share follows the token's features before, the others by density.

    Of tokens first..first + n − 1; `counts` [n] is how many each has, and their sum is returned.
    """
    np.random.seed(seed)
    d_sae = len(cumulative)
    seen = np.full(d_sae, -1, np.int64)
    at = 0
    for t in range(n):
        begin = at
        before, behind = followed_offsets[first + t], followed_offsets[first + t + 1]
        for _ in range(np.random.poisson(draws)):
            if len(followed) and np.random.random() < follow and behind > before:
                f = np.int64(followed[before + int(np.random.random() * (behind - before))])
            else:
                f = min(np.searchsorted(cumulative, np.random.random()), d_sae - 1)
            if seen[f] != t and at < len(features):
                seen[f] = t
                features[at] = f
                at += 1
        features[begin:at].sort()
        counts[t] = at - begin
    return at


def site_activations(n: int, d_sae: int, l0: float, seed: int, before: Sparse | None = None) -> Sparse:
    """Activations [n, d_sae] of one site by token, L0 about `l0`."""
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(densities(d_sae, l0, rng))
    cumulative /= cumulative[-1]
    scale = rng.lognormal(0, 1, d_sae).astype(np.float32)
    nothing = np.zeros(n + 1, np.int64), np.empty(0, index_dtype(d_sae))
    followed = nothing if before is None else (before.offsets, before.indices)
    counts = np.zeros(n, np.int64)

    def part(first: int) -> tuple[np.ndarray, np.ndarray]:
        size = min(DRAWN, n - first)
        features = np.empty(int(size * l0 * 1.2) + 1000, index_dtype(d_sae))
        # Drawing a feature twice counts once; a little more is drawn so that about l0 remain.
        used = _draw(
            seed * 1_000_003 + first, first, size, l0 * 1.06, cumulative, *followed, FOLLOW, features,
            counts[first : first + size],
        )  # fmt: skip
        values = np.random.default_rng([seed, first]).standard_normal(used, np.float32)
        np.exp(0.7 * values, out=values)
        return features[:used], values * scale[features[:used]]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        features, values = zip(*pool.map(part, range(0, n, DRAWN)), strict=True)
    return Sparse(np.concatenate([[0], np.cumsum(counts)]), np.concatenate(features), np.concatenate(values))


def documents(n: int, seed: int) -> Tokens:
    """Tokens in documents of geometric lengths."""
    lengths = np.random.default_rng(seed).geometric(1 / DOCUMENT, 2 * n // DOCUMENT + 10)
    ends = np.cumsum(lengths)
    kept = lengths[: int(np.searchsorted(ends, n)) + 1].copy()
    kept[-1] -= int(kept.sum()) - n
    return planted_tokens(n, kept.tolist(), vocabulary=5000, seed=seed)


def shaped_store(
    path: Path, tokens: int = 1_000_000, sites: int = 2, d_sae: int = D_SAE, l0: float = L0, seed: int = 0
) -> Store:
    """The store of this shape at `path`, made where it is not there yet (about 10 s a site and million tokens)."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Sparse] = {}
        before: Sparse | None = None
        for k in range(sites):
            before = arrays[str(k)] = site_activations(tokens, d_sae, l0, seed + 1 + k, before)
        plant(path, dict(arrays), tokens=documents(tokens, seed), d_sae=d_sae)
    return open_store(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--sites", type=int, default=2)
    parser.add_argument("--d-sae", type=int, default=D_SAE)
    parser.add_argument("--l0", type=float, default=L0)
    chosen = parser.parse_args()
    made = shaped_store(chosen.path, chosen.tokens, chosen.sites, chosen.d_sae, chosen.l0)
    for site in made.sites:
        print(site.key, site.d_sae, "L0", round(float(made.summary(site.key).active.sum()) / made.n, 1))
