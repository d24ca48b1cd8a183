"""Data: the stores at hand, what is in the open one's files, collecting new ones."""

import streamlit as st

from core.paths import hosted
from ui import collecting, data_page
from ui.errors import guarded
from ui.setup import set_up

page = set_up("Data", needs_store=False)

data_page.heading(page)
with guarded(stop=True):
    if not hosted():
        collecting.panel(ended=True)
    left, right = st.columns([0.6, 0.4], gap="medium")
    with left:
        data_page.stores(page)
        if not hosted():
            data_page.collect(page)
    with right:
        if page.opened is not None:
            data_page.details(page)
        if not hosted():
            data_page.places(page)
            data_page.cache()
