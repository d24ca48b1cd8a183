"""``turnover STORE``: how much of each site is passed on to the next, what ends there and what is born."""

from __future__ import annotations

import argparse

from core.analyses.matches import ADMISSIBLE, check_measure, matches
from core.analyses.turnover import THRESHOLD, check_threshold, turnover
from core.commands.arguments import add_json, add_sites, add_store
from core.commands.between import site_pairs
from core.commands.output import print_json, print_table
from core.commands.pairs import bar, warn
from core.store import open_store

COLUMNS = (
    "from", "to", "alive_from", "passed", "passed_mutual", "passed_by_chance", "ended",
    "alive_to", "inherited", "born", "dead_from", "rare_from", "dead_to", "rare_to",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``turnover``."""
    add_store(parser)
    add_sites(parser)
    measures = f"one of {', '.join(ADMISSIBLE)} (default: pearson)"
    parser.add_argument("--measure", default="pearson", metavar="M", help=measures)
    tau = f"a best match at or above it, above 0 and at most 1, is passed on (default: {THRESHOLD:g})"
    parser.add_argument("--threshold", type=float, default=THRESHOLD, metavar="V", help=tau)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print one line a pair of sites."""
    check_measure(options.measure)
    check_threshold(options.threshold)
    store = open_store(options.store)
    found = [
        matches(store, source, target, options.measure, progress=bar(source, target), notice=warn)
        for source, target in site_pairs(store, options.source, options.target)
    ]
    rows = [turnover(one, options.threshold).as_json() for one in found]
    if options.json:
        print_json(rows)
    else:
        print_table(rows, COLUMNS)
