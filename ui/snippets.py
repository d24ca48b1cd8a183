"""'Copy as Python': the core calls behind a view, as a script that runs as it is and leaves its answer in ``result``.

Pure functions, so that a test runs every snippet and compares the answer with what the page shows.
"""

from __future__ import annotations

from pathlib import Path

from core.values import Feature


def contexts(store: str | Path, feature: Feature, n: int, *, sampled: bool = False, window: int = 12) -> str:
    """The contexts of a feature, as a Polars frame."""
    call = "sampled" if sampled else "strongest"
    chosen = f"{call}(store, Feature({feature.key!r}, {feature.index}), {n}, window={window})"
    found = f"[context for band in {chosen}.values() for context in band]" if sampled else chosen
    return (
        f"from core.analyses.contexts import {call}\n"
        "from core.analyses.tables import context_table\n"
        "from core.store import open_store\n"
        "from core.values import Feature\n\n"
        f"store = open_store({str(store)!r})\n"
        f"result = context_table({found})\n"
    )


def neighbours(store: str | Path, feature: Feature, to: str, measure: str, top: int) -> str:
    """The best neighbours of a feature at a site, as a Polars frame."""
    return (
        "from core.analyses.neighbours import StoreLinks\n"
        "from core.analyses.tables import neighbour_table\n"
        "from core.labels import Labels\n"
        "from core.store import open_store\n"
        "from core.values import Feature\n\n"
        f"store = open_store({str(store)!r})\n"
        f"feature = Feature({feature.key!r}, {feature.index})\n"
        f"links = StoreLinks(store).neighbours(feature, {to!r}, {measure!r}, top={top})\n"
        "result = neighbour_table(links, feature, Labels.beside(store))\n"
    )


def site_table(store: str | Path, key: str, text: str = "", state: str = "all", best_at: str = "") -> str:
    """The features of a site, filtered, as a Polars frame; with their best links at a site when `best_at` names one."""
    pairs = "from core.results import pair_links\n" if best_at else ""
    more = f"table = with_best_links(table, pair_links(store, {key!r}, {best_at!r})[0], store, {key!r})\n"
    return (
        f"from core.analyses.tables import find_in, site_table{', with_best_links' if best_at else ''}\n"
        f"from core.labels import Labels\n{pairs}"
        "from core.store import open_store\n\n"
        f"store = open_store({str(store)!r})\n"
        f"table = site_table(store, Labels.beside(store), {key!r})\n"
        f"{more if best_at else ''}"
        f"result = find_in(table, {text!r}, {state!r})\n"
    )


def together(**snippets: str) -> str:
    """Several snippets as one script: imports once and at the top, each ``result`` under its own name.

    >>> print(together(a="import os\\n\\nresult = 1\\n", b="import os\\n\\nresult = 2\\n"), end="")
    import os
    <BLANKLINE>
    a = 1
    b = 2
    """
    lines = [(name, line) for name, snippet in snippets.items() for line in snippet.splitlines() if line]
    imports = sorted({line for _, line in lines if line.startswith(("from ", "import "))})
    body = [f"{name}{line.removeprefix('result')}" if line.startswith("result ") else line for name, line in lines]
    rest = dict.fromkeys(line for line in body if line not in imports)
    return "\n".join([*imports, "", *rest]) + "\n"
