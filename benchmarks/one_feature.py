"""One feature against a site, a link with everything, and opening: DESIGN 7 at GPT-2 shape and a million tokens.

    python -m benchmarks.one_feature [--store cache/bench/gpt2-1000000.h5] [--json FILE]

Features are drawn evenly from the alive ones, so that the 99th percentile meets the dense ones. The first query after
opening is told apart: it reads the margins and, for an activity rule, counts the site once. Each feature is asked three
times and the least counts, since other processes share the machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.shapes import shaped_store
from benchmarks.table import best_of, keep, options, row, seconds, show
from core.analyses.link import link_report
from core.analyses.neighbours import StoreLinks
from core.paths import cache_folder
from core.statistics.measures import all_measures
from core.statistics.rows import pair_counts
from core.store import Store, open_store
from core.values import Feature
from core.warm_up import compile_kernels

TITLE = "One feature against a site, 24,576 features, 1M tokens"


def measure(path: Path, queries: int, tokens: int) -> list[dict]:
    """All figures as rows of the table."""
    shaped_store(path, tokens)
    compile_kernels()
    opening = best_of(5, lambda: open_store(path))
    store = open_store(path)
    features = sample(store, queries)
    rows = [row("opening a store", 1e3 * opening, "ms", 50)]
    for activity in (0.0, 0.2):
        first, rest = timed(features, lambda f: all_measures(pair_counts(store, f, "1", activity)))  # noqa: B023
        name = f"all measures, r = {activity}"
        rows += [
            row(f"{name}, first after opening", first, "ms"),
            row(f"{name}, median", float(np.median(rest)), "ms", 2),
            row(f"{name}, 99th percentile", float(np.quantile(rest, 0.99)), "ms", 25),
        ]
    links = StoreLinks(store)
    _, rest = timed(features, lambda f: links.neighbours(f, "1", "pearson", 10))
    rows.append(row("neighbours, ranked, as links: median", float(np.median(rest)), "ms"))
    _, rest = timed(features[:100], lambda f: link_report(store, f, links.neighbours(f, "1", "pearson", 1)[0].target))
    rows.append(row("its best link with intervals and contexts: median", float(np.median(rest)), "ms"))
    rows.append(row("the same, 99th percentile", float(np.quantile(rest, 0.99)), "ms"))
    return rows


def sample(store: Store, queries: int) -> list[Feature]:
    """Alive features of the first site, drawn evenly; every page of the store is touched beforehand (warm)."""
    for key in ("0", "1"):
        for order in (store.by_token(key), store.by_feature(key)):
            order.indices[::512].sum()
            order.values[::512].sum()
    alive = np.flatnonzero(store.summary("0").active)
    return [Feature("0", int(i)) for i in np.random.default_rng(0).choice(alive, queries)]


def timed(features: list[Feature], ask) -> tuple[float, list[float]]:  # type: ignore[no-untyped-def]
    """(the very first, then the least of three for each feature) in milliseconds."""
    first = 1e3 * seconds(lambda: ask(features[0]))
    return first, [1e3 * best_of(3, lambda: ask(feature)) for feature in features]  # noqa: B023


def main() -> None:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1000)
    chosen = parser.parse_args()
    path = chosen.store or cache_folder() / "bench" / f"gpt2-{chosen.tokens}.h5"
    rows = measure(path, chosen.queries, chosen.tokens)
    show(TITLE, rows)
    keep(chosen.json, TITLE, rows)


if __name__ == "__main__":
    main()
