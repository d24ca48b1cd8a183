"""Long work in the background: polled, cancelled, found again, and not mistaken for another process."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import jobs
from core.collect.settings import Progress
from core.errors import BadArgument, HostedRefusal
from tests import tiny


def remembered(folder: Path, pid: int, born: str) -> jobs.Job:
    """A job as a restarted app finds it."""
    job = jobs.Job("a job", folder, ("collect",), pid, born, time.time())
    folder.mkdir()
    (folder / "job.json").write_text(json.dumps({**dataclasses.asdict(job), "folder": str(folder)}))
    return job


def test_a_process_that_died_without_a_word_has_failed_with_its_last_line() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    born = jobs.birth(process.pid)
    process.wait()
    job = remembered(jobs.jobs_folder() / "1-dead", process.pid, born)
    job.log.write_text("loading\nerror: no room (make some)\n")
    jobs.write_progress(job.folder / "progress.json", Progress("activations", 5, 10, "tokens"), "running")
    [found] = jobs.jobs()
    assert found == job
    assert found.progress().state == jobs.FAILED
    assert found.progress().error == "no room (make some)"
    assert found.progress().share == 0.5


def test_a_process_of_the_same_number_is_another() -> None:
    job = remembered(jobs.jobs_folder() / "1-reused", os.getpid(), "an earlier birth")
    assert not job.alive()
    job.cancel()  # and this test lives on
    assert dataclasses.replace(job, born=jobs.birth(os.getpid())).alive()


def test_two_sessions_may_ask_at_once_whether_a_job_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        def poll(self) -> int:
            jobs._children.pop(1, None)  # the other session was faster
            return 0

    monkeypatch.setitem(jobs._children, 1, Ended())  # type: ignore[arg-type]
    assert not remembered(jobs.jobs_folder() / "1-both", 1, "").alive()


def test_a_job_says_how_it_ended_and_can_be_forgotten() -> None:
    job = remembered(jobs.jobs_folder() / "1-done", 1, "")
    jobs.write_progress(job.folder / "progress.json", Progress("done", 1, 1), "done", out="/tmp/x.h5")
    assert (job.progress().state, job.progress().out) == (jobs.DONE, "/tmp/x.h5")
    (jobs.jobs_folder() / "2-torn").mkdir()
    (jobs.jobs_folder() / "2-torn" / "job.json").write_text('{"name": ')
    assert [found.folder.name for found in jobs.jobs()] == ["1-done"]
    job.remove()
    assert jobs.jobs() == []


def test_nothing_is_started_where_strata_is_hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_HOSTED", "1")
    with pytest.raises(HostedRefusal):
        jobs.start(["collect"], "no")


def test_what_a_store_costs_is_told_beforehand(tmp_path: Path) -> None:
    told = jobs.estimate(1_000_000, [60.0] * 12, tmp_path, rate=1000.0)
    assert told.store_bytes == pytest.approx(12 * 0.84e9, rel=0.05)  # DESIGN 3: 0.84 GB a site
    assert told.seconds == 1000
    assert told.disk_bytes > told.store_bytes
    assert not jobs.estimate(10**12, [60.0], tmp_path).fits


@pytest.mark.model
def test_a_job_is_cancelled_with_what_is_whole_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    tiny.gpt2(tmp_path / "model")
    tiny.sae(tmp_path / "saes" / "a", "standard", "blocks.1.hook_resid_pre")
    words = ["collect", "--model", str(tmp_path / "model"), "--saes", str(tmp_path / "saes"), "--device", "cpu"]
    words += ["--text", str(tiny.corpus(tmp_path / "text.txt", 5000)), "--out", str(tmp_path / "store.h5")]
    job = jobs.start(words, "tiny store")
    try:
        with pytest.raises(BadArgument, match="still running"):
            job.remove()
        assert wait(job, lambda progress: progress.stage == "activations").total
        [found] = jobs.jobs()  # as an app that was restarted meanwhile
        found.cancel()
        ended = wait(job, lambda progress: progress.state != jobs.RUNNING)
    finally:
        job.cancel()
    assert ended.state == jobs.CANCELLED
    assert "run the same command again" in ended.error
    assert not (tmp_path / "store.h5").exists()
    assert json.loads((tmp_path / "store.partial" / "manifest.json").read_text())["state"]["chunks"] >= 1


def wait(job: jobs.Job, enough: object, seconds: float = 120) -> jobs.JobProgress:
    """Poll until the progress is as wanted."""
    end = time.monotonic() + seconds
    while not enough(progress := job.progress()):  # type: ignore[operator]
        assert time.monotonic() < end, (progress, job.log.read_text())
        assert progress.state == jobs.RUNNING, (progress, job.log.read_text())
        time.sleep(0.05)
    return progress
