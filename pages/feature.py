"""Feature: what one feature is, where it fires, what is like it at other sites; and all features of its site."""

import streamlit as st

from ui import feature_page as parts
from ui import feature_table
from ui.errors import guarded
from ui.setup import set_up

page = set_up("Feature")
feature = page.feature()

with guarded(stop=True):
    top = parts.heading(page, feature)
    left, right = st.columns([0.68, 0.32], gap="medium")
    with left:
        parts.contexts(page, feature)
        parts.neighbours(page, feature)
    with right:
        parts.card(page, feature)
        parts.logits(page, feature)
    feature_table.site(page, feature)
    parts.toolbar(page, feature, top)
