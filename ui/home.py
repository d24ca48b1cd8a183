"""The parts of Home, in the order in which it shows them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.analyses.contexts import pair_contexts
from core.analyses.findings import Chain
from core.analyses.tables import token_shares
from core.labels import token_hint
from core.library import size_text
from core.store.reader import dead_and_rare
from core.values import Feature
from core.views.tokens import concordance, pair_concordance
from ui import palette
from ui.boxes import boxes
from ui.collecting import collect_demo
from ui.go import anchor, linked, page_file
from ui.setup import Page, no_store
from ui.text import called, escape, figure, head, percent, quiet, table, title

CONTEXTS = 6


def welcome(page: Page) -> None:
    """Home without an open store: what Strata is, what there is, how to get a store."""
    title(
        "How features evolve through a model’s layers", "Strata shows what becomes of SAE features from site to site."
    )
    if not page.found:
        no_store()
    stores(page)
    full_demo(page)


def finding(page: Page) -> Chain | None:
    """The title is one true sentence about this store."""
    chain = page.reading.finding()
    title(*_sentences(page, chain))
    return chain


def _sentences(page: Page, chain: Chain | None) -> tuple[str, str]:
    if chain is None:
        return f"Nothing in {page.name} is active often enough to follow", f"{page.store.n:,} tokens are in it."
    first, last, n = chain.features[0], chain.features[-1], len(chain.features)
    name = called(first, page.labels)
    if n == 1:
        return (
            f"{name} at site {first.key} is not taken up by any later site",
            f"No link of {first} reaches Pearson 0.30.",
        )
    reach = f"all {n} sites" if n == len(page.store.sites) else f"{n} of {len(page.store.sites)} sites"
    ends = _ends(page, last)
    what = (
        f"{name} at site {first.key} becomes {ends} by site {last.key}"
        if ends != name
        else f"{name} stays the same through {reach}"
    )
    steps = f"the {n - 1} steps" if n > 2 else "the step"
    value = f"a Pearson correlation of {figure(chain.weakest)} or more"
    return what, f"The best link of each of {steps} from {first} to {last} has {value}."


def _ends(page: Page, feature: Feature) -> str:
    """What a feature stands for, in a few words: its label, else the tokens that carry most of its activation."""
    label = page.labels.get(feature)
    if label is not None:
        return f"“{label.text}”"
    shares = token_shares(page.store, feature, top=3)
    words = [token_hint(page.store.token_bytes(token)) for token, share in shares if share >= 0.08]
    quoted = [f"“{word}”" for word in dict.fromkeys(words)] or [called(feature, page.labels)]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def evidence(page: Page, chain: Chain | None) -> None:
    """The chain, and the tokens on which its two ends fire."""
    if chain is None:
        return
    first, last = chain.features[0], chain.features[-1]
    with st.container(key="card-finding"):
        linked(boxes(page, chain.features, chain.links, chain.measure), key="home:chain")
        if first == last:
            st.html(concordance(page.reading.strongest(first, CONTEXTS, 24), _top(page, first)))
            return
        cells = pair_contexts(page.store, first, last, CONTEXTS, window=24)
        tops = _top(page, first), _top(page, last)
        st.html(
            head("Where both fire", f"blue: {first} active · orange line: {last} active")
            + pair_concordance(cells["both"][: CONTEXTS // 2], *tops)
            + f'<div style="height:0.8rem"></div>{head(f"Where only {last} fires")}'
            + (pair_concordance(cells["target_only"], *tops) if cells["target_only"] else quiet("nowhere"))
        )


def _top(page: Page, feature: Feature) -> float:
    return float(page.store.summary(feature.key).maximum[feature.index])


# ---- questions


def questions(page: Page, chain: Chain | None) -> None:
    """What one can ask of this store; each leads to its answer."""
    asked = [
        anchor(question, target, **choices)
        for question, target, choices in _questions(page, chain)
        if page_file(target)
    ]
    if asked:
        rows = "".join(f"<li>{question}</li>" for question in asked)
        with st.container(key="card-questions"):
            linked(f'{head("Ask")}<ul class="s-asks">{rows}</ul>', key="home:questions")


def _questions(page: Page, chain: Chain | None) -> list[tuple[str, str, dict[str, str]]]:
    """Question, page and choices; questions as HTML."""
    if chain is None:
        return []
    last = chain.features[-1]
    middle = chain.features[len(chain.features) // 2]
    name = escape(called(middle, page.labels))
    asked = [
        (
            f"What becomes of {name} after site {middle.key}, and where does it come from?",
            "evolution",
            {"feature": str(middle)},
        ),
        (f"On which tokens does {middle} fire?", "feature", {"feature": str(middle)}),
    ]
    if chain.links:
        weakest = min(chain.links, key=lambda link: link.measures[chain.measure])
        ends = {"feature": str(weakest.source), "link": f"{weakest.source},{weakest.target}"}
        asked.insert(
            1, (f"Which tokens contradict the link of {weakest.source} and {weakest.target}?", "evolution", ends)
        )
    asked += [
        (f"What else does site {last.key} represent? All its features", "feature", {"feature": str(last)}),
        ("How much is passed on from site to site?", "layers", {}),
        ("Which features are Boolean combinations of earlier ones?", "gates", {}),
        ("Which features belong together?", "communities", {}),
        ("What happens in a prompt of mine?", "prompt", {}),
        ("Does similarity tell what causes what?", "causes", {"feature": str(middle)}),
        ("Do the measures agree?", "measures", {}),
    ]
    return asked


# ---- what is in it


def sites(page: Page) -> None:
    """One row a site: its hook, size, L0, dead and rare features."""
    store = page.store
    rows, most = [], max(_l0(page, site.key) for site in store.sites) or 1.0
    for site in store.sites:
        dead, rare = dead_and_rare(store.summary(site.key))
        colour = palette.site_colour(site.position, len(store.sites))
        l0 = _l0(page, site.key)
        bar = f'<i class="s-bar" style="width:{4.5 * l0 / most:.2f}rem;background:{colour}"></i>'
        swatch = f'<i class="s-swatch" style="background:{colour}"></i>'
        rows.append(
            [f"{swatch}{escape(site.key)}", f'<span class="s-quiet s-hook">{escape(site.hook_name)}</span>',
             f"{site.d_sae:,}", f'{l0:.1f}<span class="s-bar-room">{bar}</span>', _share(dead, site.d_sae),
             _share(rare, site.d_sae)]
        )  # fmt: skip
    names = ("site", "hook", "features", "active a token", "dead", "rare")
    with st.container(key="card-sites"):
        told = f"{store.n:,} counted tokens in {store.n_documents:,} documents, {size_text(store.path.stat().st_size)}"
        st.html(head(store.model, told) + table(names, rows, [False, False, True, True, True, True]))


def _l0(page: Page, key: str) -> float:
    return float(np.asarray(page.store.summary(key).active).sum()) / page.store.n if page.store.n else 0.0


def _share(some: int, of: int) -> str:
    return f'{some:,} <span class="s-quiet s-share">{percent(some / of) if some else ""}</span>'


def stores(page: Page) -> None:
    """Every store at hand; a click opens it."""
    if not page.found:
        return
    rows = []
    for found in page.found:
        is_open = page.opened is not None and found.name == page.name
        name = f'<span class="s-long">{escape(found.name)}</span>'
        shown = f"<b>{name}</b>" if is_open else anchor(name, store=found.name, feature=None, link=None)
        rows.append([shown, '<span class="s-quiet">open</span>' if is_open else "", size_text(found.size)])
    with st.container(key="card-stores"):
        linked(head("Stores") + table(("", "", ""), rows, [False, False, True]), key="home:stores")


def full_demo(page: Page) -> None:
    """A button that collects the full demo store, and how that is coming along."""
    collect_demo(page)
