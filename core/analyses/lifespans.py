"""Lifespans: for how many sites a feature lasts, as chains of mutual best matches at τ or above.

Every alive feature of every site belongs to exactly one chain: a mutual match is one to one. A chain is born at its
first site and ends at its last. A chain that reaches the store's last site is *censored*: it lasts at least so long.
A chain of the first site may be older than the store can tell; lengths count the sites that are seen.

The survival curve is the product-limit estimate (Kaplan and Meier 1958): S(k) = Π_{i ≤ k} (1 − d_i / r_i), with r_i the
chains that are i sites long or longer and are followed by a site, d_i those of them that end there. The half-life is
where S falls to a half, in sites, exponential between whole ones; NaN where the store ends before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from core.analyses.turnover import THRESHOLD, Matches, check_threshold, matches
from core.errors import BadArgument
from core.store import Store
from core.values import Feature

GAP = 2
"""How many sites further on a vanished feature is looked for; each step costs as many more pairs as there are sites."""

MOST = 500
"""Chains listed at once."""

Pairs = Mapping[tuple[str, str], Matches]


@dataclass(frozen=True, slots=True)
class Lifespans:
    """All chains of a store, in the order of their births; sites are places along the forward pass."""

    keys: tuple[str, ...]
    threshold: float
    measure: str
    birth: np.ndarray  # int64 [chains], place of the first site
    length: np.ndarray  # int64 [chains], sites
    members: np.ndarray  # int64 [chains, sites], feature indices, -1 where the chain is not
    weakest: np.ndarray  # float64 [chains], least measure along the chain; NaN for a single site

    @property
    def censored(self) -> np.ndarray:
        """Which chains reach the last site, bool [chains]: they last at least so long."""
        return self.birth + self.length == len(self.keys)

    def features(self, chain: int) -> tuple[Feature, ...]:
        """The features of one chain, earliest first."""
        first = int(self.birth[chain])
        return tuple(
            Feature(self.keys[site], int(self.members[chain, site]))
            for site in range(first, first + int(self.length[chain]))
        )

    def born_at(self, site: int | None) -> np.ndarray:
        """Which chains were born at a site, bool [chains]; all for None."""
        return np.ones(len(self.birth), bool) if site is None else self.birth == site


@dataclass(frozen=True, slots=True)
class Return:
    """A feature that no site in between has, at τ, and that is there again: a mutual match across the gap."""

    before: Feature
    after: Feature
    value: float  # of the match across the gap
    between: float  # the best match of either at any site in between

    def as_json(self) -> dict[str, Any]:
        """As `lifespans --json` writes it."""
        return {"before": str(self.before), "after": str(self.after), "value": self.value, "between": self.between}


def lifespans(adjacent: Sequence[Matches], threshold: float = THRESHOLD) -> Lifespans:
    """The chains of mutual best matches at τ = `threshold` over adjacent sites; raises `BadArgument`.

    `adjacent` are the matches of each site with the next one (`core.analyses.turnover.adjacent_matches`).

    >>> import tempfile, pathlib
    >>> from core.analyses.turnover import adjacent_matches
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=3, width=8, tokens=5_000, noise=0)
    >>> chains = planting.passed_on(0, 2), planting.passed_on(1, 2), planting.passed_on(0, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = lifespans(adjacent_matches(planting.build(pathlib.Path(folder) / "planted.h5")[0]), 0.95)
    >>> [[str(f) for f in found.features(c)] for c in range(3)]
    [['0_0', '1_0', '2_0'], ['0_1', '1_2'], ['1_1', '2_1']]
    >>> found.length.tolist(), found.censored.tolist()
    ([3, 2, 2], [True, False, True])
    """
    check_threshold(threshold)
    if not adjacent:
        raise BadArgument("a store with a single site has no lifespans", "open one with two sites or more")
    keys = (adjacent[0].source, *(one.target for one in adjacent))
    chains = chain_of_features(adjacent, threshold)
    total = 1 + max((int(chain.max(initial=-1)) for chain in chains), default=-1)
    members, weakest = np.full((total, len(keys)), -1, np.int64), np.full(total, np.inf)
    for site, chain in enumerate(chains):
        features = np.flatnonzero(chain >= 0)
        members[chain[features], site] = features
    for one, chain in zip(adjacent, chains, strict=False):
        passed = np.flatnonzero(one.mutual_at(threshold) >= 0)
        np.minimum.at(weakest, chain[passed], one.forward.value[passed])
    there = members >= 0
    weakest[np.isinf(weakest)] = np.nan
    return Lifespans(
        keys, threshold, adjacent[0].measure, there.argmax(1).astype(np.int64), there.sum(1), members, weakest
    )


def chain_of_features(adjacent: Sequence[Matches], threshold: float) -> list[np.ndarray]:
    """The number of the chain that each feature of each site belongs to, int64 [d_sae] a site; -1 where not alive.

    Chains are numbered in the order of their births.
    """
    chains: list[np.ndarray] = []
    total = 0
    for site in range(len(adjacent) + 1):
        living = adjacent[0].alive_from if site == 0 else adjacent[site - 1].alive_to
        chain = np.full(len(living), -1, np.int64)
        if site:
            heir = adjacent[site - 1].mutual_at(threshold)
            passed = np.flatnonzero(heir >= 0)
            chain[heir[passed]] = chains[-1][passed]
        new = np.flatnonzero(living & (chain < 0))
        chain[new] = np.arange(total, total + len(new))
        total += len(new)
        chains.append(chain)
    return chains


def survival(found: Lifespans, site: int | None = None) -> np.ndarray:
    """S(k) for k = 0..sites − 1: the share of chains that last for more than k sites after their first, float64.

    S(0) = 1; of chains born at `site`, or of all. NaN from where no chain is followed by another site.

    >>> some = Lifespans(("0", "1", "2"), 0.9, "pearson", np.array([0, 0, 1, 2]), np.array([1, 3, 1, 1]),
    ...                  np.zeros((4, 3), np.int64), np.zeros(4))
    >>> survival(some).round(3).tolist()
    [1.0, 0.333, 0.333]
    """
    chosen = found.born_at(site)
    birth, length = found.birth[chosen], found.length[chosen]
    curve = np.full(len(found.keys), np.nan)
    curve[0] = 1.0
    for k in range(1, len(found.keys)):
        at_risk = (length >= k) & (birth + k < len(found.keys))
        if not at_risk.any():
            # Nobody can be seen to last longer: unknown, unless all had ended before.
            curve[k] = 0.0 if curve[k - 1] == 0 and np.any(birth + k < len(found.keys)) else np.nan
            continue
        curve[k] = curve[k - 1] * (1 - np.count_nonzero(length[at_risk] == k) / np.count_nonzero(at_risk))
    return curve


def half_life(curve: np.ndarray) -> float:
    """After how many sites half are left, exponential between whole ones; NaN where the curve ends above a half.

    >>> half_life(np.array([1.0, 0.25])), half_life(np.array([1.0, 0.5, 0.1])), half_life(np.array([1.0, 0.0]))
    (0.5, 1.0, 0.5)
    """
    below = np.flatnonzero(curve <= 0.5)
    if not len(below):
        return float("nan")
    k = int(below[0])
    before, after = float(curve[k - 1]), float(curve[k])
    if after <= 0:  # no exponential reaches 0: straight
        return k - 1 + (before - 0.5) / before
    return k - 1 + float(np.log(before / 0.5) / np.log(before / after))


def length_table(found: Lifespans) -> np.ndarray:
    """How many chains of each birth site have each length, int64 [sites, sites]: row birth, column length − 1."""
    n = len(found.keys)
    return np.bincount(found.birth * n + found.length - 1, minlength=n * n).reshape(n, n)


def longest(found: Lifespans, count: int = 50) -> np.ndarray:
    """The chains of most sites, of equally long ones those whose weakest step is strongest, int64 [≤ count]."""
    order = longest_first(found)
    return order[found.length[order] > 1][:count]


def longest_first(found: Lifespans) -> np.ndarray:
    """All chains by their lengths, of equally long ones those whose weakest step is strongest, int64 [chains]."""
    return np.lexsort((found.birth, -np.nan_to_num(found.weakest, nan=-2.0), -found.length))


def chosen(found: Lifespans, born: str = "", length: int = 0, least: int = 0, count: int = MOST) -> np.ndarray:
    """The chains born at a site, of a length or of at least one, those that last longest first, int64 [≤ count].

    "" and 0 ask for any; without a question these are `longest`, of two sites or more.
    """
    if not (born or length or least):
        return longest(found, count)
    order = longest_first(found)
    wanted = found.born_at(found.keys.index(born) if born else None) & (found.length >= least)
    wanted &= (found.length == length) if length else True
    return order[wanted[order]][:count]


def pairs_for_returns(keys: Sequence[str], gap: int = GAP) -> list[tuple[str, str]]:
    """The pairs of sites at most `gap` sites apart: what `returns` needs."""
    return [(keys[a], keys[b]) for a, b in combinations(range(len(keys)), 2) if b - a <= gap]


def matches_for_returns(
    store: Store, measure: str = "pearson", gap: int = GAP, **options: Any
) -> dict[tuple[str, str], Matches]:
    """The matches of all pairs of sites at most `gap` apart; options as those of `turnover.matches`."""
    keys = [site.key for site in store.sites]
    return {pair: matches(store, *pair, measure, **options) for pair in pairs_for_returns(keys, gap)}


def returns(keys: Sequence[str], found: Pairs, threshold: float = THRESHOLD) -> list[Return]:
    """Features that vanish at one site and reappear at a later one, strongest match first.

    i of a site and j of a later one, not the next, that are each other's best match at τ or above, while neither has
    any match at τ at any site in between. `found` holds the matches of all pairs up to the widest gap asked for.
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
        seen = np.full(len(i), -1.0)
        for key in between:
            seen = np.fmax(seen, found[source, key].forward.value[i])
            seen = np.fmax(seen, found[key, target].backward.value[j])
        for e in np.flatnonzero(seen < threshold):
            ends = Feature(source, int(i[e])), Feature(target, int(j[e]))
            result.append(Return(*ends, float(across.forward.value[i[e]]), float(seen[e])))
    return sorted(result, key=lambda one: (-one.value, one.before, one.after))
