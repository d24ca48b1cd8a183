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
from ui.text import quiet, title

T = TypeVar("T")
KEPT = 96  # results, over all stores and sessions
PATIENCE = 0.25  # seconds before a progress bar is worth showing
STEP = 0.1

Progress = Callable[..., None]
"""``progress(share, done=0)``, callable from any thread: the share of all, and how many of its units, if it has any."""

Work = Callable[[Progress, Callable[[], bool]], T]
"""Takes ``progress(share, done)`` and ``cancelled()``."""


@dataclass(slots=True)
class Job:
    """Work under way, or waiting for its turn until `began`."""

    future: Future
    began: float = 0.0  # 0.0: not yet
    share: float = 0.0
    done: float = 0.0
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


def wait_for(key: tuple, work: Work[T], words: str, unit: str = "") -> T:
    """The result of `work`; while it is not there the page shows a bar, and ends here where it was stopped.

    `key` says all that determines the result, `unit` what the work counts. Raises what the work raises.
    """
    desk = _desk()
    with desk.lock:
        if key in desk.kept:
            desk.kept.move_to_end(key)
            return desk.kept[key]
        job = desk.jobs.get(key) or _start(desk, key, work)
    try:
        _watch(job, words, unit)
        return job.future.result()
    except Cancelled:
        st.html(quiet(f"{words}: stopped. What was finished is kept."))
        st.button("Go on", key="waiting:again")
        st.stop()
    finally:
        if job.future.done():
            with desk.lock:
                if desk.jobs.get(key) is job:
                    desk.jobs.pop(key)


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

    def run() -> Any:
        if job.stop.is_set():
            raise Cancelled("stopped before it began", "start it again")
        job.began = time.monotonic()
        found = work(advance, job.stop.is_set)
        with desk.lock:
            desk.kept[key] = found
            desk.jobs.pop(key, None)
            while len(desk.kept) > KEPT:
                desk.kept.popitem(last=False)
        return found

    desk.jobs[key] = job
    job.future = desk.pool.submit(run)
    return job


def _watch(job: Job, words: str, unit: str) -> None:
    """Until the work is done; a click elsewhere ends the script in here, and the work goes on."""
    until = time.monotonic() + PATIENCE
    while not job.future.done() and time.monotonic() < until:
        time.sleep(STEP / 10)
    if job.future.done():
        return
    place = st.empty()
    with place.container():
        title(words, "It goes on when you leave this page, and whatever is finished is kept on disk.")
        bar = st.progress(job.share)
        st.button("Stop", key=f"waiting:stop:{words}", on_click=job.stop.set)  # a page may wait twice
    while not job.future.done():
        told = "waiting for other work" if not job.began else coming_along(
            job.share, time.monotonic() - job.began, job.done, unit
        )  # fmt: skip
        bar.progress(min(1.0, job.share), told[:1].upper() + told[1:])
        time.sleep(STEP)
    place.empty()
