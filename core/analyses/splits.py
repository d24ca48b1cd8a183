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

from core.statistics.active import Report, active_site
from core.statistics.division import Division, divisions
from core.statistics.pairs import in_order
from core.store import Store
from core.values import Feature

NAMES = {"split": ("parent", "children"), "merge": ("child", "parents")}
"""What the whole and its parts are called; the parent of a split and the parents of a merge are at the earlier site."""


@dataclass(frozen=True, slots=True)
class Divided:
    """A feature and those of another site that divide its firing, the largest first."""

    kind: str  # of NAMES
    whole: Feature
    parts: tuple[Feature, ...]
    division: Division

    @property
    def coverage(self) -> float:
        """The share of the whole's tokens with any part."""
        return self.division.coverage

    @property
    def overlap(self) -> float:
        """The share of those with two or more."""
        return self.division.overlap

    def as_json(self) -> dict[str, Any]:
        """The JSON of ``splits`` and ``merges`` (DESIGN 9)."""
        whole, parts = NAMES[self.kind]
        named = {whole: str(self.whole), parts: [str(part) for part in self.parts]}
        return named | {"coverage": self.coverage, "overlap": self.overlap}


def splits(
    store: Store, source: str, target: str, activity: float = 0.0, report: Report = lambda done, of: None
) -> list[Divided]:
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
    >>> [(str(s.whole), sorted(map(str, s.parts)), round(s.coverage, 1), s.overlap) for s in found]
    [('0_0', ['1_0', '1_1'], 0.9, 0.0)]
    """
    first, second = in_order(store, source, target)
    return _divided("split", store, first, second, activity, report)


def merges(
    store: Store, source: str, target: str, activity: float = 0.0, report: Report = lambda done, of: None
) -> list[Divided]:
    """Children of the later site that put parents of the earlier one together: the exact converse of `splits`."""
    first, second = in_order(store, source, target)
    return _divided("merge", store, second, first, activity, report)


def _divided(kind: str, store: Store, wholes: str, parts: str, activity: float, report: Report) -> list[Divided]:
    """Features of site `wholes` that are divided among features of site `parts`, the most divided first."""
    sides = active_site(store, wholes, activity), active_site(store, parts, activity)
    return sorted((as_divided(kind, wholes, parts, one) for one in divisions(store, *sides, report=report)), key=rank)


def as_divided(kind: str, wholes: str, parts: str, found: Division) -> Divided:
    """A division with the keys of its sites."""
    return Divided(kind, Feature(wholes, found.whole), tuple(Feature(parts, i) for i in found.parts), found)


def rank(one: Divided) -> tuple[float, float, int]:
    """Most truly divided first: by the share of the whole that exactly one part takes, then by coverage."""
    return -sum(one.division.n_alone) / one.division.n, -one.coverage, one.whole.index
