"""``info STORE``: what is in a store."""

from __future__ import annotations

import argparse
from typing import Any

from core.commands.arguments import add_json, add_store
from core.commands.output import print_json, print_table
from core.errors import StoreDamaged
from core.store import Store, open_store, verify
from core.store.checks import COLLECT_AGAIN
from core.store.reader import dead_and_rare


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``info``."""
    add_store(parser)
    add_json(parser)
    parser.add_argument("--verify", action="store_true", help="compare every dataset with its checksum")


def run(options: argparse.Namespace) -> None:
    """Print what is in the store; with ``--verify`` raise `StoreDamaged` where bytes differ."""
    store = open_store(options.store)
    if options.verify and (bad := verify(store)):
        raise StoreDamaged(f"{store.path.name}: {', '.join(bad)} differ from their checksums", COLLECT_AGAIN)
    report = describe(store)
    if options.json:
        print_json(report)
        return
    print(f"{report['model']}: {store.n:,} counted tokens of {store.n_positions:,} in {store.n_documents:,} documents")
    print_table(report["sites"], ("key", "hook_name", "d_sae", "active_mean", "dead", "rare"))
    if options.verify:
        print("every dataset agrees with its checksum")


def describe(store: Store) -> dict[str, Any]:
    """The JSON of ``info`` (DESIGN 9); `active_mean` is the mean number of active features a counted position (L0)."""
    sites = []
    for site in store.sites:
        summary = store.summary(site.key)
        dead, rare = dead_and_rare(summary)
        mean = float(summary.active.sum()) / store.n if store.n else float("nan")
        sites.append(
            {
                "key": site.key,
                "hook_name": site.hook_name,
                "d_sae": site.d_sae,
                "active_mean": mean,
                "dead": dead,
                "rare": rare,
            }
        )
    return {
        "n": store.n,
        "n_positions": store.n_positions,
        "n_documents": store.n_documents,
        "complete": True,
        "model": store.model,
        "fingerprint": store.fingerprint,
        "sites": sites,
    }
