"""The store: one HDF5 file with the sparse activations of every site on the same tokens.

The only room that opens a store's HDF5. `format` says what a store consists of, `reader` opens one as memory maps,
`writer` builds one, `transpose` turns token order into feature order in bounded memory.
"""

from core.store.format import Header, Norms, SiteArrays, Sparse, Summary, Tokens
from core.store.reader import Store, open_store, verify
from core.store.writer import build_store, needed_bytes

__all__ = [
    "Header",
    "Norms",
    "SiteArrays",
    "Sparse",
    "Store",
    "Summary",
    "Tokens",
    "build_store",
    "needed_bytes",
    "open_store",
    "verify",
]
