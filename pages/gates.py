"""Gates: features that a combination of earlier ones explains; features that split or merge; the paper's candidates."""

import streamlit as st

from core.errors import StrataError
from ui import gates_page as parts
from ui import selection, site_choice
from ui.division_card import division_card, division_in_words, picture
from ui.errors import error_box, guarded
from ui.gate_cards import gate_card, in_words
from ui.setup import set_up
from ui.share import path_told, share
from ui.text import head
from ui.text import title as page_title

page = set_up("Gates")
store, labels = page.store, page.labels
if len(store.sites) < 2:
    error_box(StrataError("This store has a single site", "gates, splits and merges need two: open another store"))
    st.stop()
asked = parts.read(store)


def finding(found, one):
    """What the row in focus says."""
    if asked.view == "seed":
        holding = sum(one.holds for one in found)
        told = f"{holding or 'None'} of the paper’s {len(found):,} candidates {asked.where}"
        return f"{told} hold{'s' * (holding < 2)} on other documents"
    return in_words(one, labels) if asked.view == "gates" else division_in_words(one, labels)


def settings():
    """Sites, kind, search, rule."""
    first, second = site_choice.settings(store, parts.EVERY)
    keys = [site.key for site in store.sites]
    named = {"format_func": parts.site_name, "label_visibility": "collapsed", "width": 112}
    if asked.target != parts.EVERY:
        st.selectbox("From", keys[:-1], **named, **selection.bind(first))
        st.html('<span class="s-quiet">→</span>', width="content")
    later = keys if asked.target == parts.EVERY else keys[keys.index(asked.source) + 1 :]
    st.selectbox("To", [*later[asked.target == parts.EVERY :], parts.EVERY], **named, **selection.bind(second))
    if asked.view in parts.KINDS:
        st.selectbox(
            "Kind", parts.KINDS[asked.view], format_func=parts.KIND_NAMES.get, label_visibility="collapsed",
            width=112, **selection.bind(parts.KIND),
        )  # fmt: skip
    st.text_input(
        "Find", placeholder="label, token or feature", label_visibility="collapsed", width=200,
        **selection.bind(parts.FIND),
    )  # fmt: skip
    with st.popover("Active > 0" if not asked.activity else f"Active > {asked.activity:g} max"):
        st.slider(
            "Active above this share of a feature's maximum", 0.0, 0.9, step=0.05, **selection.bind(parts.ACTIVITY)
        )


with guarded(stop=True):
    ready = parts.at_hand(store, asked)
    heading = st.container() if ready else st.empty()  # what is empty at first would flicker
    if not ready:
        with heading.container():
            page_title(f"Looking for {parts.NAMES[asked.view].lower()} {asked.where}", parts.EXPLAINED[asked.view])
    st.segmented_control(
        "View", parts.VIEWS, format_func=parts.NAMES.get, label_visibility="collapsed", **selection.bind(parts.VIEW)
    )
    toolbar = st.container(horizontal=True, gap="small", key="toolbar", vertical_alignment="center")
    with toolbar:
        settings()
    found = parts.answer(store, asked)
    frame, shown = parts.listed(page, asked, found)
    one = parts.in_focus(page, asked, shown)
    with heading.container():
        if one is None:
            page_title(*parts.nothing(asked, bool(found)))
        else:
            page_title(finding(found, one), parts.EXPLAINED[asked.view])
    with toolbar:
        divided = one is not None and asked.view in ("splits", "merges")
        share(
            "gates", parts.frames(page, asked, frame, one), parts.as_python(path_told(store), asked, one),
            (f"{one.kind}-{one.whole}.svg", lambda: picture(one, labels)) if divided else None,
        )  # fmt: skip
    if one is None:
        st.stop()
    many = parts.NAMES[asked.view][: None if len(shown) > 1 else -1]
    st.html(head(f"{len(shown):,} {many}", "choose a row to read its tokens"))
    parts.shown_table(asked, frame, shown, one)
    if asked.view in ("gates", "seed"):
        gate_card(store, labels, one, asked.activity)
    else:
        division_card(store, labels, one, asked.activity)
