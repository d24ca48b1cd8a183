"""``merges STORE --from KEY --to KEY``: features that put several features of an earlier site together."""

from __future__ import annotations

import argparse

from core.analyses.splits import merges
from core.commands.between import site_pairs, tell
from core.commands.output import print_json, print_table
from core.store import open_store


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``merges``."""
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("--from", dest="source", metavar="KEY", help="the earlier site; without both, adjacent ones")
    parser.add_argument("--to", dest="target", metavar="KEY", help="the later site")
    parser.add_argument("--activity", type=float, default=0.0, help="r: a feature is active where x > r * its maximum")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(options: argparse.Namespace) -> None:
    """Print the merges of each pair of sites, most divided first."""
    store = open_store(options.store)
    rows = []
    for source, target in site_pairs(store, options.source, options.target):
        found = merges(store, source, target, options.activity, tell(f"{source} to {target}"))
        rows += [merge.as_json() for merge in found]
    if options.json:
        print_json(rows)
    elif rows:
        table = [row | {"parents": " ".join(row["parents"])} for row in rows]
        print_table(table, ("child", "parents", "coverage", "overlap"))
    else:
        print("no merges")
