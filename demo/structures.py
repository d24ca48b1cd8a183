"""What the analyses find in the shipped store: gates, splits, merges and lifespans, as the pages list them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import numpy as np

from core.analyses.gate import Gate
from core.analyses.gates import gates
from core.analyses.lifespans import lifespans
from core.analyses.matches import adjacent_matches
from core.analyses.splits import Divided, merges, splits
from core.analyses.turnover import THRESHOLD
from core.store import Store
from core.values import MIN_ACTIVE, Feature

KINDS = ("and", "and_not", "or", "split", "merge", "lifespan")
LONG = 4
"""Sites that a lifespan must span to be called long: more than half of the demo's seven."""

NEAR = 20
"""A feature's stand-in is one of so many of its site that fire on about as many tokens."""


@dataclass(frozen=True)
class Structure:
    """One finding of an analysis; `whole` is None for a lifespan, whose sites are its `parts`."""

    kind: str
    whole: Feature | None
    parts: tuple[Feature, ...]
    figures: Mapping[str, float]  # what the analysis says of it, in the store in which it was found
    gate: Gate | None = None

    @property
    def named(self) -> Feature:
        """The feature whose row the page shows."""
        return self.whole or self.parts[0]

    @property
    def permalink(self) -> str:
        """The address of its row, in the app on the shipped store."""
        if self.kind == "lifespan":
            return f"/layers?{urlencode({'store': 'demo', 'view': 'lifespans', 'shown': str(self.named)})}"
        view = f"{self.kind}s" if self.kind in ("split", "merge") else "gates"
        pair = (self.parts[0].key, self.named.key) if self.kind != "split" else (self.named.key, self.parts[0].key)
        query = {"store": "demo", "view": view, "from": pair[0], "to": pair[1], "shown": str(self.named)}
        return f"/gates?{urlencode(query)}"

    def with_parts(self, parts: tuple[Feature, ...]) -> Structure:
        """The same with other features in the places of its parts."""
        return replace(self, parts=parts, gate=self.gate and replace(self.gate, inputs=parts))

    def as_json(self) -> dict[str, Any]:
        """As the findings are kept."""
        written = [str(part) for part in self.parts] if self.gate is None else list(self.gate.written)
        return {
            "kind": self.kind,
            "feature": str(self.named),
            "inputs": written,
            "found": dict(self.figures),
            "permalink": self.permalink,
        }


def structures(store: Store) -> Iterator[Structure]:
    """Everything that the analyses of adjacent sites list, with the settings that the pages open with."""
    for source, target in pairwise(site.key for site in store.sites):
        for gate in gates(store, source, target):
            figures = {"held_out_f1": gate.held_out_f1, "held_out_gain": gate.held_out_gain}
            yield Structure(gate.kind, gate.feature, gate.inputs, figures, gate)
        yield from (_division(one) for one in splits(store, source, target))
        yield from (_division(one) for one in merges(store, source, target))
    yield from long_lifespans(store)


def long_lifespans(store: Store) -> Iterator[Structure]:
    """Chains of one-to-one matches over LONG sites or more."""
    found = lifespans(adjacent_matches(store, nulls=False), THRESHOLD)
    for chain in np.flatnonzero(found.length >= LONG).tolist():
        yield Structure("lifespan", None, found.features(chain), {"weakest": float(found.weakest[chain])})


def _division(one: Divided) -> Structure:
    return Structure(one.kind, one.whole, one.parts, {"coverage": one.coverage, "overlap": one.overlap})


def stand_ins(store: Store, structure: Structure, rng: np.random.Generator) -> Structure:
    """A structure with every part replaced by a random alive feature of its site that fires about as often.

    The first site of a lifespan stays: it stands for the feature that is followed.
    """
    kept = structure.parts[:1] if structure.kind == "lifespan" else ()
    others = tuple(_stand_in(store, part, rng) for part in structure.parts[len(kept) :])
    return structure.with_parts(kept + others)


def _stand_in(store: Store, feature: Feature, rng: np.random.Generator) -> Feature:
    active = np.asarray(store.summary(feature.key).active).astype(np.int64)
    order = np.argsort(np.abs(active - active[feature.index]), kind="stable")
    near = order[(active[order] >= MIN_ACTIVE) & (order != feature.index)][:NEAR]
    return Feature(feature.key, int(rng.choice(near)))
