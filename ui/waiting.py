"""Long work of a page: it runs beside the script, shows how far it is, can be stopped, and goes on when one leaves.

A second session, or the same one coming back, joins the work that is under way. Results are kept while the app runs,
as many as `ui.memory` has room for. What the work has to say, of damaged files in the cache or of a full disk, is shown
once, beside its result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from core.errors import Cancelled
from core.paths import hosted
from core.results import Notice
from ui.memory import MOST, MOST_HOSTED, Shelf, bytes_of
from ui.text import head, quiet

T = TypeVar("T")
PATIENCE = 0.25  # seconds before a progress bar is worth showing
STEP = 0.1

Progress = Callable[..., None]
"""``progress(share, done=0)``, callable from any thread: the share of all, and how many of its units, if it has any."""

Work = Callable[[Progress, Callable[[], bool], Notice], T]
"""Takes ``progress(share, done)``, ``cancelled()`` and ``notice(text)``."""

STOPPED = "waiting:stopped"
"""In the session: the work that it has stopped and not been told of yet."""


@dataclass(slots=True)
class Job:
    """Work under way, or waiting for its turn until `began`."""

    future: Future
    began: float = 0.0  # 0.0: not yet
    share: float = 0.0
    done: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)
    heard: list[str] = field(default_factory=list)  # what it had to say and nobody has been shown yet


@dataclass(slots=True)
class _Desk:
    pool: ThreadPoolExecutor
    lock: threading.Lock
    jobs: dict[tuple, Job]  # under way; whatever ends goes, so that who comes later begins anew
    kept: Shelf  # jobs that have succeeded


@st.cache_resource(show_spinner=False)
def _desk() -> _Desk:
    shelf = Shelf(MOST_HOSTED if hosted() else MOST)
    return _Desk(ThreadPoolExecutor(2, thread_name_prefix="strata"), threading.Lock(), {}, shelf)


def wait_for(key: tuple, work: Work[T], words: str, unit: str = "", *, on_disk: bool = True) -> T:
    """The result of `work`; while it is not there the page shows a bar, and ends here where it was stopped.

    `key` says all that determines the result, `unit` what the work counts, `on_disk` whether what it finishes is kept
    in the cache folder. Work asks ``cancelled()`` now and then, and raises `Cancelled`. Raises what the work raises.
    """
    desk = _desk()
    stopped = st.session_state.get(STOPPED) == key
    with desk.lock:
        job = desk.kept.get(key) if key in desk.kept else desk.jobs.get(key)
        if job is None and not stopped:
            job = _start(desk, key, work)
    try:
        if job is None:
            raise Cancelled("it ended before the page was drawn again", "go on")
        _watch(job, key, words, unit, on_disk)
        found: T = job.future.result()
    except Cancelled:
        _forget_stop(key)
        st.html(quiet(f"{words}: stopped." + " What was finished is kept." * on_disk))
        st.button("Go on", key="waiting:again")
        st.stop()
    _forget_stop(key)
    with desk.lock:
        heard, job.heard = job.heard, []
    for text in heard:
        st.html(quiet(text))
    return found


def is_kept(key: tuple) -> bool:
    """Whether the result of this work is in memory, so that nobody would wait for it."""
    desk = _desk()
    with desk.lock:
        return key in desk.kept


def _forget_stop(key: tuple) -> None:
    if st.session_state.get(STOPPED) == key:
        del st.session_state[STOPPED]


def coming_along(share: float, seconds: float, done: float = 0.0, unit: str = "") -> str:
    """How far, how fast and how long still.

    >>> coming_along(0.25, 10.0), coming_along(0.0, 1.0)
    ('25%, about 30 s to go', '0%')
    >>> coming_along(0.25, 10.0, 500, "features")
    '25%, 500 features, 50 a second, about 30 s to go'
    >>> coming_along(0.05, 60.0, 3, "pairs of sites")
    '5%, 3 pairs of sites, 3 a minute, about 19 min to go'
    """
    told = [f"{100 * share:.0f}%"]
    if unit and done and seconds > 1:
        rate, per = (done / seconds, "second") if done >= seconds else (60 * done / seconds, "minute")
        told += [f"{done:,.0f} {unit}", f"{rate:,.0f} a {per}"]
    if share > 0.02 and seconds > 1:
        left = seconds * (1 - share) / share
        told.append(f"about {left:.0f} s to go" if left < 120 else f"about {left / 60:.0f} min to go")
    return ", ".join(told)


def _start(desk: _Desk, key: tuple, work: Work[Any]) -> Job:
    """Hand the work to the pool; its result is kept as soon as it is there, also where nobody is waiting any more."""
    job = Job(Future())

    def advance(share: float, done: float = 0.0) -> None:
        job.share, job.done = max(job.share, share), max(job.done, done)

    def notice(text: str) -> None:
        if text not in job.heard:
            job.heard.append(text)

    def run() -> None:
        found, size = None, 0
        try:
            if job.stop.is_set():
                raise Cancelled("stopped before it began", "start it again")
            job.began = time.monotonic()
            found = work(advance, job.stop.is_set, notice)
            size = bytes_of(found)
        except BaseException as error:
            with desk.lock:
                desk.jobs.pop(key)
                job.future.set_exception(error)
            return
        with desk.lock:
            desk.jobs.pop(key)
            job.future.set_result(found)
            desk.kept.put(key, job, size)

    desk.jobs[key] = job
    desk.pool.submit(run)
    return job


def _watch(job: Job, key: tuple, words: str, unit: str, on_disk: bool) -> None:
    """Until the work is done; a click elsewhere ends the script in here, and the work goes on."""
    until = time.monotonic() + PATIENCE
    while not job.future.done() and time.monotonic() < until:
        time.sleep(STEP / 10)
    if job.future.done():
        return

    def stop() -> None:
        job.stop.set()
        st.session_state[STOPPED] = key  # the work may have ended when the page is drawn again

    place = st.empty()
    with place.container(), st.container(key=f"card-waiting:{words}"):  # a page may wait twice
        kept = on_disk * ", and whatever is finished is kept on disk"
        st.html(head(words, f"it goes on when you leave this page{kept}"))
        bar = st.progress(job.share)
        st.button("Stop", key=f"waiting:stop:{words}", on_click=stop)
    while not job.future.done():
        told = "waiting for other work" if not job.began else coming_along(
            job.share, time.monotonic() - job.began, job.done, unit
        )  # fmt: skip
        bar.progress(min(1.0, job.share), told[:1].upper() + told[1:])
        time.sleep(STEP)
    place.empty()
