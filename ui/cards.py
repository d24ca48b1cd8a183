"""The feature card: what one feature is, at a glance. HTML by pure functions, mounted once with links that lead on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.analyses.contexts import Histogram, density
from core.errors import NothingRecorded, SpacesDiffer
from core.labels import Labels
from core.store import Store
from core.values import MIN_ACTIVE, Feature, Link, Site, about
from ui.go import anchor, linked
from ui.palette import site_colour
from ui.readers import Reading
from ui.text import escape, head, measure_name, measured, named, percent, quiet

ROOM_FOR_NUMBERS = 9
"""Sites up to which the numbers of the best matches stand below them; more would not fit the card."""


def feature_card(reading: Reading, feature: Feature, measure: str = "pearson", key: str = "card-feature") -> None:
    """The card and its neighbours; every feature on it leads to the same page with that feature."""
    with st.container(key=key):
        linked(summary(reading, feature, measure), f"{key}:summary")
    with st.container(key=f"{key}-neighbours"):
        linked(both_ways(reading, feature, measure), f"{key}:links")


def summary(reading: Reading, feature: Feature, measure: str = "pearson") -> str:
    """Name, how often it is active, histogram, and its best match at each site."""
    store, labels = reading.store, reading.labels
    parts = [head(f"Feature {feature}"), name_line(feature, labels), activity_line(store, feature)]
    if store.summary(feature.key).active[feature.index]:
        parts.append(bars(reading.histogram(feature), _colour(store, feature)))
        parts.append('<div style="height:0.7rem"></div>' + head("Best match at each site", measure_name(measure)))
        parts.append(strip(store.sites, feature, reading.best_matches(feature, measure), measure))
    return "".join(parts)


def name_line(feature: Feature, labels: Labels) -> str:
    """The label; or the characteristic token, said to be one."""
    label = labels.get(feature)
    if label is not None:
        score = "" if math.isnan(label.score) else f", {label.score:.2f}"
        source = escape(f"label by {label.source}{score}" if label.source else "label")
        return (
            f'<div><span class="s-name">{escape(label.text)}</span> <span class="s-hint s-small">{source}</span></div>'
        )
    hint = labels.hint(feature)
    if not hint:
        return '<div class="s-name s-quiet">dead</div>'
    name = f'<span class="s-name s-hint-word">“{escape(hint)}”</span>'
    return f'<div>{name} <span class="s-hint s-small">characteristic token; no label</span></div>'


def activity_line(store: Store, feature: Feature) -> str:
    """Active on how much, and at most how strongly; few observations are said to be few."""
    active = int(store.summary(feature.key).active[feature.index])
    if not active:
        return f'<div class="s-quiet">never active on these {store.n:,} tokens</div>'
    if active < MIN_ACTIVE:
        return f'<div class="s-quiet">active on {active} of {store.n:,} tokens only: too little data</div>'
    top = float(store.summary(feature.key).maximum[feature.index])
    return f'<div class="s-quiet">active on {percent(density(store, feature))} of tokens, at most {top:.3g}</div>'


def bars(histogram: Histogram, colour: str, *, axis: bool = True) -> str:
    """A histogram as small bars, heights by the square root so that rare strong activations stay visible."""
    counts = np.asarray(histogram.counts, float)
    tallest = math.sqrt(counts.max()) if counts.size and counts.max() > 0 else 1.0
    edges = histogram.edges
    drawn = "".join(
        f'<i style="height:{100 * math.sqrt(c) / tallest:.1f}%;background:{colour if c else "transparent"}"'
        f' title="{low:.3g} to {high:.3g}: {c:,.0f} tokens"></i>'
        for c, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    )
    scale = f'<div class="s-axis"><span>0</span><span>{edges[-1]:.3g}</span></div>' if axis else ""
    return f'<div class="s-bars" role="img" aria-label="histogram of activations">{drawn}</div>{scale}'


def strip(sites: Sequence[Site], feature: Feature, best: Sequence[Link | None], measure: str) -> str:
    """One cell a site, filled as high as the best match there is good, in the site's colour; its own site is framed."""
    cells, keys = [], []
    values = [link.measures[measure] for link in best if link is not None]
    for site, link in zip(sites, best, strict=True):
        colour = site_colour(site.position, len(sites))
        number = "–"
        if site.key == feature.key:
            number = ""
            cells.append(f'<span class="s-cell s-own" title="{feature}">{_fill(1.0, colour)}</span>')
        elif link is None:
            cells.append('<span class="s-cell" title="no match"></span>')
        else:
            value = link.measures[measure]
            number, other = measured(measure, value), link.other(feature)
            told = f"{other}: {number}"
            cell = f'<span class="s-cell" title="{told}">{_fill(height_of(measure, value, values), colour)}</span>'
            cells.append(anchor(cell, feature=str(other), link=None, label=told))
        below = f"<br>{number}" if len(sites) <= ROOM_FOR_NUMBERS else ""
        keys.append(f"<span><b>{escape(site.key)}</b>{below}</span>")
    return f'<div class="s-strip">{"".join(cells)}</div><div class="s-strip-keys">{"".join(keys)}</div>'


def _fill(height: float, colour: str) -> str:
    return f'<i style="height:{100 * height:.0f}%;background:{colour}"></i>'


def height_of(measure: str, value: float, values: Sequence[float]) -> float:
    """How high a cell is filled, 0 to 1: the value; of a measure without a scale, beside the best of the strip.

    >>> height_of("pearson", 0.5, []), height_of("virtual_weight", 2.0, [2.0, 4.0]), height_of("folded_mse", 4.0, [1.0])
    (0.5, 0.5, 0.25)
    """
    if measure == "virtual_weight":
        value = value / max(max(values), 1e-30)
    elif about(measure).lower_is_better:
        value = min(values) / max(value, 1e-30) if value > min(values) else 1.0
    return 0.0 if math.isnan(value) else min(max(value, 0.06), 1.0)


def both_ways(reading: Reading, feature: Feature, measure: str = "pearson", top: int = 4) -> str:
    """The best neighbours at the site before and the site after."""
    sites = reading.store.sites
    place = reading.store.site(feature.key).position
    parts = []
    for name, other in (("Upstream", place - 1), ("Downstream", place + 1)):
        if 0 <= other < len(sites):
            try:
                found = reading.neighbours(feature, sites[other].key, measure, top)
                rows = neighbour_rows(reading, feature, found, measure)
            except (SpacesDiffer, NothingRecorded) as error:
                rows = quiet(error.what)
            parts.append(head(f"{name}, site {sites[other].key}") + rows)
    return "".join(parts) or quiet("this store has one site only")


def neighbour_rows(reading: Reading, feature: Feature, found: Sequence[Link], measure: str) -> str:
    """Links as rows: feature, name, value; the feature leads to itself, the value to the link's inspector."""
    rows = []
    for link in found:
        other = link.other(feature)
        value = measured(measure, link.measures[measure])
        few = (
            ' <span class="s-quiet" title="fewer than 10 co-activations">few</span>' if link.n_both < MIN_ACTIVE else ""
        )
        inspect = anchor(
            value, "evolution", feature=str(feature), link=f"{link.source},{link.target}",
            label=f"inspect the link of {link.source} and {link.target}",
        )  # fmt: skip
        rows.append(
            anchor(str(other), feature=str(other), link=None)
            + f'<span class="s-cut">{named(other, reading.labels)}{few}</span><span class="s-num">{inspect}</span>'
        )
    return f'<div class="s-rows">{"".join(rows)}</div>' if rows else quiet("none: the feature is dead")


def _colour(store: Store, feature: Feature) -> str:
    return site_colour(store.site(feature.key).position, len(store.sites))
