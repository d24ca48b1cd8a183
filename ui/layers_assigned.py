"""The Layers page's question to the weights: do they pair features as the data do?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import polars as pl
import streamlit as st

from core.analyses.assigned import Agreed, agreed, agreement_table, assignment, is_kept
from core.analyses.matches import Matches
from core.errors import Cancelled
from core.paths import hosted
from core.results import Notice
from core.statistics.assignment import CANDIDATES
from core.statistics.data_free import WORDS_OF_THETA, missing
from core.store import Store
from ui.text import escape, head, percent, quiet, table
from ui.waiting import Progress, wait_for

AT_ONCE = 1024
"""Features a site up to which the assignments are made without being asked for: about a second a pair at most."""


def possible(store: Store) -> bool:
    """Whether all adjacent sites can be assigned."""
    return not any(missing(store, "folded_mse", a.key, b.key) for a, b in pairwise(store.sites))


def known(store: Store) -> bool:
    """Whether the assignments are at hand, or made in no time."""
    if not possible(store):
        return False
    small = max(site.d_sae for site in store.sites) <= AT_ONCE
    return small or all(is_kept(store, a.key, b.key) for a, b in pairwise(store.sites))


def all_agreed(store: Store, matches: Sequence[Matches]) -> list[Agreed]:
    """The assignment of every pair of `matches` beside them."""
    pairs = [(one.source, one.target) for one in matches]

    def work(progress: Progress, cancelled: Callable[[], bool], notice: Notice) -> list[Agreed]:
        found = []
        for k, one in enumerate(matches):
            if cancelled():
                raise Cancelled("the assignments were stopped", "those that were finished are kept")
            found.append(agreed(one, assignment(store, one.source, one.target, notice=notice)))
            progress((k + 1) / len(matches))
        return found

    return wait_for(("assigned", store.fingerprint, tuple(pairs)), work, "One-to-one assignments by folded MSE")


def agreement(store: Store, matches: Sequence[Matches]) -> pl.DataFrame:
    """The numbers of the card as a frame."""
    return agreement_table(all_agreed(store, matches))


def card(store: Store, matches: Sequence[Matches], tau: float) -> None:
    """Of the pairs that the weights assign, how many are each other's best match by Pearson; a row a pair of sites."""
    if not possible(store):
        return
    with st.container(key="card-assigned"):
        st.html(head("Do the weights pair the same features?", "one to one, by folded MSE"))
        if not known(store) and not _asked():
            return
        found = all_agreed(store, matches)
        st.html(
            f"<div>{escape(told(found))}</div>{table(NAMES, rows(found), [False] + [True] * 5)}"
            + quiet(f"{at_any_value(matches, tau)} {how(found)}")
        )


NAMES = ("sites", "assigned", "mutual best, any Pearson", "both", "of the assigned", "of the mutual best")


def rows(found: Sequence[Agreed]) -> list[list[str]]:
    """The numbers as cells."""
    return [
        [f'<span class="s-born">{escape(one.source)} → {escape(one.target)}</span>',
         f"{one.assigned:,}", f"{one.mutual:,}", f"{one.both:,}",
         f"<b>{percent(one.share)}</b>", percent(one.found)]
        for one in found
    ]  # fmt: skip


def told(found: Sequence[Agreed]) -> str:
    """The finding in a sentence.

    >>> told([Agreed("0", "1", "pearson", 10, 8, 4, "threshold", True)])
    'Of the pairs that the weights assign, 40.0% are each other’s best match by Pearson.'
    """
    assigned, both = sum(one.assigned for one in found), sum(one.both for one in found)
    if not assigned:
        return "The weights assign no alive feature to another."
    return f"Of the pairs that the weights assign, {percent(both / assigned)} are each other’s best match by Pearson."


def at_any_value(matches: Sequence[Matches], tau: float) -> str:
    """What is counted here as mutual best, and how it differs from "one to one" in the table of turnover.

    >>> import numpy as np
    >>> from core.statistics.best_alive import Best
    >>> active, best = np.full(2, 20), Best(np.array([0, 1]), np.array([0.97, 0.4]))
    >>> at_any_value([Matches("0", "1", "pearson", active, active, best, best, {})], 0.95)
    'Mutual best matches count here at any value: 2. Of these 1 are at τ = 0.95 or above, what Turnover by Pearson calls one to one.'
    """  # noqa: E501
    every = sum(int(one.mutual.sum()) for one in matches)
    above = sum(int((one.mutual_at(tau) >= 0).sum()) for one in matches)
    return (
        f"Mutual best matches count here at any value: {every:,}. Of these {above:,} are at τ = {tau:g} or above, what "
        "Turnover by Pearson calls one to one."
    )


def how(found: Sequence[Agreed]) -> str:
    """What was assigned and how."""
    exact = all(one.exact for one in found)
    among = "the cheapest of all ways" if exact else f"the cheapest way among the {CANDIDATES} nearest of each feature"
    thetas = " or ".join(WORDS_OF_THETA[name] for name in dict.fromkeys(one.folded_with for one in found))
    return (
        f"SAE Match (Balagansky et al. 2024): each feature gets a partner of its own, {among} by mean squared error of "
        f"decoder rows times θ, {thetas}. Pairs of alive features are counted. An assignment pairs as many as it can, "
        "features without kin too."
    )


def _asked() -> bool:
    if hosted():
        st.html(quiet("These sites are too large for a hosted Strata to assign."))
        return False
    st.html(quiet("These sites are large: an assignment takes about a minute for each pair of sites."))
    return st.button("Assign", key="assign")
