"""What the Gates page asks and keeps: the sites, the view, the row in focus; its tables and its Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from core.analyses import gate_tables as tables
from core.analyses.gate import Gate
from core.analyses.gate_contexts import division_cases, gate_cases
from core.analyses.kept_gates import found_in, is_kept
from core.analyses.splits import Divided
from core.results import Notice
from core.store import Store
from core.values import Feature
from ui import selection, site_choice
from ui.columns import columns
from ui.gate_cards import telling
from ui.setup import Page
from ui.share import Frames
from ui.tables import choosing
from ui.waiting import Progress, wait_for

VIEWS = ("gates", "splits", "merges", "seed")
NAMES = {"gates": "Gates", "splits": "Splits", "merges": "Merges", "seed": "Seed's candidates"}
KIND_NAMES = {"any": "every kind", "or": "or", "and": "and", "and_not": "and not"}
KINDS = {"gates": tuple(KIND_NAMES), "seed": ("any", "or", "and")}
EVERY = "every"
"""Every site, each over the one before it."""

VIEW = selection.choice("view", VIEWS)
KIND = selection.choice("kind", tuple(KIND_NAMES))
ACTIVITY = selection.number("activity", 0.0, 0.0, 0.9)
FIND = selection.text("find", longest=80)
SHOWN = selection.text("shown", longest=80)

TABLES: dict[str, Callable[..., pl.DataFrame]] = {
    "gates": tables.gate_table,
    "splits": tables.division_table,
    "merges": tables.division_table,
    "seed": tables.candidate_table,
}
EXPLAINED = {
    "gates": "For each feature of the later site, combinations of features of the earlier one are searched on half of "
    "the documents. Those are listed that beat every single feature on the other half, by 0.05 of F1 at least.",
    "splits": "A feature is listed where two or more features of the later site fire almost only within it (necessity "
    "0.9 or more, twice what chance gives), each on 5 to 90% of its tokens. Tokens with no such part are the rest; a "
    "large rest is the sign of absorption: the feature goes on, and falls silent where a part fires.",
    "merges": "A feature of the later site is listed where two or more features of the earlier one fire almost only "
    "within it (sufficiency 0.9 or more, twice what chance gives), each making up 5 to 90% of its tokens.",
    "seed": "The paper calls a feature a gate where exactly two earlier ones are necessary (and) or sufficient (or) at "
    "0.999, and verifies nothing. Here each is tested as gates are, on half of the documents: against every single "
    "feature of the site, and against chance.",
}


@dataclass(frozen=True)
class Asked:
    """What the page is about; `target` may be EVERY."""

    view: str
    source: str
    target: str
    activity: float = 0.0
    find: str = ""
    kind: str = "any"

    @property
    def where(self) -> str:
        """Between which sites, for titles."""
        return "in this store" if self.target == EVERY else f"at site {self.target} over site {self.source}"

    def pairs(self, store: Store) -> list[tuple[str, str]]:
        """The pairs of sites to search."""
        every = self.target == EVERY
        return list(pairwise(site.key for site in store.sites)) if every else [(self.source, self.target)]


def site_name(key: str) -> str:
    """A site in a list."""
    return "every site" if key == EVERY else f"site {key}"


def read(store: Store) -> Asked:
    """The settings of the address and the session."""
    source, target = site_choice.read(store, EVERY)
    view, kind = selection.value(VIEW), selection.value(KIND)
    fits = kind in KINDS.get(view, ())
    selection.settle(KIND.name, fits, f"there is no such kind among {NAMES[view].lower()}", KIND_NAMES["any"])
    return Asked(view, source, target, selection.value(ACTIVITY), selection.value(FIND), kind if fits else "any")


# ---- answers


def at_hand(store: Store, asked: Asked) -> bool:
    """Whether nobody has to wait for the answer."""
    return all(is_kept(asked.view, store, *pair, asked.activity) for pair in asked.pairs(store))


def answer(store: Store, asked: Asked) -> list:
    """What the analysis finds, kept on disk; where it is searched for the first time, with a bar, beside the script.

    Raises `HostedRefusal` where hosted and the sites are too large to search.
    """
    pairs = asked.pairs(store)

    def work(progress: Progress, cancelled: Callable[[], bool], notice: Notice) -> list:
        return found_in(asked.view, store, pairs, asked.activity, progress=progress, cancelled=cancelled, notice=notice)

    key = ("gates", store.fingerprint, asked.view, tuple(pairs), asked.activity)
    return wait_for(key, work, f"{NAMES[asked.view]} {asked.where}", "features")


# ---- tables


def listed(page: Page, asked: Asked, found: Sequence) -> tuple[pl.DataFrame, list]:
    """The table of the view, filtered by what was typed and chosen, and the result behind each row."""
    frame = TABLES[asked.view](found, page.labels).with_row_index("at")
    frame = tables.matching(frame, asked.find, asked.kind)
    return frame.drop("at"), [found[k] for k in frame["at"]]


def in_focus(page: Page, asked: Asked, shown: Sequence) -> Any:
    """The chosen row's result, else the first whose features are called by labels, or by words; None for no rows."""
    chosen = selection.value(SHOWN)
    wanted = next((one for one in shown if chosen in (name_of_row(asked, one), str(features_of(one)[0]))), None)
    one = wanted or _first_to_show(page, shown)
    instead = "" if one is None else name_of_row(asked, one)
    selection.settle(SHOWN.name, not chosen or wanted is not None, "it is not listed here", instead)
    return one


def _first_to_show(page: Page, shown: Sequence) -> Any:
    told = [one for one in shown if telling(features_of(one), page.labels)]
    labelled = (one for one in told if all(page.labels.get(f) for f in features_of(one)))
    return next(labelled, next(iter(told or shown), None))


def nothing(asked: Asked, found: bool) -> tuple[str, str]:
    """A title and a sentence where no row is listed; `found`: there would be some, but for what was typed or chosen.

    >>> nothing(Asked("gates", "3", "4", find="zzqq"), True)
    ('No gates at site 4 over site 3 match “zzqq”', 'Clear the search.')
    """
    words = f"No {NAMES[asked.view].lower()} {asked.where}"
    if not found:
        return words, f"{EXPLAINED[asked.view]} Choose two other sites."
    of_kind = f"No “{KIND_NAMES[asked.kind]}” among the {NAMES[asked.view].lower()} {asked.where}"
    title = of_kind if asked.kind != "any" else words
    title += f" match{'es' * (asked.kind != 'any')} “{asked.find}”" if asked.find else ""
    ways = ["clear the search"] * bool(asked.find) + ["choose every kind"] * (asked.kind != "any")
    return title, f"{' or '.join(ways).capitalize()}."


def features_of(one: Gate | Divided) -> tuple[Feature, ...]:
    """The feature that a row is about, and those that explain or divide it."""
    return (one.whole, *one.parts) if isinstance(one, Divided) else (one.feature, *one.inputs)


def name_of_row(asked: Asked, one: Gate | Divided) -> str:
    """What the address calls a row: its feature, and of a candidate, of which a feature may have two, its kind."""
    return f"{features_of(one)[0]} {one.kind}" if asked.view == "seed" else str(features_of(one)[0])


LEADING = ("feature", "name", "kind", "holds", "held_out_f1", "held_out_gain", "coverage")
"""What also a narrow window shows: what it is, and how well it holds, on documents that were not searched."""


def shown_table(asked: Asked, frame: pl.DataFrame, shown: Sequence, one: Gate | Divided) -> None:
    """The table with the row in focus marked; choosing another shows its card."""

    def chosen(row: int) -> None:
        selection.choose(SHOWN.name, name_of_row(asked, shown[row]))

    told = as_shown(frame)
    choosing(told, f"table:{asked}", chosen, shown.index(one), columns=columns(told, widths={"name": 190}), height=395)


def as_shown(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that the table shows, those that matter first; kinds and inputs in words.

    >>> rows = pl.DataFrame({"kind": ["and_not"], "precision": [0.9], "inputs": ["3_5 !3_7"], "low": [0.1]})
    >>> as_shown(rows).to_dict(as_series=False)
    {'kind': ['and not'], 'precision': [0.9], 'inputs': ['3_5, not 3_7']}
    """
    words = {
        "kind": pl.col("kind").replace(KIND_NAMES),
        "inputs": pl.col("inputs").str.replace_all(" ", ", ").str.replace_all("!", "not "),
        "parts": pl.col("parts").str.replace_all(" ", ", "),
    }
    frame = frame.drop("low", "high", strict=False)
    frame = frame.with_columns(words[name].alias(name) for name in words if name in frame.columns)
    first = [name for name in LEADING if name in frame.columns]
    return frame.select(*first, pl.exclude(first))


def frames(page: Page, asked: Asked, frame: pl.DataFrame, one: Gate | Divided | None) -> Frames:
    """What can be downloaded: the table, and of the row in focus all that its card shows."""
    found: dict[str, Callable[[], pl.DataFrame]] = {asked.view: lambda: frame}
    if isinstance(one, Divided):
        found["parts"] = lambda: tables.part_table(page.store, one, page.labels)
        found["contexts"] = lambda: tables.case_table(division_cases(page.store, one, asked.activity))
    elif one is not None:
        found["truth-table"] = lambda: tables.truth_table(one)
        found["contexts"] = lambda: tables.case_table(gate_cases(page.store, one, asked.activity))
    return found


# ---- Copy as Python


def as_python(path: str, asked: Asked, one: Gate | Divided | None = None) -> str:
    """The core calls behind the page, to run as they are from the checkout: a frame for each download, by its name.

    >>> print(as_python("demo.h5", Asked("splits", "2", "3")).splitlines()[-2])
    found = found_in('splits', store, [('2', '3')], 0.0)
    """
    pairs = "list(pairwise(site.key for site in store.sites))"
    pairs = pairs if asked.target == EVERY else repr([(asked.source, asked.target)])
    names = [
        "from core.analyses import gate_tables as tables",
        "from core.analyses.kept_gates import found_in",
        "from core.labels import Labels",
        "from core.store import open_store",
    ]
    lines = [
        f"store = open_store({path!r})",
        "labels = Labels.beside(store)",
        f"found = found_in({asked.view!r}, store, {pairs}, {asked.activity!r})",
        f"{asked.view} = tables.matching(tables.{TABLES[asked.view].__name__}(found, labels), {asked.find!r}, "
        f"{asked.kind!r})",
    ]
    if one is not None:
        cases = "division_cases" if isinstance(one, Divided) else "gate_cases"
        names.insert(1, f"from core.analyses.gate_contexts import {cases}")
        frame = "parts = tables.part_table(store, one, labels)"
        frame = frame if isinstance(one, Divided) else "truth_table = tables.truth_table(one)"
        lines += [
            _that(asked, one), frame, f"contexts = tables.case_table({cases}(store, one, {asked.activity!r}))",
        ]  # fmt: skip
    names = ["from itertools import pairwise\n", *names] if asked.target == EVERY else names
    return "\n".join([*names, "", *lines]) + "\n"


def _that(asked: Asked, one: Gate | Divided) -> str:
    """The line that takes one row's result out of all."""
    first = features_of(one)[0]
    which = f"str(o.{'whole' if isinstance(one, Divided) else 'feature'}) == {str(first)!r}"
    kind = f" and o.kind == {one.kind!r}" if asked.view == "seed" else ""
    return f"one = next(o for o in found if {which}{kind})"
