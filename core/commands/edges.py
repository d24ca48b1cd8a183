"""``edges STORE --out FILE``: every link above a floor, as Parquet or CSV."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import polars as pl

from core.analyses.edges import COLUMNS, edge_table
from core.commands.pairs import add_sites, bar, chosen_pairs, warn
from core.errors import BadArgument, NotPermitted
from core.results import pair_links
from core.statistics.measures import BOUNDED
from core.statistics.pairs import FLOOR, TOP
from core.store import open_store
from core.values import MEASURES


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``edges``."""
    parser.add_argument("store", metavar="STORE")
    add_sites(parser)
    parser.add_argument("--measure", choices=MEASURES, help=f"default: any of {', '.join(BOUNDED)}")
    parser.add_argument("--floor", type=float, default=FLOOR, help="links at or above it are written")
    parser.add_argument("--activity", type=float, default=0.0, help="r: a feature is active where x > r * its maximum")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="F.parquet or F.csv")


def run(options: argparse.Namespace) -> None:
    """Write the table, all at once."""
    if options.out.suffix not in (".parquet", ".csv"):
        raise BadArgument(f"{options.out.name} is neither .parquet nor .csv", "choose one of the two endings")
    store = open_store(options.store)
    measures = (options.measure,) if options.measure else BOUNDED
    frames = [pl.DataFrame(schema=COLUMNS)]
    for source, target in chosen_pairs(store, options.source, options.target):
        found, _ = pair_links(
            store, source, target, options.activity, TOP, options.floor, measures,
            notice=warn, progress=bar(source, target),
        )  # fmt: skip
        frames.append(edge_table(store, found, measures, options.floor))
    table = pl.concat(frames)
    write_table(table, options.out)
    print(f"{len(table):,} links written to {options.out}")


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
