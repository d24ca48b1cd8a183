"""The command line: ``python -m core COMMAND``. Each command is a module of `core.commands`, but for MODULES."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from core.errors import StrataError

COMMANDS = {
    "collect": "model + SAEs + text -> a store; run it again to resume",
    "info": "what is in a store; --verify checks every byte",
    "neighbours": "the features of another site most similar to one feature",
    "link": "everything about two features: counts, measures, intervals, contexts",
    "pairs": "every feature of a site against every feature of another, computed once and kept",
    "chance": "from which value on links are not chance, at a stated false-discovery rate",
    "edges": "every link above a floor, as Parquet or CSV",
    "turnover": "how much of each site is passed on to the next, what ends there and what is born",
    "lifespans": "how long features last one to one, how that stops, and which fall below the threshold and return",
    "gates": "features that a Boolean combination of earlier features explains",
    "splits": "features whose firing is divided among several features of a later site",
    "merges": "features that put several features of an earlier site together",
    "prompt": "the features active on chosen tokens of a text, linked by what the whole store says",
    "communities": "groups of features, over several sites, that are linked among themselves",
}

ABOUT = "How features of sparse autoencoders evolve through the layers of a language model: all that the app shows."
EXAMPLE = "COMMAND --help tells of one. To begin: python -m core neighbours demo/demo.h5 2_774 --to 6"

MODULES = {"splits": "divisions", "merges": "divisions"}
"""Commands that share a module, which is told their name."""


def parser(commands: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser of the given commands; only their modules are imported, so that ``info`` never waits for torch."""
    top = argparse.ArgumentParser(prog="python -m core", description=ABOUT, epilog=EXAMPLE)
    chosen = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        sub = chosen.add_parser(name, help=summary, description=summary)
        if name in commands:
            module = importlib.import_module(f"core.commands.{MODULES.get(name, name.replace('-', '_'))}")
            module.configure(sub)
            sub.set_defaults(run=module.run)
    return top


def _parsed(named: Sequence[str], arguments: Sequence[str]) -> argparse.Namespace:
    """The options; while modules are imported for them nobody looks for garbage among what stays."""
    looking = gc.isenabled()
    gc.disable()
    try:
        return parser(named).parse_args(arguments)
    finally:
        if looking:
            gc.enable()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a named error (one line on standard error), 2 bad arguments."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    named = [word for word in arguments if not word.startswith("-")][:1]
    options = _parsed(named, arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except StrataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader (`| head`) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
