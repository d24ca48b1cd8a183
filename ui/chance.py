"""How much of what the Evolution page shows is chance: a sentence once it is known, and the means to find out.

The nulls are drawn beside the script, in a thread of their own: the page stays usable, and the work goes on when one
leaves it. Results lie in the result cache, so that the next session, and the command line, find them.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx
import streamlit as st

from core.analyses.asked_link import followed
from core.analyses.chance import Chance, Sites, chance_of_pair, kept_chances, together
from core.analyses.kept_nulls import Stamp, files_of, least_kept, seconds_of, stamp_of
from core.errors import Cancelled, HostedRefusal
from core.results import refuse_if_hosted
from core.statistics.false_discoveries import LOWEST, RATE
from core.store import Store
from ui import evolution as evo
from ui import selection
from ui.errors import error_box
from ui.inspector import NULLS
from ui.notes import start_anew
from ui.text import escape, measure_name, quiet, table

AT_MOST = f"{100 * RATE:g}%"
AT_ONCE = 10.0
"""Seconds of one core up to which nobody is asked whether to find out."""
THREADS = max(1, (os.cpu_count() or 1) // 2)
"""That draw: the others are for who is looking at the page meanwhile."""


def pairs_shown(store: Store, graph: nx.DiGraph) -> tuple[Sites, ...]:
    """The adjacent sites between which the graph may have links."""
    places = sorted({data["site"] for _, data in followed(graph).nodes(data=True)})
    return tuple(pairwise(site.key for site in store.sites[places[0] : places[-1] + 1])) if places else ()


def known(store: Store, pairs: Sequence[Sites], settings: evo.Settings) -> Chance | None:
    """What the result cache says of the sites shown; None where it has not been computed, or is damaged."""
    measure, activity, min_both = settings.measure, settings.activity, settings.min_both
    stamps = [stamp_of(files_of(store, *pair, measure, activity, min_both)) for pair in pairs]
    there = [stamp for stamp in stamps if stamp is not None]
    if not pairs or len(there) < len(pairs):
        return None
    return _known(store.fingerprint, tuple(pairs), measure, activity, min_both, there, store)


@st.cache_resource(max_entries=32, show_spinner=False)
def _known(
    fingerprint: str, pairs: tuple[Sites, ...], measure: str, activity: float, min_both: int, stamps: Sequence[Stamp],
    _store: Store,
) -> Chance | None:  # fmt: skip
    """Read, and never drawn: that is for `begin`, beside the script. `stamps` tell files that were replaced."""
    found = [kept_chances(_store, *pair, measure, activity, min_both).get(measure) for pair in pairs]
    there = [one for one in found if one is not None]
    return together(there) if len(there) == len(pairs) else None


# ---- in words


def sentence(found: Chance) -> str:
    """What one may rely on, for the line under the title."""
    floor = found.floor()
    if not floor.found:
        why = found.why_no_floor()
        return f"{why[0].upper()}{why[1:]}."
    return f"At {floor_text(found)} and above, at most {AT_MOST} of the links between these sites are chance."


def floor_text(found: Chance) -> str:
    """The floor, rounded up so that the sentence stays true."""
    digits = 3 if found.measure == "mutual_information" else 2
    return f"{floor_of(found):.{digits}f}"


def floor_of(found: Chance) -> float:
    """The floor, rounded up to what a person would type; NaN where there is none."""
    scale = 1000 if found.measure == "mutual_information" else 100
    value = found.floor().value
    return value if math.isnan(value) else math.ceil(round(value * scale, 6)) / scale


def as_python(found: Chance) -> tuple[str, str]:
    """The core calls behind the sentence: what to import, and what to run on `store`."""
    asked = f"*pair, {found.measure!r}, {found.activity!r}, min_both={found.min_both}"
    pairs = list(found.pairs)
    return (
        "from core.analyses.chance import chance_of_pair, together\n",
        f"chance = together([chance_of_pair(store, {asked}) for pair in {pairs!r}])\nfloor = chance.floor({RATE})\n",
    )


# ---- the pill


def pill(store: Store, graph: nx.DiGraph, settings: evo.Settings, found: Chance | None) -> None:
    """A popover with the floor, what each null says, and the button that uses the floor; or the offer to find out."""
    pairs = pairs_shown(store, graph)
    if not pairs:
        return
    if found is None:
        at_once(store, pairs, settings)
    else:
        _works().pop(_key(store, pairs, settings), None)
    work = _works().get(_key(store, pairs, settings))
    name = "How much is chance?" if found is None else "No floor against chance"
    if found is not None and found.floor().found:
        name = f"Chance ≤ {AT_MOST} from {floor_text(found)}"
    under_way = work is not None and not work.future.done()
    with st.popover("Chance: being drawn" if under_way else name), st.container(key="chance"):
        if found is not None:
            _told(found, settings)
        else:
            st.fragment(_ask, run_every=1.0 if under_way else None)(store, pairs, settings)


def _told(found: Chance, settings: evo.Settings) -> None:
    links, sites = len(found.real.value), f"sites {found.pairs[0][0]} to {found.pairs[-1][1]}"
    lowest = LOWEST[found.measure]
    st.html(
        f"<div>{sentence(found)}</div>"
        + quiet(f"{links:,} links by {measure_name(found.measure)} of {lowest:g} and above, between adjacent {sites}.")
        + table(("chance that keeps", "floor"), _null_rows(found), [False, True])
    )
    here = found.share_at(settings.floor) if settings.floor >= lowest else math.nan
    if not math.isnan(here):
        st.html(quiet(f"At the floor shown, {settings.floor:.2f}, it is about {100 * here:.2g}%."))
    if found.floor().found:
        value = floor_of(found)
        st.button(
            "Use this floor", key="chance:use", on_click=selection.put, disabled=math.isclose(settings.floor, value),
            args=(evo.floor_of(settings.measure), value),
        )  # fmt: skip


def _null_rows(found: Chance) -> list[list[str]]:
    rows = []
    for name, keeps in (("shift", "the topic"), ("document", "the place in the text")):
        null = found.nulls[name]
        alone = found.floor(RATE, name)
        lowest = LOWEST[found.measure]
        told = f"{alone.value:.3f}" if alone.links < len(found.real.value) else f"below {lowest:g}"
        told = "–" if null.state or not len(found.real.value) else told if alone.found else "none"
        rows.append([f'<span title="{NULLS[name][1]}">{keeps}</span>', told])
    return rows


# ---- finding out


@dataclass(slots=True)
class _Work:
    """Nulls being drawn, or what came of it where the result cache does not have them."""

    future: Future = field(default_factory=Future)
    share: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    notices: list[str] = field(default_factory=list)  # such as that the results could not be kept


@st.cache_resource(show_spinner=False)
def _works() -> dict[tuple, _Work]:
    return {}


@st.cache_resource(show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="strata-chance")


def _key(store: Store, pairs: Sequence[Sites], settings: evo.Settings) -> tuple:
    return (store.fingerprint, tuple(pairs), settings.measure, settings.activity, least_kept(settings.min_both))


def at_once(store: Store, pairs: Sequence[Sites], settings: evo.Settings) -> None:
    """Draw without being asked where that is cheap; what was stopped, failed or could not be kept is left alone."""
    if _key(store, pairs, settings) not in _works() and is_cheap(store, pairs):
        begin(store, pairs, settings)


def is_cheap(store: Store, pairs: Sequence[Sites]) -> bool:
    """Whether nobody need be asked: it takes seconds, and a hosted Strata would not refuse it."""
    try:
        for pair in pairs:
            refuse_if_hosted(store, *pair)
    except HostedRefusal:
        return False
    return sum(seconds_of(store, *pair) for pair in pairs) <= AT_ONCE


def begin(store: Store, pairs: Sequence[Sites], settings: evo.Settings) -> None:
    """Draw the nulls of these pairs of sites, beside the script; joins what is under way."""
    work = _Work()
    if _works().setdefault(_key(store, pairs, settings), work) is work:
        work.future = _pool().submit(_draw, store, pairs, settings, work)


def _draw(store: Store, pairs: Sequence[Sites], settings: evo.Settings, work: _Work) -> None:
    for k, pair in enumerate(pairs):

        def progress(share: float, k: int = k) -> None:
            work.share = max(work.share, (k + share) / len(pairs))

        chance_of_pair(
            store, *pair, settings.measure, settings.activity, min_both=settings.min_both,
            notice=work.notices.append, progress=progress, cancelled=work.stop.is_set, threads=THREADS,
        )  # fmt: skip


def _ask(store: Store, pairs: Sequence[Sites], settings: evo.Settings) -> None:
    """The offer, or how far it is; once done the page is drawn anew."""
    key = _key(store, pairs, settings)
    work = _works().get(key)
    if work is not None and not work.future.done():
        st.progress(min(work.share, 1.0), f"Drawing both nulls: {100 * work.share:.0f}%")
        st.button("Stop", key="chance:stop", on_click=work.stop.set)
        return
    if known(store, pairs, settings) is not None:
        _works().pop(key, None)
        start_anew()
    error = work.future.exception() if work is not None else None
    failed = error is not None and not isinstance(error, Cancelled)
    if isinstance(error, Exception) and failed:
        error_box(error)  # it stays until one tries again
    else:
        st.html(
            "<div>Some links would be there by chance: features that share a topic, or a place in the text.</div>"
            + quiet(f"Draw what chance gives between {len(pairs) + 1} sites, and from which value on it is rare.")
            + "".join(f'<div class="s-note">{escape(told)}</div>' for told in (work.notices if work else ()))
        )
    if st.button("Try again" if failed else "Find out", key="chance:ask"):
        _works().pop(key, None)
        begin(store, pairs, settings)
        start_anew()
