"""Feature."""

from ui.setup import set_up

page = set_up("Feature")
