"""Everything about two features: counts, measures, how sure they are, and the tokens that speak for and against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.analyses.contexts import WINDOW, PairContext, as_json, pair_contexts
from core.analyses.link_doubts import Doubt, link_doubts
from core.analyses.neighbours import different, link_of
from core.statistics.data_free import folding, link_values
from core.statistics.intervals import Interval, document_sums, enough_data, expected_both, link_intervals
from core.statistics.link_chance import LinkChance, link_chance
from core.statistics.rows import two_feature_counts
from core.store import Store
from core.values import Feature, Label, Link


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What `link` tells of a source and a target."""

    link: Link
    activity: float
    level: float
    intervals: Mapping[str, Interval]
    expected_both: float  # co-activations under independence
    enough_data: bool  # False: "too little data", whatever the measures say
    contexts: Mapping[str, tuple[PairContext, ...]]  # keys both, source_only, target_only
    chance: Mapping[str, LinkChance]  # by null: shift, document
    doubts: Mapping[str, Doubt]  # by measure: what the nulls of the whole pair of sites say, where they were drawn
    weights: Mapping[str, float]  # the data-free measures; NaN where spaces differ or nothing is recorded
    folded_with: str  # what θ is in the folded MSE: "threshold" or "mean active value"; "" where there is none

    @property
    def table(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Counted positions: rows source active, silent; columns target active, silent."""
        link = self.link
        source_only, target_only = link.n_source - link.n_both, link.n_target - link.n_both
        neither = link.n - link.n_both - source_only - target_only
        return (link.n_both, source_only), (target_only, neither)

    def as_json(self, source_label: Label | None = None, target_label: Label | None = None) -> dict[str, Any]:
        """The JSON of ``link`` (DESIGN 9); labels are given from outside, since they lie beside the store."""
        link = self.link
        return {
            "source": str(link.source),
            "target": str(link.target),
            "n": link.n,
            "n_source": link.n_source,
            "n_target": link.n_target,
            "n_both": link.n_both,
            **link.measures,
            "lift": link.lift,
            **self.weights,
            "folded_with": self.folded_with or None,
            "label": {
                "source": source_label.text if source_label else None,
                "target": target_label.text if target_label else None,
            },
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "expected_both": self.expected_both,
            "enough_data": self.enough_data,
            "chance": {
                **{null: found.as_json() for null, found in self.chance.items()},
                "measures": {name: doubt.as_json() for name, doubt in self.doubts.items()},
            },
            "contexts": {cell: [as_json(context) for context in found] for cell, found in self.contexts.items()},
        }


def link_report(
    store: Store,
    a: Feature,
    b: Feature,
    activity: float = 0.0,
    level: float = 0.95,
    contexts: int = 8,
    window: int = WINDOW,
) -> LinkReport:
    """Counts, measures, intervals at `level`, what chance and weights say, and up to `contexts` contexts of each cell.

    They may be given in either order: the source is the one of the earlier site (within a site, of the smaller index).
    Raises `UnknownSite`, `UnknownFeature`, `BadArgument` (the same feature twice, a bad level or activity) and
    `StoreDamaged`.

    >>> import tempfile, pathlib
    >>> import numpy as np
    >>> from core.sources.planted import plant
    >>> a, b = np.array([[1.0, 0], [0, 2], [3, 0]]), np.array([[1.0], [0], [3]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "tiny.h5", {"0": a, "1": b})
    ...     report = link_report(store, Feature("1", 0), Feature("0", 0))
    >>> str(report.link.source), report.table, report.enough_data
    ('0_0', ((2, 0), (0, 1)), False)
    """
    source, target = different(store, a, b)
    counts = two_feature_counts(store, source, target, activity)
    weights, link = link_values(store, source, target), link_of(source, target, counts)
    return LinkReport(
        link=link,
        activity=activity,
        level=level,
        intervals=link_intervals(document_sums(store, source, target, activity), level),
        expected_both=expected_both(counts),
        enough_data=enough_data(counts),
        contexts=pair_contexts(store, source, target, contexts, activity, window),
        chance=link_chance(store, source, target, activity),
        doubts=link_doubts(store, link, activity),
        weights=weights,
        folded_with="" if math.isnan(weights["folded_mse"]) else folding(store, source.key, target.key)[1],
    )
