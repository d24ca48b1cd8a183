"""Home: a finding about the open store, the questions one can ask, what is in the store, and which stores there are."""

import streamlit as st

from ui import home
from ui.errors import guarded
from ui.setup import set_up

page = set_up("Home", needs_store=False)

if page.opened is None:
    home.welcome(page)
    st.stop()

with guarded():
    chain = home.finding(page)
    left, right = st.columns([0.68, 0.32], gap="medium")
    with left:
        home.evidence(page, chain)
        home.sites(page)
    with right:
        home.questions(page, chain)
        home.stores(page)
        home.full_demo(page)
