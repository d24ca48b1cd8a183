"""Feature."""
from ui.setup import set_up
from ui.cards import feature_card
page = set_up("Feature")
feature_card(page.reading, page.feature())
