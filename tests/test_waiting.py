"""Long work of a page: stopped and taken up again, left and found done, failed and told once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from core.errors import Cancelled
from tests.shared_views import everything
from ui import waiting
from ui.memory import Shelf, bytes_of

STOPPED = """
import streamlit as st
from core.errors import Cancelled
from ui.waiting import wait_for

calls = st.session_state.setdefault("calls", [])

def work(progress, cancelled, notice):
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
on_disk = st.session_state["on_disk"] if "on_disk" in st.session_state else True
found = wait_for(("left", name), work_of(name), "Counting", "features", on_disk=on_disk)
st.write(f"found {found}")
"""


class Work:
    """Work that a test holds back until it lets it go."""

    def __init__(self) -> None:
        self.begun, self.go, self.calls = threading.Event(), threading.Event(), 0

    def __call__(self, progress: Any, cancelled: Any, notice: Any) -> int:
        self.calls += 1
        progress(0.5, 7)
        self.begun.set()
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
        leaving.setattr(waiting, "_watch", lambda *watched: waiting.st.stop())  # as a change of page ends it
        page.run()
        assert "found" not in everything(page)
    key = ("left", page.session_state["name"])
    assert work.begun.wait(20)
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
    """Without AppTest: two of them at once take Streamlit's runtime from each other."""
    work, found = Work(), []
    key = ("two", str(id(work)))
    threads = [threading.Thread(target=lambda: found.append(waiting.wait_for(key, work, "Counting"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert work.begun.wait(20)
    time.sleep(0.5)
    assert not found
    work.go.set()
    for thread in threads:
        thread.join(30)
    assert found == [1, 1]
    assert work.calls == 1


def test_what_failed_is_raised_once_and_tried_again() -> None:
    calls = []

    def work(progress: Any, cancelled: Any, notice: Any) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("the disk is on fire")
        return len(calls)

    page = script(f"failed {id(calls)}", work)
    page.run()
    assert page.exception
    page.run()
    assert page.markdown[0].value == "found 2"


def ended(key: tuple) -> None:
    """Wait until nothing is under way under a key."""
    until = time.monotonic() + 20
    while key in waiting._desk().jobs and time.monotonic() < until:
        time.sleep(0.01)
    assert key not in waiting._desk().jobs


@pytest.mark.parametrize("error", [OSError("the disk is full"), Cancelled("somebody stopped it", "start it again")])
def test_what_fails_with_nobody_watching_is_done_anew_for_the_next_visitor(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, calls = threading.Event(), []

    def work(progress: Any, cancelled: Any, notice: Any) -> int:
        calls.append(1)
        assert go.wait(20)
        if len(calls) == 1:
            raise error
        return len(calls)

    page = script(f"left to fail {id(calls)}", work)
    with monkeypatch.context() as leaving:
        leaving.setattr(waiting, "_watch", lambda *watched: waiting.st.stop())
        page.run()
    go.set()
    ended(("left", page.session_state["name"]))
    later = script(page.session_state["name"], work).run()
    assert not later.exception
    assert later.markdown[0].value == "found 2"


def test_who_stops_work_is_told_so_also_where_it_ended_before_the_page_was_drawn_again() -> None:
    work = Work()
    work.go.set()
    page = script(f"stopped {id(work)}", work)
    page.session_state[waiting.STOPPED] = ("left", page.session_state["name"])
    page.run()
    assert "Counting: stopped. What was finished is kept." in everything(page)
    assert work.calls == 0
    page.button(key="waiting:again").click().run()
    assert page.markdown[0].value == "found 1"


@pytest.mark.parametrize("on_disk", [True, False])
def test_the_bar_promises_what_is_so_and_its_stop_is_heard(on_disk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def work(progress: Any, cancelled: Any, notice: Any) -> int:
        until = time.monotonic() + 20
        while not cancelled() and time.monotonic() < until:
            time.sleep(0.01)
        raise Cancelled("stopped", "go on")

    def head(words: str, told: str) -> str:
        seen.append(told)
        waiting._desk().jobs[key].stop.set()
        return words

    monkeypatch.setattr(waiting, "head", head)
    page = script(f"promised {id(seen)}", work)
    page.session_state["on_disk"] = on_disk
    key = ("left", page.session_state["name"])
    page.run()
    assert len(seen) == 1
    assert ("kept on disk" in seen[0]) == on_disk
    assert ("is kept" in everything(page)) == on_disk
    assert "Counting: stopped." in everything(page)


def test_what_work_has_to_say_is_shown_once_with_its_result() -> None:
    def work(progress: Any, cancelled: Any, notice: Any) -> int:
        notice("pair-1.h5 is <b>damaged</b>")
        notice("pair-1.h5 is <b>damaged</b>")
        notice("the result was not kept")
        return 1

    page = script(f"said {id(work)}", work).run()
    assert everything(page).count("pair-1.h5 is &lt;b&gt;damaged&lt;/b&gt;") == 1
    assert "the result was not kept" in everything(page)
    assert "pair-1" not in everything(page.run())


@dataclass(frozen=True)
class Result:
    """As analyses give them."""

    name: str
    arrays: dict[str, np.ndarray]
    tables: tuple[pl.DataFrame, ...]


def test_the_bytes_of_a_result_are_those_of_its_arrays_and_frames(tmp_path: Path) -> None:
    array = np.zeros(100_000)
    frame = pl.DataFrame({"x": np.arange(50_000)})
    result = Result("a result", {"all": array, "again": array, "part": array[5:]}, (frame, frame))
    assert bytes_of(result) == pytest.approx(8 * 150_000, rel=0.01)
    assert bytes_of(array[:10]) == pytest.approx(8 * 100_000, rel=0.01)  # what is kept alive
    assert bytes_of([Result("none", {}, ())] * 1000) < 20_000
    mapped = np.memmap(tmp_path / "file", np.float64, "w+", shape=(100_000,))
    assert bytes_of(Result("a file", {"all": np.asarray(mapped), "part": mapped[3:]}, ())) < 2000


def test_results_are_kept_while_they_fit_and_the_newest_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting._desk(), "kept", Shelf(3_000_000))
    calls: list[str] = []

    def asked(name: str, size: int) -> None:
        def work(progress: Any, cancelled: Any, notice: Any) -> np.ndarray:
            calls.append(name)
            return np.zeros(size, np.uint8)

        assert not script(f"{name} {id(calls)}", work).run().exception

    for name, size in (("a", 10**6), ("b", 10**6), ("a", 10**6), ("c", 1_500_000), ("a", 10**6), ("b", 10**6)):
        asked(name, size)
    assert calls == ["a", "b", "c", "b"]  # c left no room for b, which was used before a
    asked("large", 10**7)
    asked("large", 10**7)
    assert calls[4:] == ["large"]
    assert waiting._desk().kept.size == pytest.approx(10**7, rel=0.01)
