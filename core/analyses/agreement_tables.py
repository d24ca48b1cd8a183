"""The links behind two measures as rows, with names: the widest disagreements, pairs of labels, squares of the scatter.

Balcells et al. 2024, appendix F (pairs of labels at different values). A name in quotes is a characteristic token.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from core.analyses.agreement import Agreement, Kept, both_defined, disagreements, measured, shares
from core.analyses.edges import names
from core.labels import Labels
from core.values import Feature, likeness


def disagreement_table(kept: Kept, first: str, second: str, labels: Labels, top: int = 20) -> pl.DataFrame:
    """`disagreements` with names: source, target, both measures, the rank by each (0..1) and n_both."""
    places = disagreements(kept, first, second, top)
    frame = pair_table(kept, places, labels, (first, second))
    ranks = {}
    x, y, defined = both_defined(kept, first, second)
    for name, values in ((first, x), (second, y)):
        full = np.full(len(kept), np.nan)
        full[defined] = shares(likeness(name, values))
        ranks[f"{name}_rank"] = full[places]
    frame = frame.with_columns(pl.Series(name, values) for name, values in ranks.items())
    beside = [column for name in dict.fromkeys((first, second)) for column in (name, f"{name}_rank")]
    return frame.select("source", "source_name", "target", "target_name", *beside, "n_both")


def label_pairs(
    kept: Kept,
    labels: Labels,
    measure: str,
    low: float = -1.0,
    high: float = float("inf"),
    bins: int = 10,
    each: int = 2,
    seed: int = 0,
) -> pl.DataFrame:
    """Names of both ends of links drawn from every range of a measure, the highest values first.

    Values from `low` to `high` are cut into `bins` ranges of equal width, and `each` links drawn from every one,
    seeded; links whose ends both have labels come before those that have hints only. Columns as `pair_table`.
    """
    values = measured(kept, measure)
    there = np.flatnonzero((values >= low) & (values <= high))
    if not len(there):
        return pair_table(kept, there, labels, (measure,))
    told = _labelled(kept, labels, there)
    drawn = np.random.default_rng(seed).random(len(there))
    edges = np.linspace(values[there].min(), values[there].max(), bins + 1)
    place = np.clip(np.searchsorted(edges, values[there], side="right") - 1, 0, bins - 1)
    order = np.lexsort((drawn, ~told, place))
    starts = np.searchsorted(place[order], np.arange(bins))
    rank = np.arange(len(order)) - starts[place[order]]
    chosen = there[order[rank < each]]
    return pair_table(kept, chosen[np.argsort(-values[chosen], kind="stable")], labels, (measure,))


def pair_table(kept: Kept, places: np.ndarray, labels: Labels, measures: tuple[str, ...]) -> pl.DataFrame:
    """Links as rows: ``source``, ``source_name``, ``target``, ``target_name``, the measures, ``n_both``."""
    ends = {}
    for end, key, indices in (("source", kept.source, kept.sources), ("target", kept.target, kept.targets)):
        ends[end] = names(key, indices[places])
        ends[f"{end}_name"] = pl.Series(
            [labels.written(Feature(key, int(i))) for i in indices[places]], dtype=pl.String
        )
    numbers = {name: measured(kept, name)[places] for name in dict.fromkeys(measures)}
    return pl.DataFrame({**ends, **numbers, "n_both": kept.n_both[places]}).with_columns(
        pl.col(list(numbers)).fill_nan(None)
    )


def scatter_table(kept: Kept, found: Agreement) -> pl.DataFrame:
    """The squares of a scatter: both measures at their centre, ``links`` in them, and the link that stands for each."""
    ends = {"source": (kept.source, kept.sources), "target": (kept.target, kept.targets)}
    x, y = found.first, found.second if found.second != found.first else f"{found.second}_again"
    return pl.DataFrame(
        {x: found.x, y: found.y, "links": found.counts}
        | {end: names(key, indices[found.example]) for end, (key, indices) in ends.items()}
    )


def _labelled(kept: Kept, labels: Labels, places: np.ndarray) -> np.ndarray:
    """Whether both ends of each link have a label, bool [places]."""
    told = []
    for key, indices in ((kept.source, kept.sources[places]), (kept.target, kept.targets[places])):
        known, inverse = np.unique(indices, return_inverse=True)
        told.append(np.array([labels.get(Feature(key, int(i))) is not None for i in known], bool)[inverse])
    return told[0] & told[1]
