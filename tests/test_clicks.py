"""What a click does, without a browser."""

from __future__ import annotations

import pytest

from ui.clicks import MOST_EXPANDED, View, click

START = View("2_26")


def test_a_node_is_shown_and_the_centre_again_leaves_no_trace() -> None:
    there = click(START, {"kind": "node", "node": "3_241"})
    assert (there.shown, there.centre) == ("3_241", "2_26")
    assert click(there, {"kind": "node", "node": "2_26"}) == START


def test_a_link_keeps_the_card_of_an_end_and_else_shows_the_target() -> None:
    assert click(START, {"kind": "link", "link": "2_26,3_241"}).shown == "2_26"
    far = click(START, {"kind": "link", "link": "3_241,4_447"})
    assert (far.shown, far.link) == ("4_447", "3_241,4_447")
    assert click(far, {"kind": "node", "node": "3_241"}).link == "3_241,4_447"
    assert click(far, {"kind": "node", "node": "2_26"}).link == ""


def test_expanding_twice_takes_it_back_and_is_bounded() -> None:
    once = click(START, {"kind": "expand", "node": "3_1"})
    assert once.expanded == ("3_1",)
    assert click(once, {"kind": "expand", "node": "3_1"}).expanded == ()
    view = START
    for index in range(MOST_EXPANDED + 5):
        view = click(view, {"kind": "expand", "node": f"3_{index}"})
    assert len(view.expanded) == MOST_EXPANDED


def test_centring_starts_anew() -> None:
    busy = View("2_26", "3_1", "2_26,3_1", ("3_1",))
    assert click(busy, {"kind": "centre", "node": "3_1"}) == View("3_1")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"kind": "node"},
        {"kind": "node", "node": "<img src=x onerror=alert(1)>"},
        {"kind": "link", "link": "2_26"},
        {"kind": "link", "link": "2_26,3_1,4_1"},
        {"kind": "else", "node": "2_27"},
        {"kind": "expand", "node": None},
    ],
)
def test_what_makes_no_sense_changes_nothing(event: dict[str, object]) -> None:
    assert click(START, event) == START
