"""Measures: where two of them disagree, how each spreads, how many tokens it needs, and what the numbers mean."""

import streamlit as st

from core.analyses.convergence import error_table, seen_table
from core.errors import StrataError
from core.values import DATA_FREE, MEASURES, Feature
from core.views import measure_charts
from ui import evolution, measure_choice, palette, selection
from ui import measures_cards as cards
from ui import measures_page as parts
from ui.errors import error_box, guarded
from ui.inspector import inspector
from ui.setup import set_up, theme
from ui.share import share
from ui.text import called, figure, head, measure_name, quiet
from ui.text import title as page_title

page = set_up("Measures")
store, labels = page.store, page.labels
if len(store.sites) < 2:
    error_box(StrataError("This store has a single site", "measures compare two: open another store"))
    st.stop()
asked = parts.read(store)
first, second = measure_name(asked.first), measure_name(asked.second)
look = cards.colours(theme())
ramp = palette.ramp(len(store.sites), theme())
pair = f"{asked.source}:{asked.target}:{asked.first}:{asked.second}:{asked.activity}"


def toolbar(frames):
    """Sites, the two measures, the rule; permalink, download, Python."""
    from_site, to_site = parts.site_settings(store)
    keys = [site.key for site in store.sites]
    place = keys.index(asked.source)
    with st.container(horizontal=True, gap="small", key="toolbar", vertical_alignment="center"):
        named = {"format_func": lambda key: f"site {key}", "label_visibility": "collapsed", "width": 105}
        st.selectbox("From", keys[:-1], **named, **selection.bind(from_site))
        st.html('<span class="s-quiet">→</span>', width="content")
        st.selectbox("To", keys[place + 1 :], **named, **selection.bind(to_site))
        options = measure_choice.of_pair(store, asked.source, asked.target)
        settings = parts.measure_settings(store, asked.source, asked.target)
        for words, setting in zip((first, second), settings, strict=True):
            with st.popover(words[0].upper() + words[1:]):
                st.radio(f"Measure instead of {words}", options, format_func=measure_name, **selection.bind(setting))
        with st.popover("Active > 0" if not asked.activity else f"Active > {asked.activity:g} max"):
            st.slider(
                "Active above this share of a feature's maximum", 0.0, 0.9, step=0.05,
                help="Pearson, cosine and what comes from weights do not depend on it.",
                **selection.bind(parts.ACTIVITY),
            )  # fmt: skip
        share("measures", frames, parts.as_python(page, asked, *parts.range_of(found, asked)))


def finding(widest, both):
    """The widest disagreement in words."""
    if asked.first == asked.second:
        return f"{first[0].upper() + first[1:]} agrees with itself: choose a second measure"
    if not len(widest):
        return f"No link between sites {asked.source} and {asked.target} has enough data"
    source, target = (called(Feature.parse(widest[end][0]), labels) for end in ("source", "target"))
    return f"{first[0].upper() + first[1:]} and {second} disagree most on {source} → {target}"


def explained(both):
    """What one sees and how it came about, in two sentences."""
    rho = f" (rank correlation {figure(both.rank_correlation)})" if both.links > 1 else ""
    seen = " Links were kept for their activations: what only the weights would link is not among them."
    of_weights = seen if {asked.first, asked.second} & set(DATA_FREE) else ""
    return (
        f"Over {both.links:,} kept links of sites {asked.source} and {asked.target} with 10 or more common tokens "
        f"the two {cards.agreed(both.rank_correlation)}{rho}. A rank by a measure is the share of links "
        f"that are less alike by it; the widest apart are ringed and listed.{of_weights}"
    )


def inspect(place):
    """A mark was clicked: `place` is the link's place among the kept ones."""
    parts.show_link(*found.kept.link(int(place)))


with guarded(stop=True):
    heading, tools = st.container(), st.container()
    found = parts.compute(store, asked)
    both = parts.agree(store, asked, found)
    widest = parts.widest(labels, asked, found)
    with heading:
        page_title(finding(widest, both), explained(both))
    spread = parts.drawn_pairs(labels, asked, found)
    link = parts.in_focus(store, asked, widest)

    left, right = st.columns([0.4, 0.6], gap="small")
    with left, st.container(key="card-scatter"):
        st.html(head("All kept links", "the deeper, the more; click a square or a ring"))
        places = parts.ring_places(found, asked)
        rings = [
            (float(found.kept.values[asked.first][p]), float(found.kept.values[asked.second][p]), p) for p in places
        ]
        chosen = parts.place_of(found, link)
        shades = palette.ramp(9, theme())
        picture = measure_charts.scatter(
            both, rings, (first, second), look, shades if theme() == "light" else shades[::-1], chosen
        )
        cards.chart(picture, f"scatter:{pair}", inspect)
    with right, st.container(key="card-widest"):
        st.html(head("Widest apart", "choose a row to read its tokens"))
        cards.choosing(widest, f"widest:{pair}", 395)

    if link:
        with st.container(key="card-link"), guarded():
            inspector(evolution.report_of(store.fingerprint, store, link, asked.activity), store, labels)
            st.button("See it on Evolution", key="to-evolution", on_click=parts.to_evolution, args=(link,))

    with st.container(key="card-spread"):
        never, of = found.pair.never_co_active, store.site(asked.source).d_sae * store.site(asked.target).d_sae
        with st.container(horizontal=True, vertical_alignment="center"):
            told = f"{of - never:,} pairs that ever fire together; {never:,} of {of:,} never do"
            st.html(head("How each measure spreads", told), width="stretch")
            st.segmented_control(
                "Measure", MEASURES, format_func=cards.short, label_visibility="collapsed",
                **selection.bind(parts.SPREAD),
            )  # fmt: skip
        left, right = st.columns([0.46, 0.54], gap="medium")
        with left:
            low = parts.range_of(found, asked)[0] if asked.low else None
            bars = measure_charts.histogram(
                parts.histogram_of(found, asked.spread), look, measure_name(asked.spread), low
            )
            cards.chart(bars, f"spread:{pair}:{asked.spread}", lambda data: selection.put(parts.LOW, f"{data[0]:.6g}"))
        with right:
            where = f"from {low:.2f} on" if low is not None else "at different values; a bar shows those of its range"
            st.html(head("Pairs of names", where))
            if low is not None:
                st.button("All values", key="all-values", on_click=selection.put, args=(parts.LOW, ""))
            if len(spread):
                cards.choosing(spread, f"pairs:{pair}:{asked.spread}:{asked.low}", 300)
            else:
                st.html(quiet("No kept link with enough data has such a value."))

    errors = error_table(found.sampled)
    with st.container(key="card-convergence"):
        told = (
            f"{len(found.sampled.places)} links on nested parts of the documents, 1/64 to 1/2, in 6 shuffles; "
            "each dot leads to a typical link"
        )
        st.html(head("How far from the value on all tokens", told))
        names = {name: measure_name(name) for name in MEASURES}
        lines = cards.MEASURE_LINES[theme()]
        cards.chart(measure_charts.errors(errors, names, look, lines), f"errors:{pair}", inspect)
    left, right = st.columns(2, gap="small")
    with left, st.container(key="card-seen"):
        st.html(head("Not seen yet", "after so many tokens, documents shuffled"))
        keys = {asked.source: ramp[store.site(asked.source).position], asked.target: look["accent"]}
        st.plotly_chart(
            measure_charts.seen(found.seen, of, look, keys), theme=None, config={"displayModeBar": False}, key="seen"
        )
    with right, st.container(key="card-maxima"):
        st.html(head("Maximum activations", "quarters and 5 to 95% of each site's features; a dot is the largest"))
        table = parts.maxima(store.fingerprint, store)
        cards.chart(measure_charts.maxima(table, look, ramp), "maxima", parts.to_feature)

    with tools:
        name = f"{asked.source}-{asked.target}"
        frames = {
            f"{asked.first}-against-{asked.second}-{name}": lambda: widest,
            f"pairs-of-names-{name}": lambda: spread,
        }
        frames |= {f"distributions-{name}": lambda: parts.distribution_table(found.pair)}
        frames |= {f"convergence-{name}": lambda: errors.drop("place"), f"seen-{name}": lambda: seen_table(found.seen)}
        frames |= {"maximum-activations": lambda: table}
        toolbar(frames)
