"""``neighbours STORE FEATURE --to KEY``: the most similar features of another site."""

from __future__ import annotations

import argparse
from typing import Any

from core.analyses.neighbours import StoreLinks
from core.commands.arguments import add_activity, add_json, add_measure, add_store, count
from core.commands.output import print_json, print_table
from core.commands.pairs import warn
from core.labels import Labels
from core.store import Store, open_store
from core.values import ALL_MEASURES, DATA_FREE, MEASURES, Feature, Link


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``neighbours``."""
    add_store(parser)
    parser.add_argument("feature", metavar="FEATURE", help="KEY_INDEX, such as 5_169")
    parser.add_argument("--to", required=True, metavar="KEY", help="the site whose features are listed, up or down")
    of_weights = "; the last three come from the weights, and the smallest folded_mse is the best"
    add_measure(parser, ALL_MEASURES, told=of_weights)
    parser.add_argument("--top", type=count(1), default=10, metavar="N", help="how many to list (default: 10)")
    least = "leave out those that are active together with it on fewer tokens (default: 0)"
    parser.add_argument("--min-both", type=count(0), default=0, metavar="N", help=least)
    add_activity(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print the neighbours, best first."""
    store = open_store(options.store)
    feature = store.feature(options.feature)
    links = near(store, feature, options, options.top, options.min_both)
    labels = Labels.beside(store)
    rows = [describe(link, feature, labels) for link in links]
    if options.json:
        print_json(rows)
    elif rows:
        more = (options.measure,) if options.measure in DATA_FREE else ()
        print_table(rows, ("feature", "n_source", "n_target", "n_both", *MEASURES, *more, "lift", "label"))
    if not rows:
        (warn if options.json else print)(why_none(store, feature, options))


def near(store: Store, feature: Feature, options: argparse.Namespace, top: int, min_both: int) -> list[Link]:
    """The best links, as asked for but for how many and for the fewest common tokens."""
    return StoreLinks(store).neighbours(feature, options.to, options.measure, top, min_both, options.activity)


def why_none(store: Store, feature: Feature, options: argparse.Namespace) -> str:
    """Why nothing is listed."""
    if not store.summary(feature.key).active[feature.index]:
        return f"{feature} is never active: it has no neighbours"
    n = len(near(store, feature, options, store.site(options.to).d_sae, 0))
    if not n:
        return f"no feature of site {options.to} has a value by {options.measure} with {feature}"
    return (
        f"no feature of site {options.to} is active together with {feature} on {options.min_both:,} tokens or more; "
        f"without --min-both there are {n:,}"
    )


def describe(link: Link, feature: Feature, labels: Labels) -> dict[str, Any]:
    """The JSON of one neighbour (DESIGN 9)."""
    other = link.other(feature)
    label = labels.get(other)
    return {
        "feature": str(other),
        "n": link.n,
        "n_source": link.n_source,
        "n_target": link.n_target,
        "n_both": link.n_both,
        **link.measures,
        "lift": link.lift,
        "label": label.text if label else None,
    }
