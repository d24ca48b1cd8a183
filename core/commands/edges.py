"""``edges STORE --out FILE``: every link above a floor, as Parquet or CSV."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path

import polars as pl

from core.analyses.assigned import assignment
from core.analyses.edges import COLUMNS, assigned_table, edge_table, silent_reach, weight_table
from core.commands.arguments import add_activity, add_json, add_sites, add_store
from core.commands.between import site_pairs
from core.commands.output import print_json
from core.commands.pairs import bar, warn
from core.errors import BadArgument, NotPermitted
from core.results import pair_links
from core.statistics.assignment import CANDIDATES, DENSE_FEATURES, Assignment
from core.statistics.data_free import FLOORS, WORDS_OF_THETA
from core.statistics.measures import BOUNDED, check_reach
from core.statistics.pairs import FLOOR, TOP
from core.store import Store, open_store
from core.values import ALL_MEASURES, DATA_FREE

MEASURE_HELP = f"""one of {", ".join(ALL_MEASURES)} (default: any of {", ".join(BOUNDED)}). decoder_cosine and
virtual_weight are of the weights alone, and give all links of ever active features that reach the floor. folded_mse
gives the one-to-one assignment of the two sites' features with the least total: exact up to {DENSE_FEATURES:,} features
a site, beyond among the {CANDIDATES} nearest of each"""
FLOOR_HELP = f"""links at or above it are written, by a measure of activations those of features that are ever active
together; for folded_mse those at or BELOW it. Default: {FLOOR:g},
{", ".join(f"{name} {value:g}" for name, value in FLOORS.items())}, and all of the assignment"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``edges``."""
    add_store(parser)
    add_sites(parser)
    parser.add_argument("--measure", choices=ALL_MEASURES, metavar="M", help=MEASURE_HELP)
    parser.add_argument("--floor", type=float, metavar="V", help=FLOOR_HELP)
    add_activity(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="F.parquet or F.csv")
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Write the table, all at once, and say what was written."""
    if options.out.suffix not in (".parquet", ".csv"):
        raise BadArgument(f"{options.out.name} is neither .parquet nor .csv", "choose one of the two endings")
    measure, floor = options.measure, floor_of(options.measure, options.floor)
    check_reach(floor, (measure,) if measure else BOUNDED)
    store = open_store(options.store)
    pairs = site_pairs(store, options.source, options.target)
    frames = [links_of(store, *pair, measure, floor, options.activity) for pair in pairs]
    more = (measure,) if measure in DATA_FREE else ()
    table = pl.concat([pl.DataFrame(schema=COLUMNS | dict.fromkeys(more, pl.Float64)), *frames])
    write_table(table, options.out)
    if not options.json:
        print(f"{len(table):,} links written to {options.out}")
        return
    told = [{"from": a, "to": b, "links": len(frame)} for (a, b), frame in zip(pairs, frames, strict=True)]
    settings = {"measure": measure, "floor": floor, "activity": options.activity}
    print_json({"path": str(options.out), "links": len(table), **settings, "pairs": told})


def floor_of(measure: str | None, floor: float | None) -> float:
    """The floor, or the measure's own; of an assignment, the ceiling."""
    return (math.inf if measure == "folded_mse" else FLOORS.get(measure or "", FLOOR)) if floor is None else floor


def links_of(
    store: Store, source: str, target: str, measure: str | None, floor: float, activity: float
) -> pl.DataFrame:
    """The table of one pair of sites."""
    report = bar(source, target)
    if measure == "folded_mse":
        found = assignment(store, source, target)
        warn(told(found))
        return assigned_table(store, found, floor, activity, report)
    if measure in DATA_FREE:
        return weight_table(store, source, target, measure, floor, activity, report)
    measures = (measure,) if measure else BOUNDED
    if floor <= silent_reach(store, source, target, measures, activity):
        warn(f"{source} to {target}: pairs that are never active together may reach {floor:g} too, and are left out")
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
