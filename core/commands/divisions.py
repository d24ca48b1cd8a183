"""``splits`` and ``merges``: features whose firing is divided among several of a later, or an earlier, site."""

from __future__ import annotations

import argparse

from core.analyses.kept_gates import kept_divided
from core.analyses.splits import NAMES
from core.commands.between import site_pairs, tell
from core.commands.output import print_json, print_table
from core.commands.pairs import warn
from core.store import open_store


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of both."""
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("--from", dest="source", metavar="KEY", help="the earlier site; without both, adjacent ones")
    parser.add_argument("--to", dest="target", metavar="KEY", help="the later site")
    parser.add_argument("--activity", type=float, default=0.0, help="r: a feature is active where x > r * its maximum")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(options: argparse.Namespace) -> None:
    """Print what each pair of sites has of the command's kind, most divided first."""
    store, kind = open_store(options.store), options.command.removesuffix("s")
    found = [
        one.as_json()
        for source, target in site_pairs(store, options.source, options.target)
        for one in kept_divided(
            kind, store, source, target, options.activity, report=tell(f"{source} to {target}"), notice=warn
        )
    ]
    whole, parts = NAMES[kind]
    if options.json:
        print_json(found)
    elif found:
        print_table([row | {parts: " ".join(row[parts])} for row in found], (whole, parts, "coverage", "overlap"))
    else:
        print(f"no {options.command}")
