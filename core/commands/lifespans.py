"""``lifespans STORE``: how long features last one to one, how they stop, and which fall below τ and return."""

from __future__ import annotations

import argparse
from typing import Any

from core.analyses.lifespans import (
    THEN,
    Lifespans,
    half_life,
    length_table,
    lifespans,
    longest,
    survival,
    then_table,
)
from core.analyses.matches import ADMISSIBLE, check_measure
from core.analyses.returns import GAP, SHALLOW, WHOLE, Return, gap_of, matches_for_returns, returns, told_of_gap
from core.analyses.turnover import THRESHOLD, check_threshold
from core.commands.arguments import add_json, add_store, count
from core.commands.output import print_json, print_table
from core.commands.pairs import warn
from core.store import open_store

DEFAULT_GAP = f"by default everywhere in a store of up to {WHOLE} sites, else {GAP}"


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``lifespans``."""
    add_store(parser)
    measures = f"one of {', '.join(ADMISSIBLE)} (default: pearson)"
    parser.add_argument("--measure", default="pearson", metavar="M", help=measures)
    tau = f"a mutual best match at or above it, above 0 and at most 1, goes on (default: {THRESHOLD:g})"
    parser.add_argument("--threshold", type=float, default=THRESHOLD, metavar="V", help=tau)
    gap = f"how many sites on is looked for what fell below the threshold: {DEFAULT_GAP}"
    parser.add_argument("--gap", type=count(1), metavar="N", help=gap)
    top = "how many of the longest-lived are listed, out of those of two sites or more (default: 20)"
    parser.add_argument("--top", type=count(0), default=20, metavar="N", help=top)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print lengths and ends by birth site, the longest-lived features, and those that return."""
    check_measure(options.measure)
    check_threshold(options.threshold)
    store = open_store(options.store)
    keys = [site.key for site in store.sites]
    gap = gap_of(len(keys)) if options.gap is None else options.gap
    found = matches_for_returns(store, options.measure, gap, nulls=False, notice=warn)
    adjacent = [one for (a, b), one in found.items() if keys.index(b) - keys.index(a) == 1]
    chains = lifespans(adjacent, options.threshold)
    back = returns(keys, found, options.threshold)
    told, oldest = births(chains), [chain_json(chains, int(c)) for c in longest(chains, options.top)]
    if options.json:
        asked = {"measure": options.measure, "threshold": options.threshold, "gap": gap}
        listed = {"births": told, "longest": oldest, "returns": [one.as_json() for one in back]}
        print_json(asked | {"survival": survival(chains)} | listed)
        return
    print_births(chains, told)
    if oldest:
        print()
        print_table(
            [row | {"features": " ".join(row["features"])} for row in oldest], ("length", "weakest", "then", "features")
        )
    print_returns(back, gap, len(keys))


def print_births(chains: Lifespans, told: list[dict[str, Any]]) -> None:
    """The table by birth site, and what its words mean."""
    print_table([row | {"lengths": " ".join(map(str, row["lengths"]))} for row in told],
                ("site", "born", "half_life", "censored", "ended", "no_longer_one_to_one", "lengths"))  # fmt: skip
    tau = f"{chains.threshold:g}"
    print(f"half-lives are of one-to-one chains; ended: no match of {tau} or more at the next site; "
          f"no longer one to one: one of {tau} or more, which has a better one itself")  # fmt: skip


def print_returns(back: list[Return], gap: int, n_sites: int) -> None:
    """What falls below τ and returns, and how many of them by a hair's breadth."""
    shallow = sum(one.shallow for one in back)
    few = f", {shallow:,} of them by less than {SHALLOW:g}" if back else ""
    print(f"\n{len(back):,} fall below the threshold and return, looked for {told_of_gap(gap, n_sites)}{few}")
    if back:
        print_table([one.as_json() for one in back], ("before", "after", "value", "between", "depth"))


def chain_json(chains: Lifespans, chain: int) -> dict[str, Any]:
    """One chain: its length, what comes then, the weakest step, and the best match at the next site with its rival."""
    heir, rival = (str(feature) if feature else None for feature in chains.after(chain))
    return {
        "length": int(chains.length[chain]),
        "censored": bool(chains.censored[chain]),
        "then": THEN[chains.then[chain]],
        "weakest": float(chains.weakest[chain]),
        "features": [str(feature) for feature in chains.features(chain)],
        "best_next": heir,
        "value_next": float(chains.value_next[chain]),
        "rival": rival,
    }


def births(chains: Lifespans) -> list[dict[str, Any]]:
    """One object a birth site: how many, of which length (1, 2, ...), half-life in sites, how they stop."""
    table, then = length_table(chains), then_table(chains)
    return [
        {
            "site": key,
            "born": int(table[site].sum()),
            "half_life": half_life(survival(chains, site)),
            "censored": int(then[site, THEN.index("last site")]),
            "ended": int(then[site, THEN.index("ended")]),
            "no_longer_one_to_one": int(then[site, THEN.index("no longer one to one")]),
            "lengths": table[site, : len(chains.keys) - site].tolist(),
        }
        for site, key in enumerate(chains.keys)
    ]
