"""``prompt STORE --text "..."``: the features active on chosen tokens of a text, linked by what the store says."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping

from core.analyses.communities import store_membership
from core.analyses.kept_communities import at_hand
from core.analyses.neighbours import StoreLinks
from core.analyses.prompt import FLOOR, TOP, Prompt, as_prompt, chosen_tokens, prompt_graph, sequence_prompt
from core.analyses.prompt_tables import as_json
from core.commands.arguments import add_activity, add_json, add_measure, add_store, count
from core.commands.communities import told
from core.commands.output import cell, print_json, print_table, printable
from core.commands.pairs import warn
from core.labels import Labels
from core.statistics.measures import check_reach
from core.store import Store, open_store
from core.values import DATA_FREE, GRAPH_MEASURES, MIN_ACTIVE, Feature


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``prompt``."""
    add_store(parser)
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", help="what the model reads; needs the model and SAEs that the store was made with")
    text.add_argument("--sequence", type=int, metavar="N", help="a sequence of the store instead; needs no model")
    tokens = "which tokens: -1 (the last, the default), 12, 3,5, 3-7 or all"
    parser.add_argument("--token", default="-1", metavar="T", help=tokens)
    top = f"features of each site, the strongest on these tokens (default: {TOP})"
    parser.add_argument("--top", type=int, default=TOP, metavar="N", help=top)
    add_measure(parser, GRAPH_MEASURES)
    floor = f"links are shown where the measure reaches it (default: {FLOOR:g})"
    parser.add_argument("--floor", type=float, default=FLOOR, metavar="V", help=floor)
    least = f"and where both are active on as many tokens (default: {MIN_ACTIVE}; by weights 0)"
    parser.add_argument("--min-both", type=count(0), metavar="N", help=least)
    add_activity(parser)
    parser.add_argument("--device", default="cpu", help="where the model runs: cpu (the default), cuda or mps")
    parser.add_argument(
        "--communities", action="store_true", help="find the community of each feature, also where that takes long"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Print tokens, features and links."""
    store = open_store(options.store)
    labels = Labels.beside(store)
    if options.text is None:
        prompt = sequence_prompt(store, options.sequence)
    else:
        prompt = typed(store, options.text, options.device)
    least = (0 if options.measure in DATA_FREE else MIN_ACTIVE) if options.min_both is None else options.min_both
    check_reach(options.floor, (options.measure,))
    graph = prompt_graph(
        StoreLinks(store), prompt, chosen_tokens(options.token, len(prompt.tokens)), top=options.top,
        measure=options.measure, floor=options.floor, min_both=least, activity=options.activity,
    )  # fmt: skip
    document = as_json(prompt, graph, labels, communities_of(store, options.communities))
    if options.json:
        print_json(document)
        return
    chosen = set(chosen_tokens(options.token, len(prompt.tokens)))
    texts = [text.replace("\n", "↵") for text in prompt.tokens]
    print(printable("".join(f"[{text}]" if place in chosen else text for place, text in enumerate(texts))))
    names = [{"name": labels.written(Feature.parse(node["feature"]))} for node in document["nodes"]]
    rows = [node | name for node, name in zip(document["nodes"], names, strict=True)]
    print_table(rows, ("feature", "activation", "community", "name"))
    for link in document["links"]:
        print(f"{link['source']} -> {link['target']}  {options.measure} {cell(link[options.measure])}")


def communities_of(store: Store, anyway: bool = False) -> Mapping[Feature, int]:
    """The id of each feature's community under the default settings of ``communities``; empty where that takes long.

    A notice then says which command finds them; `anyway` is for those who wait.
    """
    if anyway or at_hand(store):
        return store_membership(store, None, report=told(), notice=warn).membership
    command = f"python -m core communities {shlex.quote(str(store.path))}"
    warn(f"communities are left out, since their links take long to count; {command} finds and keeps them")
    return {}


def typed(store: Store, text: str, device: str = "cpu") -> Prompt:
    """A typed text, encoded with the model and SAEs of the store."""
    from core.collect.prompting import open_prompter

    encoded = open_prompter(store, device).encode(text)
    return as_prompt(store, "prompt", encoded.ids, encoded.counted, encoded.active)
