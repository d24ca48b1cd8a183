"""Stores with known structure, each with a negative twin: what analyses are tested on.

A `Planting` is a store in the making. Each method plants one structure, notes it in the truth and returns the features
it took; everything else stays silent until something is planted there. Amplitudes are log-normal, documents have equal
lengths, the same seed gives the same store.

The negative twin (``Planting(..., twin=True)``, or ``twin=True`` for one structure) fires exactly as often, in equally
long bursts, but each feature in documents of its own (the other document, at the same position): nothing is related to
anything, and the right answer is nothing.

>>> import tempfile
>>> planting = Planting(sites=3, width=32, tokens=5_000, seed=1)
>>> gate = planting.gate("or", site=1, inputs=2)
>>> chain = planting.passed_on(first=0, last=2)  # there from the first site to the last
>>> with tempfile.TemporaryDirectory() as folder:
...     store, truth = planting.build(Path(folder) / "planted.h5")
>>> [str(feature) for feature in (gate.feature, *gate.inputs)], len(truth.passed("0", "1"))
(['1_0', '0_0', '0_1'], 1)
>>> with tempfile.TemporaryDirectory() as folder:
...     one_of_each(Path(folder) / "twin.h5", twin=True)[1].gates
()
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.sources.planted import plant, planted_tokens
from core.sources.truth import (
    Chain,
    PlantedCommunity,
    PlantedGate,
    PlantedMerge,
    PlantedReturn,
    PlantedSplit,
    Truth,
)
from core.store import Sparse, Store
from core.store.format import index_dtype
from core.values import MIN_ACTIVE, Feature

Fires = np.ndarray  # bool [tokens]
Row = tuple[np.ndarray, np.ndarray]  # positions (int64, rising) and activations (float32) of one feature
RECORDS = ("chains", "gates", "splits", "merges", "communities", "returns", "dead", "rare", "bursty", "unrelated")


class Planting:
    """A store in the making: `sites` sites "0", "1", ... of `width` features on documents of `document` tokens.

    `noise` is the share of a dependent feature's due activations that is left out, and the number of undue ones in
    their place: precision and recall of a planted relation are both about 1 − `noise`. `spread` is σ of the log-normal
    amplitudes: at 0.1 nearly all are above 0.2 of the maximum, and the activity rule r = 0.2 keeps what was planted.
    """

    def __init__(
        self,
        sites: int = 3,
        width: int = 64,
        tokens: int = 30_000,
        document: int = 50,
        seed: int = 0,
        noise: float = 0.05,
        spread: float = 0.5,
        twin: bool = False,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.width, self.document, self.noise, self.twin = width, document, noise, twin
        self.spread = spread
        self.tokens = tokens // document * document
        self.keys = tuple(str(k) for k in range(sites))
        self.rows: dict[Feature, Row] = {}
        self._used = dict.fromkeys(self.keys, 0)
        self._noted: dict[str, list] = {name: [] for name in RECORDS}

    # ---- structures

    def passed_on(
        self,
        first: int,
        last: int,
        density: float = 0.02,
        twin: bool | None = None,
        noise: float | None = None,
        documents: float = 1.0,
    ) -> Chain:
        """One feature from site `first` to site `last`; born and ended there, but for the outermost sites.

        Amplitudes follow those of the site before within 5%, so that without noise Pearson is about 0.99 a step. With
        `documents` below 1 it is bursty, as `bursty` says.
        """
        twin = self._twin(twin)
        row = self._row(self.fires(density, documents))
        features = [self._place(first, row)]
        for site in range(first + 1, last + 1):
            row = self._copy(row, self.noise if noise is None else noise)
            features.append(self._place(site, row, twin))
        return self._note("chains", Chain(tuple(features)), twin)

    def returning(self, before: int, after: int, density: float = 0.02, twin: bool | None = None) -> PlantedReturn:
        """One feature at site `before`, gone at the sites in between, and there again at site `after`."""
        twin = self._twin(twin)
        row = self._row(self.fires(density))
        there = self._place(before, row)
        return self._note("returns", PlantedReturn(there, self._place(after, self._copy(row, self.noise), twin)), twin)

    def gate(
        self,
        kind: str,
        site: int,
        inputs: int = 2,
        density: float = 0.03,
        twin: bool | None = None,
        noise: float | None = None,
    ) -> PlantedGate:
        """A feature of `site` that is a gate of `inputs` features of the site before.

        ``or``: of independent ones. ``and``, ``and_not`` (the last one negated): each fires on 70% of a hidden cause
        and, less often, elsewhere, so that fewer inputs than all do not tell what the gate does.
        """
        twin = self._twin(twin)
        cause = self.fires(0.0 if kind == "or" else 3 * density)
        elsewhere = density if kind == "or" else density / 3
        fires = [cause & self.fires(0.7) | self.fires(elsewhere) for _ in range(inputs)]
        negated = int(kind == "and_not")
        literals = [~f if k >= inputs - negated else f for k, f in enumerate(fires)]
        due = np.logical_or.reduce(literals) if kind == "or" else np.logical_and.reduce(literals)
        sources = tuple(self._place(site - 1, self._row(f)) for f in fires)
        target = self._place(site, self._row(self._noisy(due, noise)), twin)
        return self._note("gates", PlantedGate(kind, target, sources, negated), twin)

    def split(
        self,
        site: int,
        children: int = 3,
        density: float = 0.05,
        coverage: float = 0.9,
        overlap: float = 0.0,
        twin: bool | None = None,
    ) -> PlantedSplit:
        """A parent of `site`, of whose tokens a share `coverage` is dealt out to children of the next site.

        A share `overlap` of those goes to two children at once.
        """
        twin = self._twin(twin)
        parent = self.fires(density)
        parts = self._deal(parent, children, coverage, overlap)
        placed = tuple(self._place(site + 1, self._row(part), twin) for part in parts)
        return self._note("splits", PlantedSplit(self._place(site, self._row(parent)), placed), twin)

    def merge(
        self,
        site: int,
        parents: int = 3,
        density: float = 0.05,
        coverage: float = 0.9,
        overlap: float = 0.0,
        twin: bool | None = None,
    ) -> PlantedMerge:
        """A child of `site`, of whose tokens a share `coverage` comes from parents of the site before."""
        twin = self._twin(twin)
        child = self.fires(density)
        parts = self._deal(child, parents, coverage, overlap)
        placed = tuple(self._place(site - 1, self._row(part)) for part in parts)
        return self._note("merges", PlantedMerge(self._place(site, self._row(child), twin), placed), twin)

    def community(
        self, sites: tuple[int, ...], size: int = 4, density: float = 0.03, rate: float = 0.8, twin: bool | None = None
    ) -> PlantedCommunity:
        """`size` features of each of `sites` that fire at `rate` where a hidden cause of this density is present."""
        twin = self._twin(twin)
        cause = self.fires(density)
        features = [
            self._place(site, self._row(self._noisy(cause & self.fires(rate))), twin)
            for site in sites
            for _ in range(size)
        ]
        return self._note("communities", PlantedCommunity(tuple(features)), twin)

    # ---- single features

    def unrelated(self, site: int, density: float = 0.02) -> Feature:
        """An alive feature that is independent of everything."""
        return self._note("unrelated", self._place(site, self._row(self.fires(density))))

    def bursty(self, site: int, density: float = 0.02, documents: float = 0.05) -> Feature:
        """An independent feature that fires in a share `documents` of the documents only, and often there."""
        return self._note("bursty", self._place(site, self._row(self.fires(density, documents))))

    def rare(self, site: int) -> Feature:
        """A feature active on 1 to MIN_ACTIVE − 1 tokens."""
        fires = np.zeros(self.tokens, bool)
        fires[self.rng.choice(self.tokens, int(self.rng.integers(1, MIN_ACTIVE)), replace=False)] = True
        return self._note("rare", self._place(site, self._row(fires)))

    def dead(self, site: int) -> Feature:
        """A feature that is never active."""
        return self._note("dead", self._place(site, self._row(np.zeros(self.tokens, bool))))

    # ---- the store

    def build(self, path: Path) -> tuple[Store, Truth]:
        """Write and open the store; features not asked for are dead, and not in the truth."""
        tokens = planted_tokens(self.tokens, [self.document] * (self.tokens // self.document))
        sparse: dict[str, np.ndarray | Sparse] = {key: self._by_token(key) for key in self.keys}
        store = plant(path, sparse, tokens=tokens, d_sae=self.width)
        return store, Truth(self.keys, **{name: tuple(noted) for name, noted in self._noted.items()})

    def fires(self, density: float, documents: float = 1.0) -> Fires:
        """Where an independent feature of this density fires; all of it within a share `documents` of the documents."""
        there = self.rng.random(self.tokens // self.document) < documents
        return np.repeat(there, self.document) & (self.rng.random(self.tokens) < min(1.0, density / documents))

    # ---- within

    def _twin(self, twin: bool | None) -> bool:
        return self.twin if twin is None else twin

    def _note(self, name: str, record, twin: bool = False):  # type: ignore[no-untyped-def]
        if not twin:
            self._noted[name].append(record)
        return record

    def _place(self, site: int, row: Row, elsewhere: bool = False) -> Feature:
        """Give the row to the next free feature of a site; `elsewhere` moves it to other documents first."""
        key = self.keys[site]
        feature = Feature(key, self._used[key])
        assert feature.index < self.width, f"site {key} is full: plant less, or choose a larger width"
        self._used[key] += 1
        self.rows[feature] = self._elsewhere(row) if elsewhere else row
        return feature

    def _elsewhere(self, row: Row) -> Row:
        positions, values = row
        moved = self.rng.permutation(self.tokens // self.document)[positions // self.document] * self.document
        moved += positions % self.document
        order = np.argsort(moved)
        return moved[order], values[order]

    def _row(self, fires: Fires) -> Row:
        positions = np.flatnonzero(fires)
        scale = self.rng.lognormal()
        return positions, (scale * self.rng.lognormal(0, self.spread, len(positions))).astype(np.float32)

    def _copy(self, row: Row, noise: float) -> Row:
        """The same firing with `noise`; where it stays, amplitudes follow within 5%, elsewhere they are as large."""
        before = np.zeros(self.tokens, np.float32)
        before[row[0]] = row[1]
        fires = before > 0
        positions, fresh = self._row(self._noisy(fires, noise))
        if len(fresh):
            fresh *= np.median(row[1]) / np.median(fresh)  # a few strong activations elsewhere would be all of Pearson
        follow = before[positions] * self.rng.lognormal(0, 0.05, len(positions)).astype(np.float32)
        return positions, np.where(follow > 0, follow, fresh)

    def _noisy(self, due: Fires, noise: float | None = None) -> Fires:
        """A share `noise` of what is due left out, as many activations elsewhere in their place."""
        noise = self.noise if noise is None else noise
        kept = due & (self.rng.random(self.tokens) >= noise)
        undue = np.flatnonzero(~due)
        kept[self.rng.choice(undue, min(len(undue), int(noise * due.sum())), replace=False)] = True
        return kept

    def _deal(self, whole: Fires, parts: int, coverage: float, overlap: float) -> list[Fires]:
        """Deal `whole` out to disjoint parts, but for what overlaps; some of each part lies outside of the whole."""
        first = self.rng.integers(0, parts, self.tokens)
        second = (first + self.rng.integers(1, parts, self.tokens)) % parts
        dealt, twice = whole & self.fires(coverage), self.fires(overlap) if overlap else np.zeros(self.tokens, bool)
        dealt_parts = [dealt & ((first == k) | twice & (second == k)) for k in range(parts)]
        for part in dealt_parts:
            outside = np.flatnonzero(~whole)
            part[self.rng.choice(outside, int(self.noise * part.sum()), replace=False)] = True
        return dealt_parts

    def _by_token(self, key: str) -> Sparse:
        """All rows of a site as rows by token."""
        rows = {feature.index: row for feature, row in self.rows.items() if feature.key == key}
        positions = np.concatenate([np.zeros(0, np.int64), *(p for p, _ in rows.values())])
        values = np.concatenate([np.zeros(0, np.float32), *(v for _, v in rows.values())])
        features = np.repeat(np.array(list(rows), np.int64), [len(p) for p, _ in rows.values()])
        order = np.lexsort((features, positions))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(positions, minlength=self.tokens))])
        return Sparse(offsets, features[order].astype(index_dtype(self.width)), values[order])


def one_of_each(path: Path, seed: int = 0, twin: bool = False, tokens: int = 30_000) -> tuple[Store, Truth]:
    """A store of four sites with several of every structure, amid unrelated, bursty, rare and dead features.

    Per site from the second on: two gates of each kind with two inputs and one with three, two splits and two merges;
    chains that last, are born and end; two communities; 12 unrelated, 4 bursty, 2 rare and 2 dead features a site. Then
    two bursty chains and three features that vanish and reappear.
    """
    planting = Planting(sites=4, width=160, tokens=tokens, seed=seed, twin=twin)
    for site in range(1, 4):
        for kind in ("or", "and", "and_not"):
            for inputs in (2, 2, 3):
                planting.gate(kind, site, inputs)
        for overlap in (0.0, 0.1):
            planting.split(site - 1, overlap=overlap)
            planting.merge(site, overlap=overlap)
    for first, last in ((0, 3), (0, 3), (0, 1), (1, 2), (1, 3), (2, 3)):
        planting.passed_on(first, last)
    for sites in ((0, 1, 2), (1, 2, 3)):
        planting.community(sites)
    for site in range(4):
        for method, count in ((planting.unrelated, 12), (planting.bursty, 4), (planting.rare, 2), (planting.dead, 2)):
            for _ in range(count):
                method(site)
    for first, last in ((0, 3), (1, 2)):
        planting.passed_on(first, last, documents=0.05)
    for before, after in ((0, 2), (1, 3), (0, 3)):
        planting.returning(before, after)
    return planting.build(path)
