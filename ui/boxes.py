"""A chain of features as a strip of boxes in their sites' colours: each leads to its feature, each step to its link."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from core.values import Feature, Link
from ui import palette
from ui.go import anchor
from ui.setup import Page
from ui.text import escape, figure, measure_name


def boxes(page: Page, features: Sequence[Feature], links: Sequence[Link], measure: str, digits: int = 2) -> str:
    """The strip as HTML; between two boxes stands the measure of their link."""
    steps = [
        _step(a, b, measure, figure(link.measures[measure], digits))
        for (a, b), link in zip(pairwise(features), links, strict=True)
    ]
    parts = [step + _box(page, feature) for step, feature in zip(["", *steps], features, strict=True)]
    return f'<div class="s-chain">{"".join(parts)}</div>'


def _step(before: Feature, after: Feature, measure: str, value: str) -> str:
    told = f"inspect the link of {before} and {after}, {measure_name(measure)} {value}"
    inspect = anchor(value, "evolution", label=told, feature=str(after), link=f"{before},{after}")
    return f'<span class="s-step">{inspect}</span>'


def _box(page: Page, feature: Feature) -> str:
    name = escape(page.labels.written(feature)) or "–"
    box = f'<span class="s-box" style="{_paint(page, feature)}"><b>{name}</b><span>{feature}</span></span>'
    return anchor(box, "feature", feature=str(feature))


def _paint(page: Page, feature: Feature) -> str:
    place, n = page.store.site(feature.key).position, len(page.store.sites)
    light, dark = palette.ramp(n, "light")[place], palette.ramp(n, "dark")[place]
    return f"background:{palette.pair(light, dark)};color:{palette.pair(palette.ink(light), palette.ink(dark))}"
