"""Cached readers: open stores are shared by all sessions, results are kept per store, and both are bounded.

Nothing here outlives a change of the file: handles are keyed by path, time and size, results by fingerprint.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.labels import Labels, labels_path
from core.library import Found
from core.store import Store, open_store


def read_store(found: Found) -> Store:
    """The store of a file; raises the named errors of `open_store`."""
    return _store(str(found.path), found.changed, found.size)


def read_labels(store: Store) -> Labels:
    """The labels beside a store."""
    try:
        changed = labels_path(store.path).stat().st_mtime_ns
    except OSError:
        changed = 0
    return _labels(str(store.path), store.fingerprint, changed, store)


def hints(store: Store, key: str, labels: Labels) -> list[str]:
    """The characteristic tokens of all features of a site."""
    return _hints(store.fingerprint, key, labels)


@st.cache_resource(max_entries=16, show_spinner=False)
def _store(path: str, changed: int, size: int) -> Store:
    return open_store(Path(path))


@st.cache_resource(max_entries=16, show_spinner=False)
def _labels(path: str, fingerprint: str, changed: int, _store: Store) -> Labels:
    return Labels.beside(_store)


@st.cache_data(max_entries=64, show_spinner=False)
def _hints(fingerprint: str, key: str, _labels: Labels) -> list[str]:
    return _labels.hints(key)
