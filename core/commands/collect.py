"""``collect``: a model, its SAEs and a text become a store."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from core.collect import Progress, Settings, collect
from core.commands.arguments import add_json
from core.commands.info import describe
from core.commands.output import print_json
from core.errors import Cancelled, HostedRefusal, StrataError
from core.jobs import write_progress
from core.paths import hosted
from core.store import open_store


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``collect``."""
    parser.add_argument("--model", required=True, help="demo, a Hugging Face name or a local folder")
    parser.add_argument(
        "--saes", required=True, help="demo, a SAELens release, RELEASE:ID,ID or a folder with one SAE a subfolder"
    )
    parser.add_argument(
        "--text", required=True, help="demo, a text file (one document a line), .jsonl, or hf:DATASET[@CONFIG][:SPLIT]"
    )
    parser.add_argument(
        "--tokens", type=int, metavar="N", help="stop with the sequence that reaches it (default: the whole text)"
    )
    parser.add_argument(
        "--context-size", type=int, metavar="N", help="tokens a sequence (default: as the SAEs were trained)"
    )
    parser.add_argument("--pack", action="store_true", help="string documents together in full sequences")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--out", type=Path, help="the store's file (default: named after the parts, in the cache)")
    parser.add_argument("--progress", type=Path, metavar="FILE", help="keep the progress in this file, as JSON")
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Collect, tell how it is coming along, and stop at a signal with what is whole kept."""
    if hosted():
        raise HostedRefusal("collecting is not available here", "run Strata on your own machine")
    settings = Settings(
        model=options.model,
        saes=options.saes,
        text=options.text,
        tokens=options.tokens,
        context_size=options.context_size,
        pack=options.pack,
        device=options.device,
        out=options.out,
    )
    stop = _Stop()
    teller = _Teller(options.progress)
    try:
        path = collect(settings, report=teller.report, note=teller.note, cancelled=stop.asked)
    except StrataError as error:
        teller.end("cancelled" if isinstance(error, Cancelled) else "failed", str(error))
        raise
    teller.end("done", out=str(path))
    if options.json:
        print_json({"path": str(path)} | describe(open_store(path)))
    else:
        print(path)


class _Stop:
    """SIGINT and SIGTERM ask for an end at the next chunk; a second one ends at once."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise Cancelled("cancelled", "run the same command again to go on")
        self._asked = True

    def asked(self) -> bool:
        """Whether a signal has come."""
        return self._asked


class _Teller:
    """Progress on standard error (one line, rewritten on a terminal) and in a file."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._last = Progress("loading")
        self._shown = self._written = 0.0
        self._terminal = sys.stderr.isatty()

    def report(self, progress: Progress) -> None:
        """Show a progress, at most twice a second unless the stage is new."""
        now = time.monotonic()
        new = progress.stage != self._last.stage
        self._last = progress
        if new or now - self._shown > (0.5 if self._terminal else 5.0):
            self._shown = now
            start, end = ("\r\x1b[2K", "\n" if progress.stage == "done" else "") if self._terminal else ("", "\n")
            print(start + progress.line(), end=end, file=sys.stderr, flush=True)
        if self._file and (new or now - self._written > 0.5):
            self._written = now
            write_progress(self._file, progress, "running")

    def note(self, text: str) -> None:
        """Something to know, on a line of its own."""
        print(f"\r\x1b[2K{text}" if self._terminal else text, file=sys.stderr, flush=True)

    def end(self, state: str, error: str = "", out: str = "") -> None:
        """The last word: done, failed or cancelled."""
        if self._terminal and state != "done":
            print(file=sys.stderr)
        if self._file:
            write_progress(self._file, self._last, state, error, out)
