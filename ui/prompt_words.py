"""The Prompt page in words: its finding, where a text comes from, headings and legends, and the Python behind it."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx

from core.analyses.communities import Settings
from core.labels import Labels
from core.values import DATA_FREE, Feature
from ui import inspector
from ui import prompt_page as page
from ui.palette import pair
from ui.text import called, escape, head, measure_name

SIDES = {"both": "in both", "first": "in the first only", "second": "in the second only"}


def finding(labels: Labels, one: page.Shown, two: page.Shown | None, graph: nx.DiGraph) -> str:
    """What one sees, in a title."""
    if not len(graph):
        return f"{one.words} takes no part: nothing is active there"
    if two is not None:
        shared = sum(data["side"] == "both" for _, data in graph.nodes(data=True))
        return f"{one.words} and {two.words} share {shared or 'none'} of {len(graph)} features"
    strongest: dict[str, tuple[float, Feature]] = {}
    for _, data in graph.nodes(data=True):
        found = data["activation"], Feature(data["key"], data["index"])
        strongest[data["key"]] = max(strongest.get(data["key"], (-1.0, found[1])), found, key=lambda each: each[0])
    names = {key: called(feature, labels) for key, (_, feature) in strongest.items()}
    first, last = next(iter(names)), next(reversed(names))
    if len(one.places) > 1:
        on = f"Strongest on {one.words}"
        if first == last:
            return f"{on}: {names[first]} at site {first}"
        return (
            f"{on}: {names[first]} from site {first} to site {last}" if names[first] == names[last]
            else f"{on}: {names[first]} at site {first}, {names[last]} at site {last}"
        )  # fmt: skip
    if first == last:
        return f"{one.words} is {names[first]} at site {first}"
    if names[first] == names[last]:
        return f"{one.words} stays {names[last]} from site {first} to site {last}"
    return f"{one.words} is {names[first]} at site {first} and {names[last]} at site {last}"


def explained(asked: page.Asked, one: page.Shown, two: page.Shown | None) -> str:
    """What is shown, and what the links are."""
    where = source_words(asked.first, one)
    where += f" and {source_words(asked.second, two)}" if two else ""
    shared = ", shared where active on both" if two else ""
    rule = f", active above {asked.activity:g} of their maximum" if asked.activity and asked.min_both else ""
    both = f", both active on {asked.min_both:,} tokens or more{rule}" if asked.min_both else ""
    says = "the weights say" if asked.measure in DATA_FREE else "the whole store says"
    return (
        f"The strongest {asked.top} features a site on {where}{shared}. Links are what {says} of two features, "
        f"not this text: {measure_name(asked.measure)} at {asked.floor:.2f} and above{both}."
    )


def source_words(text: page.Text, shown: page.Shown) -> str:
    """Where a text comes from and which tokens are looked at."""
    return f"{places_told(shown)} of {'the prompt' if text.typed else f'sequence {text.sequence}'}"


def places_told(shown: page.Shown) -> str:
    """The chosen tokens by number."""
    if shown.every:
        return f"all {len(shown.places)} tokens"
    return f"token{'s' * (len(shown.places) != 1)} {ranges(shown.places)}"


def ranges(places: Sequence[int]) -> str:
    """Numbers in few words.

    >>> ranges((3,)), ranges((1, 3, 4, 5, 9)), ranges(range(0, 40, 2))
    ('3', '1, 3 to 5, 9', '0, 2, 4, … 38')
    """
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    told = [f"{run[0]}" if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return ", ".join(told) if len(told) <= 6 else f"{', '.join(told[:3])}, … {told[-1]}"


def name_of(text: page.Text) -> str:
    """A text in one or two words.

    >>> name_of(page.Text(1204)), name_of(page.Text(typed="Once upon a time there")), name_of(page.Text())
    ('Sequence 1,204', '“Once upon a time t…”', 'nothing')
    """
    if text.typed:
        return f"“{text.typed[:18].strip()}{'…' * (len(text.typed) > 18)}”"
    return f"Sequence {text.sequence:,}" if text.sequence >= 0 else "nothing"


def heading(text: page.Text, shown: page.Shown, feature: str, labels: Labels) -> str:
    """The small heading of a strip."""
    shade = f"shaded by {feature} {called(Feature.parse(feature), labels)}; " if feature else ""
    every = "all tokens are chosen; " if shown.every else ""
    return head(name_of(text), f"{shade}{every}choose a token")


def legend(graph: nx.DiGraph) -> str:
    """What the three colours of a comparison mean, with how many of each."""
    parts, light, dark = [], page.side_colours("light"), page.side_colours("dark")
    for side, words in SIDES.items():
        count = sum(data["side"] == side for _, data in graph.nodes(data=True))
        swatch = f'<i class="s-swatch" style="background:{pair(light[side], dark[side])}"></i>'
        parts.append(f"<span>{swatch}{count} {escape(words)}</span>")
    return f'<div class="s-sides">{"".join(parts)}</div>'


def as_python(path: str, asked: page.Asked, how: Settings | None = None, feature: str = "", link: str = "") -> str:
    """The core calls behind the page, to run as they are from the checkout; `how` adds the communities.

    `feature` shades the tokens, and `link` is under inspection.

    >>> text = page.Text(3)
    >>> "sequence_prompt(store, 3)" in as_python("x.h5", page.Asked(text, page.Text(), 5, "pearson", 0.3, 10, 0.0))
    True
    """
    keywords = ", ".join(f"{name}={value!r}" for name, value in asked.keywords().items())
    lines = [f"store = open_store({path!r})", "links, labels = StoreLinks(store), Labels.beside(store)"]
    for name, text in (("first", asked.first), ("second", asked.second)):
        if text:
            made = f"typed(store, {text.typed!r})" if text.typed else f"sequence_prompt(store, {text.sequence})"
            tokens = f"chosen_tokens({text.tokens or '-1'!r}, len(prompt.tokens))"
            lines += [f"prompt = {made}", f"{name} = prompt, {tokens}"]
    made = "compare_graph(links, first, second" if asked.second else "prompt_graph(links, *first"
    lines.append(f"graph = {made}, {keywords})")
    needs = "from core.commands.prompt import typed\n" if asked.first.typed or asked.second.typed else ""
    groups = ""
    if how is not None:
        groups = "from core.analyses.communities import Settings, store_membership\n"
        groups += "from core.analyses.community_tables import with_communities\n"
        given = ", ".join(f"{name}={getattr(how, name)!r}" for name in Settings.__dataclass_fields__)
        lines += [f"how = Settings({given})", "found = store_membership(store, labels, how)"]
        lines.append("graph = with_communities(graph, found, how)")
    lines.append("result = feature_table(graph, labels)")
    names = ["chosen_tokens", "compare_graph" if asked.second else "prompt_graph", "sequence_prompt"]
    tables = "feature_table" + ", token_table" * bool(feature)
    if feature:
        lines.append(f"tokens = token_table(first[0], Feature.parse({feature!r}))")
        lines += [f"with_tokens = token_table(second[0], Feature.parse({feature!r}))"] * bool(asked.second)
    imports, report = inspector.as_python(link, asked.activity)
    lines += [report.strip()] * bool(report)
    return (
        f"{groups}{imports}from core.analyses.neighbours import StoreLinks\n"
        f"from core.analyses.prompt import {', '.join(names)}\n"
        f"from core.analyses.prompt_tables import {tables}\n"
        f"{needs}from core.labels import Labels\nfrom core.store import open_store\n"
        f"{'from core.values import Feature' + chr(10) if feature or link else ''}\n" + "\n".join(lines) + "\n"
    )
