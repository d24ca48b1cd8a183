"""The Layers page's lists: which row is in focus, and the tokens for and against its match."""

from __future__ import annotations

import polars as pl
import streamlit as st

from core.values import Feature
from ui import evolution as evo
from ui import selection
from ui.go import anchor, linked
from ui.inspector import inspector
from ui.layers_page import SHOWN
from ui.setup import Page
from ui.text import named, quiet


def in_focus(frame: pl.DataFrame, key: str, name: str = "") -> int:
    """The chosen row, else the first one that is called by a word (in the column `name`), else the first."""
    wanted, keys = selection.value(SHOWN), frame[key].to_list()
    names = frame[name] if name else ()
    words = (
        row for row, text in enumerate(names) if len(text or "") > 4 and text.strip("“”").replace(" ", "").isalpha()
    )
    row = keys.index(wanted) if wanted in keys else next(words, 0)
    selection.settle(SHOWN.name, not wanted or wanted in keys, "it is not listed here", keys[row] if keys else "")
    return row


NEVER = "It has no match to show: no alive feature of the other site ever resembles it."
NOT_MATCHED = {
    "dead": "It has no match to show: it never fires.",
    "rare": "It is not matched: on fewer than 10 tokens a feature shares most of them with some other by chance.",
}
"""Why features of a band have no matches, by how its name begins."""


def evidence(
    page: Page, feature: Feature, match: Feature | None, told: str = "its best match", nothing: str = NEVER
) -> None:
    """Where the feature leads, and the tokens for and against its match, which is called `told`, else `nothing`."""
    with st.container(key="card-link"):
        lead = [
            f"<b>{feature}</b> {named(feature, page.labels)}",
            anchor("feature", "feature", feature=str(feature)),
            anchor("evolution", "evolution", feature=str(feature)),
        ]
        if match is not None:
            source, target = page.store.order(feature, match)
            link = f"{source},{target}"
            lead.append(anchor(f"inspect {told}", "evolution", feature=str(feature), link=link))
        linked(f'<div class="s-lead">{" · ".join(lead)}</div>', "layers:lead")
        if match is None:
            st.html(quiet(nothing))
            return
        inspector(evo.report_of(page.store.fingerprint, page.store, link, 0.0), page.store, page.labels)
