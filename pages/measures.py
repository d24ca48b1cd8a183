"""Measures: where two of them disagree, how each spreads, how many tokens it needs, and what the numbers mean."""

import streamlit as st

from core.analyses.agreement import distribution_table
from core.analyses.unseen import seen_table
from core.errors import StrataError
from core.statistics.measures import COMPILED
from core.views import measure_charts
from ui import evolution, measure_choice, palette, selection, site_choice
from ui import measures_answers as answers
from ui import measures_cards as cards
from ui import measures_more as more
from ui import measures_page as parts
from ui.errors import error_box, guarded
from ui.inspector import inspector
from ui.setup import set_up, theme
from ui.share import share
from ui.text import head, measure_name, quiet
from ui.text import title as page_title

page = set_up("Measures")
store, labels = page.store, page.labels
st.html(cards.STYLE)
if len(store.sites) < 2:
    error_box(StrataError("This store has a single site", "measures compare two: open another store"))
    st.stop()
asked = parts.read(store)
first, second = measure_name(asked.first), measure_name(asked.second)
look = cards.colours(theme())
pair = f"{asked.source}:{asked.target}:{asked.first}:{asked.second}:{asked.activity}"


def settings():
    """Sites, the two measures, the rule."""
    from_site, to_site = site_choice.settings(store)
    keys = [site.key for site in store.sites]
    place = keys.index(asked.source)
    named = {"format_func": lambda key: f"site {key}", "label_visibility": "collapsed", "width": 105}
    st.selectbox("From", keys[:-1], **named, **selection.bind(from_site))
    st.html('<span class="s-quiet">→</span>', width="content")
    st.selectbox("To", keys[place + 1 :], **named, **selection.bind(to_site))
    options = measure_choice.of_pair(store, asked.source, asked.target)
    chosen = parts.measure_settings(store, asked.source, asked.target)
    for words, setting in zip((first, second), chosen, strict=True):
        with st.popover(words[0].upper() + words[1:]):
            st.radio(f"Measure instead of {words}", options, format_func=measure_name, **selection.bind(setting))
    with st.popover("Active > 0" if not asked.activity else f"Active > {asked.activity:g} max"):
        st.slider(
            "Active above this share of a feature's maximum", 0.0, 0.9, step=0.05,
            help="Pearson, cosine and what comes from weights do not depend on it.", **selection.bind(parts.ACTIVITY),
        )  # fmt: skip


def inspect(place):
    """A mark was clicked: `place` is the link's place among the kept ones."""
    parts.show_link(*found.kept.link(int(place)))


with guarded(stop=True):
    ready = answers.is_at_hand(store, asked)
    heading = st.container() if ready else st.empty()  # what is empty at first would flicker
    if not ready:
        with heading.container():
            page_title(f"Comparing measures of sites {asked.source} and {asked.target}", answers.WAITING)
    toolbar = st.container(horizontal=True, gap="small", key="toolbar", vertical_alignment="center")
    with toolbar:
        settings()
    found = answers.compute(store, asked)
    compared = answers.compare(store, labels, asked, found)
    both, widest = compared.both, compared.widest
    with heading.container():
        page_title(cards.finding(asked, widest, labels), cards.explained(asked, both))
    spread = answers.drawn_pairs(labels, asked, found)
    link = parts.in_focus(store, asked, widest)

    with st.container(key="measures-both"):
        left, right = st.columns([0.32, 0.68], gap="small")
    with left, st.container(key="card-scatter"):
        st.html(head("All kept links", "the deeper, the more; click a square or a ring"))
        values = [found.kept.values[name] for name in (asked.first, asked.second)]
        rings = [(float(values[0][p]), float(values[1][p]), p) for p in compared.places]
        shades = palette.ramp(9, theme())
        drawn = measure_charts.scatter(
            both, rings, (first, second), look, shades if theme() == "light" else shades[::-1],
            parts.place_of(found.kept, link),
        )  # fmt: skip
        cards.chart(drawn, f"scatter:{pair}", inspect)
    with right, st.container(key="card-widest"):
        st.html(head("Widest apart", "choose a row to read its tokens"))
        cards.choosing(widest, f"widest:{pair}", 395, link=link)

    if link:
        with st.container(key="card-link"), guarded():
            report = evolution.report_of(store.fingerprint, store, link, asked.activity)
            inspector(report, store, labels, asked.first)
            st.button("See it on Evolution", key="to-evolution", on_click=parts.to_evolution, args=(link,))

    with st.container(key="card-spread"):
        never, of = found.pair.never_co_active, store.site(asked.source).d_sae * store.site(asked.target).d_sae
        with st.container(horizontal=True, vertical_alignment="center"):
            told = f"{of - never:,} pairs that ever fire together; {never:,} of {of:,} never do"
            st.html(head("How each measure spreads", told), width="stretch")
            st.segmented_control(
                "Measure", COMPILED, format_func=measure_name, label_visibility="collapsed",
                **selection.bind(parts.SPREAD),
            )  # fmt: skip
        left, right = st.columns([0.46, 0.54], gap="medium")
        with left:
            low = answers.range_of(found, asked)[0] if asked.low else None
            bars = measure_charts.histogram(
                answers.histogram_of(found, asked.spread), look, measure_name(asked.spread), low
            )
            cards.chart(bars, f"spread:{pair}:{asked.spread}", lambda data: selection.put(parts.LOW, f"{data[0]:.6g}"))
        with right:
            where = f"from {low:.2f} on" if low is not None else "at different values; a bar shows those of its range"
            st.html(head("Pairs of names", where))
            if low is not None:
                st.button("All values", key="all-values", on_click=selection.put, args=(parts.LOW, ""))
            if len(spread):
                cards.choosing(spread, f"pairs:{pair}:{asked.spread}:{asked.low}", 300, link=link)
            else:
                st.html(quiet("No kept link with enough data has such a value."))

    errors, unseen = answers.errors(store, asked, found), answers.behind(store, labels, asked)
    maxima = answers.maxima(store.fingerprint, store)
    more.convergence(errors, inspect, pair, theme())
    more.unseen(page, asked, found, unseen, link, theme())
    more.maxima(maxima, theme(), len(store.sites))

    with toolbar:
        name = f"{asked.source}-{asked.target}"
        frames = {
            f"{asked.first}-against-{asked.second}-{name}": lambda: widest,
            f"scatter-{name}": lambda: compared.squares,
            f"pairs-of-names-{name}": lambda: spread,
            f"distributions-{name}": lambda: distribution_table(found.pair),
            f"errors-by-common-tokens-{name}": lambda: errors.by_both.drop("place"),
            f"errors-by-tokens-{name}": lambda: errors.by_tokens.drop("place"),
            f"seen-{name}": lambda: seen_table(found.seen),
            f"not-seen-{name}": lambda: unseen,
            "maximum-activations": lambda: maxima,
        }
        share("measures", frames, parts.as_python(page, asked, *answers.range_of(found, asked), link))
