"""The colours can be seen on the page, told apart with any colour vision, and mean one thing each."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ui.palette import ACCENT, KINDS, MARKS, PAPER, RAMP, _luminance, _rgb, ink, marks, site_colour

THEMES = ("light", "dark")
VISIONS = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""What a linear RGB colour looks like (Machado, Oliveira & Fernandes 2009, severity 1)."""
TO_CONES = [
    [0.41222147, 0.53633254, 0.05144599],
    [0.2119035, 0.68069955, 0.10739696],
    [0.08830246, 0.28171884, 0.6299787],
]
TO_LAB = [
    [0.21045426, 0.79361779, -0.00407205],
    [1.9779985, -2.4285922, 0.45059371],
    [0.0259040, 0.78277177, -0.80867577],
]
"""Björn Ottosson's OKLab: a distance of 0.02 is just seen side by side."""


def distance(a: str, b: str, vision: str = "full") -> float:
    places = []
    for colour in (a, b):
        share = np.array(_rgb(colour)) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        seen = np.clip(np.array(VISIONS[vision]) @ linear, 0, 1)
        places.append(np.array(TO_LAB) @ np.cbrt(np.array(TO_CONES) @ seen))
    return float(np.linalg.norm(places[0] - places[1]))


def contrast(a: str, b: str) -> float:
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_the_distance_is_that_of_oklab() -> None:
    assert distance("#ffffff", "#000000") == pytest.approx(1, abs=1e-3)
    assert distance("#ff0000", "#ff0000", "protanopia") == 0
    red, green = "#c0392b", "#6d7a1e"
    assert distance(red, green, "deuteranopia") < 0.5 * distance(red, green)


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_bars_are_seen_on_the_page(theme: str) -> None:
    for colour in (*KINDS[theme], *(colour for n in (1, 2, 7, 13) for colour in marks(n, theme))):
        assert contrast(colour, PAPER[theme]) >= 3
    assert min(contrast(colour, PAPER["light"]) for colour in RAMP["light"]) < 3  # hence a ramp of their own


@pytest.mark.parametrize("theme", THEMES)
def test_lines_get_darker_along_the_forward_pass(theme: str) -> None:
    for n in (1, 2, 7, 13):
        lightness = [_luminance(colour) for colour in marks(n, theme)]
        assert lightness == sorted(lightness, reverse=True)
    assert marks(7, theme)[3] in site_colour(3, 7)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("vision", VISIONS)
def test_kinds_are_told_apart_by_everybody(theme: str, vision: str) -> None:
    assert min(distance(a, b, vision) for a, b in combinations(KINDS[theme], 2)) > 0.07


@pytest.mark.parametrize("theme", THEMES)
def test_a_kind_looks_like_no_site_and_like_nothing_chosen(theme: str) -> None:
    for colour in KINDS[theme]:
        assert min(distance(colour, other) for other in (*RAMP[theme], *MARKS[theme])) > 0.07
        assert distance(colour, ACCENT[theme]) > 0.1
        assert contrast(colour, ink(colour)) >= 4.5
