"""Chance on the Evolution page where links come from weights: what turning one site's directions at random gives."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from core.analyses.turned import SHARE, Sites, Turned, is_kept, turned
from core.store import Store
from ui import evolution as evo
from ui import selection
from ui.errors import guarded
from ui.notes import start_anew
from ui.text import figure, quiet, table

ONE_IN = f"{1 / SHARE:.0f}"
ASK = (
    "<div>Among many directions some are alike by chance. Turn one site’s directions at random: its features then have "
    "no kin at the other site, and what the best of them reach is chance.</div>"
)
NO_NULL = (
    "<div>A virtual weight has no chance to compare with here: it comes from weights, which no other tokens change, "
    "and its size depends on how long the encoder’s rows are.</div>"
)


def known(store: Store, pairs: Sequence[Sites], measure: str) -> Turned | None:
    """What the result cache says; None where it has not been computed, or there is no such null."""
    if measure != "decoder_cosine" or not pairs or not is_kept(store, pairs):
        return None
    return _known(store.fingerprint, tuple(pairs), store)


@st.cache_resource(max_entries=32, show_spinner=False)
def _known(fingerprint: str, pairs: tuple[Sites, ...], _store: Store) -> Turned:
    return turned(_store, pairs)


def sentence(found: Turned) -> str:
    """What one may rely on, for the line under the title; "" where nothing is alive."""
    floor = floor_of(found)
    if math.isnan(floor):
        return ""
    return f"With directions turned at random, the best match of 1 feature in {ONE_IN} reaches {floor:.2f}."


def floor_of(found: Turned) -> float:
    """The floor, rounded up so that the sentence stays true."""
    value = found.floor()
    return value if math.isnan(value) else math.ceil(round(100 * value, 6)) / 100


def as_python(found: Turned) -> tuple[str, str]:
    """The core calls behind the sentence: what to import, and what to run on `store`."""
    return "from core.analyses.turned import turned\n", f"floor = turned(store, {list(found.best)!r}).floor()\n"


def pill(store: Store, pairs: Sequence[Sites], settings: evo.Settings, found: Turned | None) -> None:
    """A popover with the floor of each pair of sites and the button that uses the largest; or the offer to find out."""
    if not pairs:
        return
    name = "How much is chance?"
    if found is not None:
        name = f"Chance reaches {figure(floor_of(found))}"
    with st.popover(name if settings.measure == "decoder_cosine" else "No chance to compare with"):
        if settings.measure != "decoder_cosine":
            st.html(NO_NULL)
        elif found is None:
            st.html(ASK)
            if st.button("Turn them", key="turned:ask"):
                with guarded(), st.spinner(f"{len(pairs)} pairs of sites"):
                    turned(store, pairs)
                    start_anew()
        else:
            _told(found, settings)


def _told(found: Turned, settings: evo.Settings) -> None:
    rows = [[f"{a} → {b}", figure(value)] for (a, b), value in found.floors().items()]
    about = f"of 1 alive feature in {ONE_IN}, once the later site is turned"
    st.html(f"<div>{sentence(found)}</div>" + table(("sites", "best match"), rows, [False, True]) + quiet(about))
    value = floor_of(found)
    if not math.isnan(value):
        st.button(
            "Use this floor", key="turned:use", on_click=selection.put, disabled=math.isclose(settings.floor, value),
            args=(evo.floor_of(settings.measure), value),
        )  # fmt: skip
