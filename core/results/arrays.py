"""Other results: named arrays of any kind, kept under the hash of all that determines them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import NoDiskSpace, NotPermitted
from core.results.files import Notice, digest_of, read_kept, unheard, write
from core.results.folder import results_folder
from core.results.pairs import STATISTICS_VERSION, refuse_if_hosted
from core.store import Store


def kept_arrays(
    kind: str,
    store: Store,
    key: Sequence[Any],
    compute: Callable[[], Mapping[str, np.ndarray]],
    notice: Notice = unheard,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
) -> dict[str, np.ndarray]:
    """Arrays by name, as `compute` gives them, kept under the hash of the store's fingerprint and `key`.

    `pairs` are the pairs of sites whose activations `compute` counts; unless told, `key` begins with the one. A damaged
    file is computed again, and `notice` hears of it, as of results that could not be kept. Raises what `compute`
    raises, and `HostedRefusal`.
    """
    path = arrays_path(kind, store, key)
    found = read_arrays(path, notice)
    if found is None:
        for source, target in [(key[0], key[1])] if pairs is None else pairs:
            refuse_if_hosted(store, source, target)
        found = dict(compute())
        try:
            write(path, {"format": f"strata-{kind}", "name": path.name, "sha256": digest_of(found)}, found)
        except (NoDiskSpace, NotPermitted) as error:
            notice(f"the result was not kept: {error}")
    return found


def arrays_path(kind: str, store: Store, key: Sequence[Any]) -> Path:
    """The file of a result of this kind, whether it is there or not; `key` is plain JSON data."""
    text = json.dumps([f"strata-{kind}", STATISTICS_VERSION, store.fingerprint, *key])
    return results_folder() / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}.h5"


def read_arrays(path: Path, notice: Notice = unheard) -> dict[str, np.ndarray] | None:
    """What a file of `kept_arrays` holds; None where there is none, or where it is damaged (`notice` hears of it)."""

    def read(file: Any) -> dict[str, np.ndarray]:
        found = {name: np.asarray(file[name][()]) for name in sorted(file)}
        if file.attrs["name"] != path.name or file.attrs["sha256"] != digest_of(found):
            raise ValueError("it is not what was written")
        return found

    return read_kept(path, read, notice)
