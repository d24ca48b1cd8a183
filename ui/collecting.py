"""Collecting from a page: what it will cost, the start, and jobs under way, which go on when one leaves.

A job is a subprocess (`core.jobs`); a page only polls it, in a fragment, so that the rest of the page stands still.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core import jobs
from core.collect.settings import Settings
from core.errors import NotPermitted, StrataError
from core.library import found_stores, size_text
from core.paths import ROOT, cache_folder, hosted, stores_folder
from core.sources import demo
from ui import selection
from ui.errors import show_later, told_later
from ui.notes import note, start_anew
from ui.setup import Page
from ui.text import escape, head

log = logging.getLogger("strata")

TYPICAL_L0 = 50.0
"""Active features a token, where nothing better is known of the SAEs."""
DEMO_TOKENS = 300_000
FULL_DEMO = "demo-full"


@dataclass(frozen=True, slots=True)
class Costs:
    """What a store will take, and on what that rests."""

    estimate: jobs.Estimate
    n_sites: int
    basis: str


def costs(model: str, saes: str, tokens: int) -> Costs:
    """Disk and time beforehand, from a store of the same SAEs where there is one."""
    known = _measured_l0(saes)
    n_sites = len(known) or _count_saes(saes)
    active = known or [TYPICAL_L0] * n_sites
    basis = "as in a store of the same SAEs" if known else f"if {TYPICAL_L0:.0f} features are active a token"
    return Costs(jobs.estimate(tokens, active, stores_folder(), rate=_known_rate(model)), n_sites, basis)


def cost_line(told: Costs, tokens: int) -> str:
    """Disk and time as a sentence."""
    estimate, sites = told.estimate, f"{told.n_sites} site{'s' * (told.n_sites != 1)}"
    time = f"about {duration(estimate.seconds)}" if estimate.seconds else "the time is known once it runs"
    room = f"{size_text(estimate.disk_bytes)} of disk on the way, {size_text(estimate.free_bytes)} are free"
    return f"{tokens:,} tokens at {sites}: a store of {size_text(estimate.store_bytes)} {told.basis}; {room}; {time}."


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(40), duration(130), duration(8000)
    ('40 s', '2 min', '2.2 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def can_collect() -> bool:
    """Whether this installation can run a model at all; nothing heavy is imported to find out."""
    return not hosted() and all(importlib.util.find_spec(name) for name in ("torch", "sae_lens"))


@told_later
def begin(settings: Settings) -> None:
    """Start collecting, or say why not; for callbacks."""
    try:
        watch(jobs.start(command_of(settings), settings.target().stem))
    except OSError as error:
        raise NotPermitted(
            f"collecting could not be started: {error.strerror or error}", "free some room, or see who owns the cache"
        ) from error


# ---- the full demo store, from Home


def collect_demo(page: Page) -> None:
    """A button for the full demo store while there is none, and jobs under way."""
    out = stores_folder() / f"{FULL_DEMO}.h5"
    ready = demo.MODEL.is_dir() and demo.SAES.is_dir() and can_collect()
    running = [job for job in jobs.jobs() if job.alive()] if not hosted() else []
    if running:
        panel()
    elif ready and not out.exists() and any(found.name == "demo" for found in page.found):
        told = costs("demo", "demo", DEMO_TOKENS).estimate
        settings = Settings("demo", "demo", "demo", tokens=DEMO_TOKENS, out=out)
        with st.container(key="card-full-demo"):
            size = f"{DEMO_TOKENS:,} tokens, {size_text(told.store_bytes)}"
            st.html(head("More evidence") + f'<div class="s-small">The shipped store is small. Collect {size}.</div>')
            st.button("Collect the full demo", on_click=begin, args=(settings,))


# ---- jobs


def panel(*, ended: bool = False) -> None:
    """Jobs under way, and with `ended` those that came to an end; polled once a second while any runs."""
    known = jobs.jobs()
    shown = known if ended else [job for job in known if job.alive() or str(job.folder) in _watched()]
    if not shown:
        return
    any_alive = any(job.alive() for job in shown)
    with st.container(key="card-jobs"):
        st.fragment(_poll, run_every=1.0 if any_alive else None)([job.folder for job in shown], any_alive)


def _poll(folders: list[Path], were_alive: bool) -> None:
    """Draw the jobs; when a watched one is done its store is opened, and the page is drawn anew."""
    show_later()
    shown = [job for job in jobs.jobs() if job.folder in folders]
    st.html(head("Collecting" if were_alive else "Jobs"))
    for job in shown:
        _job(job)
    finished = [job for job in shown if str(job.folder) in _watched() and not job.alive()]
    for job in finished:
        _watched().discard(str(job.folder))
        progress = job.progress()
        for name in _stores_of(progress):
            selection.open_store(name)
            note(f"{name} is collected and open.")
    if finished or (were_alive and not any(job.alive() for job in shown)):
        start_anew()


def _job(job: jobs.Job) -> None:
    progress = job.progress()
    _learn_rate(job, progress)
    share = progress.share if progress.state == jobs.RUNNING else 1.0
    kind = {jobs.FAILED: "s-failed", jobs.CANCELLED: "s-off"}.get(progress.state, "")
    width = f"{100 * share:.1f}%" if share is not None else "100%"
    waiting = "s-waiting" if share is None else kind
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-{job.folder.name}"):
        st.html(
            f'<div class="s-job"><b>{escape(job.name)}</b>'
            f'<span class="s-quiet s-small">{escape(progress.line())}</span></div>'
            f'<div class="s-progress" role="progressbar" aria-valuenow="{100 * (share or 0):.0f}">'
            f'<i class="{waiting}" style="width:{width}"></i></div>',
            width="stretch",
        )
        if job.alive():
            st.button("Cancel", key=f"cancel:{job.folder.name}", on_click=told_later(job.cancel))
        else:
            for name in _stores_of(progress):
                if st.button("Open", key=f"open:{job.folder.name}"):
                    selection.open_store(name)
                    start_anew()  # all of the page, and not this list of jobs alone
            st.button("Forget", key=f"forget:{job.folder.name}", on_click=told_later(job.remove))


def _stores_of(progress: jobs.JobProgress) -> list[str]:
    """The name of the store that a job has made, if it has and it is still there."""
    if progress.state != jobs.DONE or not progress.out:
        return []
    return [found.name for found in found_stores() if found.path == Path(progress.out)]


def watch(job: jobs.Job) -> None:
    """Open the job's store when it is done."""
    _watched().add(str(job.folder))


def _watched() -> set[str]:
    watched: set[str] = st.session_state.setdefault("strata:watched", set())
    return watched


# ---- what is known beforehand


def command_of(settings: Settings) -> list[str]:
    """The command that collects this; a value may look like an option and is none.

    >>> command_of(Settings("demo", "--out", "demo", tokens=5))
    ['collect', '--model=demo', '--saes=--out', '--text=demo', '--tokens=5']
    """
    words = ["collect", f"--model={settings.model}", f"--saes={settings.saes}", f"--text={settings.text}"]
    words += [f"--tokens={settings.tokens}"] if settings.tokens else []
    words += [f"--context-size={settings.context_size}"] if settings.context_size else []
    words += [f"--device={settings.device}"] if settings.device != "auto" else []
    return words + ([f"--out={settings.out}"] if settings.out else [])


def model_of(command: Sequence[str]) -> str:
    """The model that a job's command names; "" where it names none.

    >>> model_of(command_of(Settings("gpt2-small", "--model=x", "demo")))
    'gpt2-small'
    """
    option = "--model="
    return next((word.removeprefix(option) for word in command if word.startswith(option)), "")


def _measured_l0(saes: str) -> list[float]:
    """Mean active features of each site in a store of the same SAEs; [] where there is none."""
    from ui.readers import read_store

    for found in found_stores():
        try:
            store = read_store(found)
        except StrataError:
            continue
        if store.n and _same_place(saes, str(store.settings.get("saes", ""))):
            return [float(store.summary(site.key).active.sum()) / store.n for site in store.sites]
    return []


def _same_place(a: str, b: str) -> bool:
    """Whether two ways to write SAEs mean the same: names by text, folders by where they lead from the checkout."""
    return a == b or (bool(b) and (ROOT / a).is_dir() and (ROOT / a).resolve() == (ROOT / b).resolve())


def _count_saes(saes: str) -> int:
    folder = demo.SAES if saes == "demo" else Path(os.path.expanduser(saes))
    try:
        return max(1, sum(1 for _ in folder.glob("*/cfg.json")))
    except (OSError, ValueError):
        return 1


def _rates_file() -> Path:
    return cache_folder() / "rates.json"


def _rates() -> dict[str, object]:
    """What earlier runs have left; nothing where that cannot be read."""
    try:
        found = json.loads(_rates_file().read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _known_rate(model: str) -> float | None:
    """Tokens a second of an earlier run of this model on this machine."""
    rate = _rates().get(model)
    return float(rate) if isinstance(rate, int | float) and rate > 0 else None


def _learn_rate(job: jobs.Job, progress: jobs.JobProgress) -> None:
    if progress.stage != "activations" or not progress.rate:
        return
    rates, model = _rates(), model_of(job.command)
    if rates.get(model) == progress.rate:
        return
    partial = _rates_file().with_suffix(f".{os.getpid()}-{uuid.uuid4().hex[:8]}.writing")
    try:
        partial.write_text(json.dumps({**rates, model: progress.rate}))
        os.replace(partial, _rates_file())
    except OSError:
        log.exception("the rate of collecting was not kept")  # the next estimate of time does without
    finally:
        partial.unlink(missing_ok=True)
