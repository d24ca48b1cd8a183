"""What a number of tokens has not shown yet: features that never fired, pairs that never fired together.

Parts of the documents are nested (`core.statistics.first_seen`): in one shuffle of them, the first 1/64, 1/32, ... 1.
Sample k is the k-th of these parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from core.analyses.convergence import SHARES, running
from core.labels import Labels
from core.statistics.active import ActiveSite, active_site, add_active
from core.statistics.first_seen import (
    features_seen,
    first_levels,
    level_of_positions,
    nested_documents,
    pairs_seen,
)
from core.statistics.intervals import document_index
from core.store import Store
from core.values import Feature

Report = Callable[[int, int], None]
LISTED = 14
MOST = 200
"""Features that are listed at most; pairs are `LISTED`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What nested parts of the documents have shown, in one shuffle of them; arrays [shares]."""

    tokens: np.ndarray  # int64
    features: dict[str, int]  # by site: d_sae
    dead: dict[str, np.ndarray]  # by site: features never active so far
    never_co_active: np.ndarray  # pairs of the d_sae · d_sae never active together so far


def seen_by_then(
    store: Store,
    source: str,
    target: str,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    report: Report = lambda done, of: None,
) -> Seen:
    """Dead features and pairs never active together against the number of tokens; exact, one pass over the pair."""
    level = nested_documents(store, shares, seed)
    positions = level_of_positions(store, level)
    samples = len(shares)
    tokens = running(level, document_index(store)[1], samples).astype(np.int64)
    features = {key: store.site(key).d_sae for key in (source, target)}
    dead = {key: of - features_seen(store, key, positions, samples) for key, of in features.items()}
    pairs = features[source] * features[target]
    return Seen(tokens, features, dead, pairs - pairs_seen(store, source, target, positions, samples, report))


def seen_table(found: Seen) -> pl.DataFrame:
    """One row a part: ``tokens``, ``dead_KEY`` of both sites, ``never_co_active``."""
    dead = {f"dead_{key}": counts for key, counts in found.dead.items()}
    return pl.DataFrame({"tokens": found.tokens, **dead, "never_co_active": found.never_co_active})


# ---- the features and the pairs behind a number


def late_features(
    store: Store, labels: Labels, key: str, sample: int = -1, shares: Sequence[float] = SHARES, seed: int = 0,
    report: Report = lambda done, of: None,
) -> pl.DataFrame:  # fmt: skip
    """The features of a site that part `sample` has not shown, those most active on all tokens first.

    Columns ``feature``, ``name``, ``active`` (tokens of the whole store) and ``seen_after``: the tokens of the first
    part that has it, null for a dead feature. `report` hears of features and may raise to stop it.
    """
    level = nested_documents(store, shares, seed)
    first = first_levels(store, key, level_of_positions(store, level), len(shares), report)
    active = np.asarray(store.summary(key).active)
    late = np.flatnonzero(first > range(len(shares))[sample])
    late = late[np.argsort(-active[late], kind="stable")]
    tokens = running(level, document_index(store)[1], len(shares)).astype(np.int64)
    features = [Feature(key, i) for i in late.tolist()]
    columns = {
        "feature": pl.Series([str(feature) for feature in features], dtype=pl.String),
        "name": pl.Series([labels.written(feature) for feature in features[:MOST]], dtype=pl.String),
        "active": pl.Series(active[late], dtype=pl.Int64),
        "seen_after": pl.Series([int(tokens[k]) if k < len(tokens) else None for k in first[late]], dtype=pl.Int64),
    }
    return pl.DataFrame({name: column.head(MOST) for name, column in columns.items()})


def never_together(
    store: Store, labels: Labels, source: str, target: str, sample: int = -1, shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """The pairs that never fire together in part `sample` although independence expects most of them.

    Columns ``source``, ``source_name``, ``target``, ``target_name``, ``n_source``, ``n_target`` (tokens of the part)
    and ``expected``, n_source · n_target / n. Exact. Ties go to the more active source, then to the smaller index.
    """
    return apart_table(apart(store, source, target, sample, shares, seed), labels, source, target)


def apart(
    store: Store, source: str, target: str, sample: int = -1, shares: Sequence[float] = SHARES, seed: int = 0,
    report: Report = lambda done, of: None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """`never_together` as arrays: ``source``, ``target`` (indices), ``n_source``, ``n_target``, ``expected``.

    Sources are walked from the most active on, until none can expect more than the `LISTED` that were found. `report`
    hears of sources and may raise to stop it.
    """
    level = nested_documents(store, shares, seed)
    inside = level_of_positions(store, level) <= range(len(shares))[sample]
    n = int(np.asarray(store.tokens.counted, bool)[inside].sum())
    sites = active_site(store, source), active_site(store, target)
    n_source, n_target = (
        np.bincount(site.features[np.repeat(inside, np.diff(site.token_offsets))], minlength=len(site.active))
        for site in sites
    )
    found = _most_expected(*sites, inside, n, n_source, n_target, report)
    i, j = (np.array([each[end] for each in found], np.int64) for end in (1, 2))
    expected = np.array([-each[0] for each in found], np.float64)
    return {"source": i, "target": j, "n_source": n_source[i], "n_target": n_target[j], "expected": expected}


def apart_table(found: Mapping[str, np.ndarray], labels: Labels, source: str, target: str) -> pl.DataFrame:
    """What `apart` found, with names."""
    ends: dict[str, pl.Series] = {}
    for end, key in (("source", source), ("target", target)):
        features = [Feature(key, i) for i in found[end].tolist()]
        ends[end] = pl.Series(map(str, features), dtype=pl.String)
        ends[f"{end}_name"] = pl.Series(map(labels.written, features), dtype=pl.String)
    return pl.DataFrame({**ends, **{name: found[name] for name in ("n_source", "n_target", "expected")}})


def _most_expected(
    source: ActiveSite, target: ActiveSite, inside: np.ndarray, n: int, n_source: np.ndarray, n_target: np.ndarray,
    report: Report,
) -> list[tuple[float, int, int]]:  # fmt: skip
    """(−expected, source, target) of the `LISTED` pairs that are never together and most expected, in order."""
    found: list[tuple[float, int, int]] = []
    ranked = np.argsort(-n_target, kind="stable")
    of_ranked = n_target[ranked]
    for walked, i in enumerate(np.argsort(-n_source, kind="stable").tolist()):
        least = -found[-1][0] * n / n_source[i] if len(found) == LISTED and n_source[i] else 0.0
        hopeful = ranked[: np.searchsorted(-of_ranked, -least)]  # strictly more than the least of those found
        if not n_source[i] or not len(hopeful):
            break
        counts = np.zeros(len(n_target), np.int64)
        positions = source.row(i)
        add_active(positions[inside[positions]], target.token_offsets, target.features, counts)
        apart = hopeful[counts[hopeful] == 0][:LISTED]
        found += [(-float(n_source[i] * n_target[j] / n), i, j) for j in apart.tolist()]
        found = sorted(found, key=lambda each: each[0])[:LISTED]
        if walked % 64 == 0:
            report(walked, len(n_source))
    return found
