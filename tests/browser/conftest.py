"""One server and one Chromium for all browser tests: a planted store with hostile labels, in a cache of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.labels import labels_path, write_labels
from core.paths import ROOT
from core.values import Feature, Label
from tests.chains import planted_chains

IMAGE = '<img src=x onerror="window.ran=1">'
HREF = '<a href="javascript:window.ran=1" onmouseover="window.ran=1">href</a>'
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Server:
    """Where the app answers, and the cache folder that it writes to."""

    url: str
    cache: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser on a busy machine can be late: a test of this folder is tried again before it counts as failed."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on a free port, with the store ``planted``."""
    cache = tmp_path_factory.mktemp("browser-cache")
    path = cache / "stores" / "planted.h5"
    path.parent.mkdir()
    planted_chains(path)
    labels = [
        (Feature(key, i), Label(text, IMAGE))
        for key in "0123"
        for i in range(10)
        for text in (HREF if i % 2 else IMAGE,)
    ]
    write_labels(labels_path(path), labels)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "STRATA_CACHE": str(cache)}
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    log = (cache / "server.log").open("w")
    process = subprocess.Popen(
        [*command, "--server.headless=true"], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
    )
    try:
        _wait(f"http://localhost:{port}/_stcore/health", process)
        yield Server(f"http://localhost:{port}", cache)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for the session; skipped, and said, where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Any]:
    """A fresh window: no session, no history."""
    context = chromium.new_context(viewport={"width": 1440, "height": 950}, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def _wait(url: str, process: subprocess.Popen) -> None:
    for _ in range(240):
        assert process.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except OSError:
            time.sleep(0.25)
    raise AssertionError("the server does not answer")
