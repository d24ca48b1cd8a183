"""``link STORE FEATURE FEATURE``: counts, measures, intervals and contexts of two features."""

from __future__ import annotations

import argparse
import math
import shlex

from core.analyses.contexts import PairContext
from core.analyses.link import LinkReport, link_report
from core.commands.arguments import add_activity, add_json, add_store, count
from core.commands.output import cell, print_json, print_table, printable
from core.labels import Labels
from core.store import open_store

CELLS = {"both": "both are active", "source_only": "only the source", "target_only": "only the target"}

NULL_WORDS = {"shift": "when shifted within the sequence", "document": "when met with another document"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``link``."""
    add_store(parser)
    parser.add_argument("features", metavar="FEATURE", nargs=2, help="KEY_INDEX, such as 5_169; in either order")
    add_activity(parser)
    level = "confidence level of the intervals (default: 0.95)"
    parser.add_argument("--level", type=float, default=0.95, metavar="L", help=level)
    cells = "contexts where both, only the source, only the target are active: so many of each (default: 8)"
    parser.add_argument("--contexts", type=count(0), default=8, metavar="N", help=cells)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print what there is to know of the link."""
    store = open_store(options.store)
    first, second = (store.feature(text) for text in options.features)
    report = link_report(store, first, second, options.activity, options.level, options.contexts)
    labels = Labels.beside(store)
    document = report.as_json(labels.get(report.link.source), labels.get(report.link.target))
    if options.json:
        print_json(document)
        return
    print_counts(report, document["label"])
    print_measures(report, str(store.path))
    for name, title in CELLS.items():
        if report.contexts[name]:
            print(f"\n{title}")
        for context in report.contexts[name]:
            print(f"  {context_line(context)}")


def print_counts(report: LinkReport, label: dict[str, str | None]) -> None:
    """The two features and the 2×2 table."""
    for end, feature in (("source", report.link.source), ("target", report.link.target)):
        print(f"{end} {feature}{'  ' + printable(label[end] or '') if label[end] else ''}")
    (both, source_only), (target_only, neither) = report.table
    rows = [
        {"": "source active", "target active": both, "target silent": source_only},
        {"": "source silent", "target active": target_only, "target silent": neither},
    ]
    print_table(rows, ("", "target active", "target silent"))
    print(f"expected together if independent: {cell(report.expected_both)}")
    for null, found in report.chance.items():
        print(f"expected together {NULL_WORDS[null]}: {cell(found.expected_both)} (p {cell(found.p)})")
    if not report.enough_data:
        print("too little data: they are hardly ever active together")


def print_measures(report: LinkReport, path: str) -> None:
    """Every measure with its interval, and with its q where the nulls of the two sites have been drawn."""
    rows = []
    for name, value in {**report.link.measures, "lift": report.link.lift, **report.weights}.items():
        low, high = report.intervals.get(name, (None, None))
        doubt = report.doubts.get(name)
        rows.append({"measure": name, "value": value, "low": low, "high": high, "q": doubt.q if doubt else None})
    print_table(rows, ("measure", "value", "low", "high", "q"))
    for line in doubts_told(report, path):
        print(line)


def doubts_told(report: LinkReport, path: str) -> list[str]:
    """What q means, why there is none, and the chance of as good a best match."""
    doubts, (source, target) = report.doubts, (report.link.source, report.link.target)
    lines = [
        f"best match of {source} by {name}: one as good by chance has p {cell(doubt.p_best)}"
        for name, doubt in doubts.items()
        if doubt.best and not math.isnan(doubt.p_best)
    ]
    states = {doubt.state for doubt in doubts.values()}
    if "" in states:
        lines.insert(0, "q: of the links between the two sites that are as strong, the share that chance explains")
    missing = [name for name, doubt in doubts.items() if doubt.state == "not drawn"]
    if missing:
        rule = f" --activity {report.activity:g}" if report.activity else ""
        asked = f"chance {shlex.quote(path)} --from {source.key} --to {target.key}{rule}"
        lines.append(f"no q yet by {', '.join(missing)}: python -m core {asked} --measure {missing[0]} draws the nulls")
    return lines


def context_line(context: PairContext) -> str:
    """The window on one line, its focus in brackets."""
    texts = [printable(text.replace("\n", "↵")) for text in context.tokens]
    texts[context.focus] = f"[{texts[context.focus]}]"
    return "".join(texts)
