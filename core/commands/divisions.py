"""``splits`` and ``merges``: features whose firing is divided among several of a later, or an earlier, site."""

from __future__ import annotations

import argparse

from core.analyses.kept_gates import kept_divided
from core.analyses.splits import NAMES
from core.commands.arguments import add_activity, add_json, add_sites, add_store
from core.commands.between import site_pairs, tell
from core.commands.output import print_json, print_table
from core.commands.pairs import warn
from core.store import open_store


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of both."""
    add_store(parser)
    add_sites(parser)
    add_activity(parser)
    add_json(parser)


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
