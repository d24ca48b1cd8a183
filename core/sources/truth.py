"""What was planted in a store of `structures`: the right answers, as frozen values.

>>> chain = Chain((Feature("1", 4), Feature("2", 9)))
>>> truth = Truth(sites=("0", "1", "2"), chains=(chain,))
>>> truth.born("1"), truth.ended("2"), truth.passed("1", "2") == {(Feature("1", 4), Feature("2", 9))}
({Feature(key='1', index=4)}, set(), True)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from core.values import Feature


@dataclass(frozen=True, slots=True)
class Chain:
    """One feature passed on from site to site: one `Feature` a site, earliest first."""

    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class PlantedReturn:
    """One feature at two sites, and at none in between."""

    before: Feature
    after: Feature


@dataclass(frozen=True, slots=True)
class PlantedGate:
    """`feature` fires where its `inputs` say: any (``or``), all (``and``), the first but not the last (``and_not``)."""

    kind: str
    feature: Feature
    inputs: tuple[Feature, ...]  # negated ones last
    negated: int = 0  # how many of the last inputs are negated

    @property
    def written(self) -> tuple[str, ...]:
        """Inputs as ``gates --json`` writes them, negated ones prefixed ``!``."""
        positive = len(self.inputs) - self.negated
        return tuple(("!" if k >= positive else "") + str(f) for k, f in enumerate(self.inputs))


@dataclass(frozen=True, slots=True)
class PlantedSplit:
    """A parent whose firing is divided among children of the next site."""

    parent: Feature
    children: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class PlantedMerge:
    """A child into which parents of the site before are merged; also an OR gate."""

    child: Feature
    parents: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class PlantedCommunity:
    """Features of several sites that fire, each with the same probability, wherever one hidden cause is present."""

    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything planted; in a negative twin all of it is empty, but for the dead, the rare and the bursty."""

    sites: tuple[str, ...]
    chains: tuple[Chain, ...] = ()
    gates: tuple[PlantedGate, ...] = ()
    splits: tuple[PlantedSplit, ...] = ()
    merges: tuple[PlantedMerge, ...] = ()
    communities: tuple[PlantedCommunity, ...] = ()
    returns: tuple[PlantedReturn, ...] = ()
    dead: tuple[Feature, ...] = ()
    rare: tuple[Feature, ...] = ()
    bursty: tuple[Feature, ...] = ()
    unrelated: tuple[Feature, ...] = ()  # alive, and independent of everything

    def groups(self) -> list[tuple[Feature, ...]]:
        """The features of each structure: of whatever is planted but single features."""
        return [
            *(chain.features for chain in self.chains),
            *((gate.feature, *gate.inputs) for gate in self.gates),
            *((split.parent, *split.children) for split in self.splits),
            *((merge.child, *merge.parents) for merge in self.merges),
            *(community.features for community in self.communities),
            *((one.before, one.after) for one in self.returns),
        ]

    def alive(self, key: str) -> set[Feature]:
        """All features planted at this site but for the dead and the rare ones."""
        every = itertools.chain(self.unrelated, self.bursty, *self.groups())
        return {feature for feature in every if feature.key == key}

    def passed(self, source: str, target: str) -> set[tuple[Feature, Feature]]:
        """Pairs of features of two sites that are one and the same feature, passed on."""
        pairs = (pair for chain in self.chains for pair in itertools.combinations(chain.features, 2))
        return {pair for pair in pairs if (pair[0].key, pair[1].key) == (source, target)}

    def born(self, key: str) -> set[Feature]:
        """First features of the chains that begin at this site, unless it is the first site of all."""
        first = {chain.features[0] for chain in self.chains}
        return {feature for feature in first if feature.key == key != self.sites[0]}

    def ended(self, key: str) -> set[Feature]:
        """Last features of the chains that end at this site, unless it is the last site of all."""
        last = {chain.features[-1] for chain in self.chains}
        return {feature for feature in last if feature.key == key != self.sites[-1]}
