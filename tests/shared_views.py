"""What a page shows and what it offers to share, caught while it runs: its text, its downloads, its Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.labels import labels_path, write_labels
from core.paths import ROOT
from core.results import results_folder
from core.sources.structures import Planting
from core.store import Store
from core.values import Feature, Label
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

    def keep(page: str, frames: share.Frames, snippet: str, *picture: Any) -> None:
        caught.append(({name: frame() for name, frame in frames.items()}, snippet))
        draw(page, frames, snippet, *picture)

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


def planted_structures(labelled: Sequence[Feature] = ()) -> Store:
    """The store "planted" of the test's own cache: gates of each kind, a split, a merge, chains; nothing is noise."""
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planting = Planting(sites=3, width=24, tokens=6_000, noise=0.0)
    for kind in ("or", "and", "and_not"):
        planting.gate(kind, site=1)
    planting.split(0), planting.merge(2)
    for first, last in ((0, 2), (0, 1), (1, 2), (2, 2)):
        planting.passed_on(first, last)
    planting.rare(0)
    made, _ = planting.build(folder / "planted.h5")
    write_labels(labels_path(made.path), [(feature, Label("a 'name'", "test")) for feature in labelled])
    return made


def spoil(kind: str) -> str:
    """Cut the kept files of a kind in half, and forget all that is in memory; the name of one of them."""
    paths = sorted(results_folder().glob(f"{kind}-*.h5"))
    for path in paths:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    waiting._desk.clear()
    return paths[0].name
