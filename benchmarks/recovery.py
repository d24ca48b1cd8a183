"""What analyses find of what was planted, and what they find where nothing was.

Each name has a reader of what is found in a store and of what was planted there, both as sets, so that recall is
|found ∩ planted| / |planted| and precision |found ∩ (planted ∪ allowed)| / |found|. `allowed` is what may be found
besides: a merge is an OR gate, an OR gate a merge, and the features of any structure are rightly in one community.

Stores are those of `core.sources.structures.one_of_each`, with 5% noise, bursts, dead and rare features; features are
the same at THRESHOLD. The negative twin moves what was planted to other documents (`moved`); that of births and ends,
where all would be born, is a store whose features all last (`lasting`), and that of rare ones has features that are
just alive (`just_alive`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.analyses.communities import store_membership
from core.analyses.gates import gates
from core.analyses.lifespans import lifespans
from core.analyses.matches import Matches, adjacent_matches
from core.analyses.returns import matches_for_returns, returns
from core.analyses.splits import merges, splits
from core.analyses.turnover import band
from core.sources.planted import plant
from core.sources.structures import Planting, one_of_each
from core.sources.truth import Truth
from core.store import Store
from core.values import MIN_ACTIVE, Feature

THRESHOLD = 0.8
"""With 5% of noise a feature and its heir reach a Pearson of 0.91 and more, all other features 0.6 at most."""

Wanted = tuple[set, set]  # what must be found, what may be found besides


@dataclass(frozen=True, slots=True)
class Recovery:
    """How much is found of what was planted; counts, of one store or of several."""

    planted: int = 0
    hits: int = 0  # of what was planted
    found: int = 0
    right: int = 0  # of what was found
    in_twin: int = 0

    @property
    def recall(self) -> float:
        """hits / planted; NaN where nothing was planted."""
        return self.hits / self.planted if self.planted else float("nan")

    @property
    def precision(self) -> float:
        """right / found; NaN where nothing was found."""
        return self.right / self.found if self.found else float("nan")

    def __add__(self, other: Recovery) -> Recovery:
        """Both stores counted together."""
        return Recovery(*(getattr(self, name) + getattr(other, name) for name in Recovery.__slots__))


@dataclass(frozen=True, slots=True)
class Kind:
    """One analysis: what it finds in a store, what was planted there, and where nothing is to be found."""

    found: Callable[[Store], set]
    planted: Callable[[Truth], Wanted]
    nothing: Callable[[Path, int], Store]  # its negative twin


def recoveries(folder: Path, seed: int, names: Iterable[str] = ()) -> dict[str, Recovery]:
    """What each analysis, or some, recovers of one seed's stores, which are written to `folder`."""
    store, truth = one_of_each(folder / f"planted-{seed}.h5", seed)
    nothing = {made: made(folder / f"{made.__name__}-{seed}.h5", seed) for made in (moved, lasting, just_alive)}
    chosen = {name: KINDS[name] for name in names or KINDS}
    return {name: recovered(kind, store, truth, nothing[kind.nothing]) for name, kind in chosen.items()}


def recovered(kind: Kind, store: Store, truth: Truth, nothing: Store) -> Recovery:
    """What an analysis finds in a planted store, and in its negative twin `nothing`."""
    found, (wanted, allowed) = kind.found(store), kind.planted(truth)
    right = len(found & (wanted | allowed))
    return Recovery(len(wanted), len(found & wanted), len(found), right, len(kind.found(nothing)))


# ---- where nothing is to be found


def moved(path: Path, seed: int) -> Store:
    """The same as planted, each feature in documents of its own."""
    return one_of_each(path, seed, twin=True)[0]


def lasting(path: Path, seed: int) -> Store:
    """Four sites of 20 features that all last, one in four of them bursty, amid dead and rare ones."""
    planting = Planting(sites=4, width=30, seed=seed)
    for number in range(20):
        planting.passed_on(0, 3, documents=1.0 if number % 4 else 0.05)
    for site in range(4):
        for _ in range(5):
            planting.rare(site)
    return planting.build(path)[0]


def just_alive(path: Path, seed: int) -> Store:
    """Two sites of 20 features that are active on MIN_ACTIVE tokens."""
    ranks = np.random.default_rng(seed).random((2, 1_000, 20)).argsort(axis=1)
    return plant(path, {str(site): (rank < MIN_ACTIVE).astype(np.float32) for site, rank in enumerate(ranks)})


# ---- what is found


def passed_in(store: Store) -> set[tuple[Feature, Feature]]:
    """Each feature passed on with its best match at the next site."""
    return {
        (Feature(one.source, int(i)), Feature(one.target, int(one.forward.partner[i])))
        for one in adjacent(store)
        for i in np.flatnonzero(one.forward.value >= THRESHOLD)
    }


def born_in(store: Store) -> set[Feature]:
    """Features told as born, at any site but the first."""
    return {Feature(one.target, int(j)) for one in adjacent(store) for j in band(one, "born", THRESHOLD)}


def ended_in(store: Store) -> set[Feature]:
    """Features told as ended, at any site but the last."""
    return {Feature(one.source, int(i)) for one in adjacent(store) for i in band(one, "ended", THRESHOLD)}


def rare_in(store: Store) -> set[Feature]:
    """Features told as rare."""
    found = adjacent(store)
    later = {Feature(one.target, int(j)) for one in found for j in band(one, "rare_to")}
    return later | {Feature(found[0].source, int(i)) for i in band(found[0], "rare_from")}


def lifespans_in(store: Store) -> set[tuple[Feature, ...]]:
    """Chains of two sites or more, each with all of its features."""
    found = lifespans(adjacent(store), THRESHOLD)
    return {found.features(int(chain)) for chain in np.flatnonzero(found.length > 1)}


def returns_in(store: Store) -> set[tuple[Feature, Feature]]:
    """Features that vanish and reappear, over any gap."""
    keys = [site.key for site in store.sites]
    across = matches_for_returns(store, gap=len(keys), nulls=False)
    return {(one.before, one.after) for one in returns(keys, across, THRESHOLD)}


def together_in(store: Store) -> set[frozenset[Feature]]:
    """Pairs of features in the same community, by the settings that the command has."""
    found = store_membership(store, None).communities
    return pairs_of(one.features for one in found)


def gates_in(store: Store) -> set[tuple[Feature, str, frozenset[str]]]:
    """Gates with their kinds and inputs."""
    return {(g.feature, g.kind, frozenset(g.written)) for a, b in steps(store) for g in gates(store, a, b)}


def splits_in(store: Store) -> set[tuple[Feature, frozenset[Feature]]]:
    """Parents with their children."""
    return {(one.whole, frozenset(one.parts)) for a, b in steps(store) for one in splits(store, a, b)}


def merges_in(store: Store) -> set[tuple[Feature, frozenset[Feature]]]:
    """Children with their parents."""
    return {(one.whole, frozenset(one.parts)) for a, b in steps(store) for one in merges(store, a, b)}


def adjacent(store: Store) -> list[Matches]:
    """Best matches of adjacent sites by Pearson."""
    return adjacent_matches(store, nulls=False)


def steps(store: Store) -> Iterator[tuple[str, str]]:
    """The keys of adjacent sites."""
    return itertools.pairwise(site.key for site in store.sites)


def pairs_of(groups: Iterable[Iterable[Feature]]) -> set[frozenset[Feature]]:
    """Every two features that share a group."""
    return {frozenset(pair) for group in groups for pair in itertools.combinations(group, 2)}


# ---- what was planted


def passed(truth: Truth) -> Wanted:
    """The steps of all chains."""
    return {pair for a, b in itertools.pairwise(truth.sites) for pair in truth.passed(a, b)}, set()


def born(truth: Truth) -> Wanted:
    """Whatever is alive and was not passed on from the site before; dead and rare features never are."""
    heirs = {heir for _, heir in passed(truth)[0]}
    return {feature for key in truth.sites[1:] for feature in truth.alive(key)} - heirs, set()


def ended(truth: Truth) -> Wanted:
    """Whatever is alive and is not passed on to the next site."""
    before = {feature for feature, _ in passed(truth)[0]}
    return {feature for key in truth.sites[:-1] for feature in truth.alive(key)} - before, set()


def together(truth: Truth) -> Wanted:
    """Pairs of a planted community; those of any other structure are linked as well."""
    return pairs_of(one.features for one in truth.communities), pairs_of(truth.groups())


def planted_gates(truth: Truth) -> Wanted:
    """Gates; a merge is an OR gate of its parents."""
    merged = {(m.child, "or", frozenset(map(str, m.parents))) for m in truth.merges}
    return {(g.feature, g.kind, frozenset(g.written)) for g in truth.gates}, merged


def planted_merges(truth: Truth) -> Wanted:
    """Merges; an OR gate is a merge of its inputs."""
    either = {(g.feature, frozenset(g.inputs)) for g in truth.gates if g.kind == "or"}
    return {(m.child, frozenset(m.parents)) for m in truth.merges}, either


def noted(what: Callable[[Truth], Iterable]) -> Callable[[Truth], Wanted]:
    """What the truth says, and nothing besides."""
    return lambda truth: (set(what(truth)), set())


KINDS = {
    "passed on": Kind(passed_in, passed, moved),
    "births": Kind(born_in, born, lasting),
    "ends": Kind(ended_in, ended, lasting),
    "rare features": Kind(rare_in, noted(lambda truth: truth.rare), just_alive),
    "lifespans": Kind(lifespans_in, noted(lambda truth: (c.features for c in truth.chains)), moved),
    "returns": Kind(returns_in, noted(lambda truth: ((r.before, r.after) for r in truth.returns)), moved),
    "pairs in a community": Kind(together_in, together, moved),
    "gates": Kind(gates_in, planted_gates, moved),
    "splits": Kind(splits_in, noted(lambda truth: ((s.parent, frozenset(s.children)) for s in truth.splits)), moved),
    "merges": Kind(merges_in, planted_merges, moved),
}
