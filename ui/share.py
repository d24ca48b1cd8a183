"""What every view offers: its permalink, a download of exactly what it shows, and the core calls behind it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from urllib.parse import urljoin

import polars as pl
import streamlit as st

from core.paths import hosted
from core.store import Store
from ui import selection
from ui.address import permalink, used

Frames = Mapping[str, Callable[[], pl.DataFrame]]


def share(page: str, frames: Frames, snippet: str, picture: tuple[str, Callable[[], str]] | None = None) -> None:
    """What `offers` offers, of a page with tables and maybe a `picture`: its file's name, and what makes the SVG.

    Draw it last, in a container of its own, when every setting of the page has been read.
    """

    def downloads() -> None:
        if picture is not None:
            name, make = picture
            st.download_button("Picture (SVG)", make, name, "image/svg+xml", key="download:svg", on_click="ignore")
        for name, frame in frames.items():
            _downloads(name, frame)

    offers(permalink(page, **_kept()), downloads, snippet)


def offers(address: str, downloads: Callable[[], None], snippet: str) -> None:
    """Three words at the end of the row of settings: they change nothing, and so are quieter than those."""
    with st.container(horizontal=True, gap=None, key="offers", width="content"):
        with st.popover("Permalink", type="tertiary"):
            st.code(absolute(address), language=None, wrap_lines=True)
        with st.popover("Download", type="tertiary"):
            downloads()
        with st.popover("Copy as Python", type="tertiary"):
            st.code(snippet, language="python")


def path_told(store: Store) -> str:
    """Where the store lies, for Python that is copied; its name alone where Strata is hosted."""
    return store.path.name if hosted() else str(store.path)


def absolute(address: str) -> str:
    """A whole address, as one would send it to a colleague."""
    return urljoin(str(st.context.url or ""), address)


def as_csv(frame: pl.DataFrame) -> bytes:
    """CSV; what a spreadsheet would take for a formula is kept as text by a leading apostrophe, lists become text."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    frame = frame.drop(lists)
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    risky = r"^[=+\-@\t\r]"
    safe = [
        pl.when(pl.col(name).str.contains(risky)).then("'" + pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in texts
    ]
    return frame.with_columns(safe).write_csv().encode()


def as_parquet(frame: pl.DataFrame) -> bytes:
    """Parquet, with lists as they are."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _downloads(name: str, frame: Callable[[], pl.DataFrame]) -> None:
    st.html(f'<div class="s-head">{name.replace("-", " ")}</div>')
    with st.container(horizontal=True, gap="small"):
        for kind, make in (("csv", as_csv), ("parquet", as_parquet)):
            st.download_button(
                kind.upper() if kind == "csv" else "Parquet",
                lambda make=make: make(frame()),  # type: ignore[misc]
                f"{name}.{kind}",
                key=f"download:{name}:{kind}",
                on_click="ignore",
            )


def _kept() -> dict[str, str | None]:
    return {name: selection.raw(name) for name in used()}
