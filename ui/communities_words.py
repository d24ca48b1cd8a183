"""Communities in words and cards: the finding, what is computed, how well one holds, its best connected features."""

from __future__ import annotations

import math

import networkx as nx

from core.analyses.communities import Communities, Community, Settings
from core.analyses.community_tables import per_site, span
from core.labels import Labels
from core.values import Feature
from ui import communities as com
from ui import palette
from ui.go import anchor
from ui.text import escape, figure, head, named, table

STEADY, SHAKY = 0.9, 0.6
PARTS = 12
MEMBERS = 12


def title_of(one: Community, keys: tuple[str, ...], of: Community | None = None) -> str:
    """What holds together: “Once”, “One” and “there” hold together through all six sites, 91 features.

    Of a part of a community `of`, whose stability is not known, its share of it.
    """
    names, several = _names(one)
    told = again(one.over_seeds, one.over_halves) if of is None else f"a part of the {of.size:,} of community {of.id}"
    return f"{names} {'hold' if several else 'holds'} together {_where(one.sites, keys)}: {one.size:,} features, {told}"


def _names(one: Community) -> tuple[str, bool]:
    """Its first words, and whether they are several."""
    words = [word.written for word in one.keywords][:3]
    if len(words) > 1:
        return f"{', '.join(words[:-1])} and {words[-1]}", True
    return words[0] if words else str(one.features[0]), False


def _where(sites: tuple[str, ...], keys: tuple[str, ...]) -> str:
    """At which of the sites.

    >>> _where(("0", "1", "2"), ("0", "1", "2")), _where(("1", "2", "3"), ("0", "1", "2", "3"))
    ('through all 3 sites', 'from site 1 to site 3')
    >>> _where(("0", "2"), ("0", "1", "2")), _where(("1",), ("0", "1"))
    ('at sites 0 and 2', 'at site 1')
    """
    if sites == keys and len(keys) > 2:
        return f"through all {len(keys)} sites"
    if len(sites) == 1:
        return f"at site {sites[0]}"
    first = keys.index(sites[0])
    if len(sites) > 2 and sites == keys[first : first + len(sites)]:
        return f"from site {sites[0]} to site {sites[-1]}"
    return f"at sites {', '.join(sites[:-1])} and {sites[-1]}"


def again(over_seeds: float, over_halves: float) -> str:
    """How much of a community comes back, with other seeds and on either half of the documents.

    >>> again(0.95, 0.97), again(0.95, 0.7), again(0.2, math.nan)
    ('found again each time', 'mostly found again', 'drawn differently each time')
    >>> again(0.9, 0.4), again(0.4, 0.9)
    ('drawn differently on half of the documents', 'drawn differently with other seeds')
    """
    known = [one for one in (over_seeds, over_halves) if not math.isnan(one)]
    if not known:
        return "stability not known yet"
    if min(known) >= SHAKY:
        return "found again each time" if min(known) >= STEADY else "mostly found again"
    if max(known) < SHAKY or len(known) == 1:
        return "drawn differently each time"
    return f"drawn differently {'with other seeds' if over_seeds < SHAKY else 'on half of the documents'}"


def explained(found: Communities, asked: Settings) -> str:
    """Two sentences on what is computed."""
    method = asked.method.capitalize()
    groups = (
        f"{method} groups {len(found.graph.features):,} features by their {len(found.graph.weight):,} links "
        f"({com.in_words(asked)}), so that links fall within groups (modularity {figure(found.modularity)})."
    )
    if math.isnan(found.agreement_seeds):
        return f"{groups} How much of a group comes back with other seeds and on other documents is being worked out."
    halved = not math.isnan(found.agreement_halves)
    halves = f", {figure(found.agreement_halves)} between halves" if halved else ""
    again = "with other seeds and on either half of the documents" if halved else "with other seeds"
    return (
        f"{groups} Stability is how much of a group comes back {again}; all groups "
        f"together agree at {figure(found.agreement_seeds)} over seeds{halves} (adjusted Rand index)."
    )


def telling(found: Communities) -> Community | None:
    """The community to open with: stable, large, and called by words rather than by letters."""

    def promise(one: Community) -> float:
        words = [word.text for word in one.keywords]
        wordy = sum(len(word) > 2 and word.isalpha() for word in words) / max(1, len(words))
        stable = 1.0 if math.isnan(one.stability) else one.stability  # not known yet, of any
        return stable * math.log(one.size) * (0.2 + wordy) * len(one.sites)

    return max(found.communities, key=lambda one: (promise(one), -one.id), default=None)


def legend(found: Communities, nodes: list[str], asked: Settings) -> str:
    """What the colours of a graph mean, as HTML; each community leads to its page, and it is said what made them."""
    _, ranked = com.colours_in_view(nodes, found.membership, "light")
    at = [found.membership.get(Feature.parse(node)) for node in nodes]
    parts = []
    for place, id in enumerate(ranked):
        one = found.of(id)
        words = ", ".join(word.written for word in one.keywords[:2]) if one else ""
        swatch = f'<i class="s-swatch" style="background:{com.swatch(place)}"></i>'
        body = f"{swatch}{escape(words or f'community {id}')} ({at.count(id)})"
        parts.append(anchor(body, "communities", community=str(id), **com.as_chosen()))
    grey = len(nodes) - sum(at.count(id) for id in ranked)
    rest = f"<span>{grey} other{'s' * (grey != 1)}, grey</span>" if grey else ""
    told = f"Communities: {asked.method.capitalize()} at {com.in_words(asked)}, resolution {asked.resolution:g}."
    return f'<div class="s-legend s-small">{"".join(parts)}{rest}<div class="s-quiet">{escape(told)}</div></div>'


# ---- cards


def facts(found: Communities, one: Community) -> str:
    """The card of a community as HTML: how well it holds, its features at each site, the best connected ones."""
    words = ", ".join(escape(word.written) for word in one.keywords) or "no words in common"
    rows = [
        ("features", f"{one.size:,}", f"at site {span(one.sites, found.graph.keys)}"),
        ("cohesion", figure(one.cohesion), "of the weight of their links stays within"),
        ("over seeds", figure(one.over_seeds), "of it found again with other seeds"),
        ("over halves", figure(one.over_halves), "on either half of the documents"),
        ("modularity", figure(one.modularity, 3), f"of {figure(found.modularity)} in all"),
    ]
    unknown = {"over seeds": one.over_seeds, "over halves": one.over_halves}
    rows = [row for row in rows if not math.isnan(unknown.get(row[0], 0.0))]
    cells = [[name, value, f'<span class="s-quiet s-small">{escape(more)}</span>'] for name, value, more in rows]
    return (
        head(f"Community {one.id}") + f'<div class="s-name">{words}</div>'
        + table(["", "", ""], cells, [False, True, False]) + head("Features at each site") + _bars(one, found)
    )  # fmt: skip


def _bars(one: Community, found: Communities) -> str:
    counts = per_site(one, found.graph.keys)
    tallest, n = max(counts), len(counts)
    bars = "".join(
        f'<i style="height:{100 * c / tallest:.0f}%;background:{palette.site_colour(k, n) if c else "transparent"}"'
        f' title="site {escape(key)}: {c:,}"></i>'
        for k, (key, c) in enumerate(zip(found.graph.keys, counts, strict=True))
    )
    keys = "".join(f"<span>{escape(key)}</span>" for key in found.graph.keys)
    return f'<div class="s-bars">{bars}</div><div class="s-strip-keys">{keys}</div>'


def parts(found: Communities, chosen: Community | None, nodes: list[str], coloured: bool) -> str:
    """The parts of a community as rows of HTML: each leads to its own graph, its swatch is its colour there."""
    ranked = com.colours_in_view(nodes, found.membership, "light")[1] if coloured else []
    rows = []
    for one in found.communities[:PARTS]:
        colour = com.swatch(ranked.index(one.id)) if one.id in ranked else palette.pair(*palette.LINE.values())
        swatch = f'<i class="s-swatch" style="background:{colour}"></i>' if coloured else f"<span>{one.id}</span>"
        words = ", ".join(escape(word.written) for word in one.keywords[:3]) or escape(str(one.features[0]))
        told = f"<b>{words}</b>" if chosen is not None and one.id == chosen.id else words
        rows.append(
            anchor(swatch, part=str(one.id), link=None)
            + f'<span class="s-cut">{anchor(told, part=str(one.id), link=None)}</span>'
            + f'<span class="s-num">{one.size:,}</span>'
        )
    left = len(found.graph.features) - sum(one.size for one in found.communities[:PARTS])
    rest = f"; {left:,} in smaller ones" if left else ""
    back = anchor("show the whole community", part="0", link=None) if chosen is not None else ""
    told = "the same method within it" + rest
    return head("Its parts", told) + f'<div class="s-rows s-parts">{"".join(rows)}</div><div>{back}</div>'


def members(graph: nx.DiGraph, labels: Labels) -> str:
    """The best connected features as rows; each leads to itself."""
    strongest = sorted(graph.nodes(data="strength"), key=lambda each: (-each[1], each[0]))[:MEMBERS]
    rows = "".join(
        anchor(node, feature=node, link=None)
        + f'<span class="s-cut">{named(Feature.parse(node), labels)}</span><span class="s-num">{value:.2f}</span>'
        for node, value in strongest
    )
    return head("Best connected", "weight of links within") + f'<div class="s-rows">{rows}</div>'
