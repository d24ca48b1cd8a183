"""``neighbours STORE FEATURE --to KEY``: the most similar features of another site."""

from __future__ import annotations

import argparse
from typing import Any

from core.analyses.neighbours import StoreLinks
from core.commands.output import print_json, print_table
from core.labels import Labels
from core.store import open_store
from core.values import ALL_MEASURES, DATA_FREE, MEASURES, Feature, Link


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``neighbours``."""
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("feature", metavar="FEATURE", help="KEY_INDEX, such as 5_169")
    parser.add_argument("--to", required=True, metavar="KEY", help="the site whose features are listed, up or down")
    parser.add_argument(
        "--measure", default="pearson", choices=ALL_MEASURES,
        help="decoder_cosine, virtual_weight and folded_mse come from the weights; the smallest folded_mse is the best",
    )  # fmt: skip
    parser.add_argument("--top", type=int, default=10, help="how many to list")
    parser.add_argument("--min-both", type=int, default=0, help="leave out pairs that are active together less often")
    parser.add_argument("--activity", type=float, default=0.0, help="r: a feature is active where x > r * its maximum")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(options: argparse.Namespace) -> None:
    """Print the neighbours, best first."""
    store = open_store(options.store)
    feature = store.feature(options.feature)
    links = StoreLinks(store).neighbours(
        feature, options.to, options.measure, options.top, options.min_both, options.activity
    )
    labels = Labels.beside(store)
    rows = [describe(link, feature, labels) for link in links]
    if options.json:
        print_json(rows)
    elif rows:
        more = (options.measure,) if options.measure in DATA_FREE else ()
        print_table(rows, ("feature", "n_source", "n_target", "n_both", *MEASURES, *more, "lift", "label"))
    else:
        print(f"{feature} has no neighbours at site {options.to}")


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
