"""What to collect, where to, and how it is coming along. Imports nothing heavy."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadArgument
from core.paths import safe_name, stores_folder

ENDLESS_TOKENS = 1_000_000
"""How much is read of a source without an end when nothing was asked for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a run is told; the defaults are those of the command line."""

    model: str
    saes: str
    text: str
    tokens: int | None = None  # stop with the sequence that reaches it; None: the whole text
    context_size: int | None = None  # None: as the SAEs were trained
    pack: bool = False
    device: str = "auto"
    out: Path | None = None
    seed: int = 0  # of the demo's text
    batch_tokens: int = 4096  # fed to the model at once, padding included
    chunk_tokens: int = 8192  # encoded and written together
    commit_seconds: float = 5.0  # how much work a kill may cost

    def check(self) -> None:
        """Raise `BadArgument` for numbers that cannot be meant."""
        for name in ("tokens", "context_size", "batch_tokens", "chunk_tokens"):
            value = getattr(self, name)
            if value is not None and value < (2 if name == "context_size" else 1):
                raise BadArgument(f"--{name.replace('_', '-')} {value} is too small", "give a larger number")

    def target(self) -> Path:
        """Where the finished store goes: `out`, or a name made of the parts in the folder of stores."""
        if self.out is not None:
            return Path(os.path.expanduser(self.out)).resolve()
        parts = [_short(part) for part in (self.model, self.saes, self.text)]
        name = parts[0] if len(set(parts)) == 1 else " ".join(dict.fromkeys(parts))
        tokens = f" {self.tokens}" if self.tokens else ""
        return stores_folder() / (safe_name(name + tokens) + ".h5")


def _short(source: str) -> str:
    """A source as part of a file's name: of a path its last two parts.

    >>> _short("../shared/data/stories260k/model"), _short("gpt2-small-res-jb")
    ('stories260k/model', 'gpt2-small-res-jb')
    """
    parts = [part for part in Path(source).parts if part not in (".", "..", "/", "~")]
    return "/".join(parts[-2:]) or source


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is; `rate` is units a second of this run, `seconds_left` of this stage (None: unknown)."""

    stage: str  # loading, tokens, activations, directions, store, done
    done: float = 0
    total: float | None = None
    unit: str = ""
    rate: float | None = None
    seconds_left: float | None = None

    def line(self) -> str:
        """One line for a terminal.

        >>> Progress("activations", 50_000, 200_000, "tokens", 1000.0, 150.0).line()
        'activations: 50,000 of 200,000 tokens (25%), 1,000 tokens/s, 2:30 left'
        """
        text = self.stage
        if self.total:
            amount = f"{self.done:,.0f} of {self.total:,.0f} {self.unit}".strip() if self.unit else ""
            text += f": {amount} ({self.done / self.total:.0%})" if amount else f": {self.done / self.total:.0%}"
        elif self.done:
            text += f": {self.done:,.0f} {self.unit}"
        if self.rate:
            text += f", {self.rate:,.0f} {self.unit}/s"
        if self.seconds_left is not None:
            minutes, seconds = divmod(round(self.seconds_left), 60)
            text += f", {minutes}:{seconds:02d} left"
        return text
