"""Tests and doctests keep results and stores in folders of their own: a run never touches the user's cache folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import wait

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STRATA_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    if chance := sys.modules.get("ui.chance"):  # a page may have begun to draw: not into the next test's cache
        works = chance._works()
        for work in works.values():
            work.stop.set()
        wait([work.future for work in works.values()])
        works.clear()
