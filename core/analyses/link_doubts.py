"""What the nulls of a pair of sites say of one of its links: its q-value by each measure, and the p of a best match.

A link that somebody has looked for is one of many: its q is the share of the links at least as strong that chance
explains (`core.statistics.false_discoveries`). Where it is the best match of its source, it was chosen among all
targets, and chance had as many tries: p compares it with the best matches of a null (`core.statistics.chance`). Both
need draws of the whole pair of sites, and are told where the result cache has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.analyses.known_chance import Known, known_chance
from core.statistics.best_alive import alive
from core.statistics.chance import p_of_best
from core.statistics.false_discoveries import LOWEST, stratum
from core.statistics.measures import MEASURE_FUNCTIONS
from core.statistics.rows import pair_counts
from core.store import Store
from core.values import MEASURES, MIN_ACTIVE, Link

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Doubt:
    """How much of a link chance may explain, by one measure; NaN where that is not known."""

    state: str  # "" where q is known, else why it is not
    q: float = NAN  # among all links between the two sites
    q_alike: float = NAN  # among those whose features are active about as often
    best: bool | None = None  # whether the target is the source's best alive match; None: not asked
    p_best: float = NAN  # of a best match: how likely the best one by chance is as good

    def as_json(self) -> dict[str, Any]:
        """One entry of `chance.measures` in ``link --json``."""
        told = {"q": self.q, "q_alike": self.q_alike, "best_match": self.best, "p_best_match": self.p_best}
        return told | {"state": self.state or "computed"}


def drawn_measures(store: Store, source: str, target: str, activity: float = 0.0) -> tuple[str, ...]:
    """The measures by which the nulls of two sites have been drawn, and can be read; none within one site."""
    known = {} if source == target else known_chance(store, source, target, activity)
    return tuple(name for name in MEASURES if name in known)


def link_doubts(store: Store, link: Link, activity: float = 0.0) -> dict[str, Doubt]:
    """What is known of a link by each measure, without drawing anything; raises `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> from core.analyses.chance import chance_of_pair
    >>> from core.analyses.neighbours import link_of
    >>> from core.sources.structures import Planting
    >>> from core.statistics.rows import two_feature_counts
    >>> planting = Planting(sites=2, width=40, tokens=20_000)
    >>> chains = [planting.passed_on(0, 1).features for _ in range(20)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store, _ = planting.build(pathlib.Path(folder) / "planted.h5")
    ...     link = link_of(*chains[0], two_feature_counts(store, *chains[0]))
    ...     before = link_doubts(store, link)["pearson"]
    ...     _ = chance_of_pair(store, "0", "1")
    ...     after = link_doubts(store, link)["pearson"]
    >>> before.state, after.state, round(after.q, 3), after.best, round(after.p_best, 3)
    ('not drawn', '', 0.017, True, 0.016)
    """
    source, target = link.source.key, link.target.key
    if source == target:
        return dict.fromkeys(MEASURES, Doubt("within one site"))
    known = known_chance(store, source, target, activity)
    living = [int(store.summary(end.key).active[end.index]) >= MIN_ACTIVE for end in (link.source, link.target)]
    found = {name: Doubt("too little data" if not all(living) else "not drawn") for name in MEASURES}
    if known and all(living):
        best = _best_values(store, link, activity, tuple(known))
        for name, one in known.items():
            found[name] = _doubt(one, link, name, best[name])
    return found


def _doubt(known: Known, link: Link, measure: str, best: float) -> Doubt:
    """By one measure, its nulls being known; `best` is what the best alive match of the source has."""
    value = float(link.measures[measure])
    is_best = bool(value >= best)
    p = _p_of_best(known, link, value) if is_best else NAN
    if link.n_both < MIN_ACTIVE:
        return Doubt("too little data", best=is_best, p_best=p)
    if not value >= LOWEST[measure]:
        return Doubt(f"below {LOWEST[measure]:g}", best=is_best, p_best=p)
    alike = known.alike.get(int(stratum(np.float64(link.n_source) * link.n_target)))
    return Doubt("", known.every.at(value), alike.at(value) if alike else NAN, best=is_best, p_best=p)


def _p_of_best(known: Known, link: Link, value: float) -> float:
    """The larger of the nulls' p; NaN where none says anything."""
    found = [p_of_best([value], [link.n_source], one.value, one.active)[0] for one in known.best]
    return float(max(found, default=NAN))


def _best_values(store: Store, link: Link, activity: float, measures: Sequence[str]) -> Mapping[str, float]:
    """What the best alive match of the source has by each of some measures."""
    counts, living = pair_counts(store, link.source, link.target.key, activity), alive(store, link.target.key)
    values = {name: np.asarray(MEASURE_FUNCTIONS[name](counts), np.float64)[living] for name in measures}
    return {name: float(np.nanmax(found)) if np.isfinite(found).any() else NAN for name, found in values.items()}
