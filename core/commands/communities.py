"""``communities STORE``: groups of features, over several sites, that are linked among themselves."""

from __future__ import annotations

import argparse
import sys

from core.analyses.communities import Settings, store_communities
from core.analyses.store_graph import Report
from core.commands.arguments import add_activity, add_json, add_measure, add_store
from core.commands.output import cell, print_json, print_table
from core.labels import Labels
from core.statistics.partitions import METHODS
from core.store import open_store
from core.values import GRAPH_MEASURES

DEFAULT = Settings()
COLUMNS = ("id", "size", "sites", "cohesion", "stability", "over_seeds", "over_halves", "keywords")


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``communities``."""
    add_store(parser)
    add_measure(parser, GRAPH_MEASURES, DEFAULT.measure)
    floor = f"links at or above it take part (default: {DEFAULT.floor:g})"
    parser.add_argument("--floor", type=float, default=DEFAULT.floor, metavar="V", help=floor)
    method = f"how groups are found (default: {DEFAULT.method})"
    parser.add_argument("--method", choices=METHODS, default=DEFAULT.method, help=method)
    resolution = f"above 1 there are more and smaller ones (default: {DEFAULT.resolution:g})"
    parser.add_argument("--resolution", type=float, default=DEFAULT.resolution, metavar="G", help=resolution)
    seed = f"of the search: the same seed gives the same groups (default: {DEFAULT.seed})"
    parser.add_argument("--seed", type=int, default=DEFAULT.seed, metavar="N", help=seed)
    add_activity(parser)
    parser.add_argument("--all", action="store_true", help="links between all pairs of sites, not adjacent ones only")
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print the communities, largest first."""
    store = open_store(options.store)
    asked = Settings(
        options.measure, options.floor, options.method, options.resolution, options.seed, options.activity, options.all
    )
    found = store_communities(store, Labels.beside(store), asked, report=told())
    if options.json:
        print_json([one.as_json() for one in found.communities])
        return
    if not found.communities:
        print(f"no three features are linked at {asked.measure} {asked.floor:g}")
        return
    rows = [
        {
            **{name: getattr(one, name) for name in COLUMNS},
            "sites": " ".join(one.sites),
            "keywords": ", ".join(word.written for word in one.keywords),
        }
        for one in found.communities
    ]
    print_table(rows, COLUMNS)
    print(
        f"{len(found.graph.features):,} features, {len(found.graph.weight):,} links, "
        f"modularity {cell(found.modularity)}; adjusted Rand index over seeds {cell(found.agreement_seeds)}, "
        f"between halves of the documents {cell(found.agreement_halves)}"
    )


def told() -> Report:
    """Progress on standard error, where somebody is looking."""

    def report(what: str, share: float) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{share:4.0%} {what}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)

    return report
