"""What to show somebody who has not asked yet: one true sentence about a store, and features worth a look."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from core.analyses.contexts import checked_row
from core.errors import NothingRecorded, SpacesDiffer
from core.labels import Labels
from core.store import Store
from core.values import MIN_ACTIVE, Feature, Link, Links

STARTS = 24
"""Features of the first site from which chains are followed; a query each and site, so a fraction of a second."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A feature and its best link from each site to the next, `links` in the order of the forward pass."""

    features: tuple[Feature, ...]
    links: tuple[Link, ...]
    measure: str

    @property
    def weakest(self) -> float:
        """The smallest measure along the chain; NaN for a chain of one."""
        return min((link.measures[self.measure] for link in self.links), default=float("nan"))


def chain_from(links: Links, feature: Feature, measure: str = "pearson", floor: float = 0.0) -> Chain:
    """Follow the best link from `feature` to each later site, as long as it reaches `floor`."""
    keys = [site.key for site in links.sites]
    features, followed = [feature], []
    for key in keys[keys.index(feature.key) + 1 :]:
        best = links.neighbours(features[-1], key, measure, top=1, min_both=MIN_ACTIVE)
        if not best or not best[0].measures[measure] >= floor:
            break
        followed.append(best[0])
        features.append(best[0].target)
    return Chain(tuple(features), tuple(followed), measure)


def best_matches(links: Links, feature: Feature, measure: str = "pearson") -> list[Link | None]:
    """The best link between `feature` and each site, None at its own and where there is none: its strip."""
    strip: list[Link | None] = []
    for site in links.sites:
        try:
            found = [] if site.key == feature.key else links.neighbours(feature, site.key, measure, top=1)
        except (SpacesDiffer, NothingRecorded):  # a measure of weights says nothing of such a site
            found = []
        strip.append(found[0] if found else None)
    return strip


def finding(store: Store, links: Links, labels: Labels) -> Chain | None:
    """The chain along which a feature grows most while each step stays alike; None for a store with nothing alive.

    It starts at the first site from features that stand for a word. Chains that reach further come first, then
    those with the largest min(weakest link, 0.8) · log(variety at the end / variety at the start): a feature that
    fires on one token to the last is passed on without anything to see.
    """
    chains = [chain_from(links, feature, floor=0.3) for feature in _starts(store, labels)]
    return max(chains, key=lambda chain: (len(chain.links), _growth(store, chain)), default=None)


def _growth(store: Store, chain: Chain) -> float:
    first, last = (variety(store, feature) for feature in (chain.features[0], chain.features[-1]))
    return min(chain.weakest, 0.8) * math.log(last / first) if chain.links and first and last else 0.0


def surprise(store: Store, links: Links, rng: np.random.Generator, tries: int = 12) -> Feature | None:
    """A random alive feature with a good link to the next site or the one before; another `rng`, another feature."""
    best: tuple[float, Feature] | None = None
    for _ in range(tries):
        site = store.sites[int(rng.integers(len(store.sites)))]
        alive = np.flatnonzero(np.asarray(store.summary(site.key).active) >= MIN_ACTIVE)
        if not len(alive):
            continue
        feature = Feature(site.key, int(rng.choice(alive)))
        near = [other for other in store.sites if abs(other.position - site.position) == 1]
        found = [link for other in near for link in links.neighbours(feature, other.key, "pearson", 1, MIN_ACTIVE)]
        value = max((link.measures["pearson"] for link in found), default=-1.0)
        if value >= 0.5:
            return feature
        if best is None or value > best[0]:
            best = value, feature
    return best[1] if best else None


def variety(store: Store, feature: Feature) -> float:
    """How many different tokens a feature's activation is spread over: 1 / Σ p², p a token's share of it; 0 if dead."""
    positions, values = checked_row(store, feature)
    ids = np.asarray(store.tokens.ids)[positions]
    mass = np.bincount(np.unique(ids, return_inverse=True)[1], values) if len(ids) else np.zeros(0)
    total = float(mass.sum())
    return total**2 / float(np.square(mass).sum()) if total > 0 else 0.0


def _starts(store: Store, labels: Labels) -> list[Feature]:
    """One feature a word of the first site with an alive one, the most active first, none that is almost always on."""
    for site in store.sites:
        active = np.asarray(store.summary(site.key).active)
        usable = (active >= MIN_ACTIVE) & (active <= 0.05 * store.n)
        usable = usable if usable.any() else active >= MIN_ACTIVE
        order = [int(i) for i in np.argsort(-active, kind="stable") if usable[i]]
        if order:
            hints = labels.hints(site.key)
            words = [i for i in order if hints[i].isalpha() and len(hints[i]) >= 3]
            one_a_word = {hints[i]: i for i in reversed(words or order)}.values()
            return [Feature(site.key, i) for i in sorted(one_a_word, key=lambda i: -active[i])[:STARTS]]
    return []
