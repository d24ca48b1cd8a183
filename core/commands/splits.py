"""``splits STORE --from KEY --to KEY``: features whose firing is divided among several features of a later site."""

from __future__ import annotations

import argparse

from core.analyses.splits import splits
from core.commands.between import site_pairs, tell
from core.commands.output import print_json, print_table
from core.store import open_store


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``splits``."""
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("--from", dest="source", metavar="KEY", help="the earlier site; without both, adjacent ones")
    parser.add_argument("--to", dest="target", metavar="KEY", help="the later site")
    parser.add_argument("--activity", type=float, default=0.0, help="r: a feature is active where x > r * its maximum")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(options: argparse.Namespace) -> None:
    """Print the splits of each pair of sites, most divided first."""
    store = open_store(options.store)
    rows = []
    for source, target in site_pairs(store, options.source, options.target):
        found = splits(store, source, target, options.activity, tell(f"{source} to {target}"))
        rows += [split.as_json() for split in found]
    if options.json:
        print_json(rows)
    elif rows:
        table = [row | {"children": " ".join(row["children"])} for row in rows]
        print_table(table, ("parent", "children", "coverage", "overlap"))
    else:
        print("no splits")
