"""Long work of a page: stopped and taken up again, left and found done, failed and told once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.shared_views import everything
from ui import waiting

STOPPED = """
import streamlit as st
from core.errors import Cancelled
from ui.waiting import wait_for

calls = st.session_state.setdefault("calls", [])

def work(progress, cancelled):
    calls.append(1)
    progress(0.5)
    if len(calls) == 1:
        raise Cancelled("stopped", "start again")
    return len(calls)

st.write(f"found {wait_for(('a test of waiting', st.session_state['name']), work, 'Counting')}")
"""


def test_work_that_was_stopped_says_so_goes_on_when_asked_and_is_kept() -> None:
    app = AppTest.from_string(STOPPED)
    app.session_state["name"] = str(id(app))
    app.run()
    assert "Counting: stopped" in everything(app)
    assert "found" not in everything(app)
    app.button(key="waiting:again").click().run()
    assert "found 2" in everything(app)
    app.run()
    assert app.session_state["calls"] == [1, 1]


LEFT = """
import streamlit as st
from tests.test_waiting import work_of
from ui.waiting import wait_for

name = st.session_state["name"]
st.write(f"found {wait_for(('left', name), work_of(name), 'Counting', 'features')}")
"""


class Work:
    """Work that a test holds back until it lets it go."""

    def __init__(self) -> None:
        self.go, self.calls = threading.Event(), 0

    def __call__(self, progress: Any, cancelled: Any) -> int:
        self.calls += 1
        progress(0.5, 7)
        assert self.go.wait(20)
        return self.calls


WORKS: dict[str, Any] = {}


def work_of(name: str) -> Any:
    """What the script is to wait for."""
    return WORKS[name]


def script(name: str, work: Any) -> AppTest:
    """The page, not run yet."""
    WORKS[name] = work
    app = AppTest.from_string(LEFT, default_timeout=30)
    app.session_state["name"] = name
    return app


def test_work_goes_on_when_the_page_is_left_and_is_there_when_one_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    page = script(f"left {id(work)}", work)
    with monkeypatch.context() as leaving:
        leaving.setattr(waiting, "_watch", lambda job, words, unit: waiting.st.stop())  # as a change of page ends it
        page.run()
        assert "found" not in everything(page)
    key = ("left", page.session_state["name"])
    assert waiting._desk().jobs[key].done == 7
    work.go.set()
    until = time.monotonic() + 20
    while key not in waiting._desk().kept and time.monotonic() < until:
        time.sleep(0.01)
    assert key not in waiting._desk().jobs
    page.run()
    assert page.markdown[0].value == "found 1"
    assert work.calls == 1


def test_two_sessions_wait_for_the_same_work() -> None:
    work = Work()
    name = f"two {id(work)}"
    pages = [script(name, work) for _ in range(2)]
    threads = [threading.Thread(target=page.run) for page in pages]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    work.go.set()
    for thread in threads:
        thread.join(30)
    assert [page.markdown[0].value for page in pages] == ["found 1"] * 2


def test_what_failed_is_raised_once_and_tried_again() -> None:
    calls = []

    def work(progress: Any, cancelled: Any) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("the disk is on fire")
        return len(calls)

    page = script(f"failed {id(calls)}", work)
    page.run()
    assert page.exception
    page.run()
    assert page.markdown[0].value == "found 2"
