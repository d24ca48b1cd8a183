"""The result cache under ``cache/``: HDF5 files shared by any number of app sessions and command lines."""

from core.results.arrays import arrays_path, kept_arrays, read_arrays
from core.results.files import Notice, unheard
from core.results.folder import cache_size, clear_cache, mark_used, most_kept, results_folder
from core.results.pairs import pair_links, pair_path, read_pair, refuse_if_hosted, write_pair

__all__ = [
    "Notice",
    "arrays_path",
    "cache_size",
    "clear_cache",
    "kept_arrays",
    "mark_used",
    "most_kept",
    "pair_links",
    "pair_path",
    "read_arrays",
    "read_pair",
    "refuse_if_hosted",
    "results_folder",
    "unheard",
    "write_pair",
]
