"""Long work in the background: a command of ``python -m core`` as a subprocess that a page can poll.

Streamlit ends a script's thread on any page change, so long work never runs in one. A job is a folder under
``cache/jobs/`` with what was started (``job.json``), how it is coming along (``progress.json``, written by the command
through its ``--progress`` option) and what it said (``log.txt``); nothing else remembers it, and a restarted app finds
it again.

    job = start(["collect", "--model", "demo", "--saes", "demo", "--text", "demo"], "demo")
    job.progress().state      # running, done, failed or cancelled
    job.cancel()

Imports nothing heavy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.collect.plan import disk_needed
from core.collect.settings import Progress
from core.errors import BadArgument, HostedRefusal
from core.paths import ROOT, cache_folder, hosted, safe_name

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"

_children: dict[int, subprocess.Popen] = {}
"""Processes that this one started, so that they can be reaped when they end."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How a job is coming along; `total`, `rate` and `seconds_left` are None where they are unknown."""

    state: str
    stage: str = "starting"
    done: float = 0
    total: float | None = None
    unit: str = ""
    rate: float | None = None
    seconds_left: float | None = None
    error: str = ""  # one line: what, and the way out
    out: str = ""  # the finished file

    @property
    def share(self) -> float | None:
        """How much of the stage is done, 0 to 1, where that is known."""
        return min(1.0, self.done / self.total) if self.total else None

    def line(self) -> str:
        """One line for people: the stage with amount, rate and time left, or how it ended."""
        if self.state == RUNNING:
            return Progress(self.stage, self.done, self.total, self.unit, self.rate, self.seconds_left).line()
        return f"{self.state}: {self.error}" if self.error else self.state


@dataclass(frozen=True, slots=True)
class Job:
    """A command that was started; its state lies in `folder`."""

    name: str
    folder: Path
    command: tuple[str, ...]
    pid: int
    born: str  # the process' start time in the kernel's clock: tells a reused pid
    started: float  # seconds since the epoch

    @property
    def log(self) -> Path:
        """What the command printed."""
        return self.folder / "log.txt"

    def alive(self) -> bool:
        """Whether the process that was started is still there (and not another of the same number)."""
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            _children.pop(self.pid, None)  # another session may have asked at the same time
        return bool(self.born) and birth(self.pid) == self.born

    def progress(self) -> JobProgress:
        """The state of the job; one whose process is gone without a last word has failed."""
        alive = self.alive()  # asked first: a job that ends meanwhile has written its last word by the next line
        read = _read(self.folder / "progress.json")
        fields = {name: read[name] for name in JobProgress.__dataclass_fields__ if name in read}
        state = fields.pop("state", RUNNING)
        if state == RUNNING and not alive:
            fields["error"] = last_line(self.log) or "the process ended without a word (see its log)"
            state = FAILED
        return JobProgress(state=state, **fields)

    def cancel(self) -> None:
        """Ask the process to stop (SIGTERM); it commits what is whole, and the same command goes on from there."""
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)

    def remove(self) -> None:
        """Forget a job that has ended; raises `BadArgument` while it runs."""
        if self.alive():
            raise BadArgument(f"{self.name} is still running", "cancel it first")
        shutil.rmtree(self.folder, ignore_errors=True)


def jobs_folder() -> Path:
    """``cache/jobs/``."""
    folder = cache_folder() / "jobs"
    folder.mkdir(exist_ok=True)
    return folder


def start(command: Sequence[str], name: str) -> Job:
    """Start ``python -m core COMMAND...`` on its own and return at once; raises `HostedRefusal` where hosted."""
    if hosted():
        raise HostedRefusal("long work is not available here", "run Strata on your own machine")
    folder = jobs_folder() / f"{time.time_ns()}-{safe_name(name)}"
    folder.mkdir()
    words = [*command, "--progress", str(folder / "progress.json")]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it outlives the app
        )
    _children[process.pid] = process
    job = Job(name, folder, tuple(command), process.pid, birth(process.pid), time.time())
    _write(folder / "job.json", {**asdict(job), "folder": str(folder)})
    return job


def jobs() -> list[Job]:
    """Every job that is remembered, the newest first."""
    found = []
    for folder in sorted(jobs_folder().iterdir(), reverse=True):
        read = _read(folder / "job.json")
        try:
            command = tuple(str(word) for word in read["command"])
            born, started = str(read["born"]), float(read["started"])
            found.append(Job(str(read["name"]), folder, command, int(read["pid"]), born, started))
        except (KeyError, TypeError, ValueError):
            continue  # half-started, or not a job
    return found


def birth(pid: int) -> str:
    """When a process began, in the system's own words; "" when there is none, or only its remains.

    >>> birth(os.getpid()) != ""
    True
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return ""
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def last_line(log: Path) -> str:
    """The last line that a log's process printed, without the ``error:`` in front."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else ""


# ---- the progress file


def write_progress(path: Path, progress: Progress, state: str, error: str = "", out: str = "") -> None:
    """What `Job.progress` reads, written under another name first: a reader never sees half of it."""
    _write(path, {**asdict(progress), "state": state, "error": error, "out": out})


def _write(path: Path, value: dict[str, Any]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value))
    os.replace(temporary, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
        return value if isinstance(value, dict) else {}
    except (OSError, ValueError):
        return {}


# ---- beforehand


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a store will cost: bytes of the finished file, bytes of disk on the way to it, seconds (None: unknown)."""

    store_bytes: int
    disk_bytes: int
    free_bytes: int
    seconds: float | None

    @property
    def fits(self) -> bool:
        """Whether the disk can hold it."""
        return self.disk_bytes <= self.free_bytes


def estimate(
    tokens: int, active_means: Sequence[float], folder: Path, *, weight_bytes: int = 0, rate: float | None = None
) -> Estimate:
    """Disk and time of a store with one site for each of `active_means` (its L0), before it is collected.

    positions × Σ L0 × 14 bytes, and what norms and weights add; `rate` is tokens a second, from an earlier run.

    >>> import tempfile
    >>> estimate(1_000_000, [60.0], Path(tempfile.gettempdir())).store_bytes
    869000000
    """
    active = float(sum(active_means))
    rows = tokens * (13 + 16 * len(active_means))
    return Estimate(
        store_bytes=int(tokens * active * 14) + rows + weight_bytes,
        disk_bytes=disk_needed(tokens, active, len(active_means), weight_bytes),
        free_bytes=shutil.disk_usage(folder).free,
        seconds=tokens / rate if rate else None,
    )
