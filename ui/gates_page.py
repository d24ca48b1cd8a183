"""What the Gates page asks and keeps: the two sites, the view, the row in focus; its tables and its Python."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from core.analyses.gate import Gate
from core.analyses.gate_tables import candidate_table, division_table, gate_table, matching
from core.analyses.gates import gates
from core.analyses.seed_gates import Candidate, seed_candidates
from core.analyses.splits import Merge, Split, merges, splits
from core.results import refuse_if_hosted
from core.store import Store
from core.values import Feature
from ui import selection
from ui.gate_cards import telling
from ui.setup import Page

VIEWS = ("gates", "splits", "merges", "seed")
NAMES = {"gates": "Gates", "splits": "Splits", "merges": "Merges", "seed": "Seed's candidates"}
VIEW = selection.choice("view", VIEWS)
ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
FIND = selection.text("find", longest=80)
SHOWN = selection.text("shown", longest=80)
KEPT = 64  # answers kept, over all stores and sessions

ANALYSES: dict[str, Callable[..., list]] = {
    "gates": gates,
    "splits": splits,
    "merges": merges,
    "seed": seed_candidates,
}
TABLES: dict[str, Callable[..., pl.DataFrame]] = {
    "gates": gate_table,
    "splits": division_table,
    "merges": division_table,
    "seed": candidate_table,
}
EXPLAINED = {
    "gates": "For each feature of the later site, combinations of features of the earlier one are searched on half of "
    "the documents. Those are listed that beat every single feature on the other half, by 0.05 of F1 at least.",
    "splits": "A feature is listed where two or more features of the later site fire almost only within it (necessity "
    "0.9 or more, twice what chance gives), each on 5 to 90% of its tokens. Tokens with no such child are the rest.",
    "merges": "A feature of the later site is listed where two or more features of the earlier one fire almost only "
    "within it (sufficiency 0.9 or more, twice what chance gives), each making up 5 to 90% of its tokens.",
    "seed": "The paper calls a feature a gate where exactly two earlier ones are necessary (and) or sufficient (or) at "
    "0.999, and verifies nothing. Beside each stand its precision, recall, and the gain over the better of the two.",
}


@dataclass(frozen=True)
class Asked:
    """What the page is about."""

    view: str
    source: str
    target: str
    activity: float
    find: str


def site_settings(store: Store) -> tuple[selection.Setting[str], selection.Setting[str]]:
    """The earlier and the later site; the middle of the model unless chosen, where most is going on."""
    keys = [site.key for site in store.sites]
    middle = max(0, (len(keys) - 1) // 2)
    return selection.choice("from", keys[:-1], keys[min(middle, len(keys) - 2)]), selection.choice(
        "to", keys[1:], keys[min(middle + 1, len(keys) - 1)]
    )


def read(store: Store) -> Asked:
    """The settings of the address and the session; a later site that is none becomes the next one."""
    first, second = site_settings(store)
    source, target = selection.value(first), selection.value(second)
    if store.site(source).position >= store.site(target).position:
        target = store.sites[store.site(source).position + 1].key
        selection.put(second, target)
    rest = selection.value(ACTIVITY), selection.value(FIND)
    return Asked(selection.value(VIEW), source, target, *rest)


# ---- answers, kept while the app runs


@st.cache_resource(show_spinner=False)
def _kept() -> tuple[threading.Lock, OrderedDict[tuple, list]]:
    return threading.Lock(), OrderedDict()


def answer(store: Store, asked: Asked) -> list:
    """What the analysis finds; with a progress bar where it is computed for the first time.

    Leaving the page ends the script at the next report, and with it the work. Raises `HostedRefusal` where hosted and
    the sites are too large to search.
    """
    lock, kept = _kept()
    key = (store.fingerprint, asked.view, asked.source, asked.target, asked.activity)
    with lock:
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
    refuse_if_hosted(store, asked.source, asked.target)
    place = st.empty()
    words = f"{NAMES[asked.view]} between sites {asked.source} and {asked.target}"

    began = time.monotonic()

    def report(done: int, of: int) -> None:
        place.progress(done / of if of else 1.0, f"{words}: {coming_along(done, of, time.monotonic() - began)}")

    found = ANALYSES[asked.view](store, asked.source, asked.target, asked.activity, report=report)
    place.empty()
    with lock:
        kept[key] = found
        while len(kept) > KEPT:
            kept.popitem(last=False)
    return found


def coming_along(done: int, of: int, seconds: float) -> str:
    """How far, how fast and how long still.

    >>> coming_along(500, 2000, 10.0)
    '500 of 2,000 features, 50 a second, 30 s to go'
    """
    rate = done / seconds if seconds > 0 else 0.0
    if not rate:
        return f"{done:,} of {of:,} features"
    return f"{done:,} of {of:,} features, {rate:,.0f} a second, {(of - done) / rate:,.0f} s to go"


# ---- tables


def frame_of(page: Page, asked: Asked, found: Sequence) -> pl.DataFrame:
    """The table of the view, filtered by what was typed."""
    return matching(TABLES[asked.view](found, page.labels), asked.find)


def in_focus(page: Page, frame: pl.DataFrame, found: Sequence) -> Any:
    """The chosen row's result, else the first one whose features all have names of their own; None for no rows."""
    listed = set(frame["feature"].to_list())
    shown = [one for one in found if str(features_of(one)[0]) in listed]
    chosen = selection.value(SHOWN)
    wanted = [one for one in shown if str(features_of(one)[0]) == chosen]
    told = (one for one in shown if telling(features_of(one), page.labels))
    return wanted[0] if wanted else next(told, shown[0] if shown else None)


def features_of(one: Gate | Candidate | Split | Merge) -> tuple[Feature, ...]:
    """The feature that a row is about, and those that explain or divide it."""
    return (one.whole, *one.parts) if isinstance(one, Split | Merge) else (one.feature, *one.inputs)


def shown_table(asked: Asked, frame: pl.DataFrame) -> None:
    """The table; choosing a row shows its card."""
    key = f"table:{asked}"

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows:
            selection.choose(SHOWN.name, frame["feature"][rows[0]])

    st.dataframe(
        frame, key=key, hide_index=True, selection_mode="single-row", on_select=chosen,
        height=min(395, 38 + 35 * len(frame)), column_config=_columns(frame),
    )  # fmt: skip


def _columns(frame: pl.DataFrame) -> dict[str, Any]:
    titles = {
        "input_names": "named", "part_names": "named", "held_out_f1": "F1, held out", "f1": "F1",
        "held_out_gain": "gain, held out", "low": "gain from", "high": "gain to", "several": "several at once",
    }  # fmt: skip
    columns: dict[str, Any] = {"low": None, "high": None}
    columns = columns if "low" in frame.columns else {}
    for name, kind in frame.schema.items():
        if name in columns:
            continue
        label = titles.get(name, name)
        if kind == pl.Float64:
            columns[name] = st.column_config.NumberColumn(label, format="%.2f", width="small")
        else:
            wide = name in ("inputs", "input_names", "parts", "part_names")
            columns[name] = st.column_config.TextColumn(label, width="medium" if wide else "small")
    return columns


# ---- Copy as Python


def as_python(path: str, asked: Asked) -> str:
    """The core calls behind the table, to run as they are from the checkout.

    >>> print(as_python("demo.h5", Asked("splits", "2", "3", 0.0, "")).splitlines()[-2])
    found = splits(store, '2', '3', activity=0.0)
    """
    call, frame = ANALYSES[asked.view], TABLES[asked.view]
    return (
        f"from {call.__module__} import {call.__name__}\n"
        f"from core.analyses.gate_tables import {frame.__name__}, matching\n"
        "from core.labels import Labels\n"
        "from core.store import open_store\n\n"
        f"store = open_store({path!r})\n"
        f"found = {call.__name__}(store, {asked.source!r}, {asked.target!r}, activity={asked.activity!r})\n"
        f"result = matching({frame.__name__}(found, Labels.beside(store)), {asked.find!r})\n"
    )
