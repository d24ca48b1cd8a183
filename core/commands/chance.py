"""``chance STORE``: from which value on the links between sites are not chance, under two nulls."""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import Any

import numpy as np

from core.analyses.chance import BOTH, Chance, chance_of_pair
from core.commands.arguments import add_activity, add_json, add_measure, add_sites, add_store, count
from core.commands.between import site_pairs
from core.commands.output import cell, print_json, print_table
from core.commands.pairs import bar, warn
from core.errors import BadArgument
from core.statistics.false_discoveries import DRAWS, RATE
from core.statistics.nulls import NULLS
from core.store import Store, open_store
from core.values import MEASURES, MIN_ACTIVE

THRESHOLDS = np.round(np.linspace(0.1, 1.0, 19), 2)


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``chance``."""
    add_store(parser)
    add_sites(parser)
    parser.add_argument("--adjacent", action="store_true", help="every site from --from to --to with the next one")
    add_measure(parser, MEASURES)
    rate = f"the share of the links that may be chance (default: {RATE:g})"
    parser.add_argument("--fdr", type=float, default=RATE, metavar="Q", help=rate)
    null = (
        "what chance leaves in place: the topic of the sequence (shift), the place in the document, or both (default)"
    )
    parser.add_argument("--null", choices=(*NULLS, BOTH), default=BOTH, help=null)
    parser.add_argument("--draws", type=int, default=DRAWS, metavar="N", help=f"of each null (default: {DRAWS})")
    least = f"fewest tokens on which both are active (default: {MIN_ACTIVE})"
    parser.add_argument("--min-both", type=count(0), default=MIN_ACTIVE, metavar="N", help=least)
    add_activity(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Draw the nulls, or find them, and say where the floor is: one object a pair of sites."""
    check_rate(options.fdr)
    store = open_store(options.store)
    found = [
        chance_of_pair(
            store, source, target, options.measure, options.activity, options.null, options.draws, options.min_both,
            notice=warn, progress=bar(source, target),
        )
        for source, target in pairs_of(store, options)
    ]  # fmt: skip
    if options.json:
        print_json([one.as_json(options.fdr) | best_match(one) for one in found])
        return
    for one in found:
        print_one(one, options.fdr)


def pairs_of(store: Store, options: argparse.Namespace) -> list[tuple[str, str]]:
    """The pairs of sites that the options name."""
    chosen = site_pairs(store, options.source, options.target)
    if not options.adjacent or len(chosen) > 1:
        return chosen
    first, last = sorted(store.site(key).position for key in chosen[0])
    return list(pairwise(site.key for site in store.sites[first : last + 1]))


def check_rate(rate: float) -> None:
    """Raise `BadArgument` unless 0 < rate < 1."""
    if not 0 < rate < 1:
        raise BadArgument(f"{rate} is no false-discovery rate", "choose one between 0 and 1, such as 0.05")


def best_match(found: Chance) -> dict[str, Any]:
    """How many features find a best match at or above each threshold by chance."""
    return {"best_match": {"thresholds": THRESHOLDS, "expected": found.best_expected(THRESHOLDS)}}


def print_one(found: Chance, rate: float) -> None:
    """A sentence, what each null says, and the floors by how often the two features are active."""
    told = found.as_json(rate)
    print(f"{told['from']} to {told['to']}, {found.measure}: {sentence(found, rate)}")
    nulls = [{"null": name, **each} for name, each in told["nulls"].items()]
    print_table(nulls, ("null", "floor", "kept", "links", "paired", "state"))
    print()
    strata = [{"n_source · n_target": f"{each['low']:.0e} to {each['high']:.0e}", **each} for each in told["strata"]]
    print_table(strata, ("n_source · n_target", "links", "floor", "kept", "by_chance"))
    print()


def sentence(found: Chance, rate: float) -> str:
    """The finding in words."""
    floor = found.floor(rate)
    if not floor.found:
        return found.why_no_floor(rate)
    return f"at {cell(floor.value)} and above, at most {100 * rate:g}% of the {floor.links:,} links are chance"
