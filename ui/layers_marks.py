"""The points of the sites' charts: what a click on one asks for, and the features behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
import streamlit as st

from core.analyses.site_features import PANELS, behind
from core.store import Store
from core.values import MIN_ACTIVE, Feature
from ui import selection
from ui.columns import columns
from ui.go import anchor, linked
from ui.layers_evidence import in_focus
from ui.layers_page import SHOWN
from ui.marks import choices
from ui.setup import Page
from ui.tables import choosing
from ui.text import contexts, head, named, quiet


@dataclass(frozen=True)
class Mark:
    """A point of one of the charts: a site's bin, or its silent features after so many tokens (`low`)."""

    panel: str
    key: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.panel} {self.key} {self.low!r} {self.high!r}"


def mark_setting(store: Store) -> selection.Setting[Mark | None]:
    """The point whose features are listed; none unless one was clicked."""

    def read(text: str) -> Mark | None:
        if not text:
            return None
        try:
            panel, key, low, high = text.split(" ")
            mark = Mark(panel, key, float(low), float(high))
        except ValueError:
            mark = None
        if mark is None or mark.panel not in PANELS or mark.key not in {site.key for site in store.sites}:
            raise ValueError("it is a panel, a site and two numbers")
        if not 0 <= mark.low < mark.high:  # NaN is not; the last bin ends at inf
            raise ValueError("its numbers are 0 or more, and the second one is the larger")
        return mark

    return selection.Setting("mark", None, read)


def mark_of(store: Store) -> Mark | None:
    """The chosen one."""
    return selection.value(mark_setting(store))


def bin_marks(panel: str, key: str, edges: np.ndarray) -> list[tuple[str, ...]]:
    """What the points of `steps_of` choose: two a bin, and one at either end.

    The outermost bins are open, since what lies beyond counts as lying there.
    """
    ends = [0.0, *edges[1:-1].tolist(), float("inf")]
    bins = [choices(mark=Mark(panel, key, a, b), shown="") for a, b in pairwise(ends)]
    return [bins[0], *(one for one in bins for _ in range(2)), bins[-1]]


def behind_of(page: Page, mark: Mark) -> pl.DataFrame:
    """The features behind a point."""
    return behind(page.store, mark.panel, mark.key, mark.low, mark.high, page.labels)


def behind_mark(page: Page, mark: Mark | None) -> None:
    """The features behind the point that was clicked; the one in focus with its strongest contexts."""
    if mark is None:
        return
    frame = behind_of(page, mark)
    focus = in_focus(frame, "feature", "name")
    with st.container(key="card-mark"):
        st.html(
            head(f"Behind the mark: {len(frame):,} feature{'s' * (len(frame) != 1)} of site {mark.key}", told(mark))
        )
        if frame.is_empty():
            st.html(quiet("None."))
            return
        feature_list(frame, f"table:mark:{mark}")
        feature = Feature.parse(frame["feature"][focus])
        lead = [
            f"<b>{feature}</b> {named(feature, page.labels)}",
            anchor("feature", "feature", feature=str(feature)),
            anchor("evolution", "evolution", feature=str(feature)),
        ]
        top = float(page.store.summary(feature.key).maximum[feature.index])
        lines = contexts(page.reading.strongest(feature, 5), top, one_line=True)
        linked(f'<div class="s-lead">{" · ".join(lead)}</div>{lines}', "layers:mark")


def told(mark: Mark) -> str:
    """What a mark stands for.

    >>> told(Mark("density", "0", 0.001, 0.01)), told(Mark("dead", "0", 200.0, float("inf")))
    ('density from 0.001 to 0.01', 'not active on any of the first 200 tokens')
    """
    if mark.panel in ("dead", "silent"):
        times = "not active on any" if mark.panel == "dead" else f"active on fewer than {MIN_ACTIVE}"
        return f"{times} of the first {mark.low:,.0f} tokens"
    ends = [f"from {mark.low:.3g}"] * (mark.low > 0) + [f"to {mark.high:.3g}"] * math.isfinite(mark.high)
    return f"{'density' if mark.panel == 'density' else 'largest activation'} {' '.join(ends)}"


def feature_list(frame: pl.DataFrame, key: str) -> None:
    """Features as a table; choosing a row shows its contexts."""

    def chosen(row: int) -> None:
        selection.choose(SHOWN.name, frame["feature"][row])

    titles = {"first": "first active on token"}
    shown = columns(frame, titles, widths={"name": 260, "first": 130})
    choosing(frame, key, chosen, in_focus(frame, "feature", "name"), columns=shown)
