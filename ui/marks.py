"""Charts whose marks lead on: a click on a point becomes a choice."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import go

PICTURE = {"displaylogo": False, "modeBarButtons": [["toImage"]], "toImageButtonOptions": {"format": "svg", "scale": 2}}


def chart(figure: Any, key: str) -> None:
    """A Plotly figure; a click on a point chooses what its customdata says: names of settings and their texts."""

    def clicked() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points:
            take_over(points[0].get("customdata"))

    st.plotly_chart(figure, key=key, on_select=clicked, selection_mode="points", theme=None, config=PICTURE)


def take_over(data: Any) -> None:
    """Take over a point's choices; what is no text of a name and a text changes nothing.

    Choices are written as ``name=text`` each, since Plotly keeps lists and numbers only.
    """
    parts = [str(each).partition("=") for each in data] if isinstance(data, list | tuple) else []
    go.choose_all({name: text for name, equals, text in parts if name and equals})


def choices(**chosen: object) -> tuple[str, ...]:
    """What a point's customdata says.

    >>> choices(at="3", tau=0.5)
    ('at=3', 'tau=0.5')
    """
    return tuple(f"{name}={text}" for name, text in chosen.items())
