"""Gates: features that a combination of earlier ones explains; features that split or merge; the paper's candidates."""

import streamlit as st

from core.errors import StrataError
from ui import gates_page as parts
from ui import selection
from ui.errors import error_box, guarded
from ui.gate_cards import division_card, division_in_words, gate_card, in_words
from ui.setup import set_up, theme
from ui.share import path_told, share
from ui.text import quiet
from ui.text import title as page_title

page = set_up("Gates")
store, labels = page.store, page.labels
if len(store.sites) < 2:
    error_box(StrataError("This store has a single site", "gates, splits and merges need two: open another store"))
    st.stop()
asked = parts.read(store)


def finding(found, one):
    """What the row in focus says, or that there is nothing."""
    between = f"site {asked.target} over site {asked.source}"
    if one is None:
        return f"No {parts.NAMES[asked.view].lower()} at {between}" + (" by this name" if found else "")
    if asked.view == "seed":
        holding = sum(one.holds for one in found)
        count = holding or "None"
        return f"{count} of the paper's {len(found)} candidates at {between} hold{'s' * (holding < 2)} when tested"
    return in_words(one, labels) if asked.view == "gates" else division_in_words(one, labels)


def toolbar(frame):
    """Sites, rule, search; permalink, download, Python."""
    first, second = parts.site_settings(store)
    keys = [site.key for site in store.sites]
    place = keys.index(asked.source)
    with st.container(horizontal=True, gap="small", key="toolbar", vertical_alignment="center"):
        named = {"format_func": lambda key: f"site {key}", "label_visibility": "collapsed", "width": 105}
        st.selectbox("From", keys[:-1], **named, **selection.bind(first))
        st.html('<span class="s-quiet">→</span>', width="content")
        st.selectbox("To", keys[place + 1 :], **named, **selection.bind(second))
        st.text_input(
            "Find", placeholder="label, token or feature", label_visibility="collapsed", width=200,
            **selection.bind(parts.FIND),
        )  # fmt: skip
        with st.popover("Active > 0" if not asked.activity else f"Active > {asked.activity:g} max"):
            st.slider(
                "Active above this share of a feature's maximum", 0.0, 0.9, step=0.05,
                **selection.bind(parts.ACTIVITY),
            )  # fmt: skip
        name = f"{asked.view}-{asked.source}-{asked.target}"
        share("gates", {name: lambda: frame}, parts.as_python(path_told(store), asked))


with guarded(stop=True):
    heading = st.container()
    st.segmented_control(
        "View", parts.VIEWS, format_func=parts.NAMES.get, label_visibility="collapsed", **selection.bind(parts.VIEW)
    )
    found = parts.answer(store, asked)
    frame = parts.frame_of(page, asked, found)
    one = parts.in_focus(page, frame, found)
    with heading:
        page_title(finding(found, one), f"{len(found):,} listed. {parts.EXPLAINED[asked.view]}")
    toolbar(frame)
    if one is None:
        st.html(quiet("Nothing here. " + ("Nothing matches what you typed." if found else "Try two other sites.")))
        st.stop()
    parts.shown_table(asked, frame)
    if asked.view in ("gates", "seed"):
        gate_card(store, labels, one, asked.activity)
    else:
        division_card(store, labels, one, asked.activity, theme())
