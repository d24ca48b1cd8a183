"""Home."""

from ui.setup import set_up

page = set_up("Home", needs_store=False)
