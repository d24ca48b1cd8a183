"""Communities of the links that the seed's authors published, against the communities that they published with them.

    python -m benchmarks.published FOLDER [--json FILE]

FOLDER holds ``edges.parquet`` (columns ``measure, layer, feature, layer_to, feature_to, similarity``) and in
``graphs/`` their node-link files. One whose name ends in ``_size_N_ID`` is a whole community: it is compared with the
one of ours that shares most features with it. Method and measure are those of the file's name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl

from benchmarks.table import keep, options, row, show
from core.analyses.communities import Communities, communities
from core.analyses.feature_graph import table_graph
from core.values import Feature

TITLE = "Published communities found again"
FILE = re.compile(
    r"(?P<measure>.+?)(?:_similarity)?_(?P<method>leiden|louvain)_.*threshold_(?P<floor>[\d.]+?)_.*size_\d+_"
)
IN_EDGES = {"mutual_information": "mutual"}


def found_in(edges: pl.DataFrame, measure: str, method: str, floor: float) -> Communities:
    """The communities of the published links of one measure."""
    part = edges.filter(pl.col("measure") == IN_EDGES.get(measure, measure))
    frame = part.select(
        source=pl.format("{}_{}", "layer", "feature"),
        target=pl.format("{}_{}", "layer_to", "feature_to"),
        similarity=pl.col("similarity"),
    )
    return communities(table_graph(frame, "similarity", floor), method, runs=1)


def overlap(found: Communities, features: set[Feature]) -> float:
    """The largest |A ∩ B| / |A ∪ B| of a published community with one of ours."""
    ids = {found.membership[feature] for feature in features if feature in found.membership}
    ours = [set(one.features) for id in ids if (one := found.of(id)) is not None]
    return max((len(features & one) / len(features | one) for one in ours), default=0.0)


def main() -> None:
    """Print one row a measure and method: how many of the published communities come back, and how well."""
    parser = options(__doc__)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    edges = pl.read_parquet(chosen.folder / "edges.parquet")
    asked: dict[tuple[str, str, float], list[Path]] = {}
    for path in sorted((chosen.folder / "graphs").glob("*.json")):
        if match := FILE.match(path.stem):
            asked.setdefault((match["measure"], match["method"], float(match["floor"])), []).append(path)
    rows = []
    for (measure, method, floor), paths in asked.items():
        found = found_in(edges, measure, method, floor)
        nodes = [json.loads(path.read_text())["nodes"] for path in paths]
        best = [overlap(found, {Feature.parse(node["id"]) for node in each}) for each in nodes]
        name = f"{measure}, {method}, {len(found.graph.weight):,} links, {len(found.communities):,} communities"
        rows.append(row(f"{name}: the same, of {len(best)} published", sum(one == 1 for one in best), ""))
        rows.append(row(f"{name}: the least overlap", min(best), ""))
    show(TITLE, rows)
    keep(chosen.json, TITLE, rows)


if __name__ == "__main__":
    main()
