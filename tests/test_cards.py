"""The feature card's HTML, by its functions alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from core.values import Feature
from ui.cards import strip
from ui.palette import site_colour


def test_a_best_match_is_a_height_and_a_number_in_the_pure_colour_of_its_site() -> None:
    sites = [SimpleNamespace(key=str(k), position=k) for k in range(3)]
    links = [SimpleNamespace(measures={"pearson": 0.25}, other=lambda _: Feature("0", 4)), None, None]
    drawn = strip(cast(Any, sites), Feature("1", 2), cast(Any, links), "pearson")
    assert f'<i style="height:25%;background:{site_colour(0, 3)}"></i>' in drawn
    assert "<b>0</b><br>0.25" in drawn
    assert "<b>1</b><br></span>" in drawn  # its own site
    assert "<b>2</b><br>–" in drawn  # no match
    many = [SimpleNamespace(key=str(k), position=k) for k in range(13)]
    assert (
        "0.25"
        not in strip(cast(Any, many), Feature("1", 2), cast(Any, links + [None] * 10), "pearson").split("keys")[1]
    )
