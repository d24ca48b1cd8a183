"""The pure core of Strata: sparse activations in, statistics and graphs out; no streamlit below here."""

__version__ = "0.1.0"
