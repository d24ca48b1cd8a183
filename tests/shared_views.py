"""What a page shows and what it offers to share, caught while it runs: its text, its downloads, its Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.paths import ROOT
from core.results import results_folder
from ui import share, waiting

Shared = tuple[dict[str, pl.DataFrame], str]


@dataclass
class Catch:
    """Runs pages and keeps what they share."""

    caught: list[Shared]

    def __call__(self, page: str, **query: str) -> tuple[AppTest, Shared]:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
        for name, text in query.items():
            app.query_params[name] = text
        self.caught.clear()
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, app.exception
        return app, self.caught[-1]


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Catch:
    """A page by its name and its query -> the app, (frames by name, snippet)."""
    caught: list[Shared] = []
    draw: Callable[..., None] = share.share

    def keep(page: str, frames: share.Frames, snippet: str) -> None:
        caught.append(({name: frame() for name, frame in frames.items()}, snippet))
        draw(page, frames, snippet)

    monkeypatch.setattr(share, "share", keep)
    return Catch(caught)


def compare(found: Shared, ending: str = "") -> dict[str, Any]:
    """The snippet runs as it is and makes every frame that can be downloaded, under its name without an `ending`.

    Returns all that the snippet defines.
    """
    frames, snippet = found
    assert frames
    scope: dict[str, Any] = {}
    exec(compile(snippet, "snippet", "exec"), scope)
    for name, frame in frames.items():
        assert scope[name.removesuffix(ending).replace("-", "_")].equals(frame, null_equal=True), name
    return scope


def everything(app: AppTest) -> str:
    """All text and HTML of a page's main part."""
    found: list[str] = []

    def walk(block: Any) -> None:
        for child in getattr(block, "children", {}).values():
            proto = getattr(child, "proto", None)
            for name in ("body", "json"):
                text = getattr(proto, name, None)
                if isinstance(text, str):
                    found.append(text)
            walk(child)

    walk(app.main)
    return "\n".join(found)


def spoil(kind: str) -> str:
    """Cut the kept files of a kind in half, and forget all that is in memory; the name of one of them."""
    paths = sorted(results_folder().glob(f"{kind}-*.h5"))
    for path in paths:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    waiting._desk.clear()
    return paths[0].name
