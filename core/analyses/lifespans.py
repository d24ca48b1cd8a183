"""Lifespans: for how many sites a feature lasts, as chains of mutual best matches at τ or above.

Every alive feature of every site belongs to exactly one chain: a mutual match is one to one. A chain is born at its
first site. Before the store's last site it stops in one of two ways: it has *ended* where its last feature has no match
at τ or above at the next site, and it is *no longer one to one* where that feature has one, whose own best match is
another feature: of near copies with one heir a single one goes on, and the others are still represented. A chain that
reaches the store's last site is *censored*: it lasts at least so long. A chain of the first site may be older than the
store can tell; lengths count the sites that are seen.

The survival curve is that of one-to-one chains, however they stop, by the product-limit estimate (Kaplan and Meier
1958): S(k) = Π_{i ≤ k} (1 − d_i / r_i), with r_i the chains that are i sites long or longer and are followed by a site,
d_i those of them that stop there. The half-life is where S falls to a half, in sites, exponential between whole ones;
NaN where the store ends before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.analyses.matches import Matches
from core.analyses.turnover import THRESHOLD, check_threshold
from core.errors import BadArgument
from core.values import Feature

MOST = 500
"""Chains listed at once."""

THEN = ("last site", "ended", "no longer one to one")
"""What comes after a chain: no further site, no match at τ or above, or one whose best match is another feature."""


@dataclass(frozen=True)
class Lifespans:
    """All chains of a store, in the order of their births; sites are places along the forward pass.

    The last three tell how a chain stops: the best match of its last feature at the site after it, whatever its value,
    and the best match of that one. Where the latter is another feature than the chain's last, it is a rival.
    """

    keys: tuple[str, ...]
    threshold: float
    measure: str
    birth: np.ndarray  # int64 [chains], place of the first site
    length: np.ndarray  # int64 [chains], sites
    members: np.ndarray  # int64 [chains, sites], feature indices, -1 where the chain is not
    weakest: np.ndarray  # float64 [chains], least measure along the chain; NaN for a single site
    best_next: np.ndarray  # int64 [chains], feature index; -1 where there is no such site or match
    value_next: np.ndarray  # float64 [chains], its measure; NaN where there is none
    rival: np.ndarray  # int64 [chains], feature index; -1 where there is none

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

    @cached_property
    def then(self) -> np.ndarray:
        """What comes after each chain, int64 [chains], places in `THEN`."""
        reached = self.value_next >= self.threshold  # NaN does not
        return np.where(self.censored, 0, np.where(reached, 2, 1))

    def after(self, chain: int) -> tuple[Feature | None, Feature | None]:
        """The best match of a chain's last feature at the next site, and the rival that this one matches better."""
        last = int(self.birth[chain] + self.length[chain]) - 1
        heir, rival = int(self.best_next[chain]), int(self.rival[chain])
        found = Feature(self.keys[last + 1], heir) if heir >= 0 else None
        return found, Feature(self.keys[last], rival) if rival >= 0 else None

    def born_at(self, site: int | None) -> np.ndarray:
        """Which chains were born at a site, bool [chains]; all for None."""
        return np.ones(len(self.birth), bool) if site is None else self.birth == site


def lifespans(adjacent: Sequence[Matches], threshold: float = THRESHOLD) -> Lifespans:
    """The chains of mutual best matches at τ = `threshold` over adjacent sites; raises `BadArgument`.

    `adjacent` are the matches of each site with the next one (`core.analyses.matches.adjacent_matches`).

    >>> import tempfile, pathlib
    >>> from core.analyses.matches import adjacent_matches
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=3, width=8, tokens=5_000, noise=0)
    >>> chains = planting.passed_on(0, 2), planting.passed_on(1, 2), planting.passed_on(0, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = lifespans(adjacent_matches(planting.build(pathlib.Path(folder) / "planted.h5")[0]), 0.95)
    >>> [[str(f) for f in found.features(c)] for c in range(3)]
    [['0_0', '1_0', '2_0'], ['0_1', '1_2'], ['1_1', '2_1']]
    >>> found.length.tolist(), [THEN[then] for then in found.then]
    ([3, 2, 2], ['last site', 'ended', 'last site'])
    """
    check_threshold(threshold)
    if not adjacent:
        raise BadArgument("a store with a single site has no lifespans", "open one with two sites or more")
    keys = (adjacent[0].source, *(one.target for one in adjacent))
    chains = chain_of_features(adjacent, threshold)
    total = 1 + max((int(chain.max(initial=-1)) for chain in chains), default=-1)
    members = np.full((total, len(keys)), -1, np.int64)
    for site, chain in enumerate(chains):
        features = np.flatnonzero(chain >= 0)
        members[chain[features], site] = features
    there = members >= 0
    birth, length = there.argmax(1).astype(np.int64), there.sum(1)
    return Lifespans(
        keys, threshold, adjacent[0].measure, birth, length, members,
        weakest_steps(adjacent, chains, threshold), *next_matches(adjacent, members, birth + length - 1),
    )  # fmt: skip


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


def weakest_steps(adjacent: Sequence[Matches], chains: Sequence[np.ndarray], threshold: float) -> np.ndarray:
    """The least measure along each chain, float64 [chains]; NaN for a single site. `chains` by `chain_of_features`."""
    weakest = np.full(1 + max((int(chain.max(initial=-1)) for chain in chains), default=-1), np.inf)
    for one, chain in zip(adjacent, chains, strict=False):
        passed = np.flatnonzero(one.mutual_at(threshold) >= 0)
        np.minimum.at(weakest, chain[passed], one.forward.value[passed])
    return np.where(np.isinf(weakest), np.nan, weakest)


def next_matches(
    adjacent: Sequence[Matches], members: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the site after each chain has for its last feature: `best_next`, `value_next` and `rival` of `Lifespans`.

    `members` int64 [chains, sites] and `last` int64 [chains], the place of each chain's last site.
    """
    heir, value, rival = np.full(len(last), -1, np.int64), np.full(len(last), np.nan), np.full(len(last), -1, np.int64)
    for site, one in enumerate(adjacent):
        stops = np.flatnonzero(last == site)
        feature = members[stops, site]
        heir[stops], value[stops] = one.forward.partner[feature], one.forward.value[feature]
        other = np.where(heir[stops] >= 0, one.backward.partner[heir[stops]], -1)
        rival[stops] = np.where(other == feature, -1, other)
    return heir, value, rival


def survival(found: Lifespans, site: int | None = None) -> np.ndarray:
    """S(k) for k = 0..sites − 1: the share of chains still one to one k sites after their first, float64.

    S(0) = 1; of chains born at `site`, or of all. NaN from where no chain is followed by another site.

    >>> some = Lifespans(("0", "1", "2"), 0.9, "pearson", np.array([0, 0, 1, 2]), np.array([1, 3, 1, 1]),
    ...                  np.zeros((4, 3), np.int64), *np.zeros((4, 4)))
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
    """After how many sites half are still one to one, exponential between whole ones; NaN if the curve ends above.

    The fewer are left at the next site, the shorter it is, down to none of the way there where nothing is left.

    >>> half_life(np.array([1.0, 0.25])), half_life(np.array([1.0, 0.5, 0.1])), half_life(np.array([1.0, 0.0]))
    (0.5, 1.0, 0.0)
    """
    below = np.flatnonzero(curve <= 0.5)
    if not len(below):
        return float("nan")
    k = int(below[0])
    before, after = float(curve[k - 1]), float(curve[k])
    return k - 1 + (float(np.log(before / 0.5) / np.log(before / after)) if after > 0 else 0.0)


def length_table(found: Lifespans) -> np.ndarray:
    """How many chains of each birth site have each length, int64 [sites, sites]: row birth, column length − 1."""
    n = len(found.keys)
    return np.bincount(found.birth * n + found.length - 1, minlength=n * n).reshape(n, n)


def then_table(found: Lifespans) -> np.ndarray:
    """How many chains of each birth site are followed by what, int64 [sites, 3]: row birth, column place in `THEN`."""
    n = len(THEN)
    return np.bincount(found.birth * n + found.then, minlength=n * len(found.keys)).reshape(-1, n)


def longest(found: Lifespans, count: int = 50) -> np.ndarray:
    """The chains of most sites, of equally long ones those whose weakest step is strongest, int64 [≤ count]."""
    order = longest_first(found)
    return order[found.length[order] > 1][:count]


def longest_first(found: Lifespans) -> np.ndarray:
    """All chains by their lengths, of equally long ones those whose weakest step is strongest, int64 [chains]."""
    return np.lexsort((found.birth, -np.nan_to_num(found.weakest, nan=-2.0), -found.length))


def chosen(
    found: Lifespans, born: str = "", length: int = 0, least: int = 0, then: str = "", count: int = MOST
) -> np.ndarray:
    """The chains born at a site, of a length or of at least one, followed by what (`THEN`), int64 [≤ count].

    Those that last longest come first. "" and 0 ask for any; without a question these are `longest`, of two sites or
    more.
    """
    if not (born or length or least or then):
        return longest(found, count)
    order = longest_first(found)
    wanted = found.born_at(found.keys.index(born) if born else None) & (found.length >= least)
    wanted &= (found.length == length) if length else True
    wanted &= (found.then == THEN.index(then)) if then else True
    return order[wanted[order]][:count]
