"""Splits and merges: a feature whose firing is divided among several features of another site.

A **split**: a parent at the earlier site, children at the later one, each child firing almost only where the parent
does (necessity P(parent | child) ≥ 0.9) and on a part of it (sufficiency P(child | parent) 0.05 to 0.9). This is
specialisation: "a colour" becomes "red", "blue" and the rest. A **merge** is the converse: parents at the earlier site,
each firing almost only where the child does (sufficiency ≥ 0.9), each being a part of it (necessity 0.05 to 0.9).

Where the parent goes on beside its children and stays silent just where a child fires, this is *feature absorption*
(Chanin et al. 2024): the child has taken over some of the parent's tokens. The parent itself, passed on, is no child
here (its sufficiency is above 0.9), so that a large uncovered rest is the sign to look for.

Features that are active on most tokens are parents of everything; `core.statistics.division` says how chance is kept
out. Of children that fire on the same tokens only one is listed: a parent with one child in many copies is not divided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.errors import BadArgument
from core.statistics.active import Report, active_site
from core.statistics.division import Division, divisions
from core.store import Store
from core.values import Feature


@dataclass(frozen=True, slots=True)
class Split:
    """A parent at the earlier site and its children at the later one, the largest first."""

    parent: Feature
    children: tuple[Feature, ...]
    division: Division

    @property
    def coverage(self) -> float:
        """The share of the parent's tokens with any child."""
        return self.division.coverage

    @property
    def overlap(self) -> float:
        """The share of those with two or more."""
        return self.division.overlap

    @property
    def whole(self) -> Feature:
        """The feature that is divided."""
        return self.parent

    @property
    def parts(self) -> tuple[Feature, ...]:
        """The features among which it is divided."""
        return self.children

    def as_json(self) -> dict[str, Any]:
        """The JSON of ``splits`` (DESIGN 9)."""
        children = [str(child) for child in self.children]
        return {"parent": str(self.parent), "children": children, "coverage": self.coverage, "overlap": self.overlap}


@dataclass(frozen=True, slots=True)
class Merge:
    """A child at the later site and its parents at the earlier one, the largest first."""

    child: Feature
    parents: tuple[Feature, ...]
    division: Division

    @property
    def coverage(self) -> float:
        """The share of the child's tokens with any parent."""
        return self.division.coverage

    @property
    def overlap(self) -> float:
        """The share of those with two or more."""
        return self.division.overlap

    @property
    def whole(self) -> Feature:
        """The feature that is put together."""
        return self.child

    @property
    def parts(self) -> tuple[Feature, ...]:
        """The features that it is put together from."""
        return self.parents

    def as_json(self) -> dict[str, Any]:
        """The JSON of ``merges`` (DESIGN 9)."""
        parents = [str(parent) for parent in self.parents]
        return {"child": str(self.child), "parents": parents, "coverage": self.coverage, "overlap": self.overlap}


def splits(
    store: Store, source: str, target: str, activity: float = 0.0, report: Report = lambda done, of: None
) -> list[Split]:
    """Parents of one site whose firing is divided among children of the other, the most divided first.

    The two sites may be given in either order; the parent is always at the earlier one. Only alive features take part,
    and children active together with the parent on MIN_ACTIVE positions. Raises `UnknownSite`, `BadArgument` (a site
    with itself) and `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.sources.structures import Planting
    >>> planting = Planting(sites=2, width=8, tokens=20_000)
    >>> _ = planting.split(site=0, children=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = splits(planting.build(pathlib.Path(folder) / "split.h5")[0], "0", "1")
    >>> [(str(s.parent), sorted(map(str, s.children)), round(s.coverage, 1), s.overlap) for s in found]
    [('0_0', ['1_0', '1_1'], 0.9, 0.0)]
    """
    first, second = in_order(store, source, target)
    wholes, parts = active_site(store, first, activity), active_site(store, second, activity)
    found = [
        Split(Feature(first, d.whole), tuple(Feature(second, i) for i in d.parts), d)
        for d in divisions(store, wholes, parts, report=report)
    ]
    return sorted(found, key=lambda split: _order(split.division))


def merges(
    store: Store, source: str, target: str, activity: float = 0.0, report: Report = lambda done, of: None
) -> list[Merge]:
    """Children of the later site that put parents of the earlier one together: the exact converse of `splits`."""
    first, second = in_order(store, source, target)
    parts, wholes = active_site(store, first, activity), active_site(store, second, activity)
    found = [
        Merge(Feature(second, d.whole), tuple(Feature(first, i) for i in d.parts), d)
        for d in divisions(store, wholes, parts, report=report)
    ]
    return sorted(found, key=lambda merge: _order(merge.division))


def in_order(store: Store, a: str, b: str) -> tuple[str, str]:
    """Two sites, the earlier one first; raises `BadArgument` where they are the same."""
    if a == b:
        raise BadArgument(f"site {store.site(a).key} is given twice", "choose two different sites")
    return (a, b) if store.site(a).position < store.site(b).position else (b, a)


def _order(division: Division) -> tuple[float, float, int]:
    """Most truly divided first: by the share of the whole that exactly one part takes, then by coverage."""
    return -sum(division.n_alone) / division.n, -division.coverage, division.whole
