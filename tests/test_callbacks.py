"""What a click cannot do is one readable box on the next run; what the app remembers of collecting is never torn."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.__main__ import parser
from core.collect.settings import Settings
from core.errors import BadArgument
from core.paths import ROOT
from tests.chains import planted_chains
from tests.test_pages import shown
from ui import collecting


@pytest.fixture
def app(_own_cache: None) -> AppTest:
    folder = Path(os.environ["STRATA_CACHE"]) / "stores"
    folder.mkdir(parents=True)
    planted_chains(folder / "chains.h5")
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.query_params["store"] = "chains"
    return app


def refuse(error: Exception) -> Any:
    def refused(*args: Any, **named: Any) -> Any:
        raise error

    return refused


def box_of(app: AppTest) -> str:
    """The page's one box, which the run after has no more."""
    assert not app.exception, app.exception
    text = shown(app)
    assert text.count('class="s-error"') == 1
    assert 'class="s-error"' not in shown(app.run())
    return text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BadArgument("there is nothing to find", "look elsewhere"), "There is nothing to find"),
        (KeyError(1), "KeyError"),
    ],
)
def test_the_sidebar_tells_what_went_wrong(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    app.run()
    monkeypatch.setattr("core.analyses.findings.surprise", refuse(error))
    monkeypatch.setattr("ui.sidebar.parse_jump", refuse(error))
    assert told in box_of(app.button(key="strata:surprise").click().run())
    assert told in box_of(app.text_input(key="strata:jump").set_value("rivers").run())


def test_the_data_page_tells_what_went_wrong(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    (Path(os.environ["STRATA_CACHE"]) / "results").mkdir()
    (Path(os.environ["STRATA_CACHE"]) / "results" / "pair-1.h5").write_bytes(b"x")
    app.switch_page("pages/data.py").run()
    assert "/no/such/place" in box_of(app.text_input(key="data:place").set_value("/no/such/place").run())
    monkeypatch.setattr("ui.data_page.clear_cache", refuse(PermissionError("not yours")))
    clear = next(button for button in app.button if button.label == "Clear")
    assert "PermissionError" in box_of(clear.click().run())


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BadArgument("no", "yes")])
def test_a_start_that_fails_is_told(app: AppTest, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr("core.jobs.start", refuse(error))
    app.switch_page("pages/data.py").run()
    text = box_of(app.button(key="collect:start").click().run())
    assert "No space left on device" in text or "No." in text


def test_a_job_that_cannot_be_forgotten_is_told(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = jobs.jobs_folder() / "1-done"
    folder.mkdir()
    job = jobs.Job("done", folder, ("collect",), 1, "", 0.0)
    monkeypatch.setattr("core.jobs.jobs", lambda: [job])
    monkeypatch.setattr("core.jobs.Job.remove", refuse(PermissionError("not yours")))
    app.switch_page("pages/data.py").run()
    assert "PermissionError" in box_of(app.button(key="forget:1-done").click().run())


# ---- the command, and what is learnt of it


def test_values_that_look_like_options_stay_values() -> None:
    settings = Settings("--saes", "--out", "--model=x", tokens=5, context_size=64, device="cpu", out=Path("-x.h5"))
    words = collecting.command_of(settings)
    read = parser().parse_args(shlex.split(shlex.join(words)))
    assert {name: getattr(read, name) for name in ("model", "saes", "text", "tokens", "context_size", "device")} == {
        "model": "--saes", "saes": "--out", "text": "--model=x", "tokens": 5, "context_size": 64, "device": "cpu",
    }  # fmt: skip
    assert read.out == Path("-x.h5")
    assert collecting.model_of(words) == "--saes"


@pytest.mark.usefixtures("_own_cache")
@pytest.mark.parametrize("found", [b'{"gpt2": 3', b"[1]", b"\xff\xfe", b'{"gpt2": 3.0}'])
def test_rates_are_kept_whole_and_a_damaged_file_is_an_empty_one(found: bytes) -> None:
    file = collecting._rates_file()
    file.write_bytes(found)
    job = jobs.Job("x", file.parent, ("collect", "--model=demo"), 1, "", 0.0)
    collecting._learn_rate(job, jobs.JobProgress(jobs.RUNNING, "activations", rate=1000.0))
    rates = json.loads(file.read_text())
    assert rates.pop("demo") == collecting._known_rate("demo") == 1000.0
    assert rates == ({"gpt2": 3.0} if found.endswith(b"}") else {})
    assert not list(file.parent.glob("*.writing"))


@pytest.mark.usefixtures("_own_cache")
def test_a_rate_that_cannot_be_kept_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.replace", refuse(PermissionError("not yours")))
    job = jobs.Job("x", Path("x"), ("collect", "--model=demo"), 1, "", 0.0)
    collecting._learn_rate(job, jobs.JobProgress(jobs.RUNNING, "activations", rate=1000.0))
    assert collecting._known_rate("demo") is None
    assert not list(collecting._rates_file().parent.glob("*.writing"))
