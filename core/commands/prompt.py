"""``prompt STORE --text "..."``: the features active on chosen tokens of a text, linked by what the store says."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping

from core.analyses.communities import store_membership
from core.analyses.kept_communities import at_hand
from core.analyses.neighbours import StoreLinks
from core.analyses.prompt import FLOOR, TOP, Prompt, as_json, as_prompt, chosen_tokens, prompt_graph, sequence_prompt
from core.commands.communities import told
from core.commands.output import cell, print_json, print_table
from core.commands.pairs import warn
from core.labels import Labels
from core.store import Store, open_store
from core.values import DATA_FREE, GRAPH_MEASURES, MIN_ACTIVE, Feature


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of ``prompt``."""
    parser.add_argument("store", metavar="STORE")
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", help="what the model reads; needs the model and SAEs that the store was made with")
    text.add_argument("--sequence", type=int, metavar="N", help="a sequence of the store instead; needs no model")
    parser.add_argument("--token", default="-1", help="which tokens: -1 (the last), 12, 3,5, 3-7 or all")
    parser.add_argument("--top", type=int, default=TOP, help="features a site, the strongest on these tokens")
    parser.add_argument("--measure", default="pearson", choices=GRAPH_MEASURES)
    parser.add_argument("--floor", type=float, default=FLOOR, help="links are shown where the measure reaches it")
    parser.add_argument(
        "--min-both", type=int, help=f"and where both are active on as many tokens ({MIN_ACTIVE}; by weights 0)"
    )
    parser.add_argument("--activity", type=float, default=0.0, help="r: a feature is active where x > r * its maximum")
    parser.add_argument("--device", default="cpu", help="where the model runs")
    parser.add_argument(
        "--communities", action="store_true", help="find the community of each feature, also where that takes long"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def run(options: argparse.Namespace) -> None:
    """Print tokens, features and links."""
    store = open_store(options.store)
    labels = Labels.beside(store)
    if options.text is None:
        prompt = sequence_prompt(store, options.sequence)
    else:
        prompt = typed(store, options.text, options.device)
    least = (0 if options.measure in DATA_FREE else MIN_ACTIVE) if options.min_both is None else options.min_both
    graph = prompt_graph(
        StoreLinks(store), prompt, chosen_tokens(options.token, len(prompt.tokens)), top=options.top,
        measure=options.measure, floor=options.floor, min_both=least, activity=options.activity,
    )  # fmt: skip
    document = as_json(prompt, graph, labels, communities_of(store, options.communities))
    if options.json:
        print_json(document)
        return
    chosen = set(chosen_tokens(options.token, len(prompt.tokens)))
    print(" ".join(f"[{text}]" if place in chosen else text for place, text in enumerate(prompt.tokens)))
    print_table(document["nodes"], ("feature", "activation", "community", "label"))
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
