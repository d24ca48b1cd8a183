"""Everything shared that imports streamlit: set-up, navigation, selection, cached readers, cards, errors."""
