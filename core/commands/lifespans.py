"""``lifespans STORE``: how long features last, and which vanish and reappear."""

from __future__ import annotations

import argparse
from typing import Any

from core.analyses.lifespans import (
    GAP,
    Lifespans,
    half_life,
    length_table,
    lifespans,
    longest,
    matches_for_returns,
    returns,
    survival,
)
from core.analyses.turnover import ADMISSIBLE, THRESHOLD, check_measure, check_threshold
from core.commands.arguments import add_json, add_store, count
from core.commands.output import print_json, print_table
from core.commands.pairs import warn
from core.store import open_store


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``lifespans``."""
    add_store(parser)
    measures = f"one of {', '.join(ADMISSIBLE)} (default: pearson)"
    parser.add_argument("--measure", default="pearson", metavar="M", help=measures)
    tau = f"a mutual best match at or above it goes on (default: {THRESHOLD:g})"
    parser.add_argument("--threshold", type=float, default=THRESHOLD, metavar="V", help=tau)
    gap = f"how many sites on a vanished feature is looked for (default: {GAP})"
    parser.add_argument("--gap", type=count(1), default=GAP, metavar="N", help=gap)
    top = "how many of the longest-lived are listed (default: 20)"
    parser.add_argument("--top", type=count(0), default=20, metavar="N", help=top)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print lengths by birth site, the longest-lived features, and those that come back."""
    check_measure(options.measure)
    check_threshold(options.threshold)
    store = open_store(options.store)
    keys = [site.key for site in store.sites]
    found = matches_for_returns(store, options.measure, options.gap, nulls=False, notice=warn)
    adjacent = [one for (a, b), one in found.items() if keys.index(b) - keys.index(a) == 1]
    chains = lifespans(adjacent, options.threshold)
    back = [one.as_json() for one in returns(keys, found, options.threshold)]
    told = births(chains)
    oldest: list[dict[str, Any]] = [
        {"length": int(chains.length[c]), "censored": bool(chains.censored[c]), "weakest": float(chains.weakest[c]),
         "features": [str(f) for f in chains.features(int(c))]}
        for c in longest(chains, options.top)
    ]  # fmt: skip
    if options.json:
        everything = {"measure": options.measure, "threshold": options.threshold, "survival": survival(chains)}
        print_json(everything | {"births": told, "longest": oldest, "returns": back})
        return
    print_table([row | {"lengths": " ".join(map(str, row["lengths"]))} for row in told],
                ("site", "born", "half_life", "censored", "lengths"))  # fmt: skip
    if oldest:
        print()
        print_table(
            [row | {"features": " ".join(row["features"])} for row in oldest], ("length", "weakest", "features")
        )
    if back:
        print()
        print_table(back, ("before", "after", "value", "between"))


def births(chains: Lifespans) -> list[dict[str, Any]]:
    """One object a birth site: how many, of which length (1, 2, ...), half-life in sites, still there at the last."""
    table = length_table(chains)
    return [
        {
            "site": key,
            "born": int(table[site].sum()),
            "half_life": half_life(survival(chains, site)),
            "censored": reaching(chains, site),
            "lengths": table[site, : len(chains.keys) - site].tolist(),
        }
        for site, key in enumerate(chains.keys)
    ]


def reaching(chains: Lifespans, site: int) -> int:
    """Chains born at a site that reach the last one."""
    return int((chains.born_at(site) & chains.censored).sum())
