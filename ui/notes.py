"""Quiet sentences at the top of a page: what had to be put right in an address, what has just been done."""

from __future__ import annotations

from typing import Any

import streamlit as st


def note(sentence: str) -> None:
    """Say something at the top of the page that is drawn next, until somebody does something there."""
    _notes()["next"].append(sentence)


def take_notes() -> list[str]:
    """The notes so far, for the page that is being drawn."""
    notes = _notes()
    notes["shown"], notes["next"] = notes["next"], []
    return list(notes["shown"])


def start_anew() -> None:
    """Draw the page once more, its notes too: nobody has had the time to read them. In place of `st.rerun`."""
    notes = _notes()
    notes["next"], notes["shown"] = notes["shown"] + notes["next"], []
    st.rerun()


def _notes() -> dict[str, Any]:
    if "strata:notes" not in st.session_state:
        st.session_state["strata:notes"] = {"next": [], "shown": []}
    notes: dict[str, Any] = st.session_state["strata:notes"]
    return notes
