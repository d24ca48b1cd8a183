"""Long work of a page: it runs beside the script, shows how far it is, can be stopped, and goes on when one leaves.

A second session, or the same one coming back, joins the work that is under way. Results are kept while the app runs.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from core.errors import Cancelled
from ui.text import quiet

T = TypeVar("T")
KEPT = 96  # results, over all stores and sessions
PATIENCE = 0.25  # seconds before a progress bar is worth showing
STEP = 0.1

Work = Callable[[Callable[[float], None], Callable[[], bool]], T]
"""Takes ``progress(share)``, callable from any thread, and ``cancelled()``."""


@dataclass(slots=True)
class Job:
    """Work under way."""

    future: Future
    began: float
    share: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class _Desk:
    pool: ThreadPoolExecutor
    lock: threading.Lock
    jobs: dict[tuple, Job]
    kept: OrderedDict[tuple, Any]


@st.cache_resource(show_spinner=False)
def _desk() -> _Desk:
    return _Desk(ThreadPoolExecutor(2, thread_name_prefix="strata"), threading.Lock(), {}, OrderedDict())


def wait_for(key: tuple, work: Work[T], words: str) -> T:
    """The result of `work`; while it is not there the page shows a bar, and ends here where it was stopped.

    `key` says all that determines the result. Raises what the work raises.
    """
    desk = _desk()
    with desk.lock:
        if key in desk.kept:
            desk.kept.move_to_end(key)
            return desk.kept[key]
        job = desk.jobs.get(key) or _start(desk, key, work)
    try:
        _watch(job, words)
        found = job.future.result()
    except Cancelled:
        with desk.lock:
            desk.jobs.pop(key, None)
        st.html(quiet(f"{words} was stopped; pairs that were finished are kept."))
        st.button("Go on", key="waiting:again")
        st.stop()
    except BaseException:
        if job.future.done():
            with desk.lock:
                desk.jobs.pop(key, None)
        raise
    with desk.lock:
        desk.jobs.pop(key, None)
        desk.kept[key] = found
        while len(desk.kept) > KEPT:
            desk.kept.popitem(last=False)
    return found


def coming_along(share: float, seconds: float) -> str:
    """How far, and how long still.

    >>> coming_along(0.25, 10.0), coming_along(0.0, 1.0)
    ('25%, about 30 s to go', '0%')
    """
    told = f"{100 * share:.0f}%"
    return f"{told}, about {seconds * (1 - share) / share:.0f} s to go" if share > 0.02 and seconds > 1 else told


def _start(desk: _Desk, key: tuple, work: Work[Any]) -> Job:
    job = Job(Future(), time.monotonic())

    def advance(share: float) -> None:
        job.share = max(job.share, share)

    job.future = desk.pool.submit(work, advance, job.stop.is_set)
    desk.jobs[key] = job
    return job


def _watch(job: Job, words: str) -> None:
    """Until the work is done; a click elsewhere ends the script in here, and the work goes on."""
    until = time.monotonic() + PATIENCE
    while not job.future.done() and time.monotonic() < until:
        time.sleep(STEP / 10)
    if job.future.done():
        return
    place = st.empty()
    with place.container():
        bar = st.progress(job.share)
        st.button("Stop", key=f"waiting:stop:{words}", on_click=job.stop.set)  # a page may wait twice
    while not job.future.done():
        told = coming_along(job.share, time.monotonic() - job.began)
        bar.progress(min(1.0, job.share), f"{words}: {told}")
        time.sleep(STEP)
    place.empty()
