"""``gates STORE --to KEY``: features that a Boolean combination of earlier features explains."""

from __future__ import annotations

import argparse

from core.analyses.kept_gates import kept_gates
from core.commands.arguments import add_activity, add_json, add_store
from core.commands.between import previous_site, tell
from core.commands.output import print_json, print_table
from core.commands.pairs import warn
from core.store import open_store

COLUMNS = ("feature", "kind", "inputs", "precision", "recall", "f1", "gain", "held_out_f1", "held_out_gain")


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``gates``."""
    add_store(parser)
    parser.add_argument("--to", required=True, metavar="KEY", help="the site whose features are explained")
    parser.add_argument(
        "--from", dest="source", metavar="KEY", help="the earlier site of the inputs (default: the one before)"
    )
    add_activity(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print the gates, best held-out F1 first."""
    store = open_store(options.store)
    source = options.source or previous_site(store, options.to)
    found = kept_gates(store, source, options.to, options.activity, report=tell("features tried"), notice=warn)
    if options.json:
        print_json([gate.as_json() for gate in found])
    elif found:
        print_table([gate.as_json() | {"inputs": " ".join(gate.written)} for gate in found], COLUMNS)
    else:
        print(f"no feature of site {options.to} is a gate of features of site {source}")
