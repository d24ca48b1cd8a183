"""Tables to choose a row from: that in focus is ticked, and in sight when the page is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import streamlit as st

ROW = 35  # pixels, as Streamlit draws them
HEAD = 38  # of the titles, and the frame's own lines

_in_sight = st.components.v2.component(
    "strata.in_sight",
    html="<span class='s-in-sight'></span>",
    js="""
export default function ({ parentElement, data }) {
  // The table draws its rows on a canvas beside a box that scrolls; the box comes when its script has been loaded.
  const room = parentElement.closest("[class*='st-key-rows-of']")
  const mark = parentElement.querySelector(".s-in-sight")
  if (!room || mark.dataset.done) return
  const scroll = (tries) => {
    const box = room.querySelector(".dvn-scroller")
    const inner = box && box.querySelector(".dvn-scroll-inner")
    if (!inner || inner.clientHeight <= box.clientHeight) {
      if (tries) setTimeout(() => scroll(tries - 1), 100)
      return
    }
    mark.dataset.done = "1"
    const rows = box.clientHeight - data.row_height
    if ((data.row + 1) * data.row_height > rows) box.scrollTop = data.row * data.row_height - rows / 2
  }
  scroll(100)
}
""",
    isolate_styles=False,
)


def choosing(
    frame: pl.DataFrame, key: str, act: Callable[[int], None], row: int | None = None, *,
    columns: Mapping[str, Any], height: int = 318, row_height: int = ROW,
) -> None:  # fmt: skip
    """Show rows; choosing one calls `act` with its place. `row`, where there is one, is what the page shows.

    The tick follows the page whatever was clicked. The table is scrolled once, to where it is opened: what somebody
    has scrolled or sorted since stays as it is.
    """

    def chosen() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        if rows and rows[0] < len(frame):
            act(rows[0])

    ticked = [] if row is None else [row]
    if key not in st.session_state or st.session_state[key]["selection"]["rows"] != ticked:
        st.session_state[key] = {"selection": {"rows": ticked, "columns": [], "cells": []}}
    with st.container(key=f"rows-of-{key}", gap=None):
        st.dataframe(
            frame, key=key, hide_index=True, selection_mode="single-row", on_select=chosen, placeholder="–",
            height=min(height, HEAD + row_height * len(frame)), row_height=row_height, column_config=columns,
        )  # fmt: skip
        if row is not None:
            _in_sight(data={"row": row, "row_height": row_height}, key=f"in-sight:{key}", height="content")
