"""Errors become one readable box: what is wrong and the way out. A traceback goes to the log, never to a page."""

from __future__ import annotations

import functools
import html
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from core.errors import StrataError

P = ParamSpec("P")

log = logging.getLogger("strata")

LATER = "strata:errors"
"""Where the session keeps what callbacks raised, by the place on the page that will show it."""


def error_box(error: Exception) -> None:
    """Show what happened and the way out."""
    if isinstance(error, StrataError):
        what, way_out = error.what, error.way_out
    else:
        log.exception("unexpected error in a page", exc_info=error)
        what = "Something went wrong that Strata did not foresee"
        way_out = f"reload the page; the log has the details ({type(error).__name__})"
    st.html(
        f'<div class="s-error" role="alert"><b>{html.escape(_sentence(what))}</b>'
        f"<span>{html.escape(_sentence(way_out))}</span></div>"
    )


@contextmanager
def guarded(*, stop: bool = False) -> Iterator[None]:
    """Show an error of the block in its place; with `stop` the page ends there.

    Streamlit's own control flow (rerun, stop, switch_page) passes: it does not derive from `Exception` there.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.startswith("streamlit.runtime.scriptrunner"):
            raise
        error_box(error)
        if stop:
            st.stop()


def told_later(callback: Callable[P, object], at: str = "") -> Callable[P, None]:
    """For callbacks of widgets, which run before there is a page: what one raises is shown by the run that follows.

    It stands at the top, or where the page calls `show_later` with the same `at`.
    """

    @functools.wraps(callback)
    def run(*args: P.args, **named: P.kwargs) -> None:
        try:
            callback(*args, **named)
        except Exception as error:
            if type(error).__module__.startswith("streamlit.runtime.scriptrunner"):
                raise
            st.session_state.setdefault(LATER, []).append((at, error))

    return run


def show_later(at: str = "") -> None:
    """The boxes of what callbacks raised, once."""
    waiting = st.session_state.pop(LATER, [])
    if others := [one for one in waiting if one[0] != at]:
        st.session_state[LATER] = others
    for where, error in waiting:
        if where == at:
            error_box(error)


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
