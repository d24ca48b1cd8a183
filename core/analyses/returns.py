"""Returns: features that fall below τ at the sites in between, and that are there again at a later one.

i of a site and j of a later one, not the next, that are each other's best match at τ or above, while neither has any
match at τ at any site in between. How far below matters: with τ at 0.95, a match of 0.94 in between is a hair's breadth
and no absence. The *depth* is τ less the best match that either has at any of the sites in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from core.analyses.matches import Matches, matches
from core.analyses.turnover import THRESHOLD, check_threshold
from core.store import Store
from core.values import Feature

GAP = 2
"""How many sites further on is looked in large stores; each step costs as many more pairs as there are sites."""

WHOLE = 7
"""Sites up to which a store is searched whole."""

SHALLOW = 0.1
"""Who falls by less than this below τ falls by a hair's breadth."""

Pairs = Mapping[tuple[str, str], Matches]


@dataclass(frozen=True, slots=True)
class Return:
    """A feature that no site in between has, at τ, and that is there again: a mutual match across the gap."""

    before: Feature
    after: Feature
    value: float  # of the match across the gap
    between: float  # the best match of either at any site in between; NaN where neither has any
    depth: float  # τ − between

    @property
    def shallow(self) -> bool:
        """Whether it falls by less than `SHALLOW` below τ."""
        return self.depth < SHALLOW

    def as_json(self) -> dict[str, Any]:
        """As `lifespans --json` writes it."""
        numbers = {"value": self.value, "between": self.between, "depth": self.depth}
        return {"before": str(self.before), "after": str(self.after), **numbers}


def gap_of(n_sites: int) -> int:
    """How many sites on is looked, unless asked otherwise: everywhere in stores of up to `WHOLE` sites, else `GAP`.

    >>> gap_of(6), gap_of(13)
    (5, 2)
    """
    return n_sites - 1 if n_sites <= WHOLE else GAP


def told_of_gap(gap: int, n_sites: int) -> str:
    """How far is looked, in words.

    >>> told_of_gap(5, 6), told_of_gap(2, 13), told_of_gap(1, 13)
    ('across all sites', 'up to 2 sites on', 'up to 1 site on')
    """
    return "across all sites" if gap >= n_sites - 1 else f"up to {gap} site{'s' * (gap != 1)} on"


def pairs_for_returns(keys: Sequence[str], gap: int) -> list[tuple[str, str]]:
    """The pairs of sites at most `gap` sites apart: what `returns` needs."""
    return [(keys[a], keys[b]) for a, b in combinations(range(len(keys)), 2) if b - a <= gap]


def matches_for_returns(
    store: Store, measure: str = "pearson", gap: int | None = None, **options: Any
) -> dict[tuple[str, str], Matches]:
    """The matches of all pairs of sites at most `gap` apart, by default `gap_of`; options as of `turnover.matches`."""
    keys = [site.key for site in store.sites]
    pairs = pairs_for_returns(keys, gap_of(len(keys)) if gap is None else gap)
    return {pair: matches(store, *pair, measure, **options) for pair in pairs}


def returns(keys: Sequence[str], found: Pairs, threshold: float = THRESHOLD) -> list[Return]:
    """Features that fall below τ and are there again at a later site, the deepest fall first; raises `BadArgument`.

    `found` holds the matches of all pairs up to the widest gap asked for.

    >>> import tempfile, pathlib
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=3, width=8, tokens=5_000, noise=0)
    >>> _ = planting.returning(0, 2), planting.passed_on(0, 2), planting.unrelated(1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store, _ = planting.build(pathlib.Path(folder) / "planted.h5")
    ...     back = returns(("0", "1", "2"), matches_for_returns(store, nulls=False))
    >>> [(str(one.before), str(one.after), one.shallow) for one in back]
    [('0_0', '2_0', False)]
    """
    check_threshold(threshold)
    result = []
    for (source, target), across in found.items():
        between = keys[list(keys).index(source) + 1 : list(keys).index(target)]
        if not between:
            continue
        heir = across.mutual_at(threshold)
        i = np.flatnonzero(heir >= 0)
        j = heir[i]
        seen = np.full(len(i), np.nan)
        for key in between:
            seen = np.fmax(seen, found[source, key].forward.value[i])
            seen = np.fmax(seen, found[key, target].backward.value[j])
        for e in np.flatnonzero(~(seen >= threshold)):
            ends = Feature(source, int(i[e])), Feature(target, int(j[e]))
            best = float(seen[e])
            result.append(Return(*ends, float(across.forward.value[i[e]]), best, threshold - best))
    return sorted(result, key=lambda one: (-np.nan_to_num(one.depth, nan=np.inf), one.before, one.after))
