"""``pairs STORE``: whole pairs of sites, computed once and kept."""

from __future__ import annotations

import argparse
import math
import sys
import threading
from collections.abc import Callable
from itertools import combinations
from typing import Any

from core.commands.arguments import add_activity, add_json, add_sites, add_store
from core.commands.between import site_pairs
from core.commands.output import print_json, print_table
from core.errors import BadArgument
from core.results import pair_links
from core.statistics.devices import DEVICES
from core.statistics.measures import BOUNDED, COMPILED
from core.statistics.pairs import FLOOR, TOP, PairLinks, histogram_edges
from core.store import Store, open_store


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``pairs``."""
    add_store(parser)
    add_sites(parser)
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--adjacent", action="store_true", help="every site with the next one (the default)")
    many.add_argument("--all", action="store_true", help="every site with every later one")
    add_activity(parser)
    top = f"links kept of each feature, by every measure (default: {TOP})"
    parser.add_argument("--top", type=int, default=TOP, metavar="N", help=top)
    floor = f"and all links where {', '.join(BOUNDED[:-1])} or {BOUNDED[-1]} reach it (default: {FLOOR:g})"
    parser.add_argument("--floor", type=float, default=FLOOR, metavar="V", help=floor)
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="for pairs that are not kept yet; auto: a GPU where it pays"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Compute or find the pairs and say what they hold."""
    if math.isnan(options.floor):
        raise BadArgument("floor nan is no number", "choose one, such as 0.1; above 1 only the best are kept")
    store = open_store(options.store)
    reports = []
    for source, target in chosen_pairs(store, options):
        found, cached = pair_links(
            store,
            source,
            target,
            options.activity,
            options.top,
            options.floor,
            device=options.device,
            notice=warn,
            progress=bar(source, target),
        )
        reports.append(describe(found, cached))
    if options.json:
        print_json(reports)
    else:
        print_table(reports, ("from", "to", "seconds", "device", "cached", "links", "never_co_active"))


def chosen_pairs(store: Store, options: argparse.Namespace) -> list[tuple[str, str]]:
    """The pairs that the options name: one, all, or (without any) the adjacent ones."""
    if (options.all or options.adjacent) and (options.source or options.target):
        raise BadArgument(
            f"--{'all' if options.all else 'adjacent'} is about all sites, and a site is given", "give one or the other"
        )
    adjacent = site_pairs(store, options.source, options.target)
    return list(combinations([site.key for site in store.sites], 2)) if options.all else adjacent


def describe(found: PairLinks, cached: bool) -> dict[str, Any]:
    """The JSON of one pair (DESIGN 9); `links` counts all that were kept."""
    return {
        "from": found.source,
        "to": found.target,
        "activity": found.activity,
        "seconds": found.seconds,
        "device": found.device,
        "cached": cached,
        "never_co_active": found.never_co_active,
        "links": len(found.sources),
        "histograms": {
            name: {"edges": histogram_edges(name), "counts": found.histograms[m]} for m, name in enumerate(COMPILED)
        },
    }


def warn(text: str) -> None:
    """A notice beside the output."""
    print(f"notice: {text}", file=sys.stderr)


def bar(source: str, target: str) -> Callable[[float], None]:
    """Progress on standard error, where somebody is looking; it ends once."""
    ended = threading.Event()

    def show(share: float) -> None:
        if sys.stderr.isatty() and not ended.is_set():
            if share >= 1:
                ended.set()
            print(f"\r{source} to {target}: {share:4.0%}", end="\n" if share >= 1 else "", file=sys.stderr, flush=True)

    return show
