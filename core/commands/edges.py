"""``edges STORE --out FILE``: every link above a floor, as Parquet or CSV."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import polars as pl

from core.analyses.assigned import assignment
from core.analyses.edges import COLUMNS, assigned_table, edge_table, weight_table
from core.commands.pairs import add_sites, bar, chosen_pairs, warn
from core.errors import BadArgument, NotPermitted
from core.results import pair_links
from core.statistics.assignment import CANDIDATES, DENSE_FEATURES, Assignment
from core.statistics.data_free import FLOORS, WORDS_OF_THETA
from core.statistics.measures import BOUNDED
from core.statistics.pairs import FLOOR, TOP
from core.store import Store, open_store
from core.values import ALL_MEASURES, DATA_FREE

MEASURE_HELP = f"""default: any of {", ".join(BOUNDED)}. decoder_cosine and virtual_weight are of the weights alone, and
give all links of ever active features that reach the floor. folded_mse gives the one-to-one assignment of the two
sites' features with the least total: exact up to {DENSE_FEATURES:,} features a site, beyond among the {CANDIDATES}
nearest of each"""
FLOOR_HELP = f"""links at or above it are written; for folded_mse those at or BELOW it. Default: {FLOOR:g},
{", ".join(f"{name} {value:g}" for name, value in FLOORS.items())}, and all of the assignment"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``edges``."""
    parser.add_argument("store", metavar="STORE")
    add_sites(parser)
    parser.add_argument("--measure", choices=ALL_MEASURES, help=MEASURE_HELP)
    parser.add_argument("--floor", type=float, help=FLOOR_HELP)
    parser.add_argument("--activity", type=float, default=0.0, help="r: a feature is active where x > r * its maximum")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="F.parquet or F.csv")


def run(options: argparse.Namespace) -> None:
    """Write the table, all at once."""
    if options.out.suffix not in (".parquet", ".csv"):
        raise BadArgument(f"{options.out.name} is neither .parquet nor .csv", "choose one of the two endings")
    store = open_store(options.store)
    more = (options.measure,) if options.measure in DATA_FREE else ()
    frames = [pl.DataFrame(schema=COLUMNS | dict.fromkeys(more, pl.Float64))]
    for source, target in chosen_pairs(store, options.source, options.target):
        frames.append(links_of(store, source, target, options.measure, options.floor, options.activity))
    table = pl.concat(frames)
    write_table(table, options.out)
    print(f"{len(table):,} links written to {options.out}")


def links_of(
    store: Store, source: str, target: str, measure: str | None, floor: float | None, activity: float
) -> pl.DataFrame:
    """The table of one pair of sites."""
    report = bar(source, target)
    if measure == "folded_mse":
        found = assignment(store, source, target)
        warn(told(found))
        return assigned_table(store, found, float("inf") if floor is None else floor, activity, report)
    floor = FLOORS.get(measure or "", FLOOR) if floor is None else floor
    if measure in DATA_FREE:
        return weight_table(store, source, target, measure, floor, activity, report)
    measures = (measure,) if measure else BOUNDED
    found_pair, _ = pair_links(
        store, source, target, activity, TOP, floor, measures, notice=warn, progress=report
    )  # fmt: skip
    return edge_table(store, found_pair, measures, floor)


def told(found: Assignment) -> str:
    """What an assignment is, in words."""
    among = "of all pairs" if found.exact else f"among the {CANDIDATES} nearest of each feature"
    matched = int((found.partner >= 0).sum())
    return (
        f"{found.source} to {found.target}: {matched:,} features assigned one to one, the cheapest {among}; "
        f"θ is {WORDS_OF_THETA[found.folded_with]}"
    )


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Parquet or CSV by the file's ending; raises `NotPermitted` where it cannot be written."""
    partial = path.with_name(path.name + ".writing")
    try:
        if path.suffix == ".csv":
            table.write_csv(partial)
        else:
            table.write_parquet(partial)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise NotPermitted(f"cannot write {path}: {error}", "choose another folder") from error
