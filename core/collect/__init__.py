"""From a model, its SAEs and a text to a store (DESIGN 3, "Writing").

`settings` says what to collect, `partial` is the folder that a killed run resumes from, `plan` cuts the work into
chunks, `encode` turns activations into sparse rows, `weights` gathers what data-free measures need, `run` puts it
together. Importing this package imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.collect.settings import Progress, Settings

__all__ = ["Progress", "Settings", "collect"]


def collect(
    settings: Settings,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    note: Callable[[str], None] = lambda text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Collect a store and return its path; run again with the same settings, it goes on where it was stopped.

    `report` is called with the progress, `note` with what a user should know, `cancelled` is asked after each chunk.
    Raises the named errors of models, SAEs and corpora, and `NoDiskSpace`, `OutOfMemory`, `StoreBusy`,
    `RecipeChanged` or `Cancelled`; what was committed by then is kept.
    """
    from core.sources.models import import_torch, resolve_model

    settings.check()
    resolve_model(settings.model)  # what is plainly wrong is said before seconds go into importing
    import_torch()
    from core.collect.run import run

    return run(settings, report, note, cancelled)
