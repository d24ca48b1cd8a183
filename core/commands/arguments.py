"""The options that several commands share, in the same words."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence


def add_store(parser: argparse.ArgumentParser) -> None:
    """Which store."""
    parser.add_argument("store", metavar="STORE", help="the file of a store, such as demo/demo.h5")


def add_json(parser: argparse.ArgumentParser) -> None:
    """For other programs; every command has it."""
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def add_activity(parser: argparse.ArgumentParser) -> None:
    """The activity rule."""
    told = "a feature is active where it exceeds this share of its maximum (default: 0)"
    parser.add_argument("--activity", type=float, default=0.0, metavar="R", help=told)


def add_sites(parser: argparse.ArgumentParser) -> None:
    """Which pair of sites."""
    told = "the earlier site; without --from and --to, every site with the next one"
    parser.add_argument("--from", dest="source", metavar="KEY", help=told)
    parser.add_argument("--to", dest="target", metavar="KEY", help="the later site")


def add_measure(
    parser: argparse.ArgumentParser, measures: Sequence[str], default: str = "pearson", told: str = ""
) -> None:
    """Which measure, out of those that make sense here."""
    words = f"one of {', '.join(measures)} (default: {default}){told}"
    parser.add_argument("--measure", choices=measures, default=default, metavar="M", help=words)


def count(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number from `least` on.

    >>> count(1)("10")
    10
    """

    def read(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = least - 1
        if found < least:
            raise argparse.ArgumentTypeError(f"it is a whole number from {least} on, and not {text!r}")
        return found

    return read
