"""Data."""

from ui.setup import set_up

page = set_up("Data", needs_store=False)
