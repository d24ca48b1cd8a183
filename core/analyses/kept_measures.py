"""Convergence and what has not been seen yet, kept on disk: what the Measures page computes besides the pair itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.analyses.agreement import Kept
from core.analyses.convergence import DRAWS, LINKS, SHARES, Convergence, convergence
from core.analyses.unseen import Seen, apart, seen_by_then
from core.results import Notice, kept_arrays, unheard
from core.statistics.pairs import FLOOR, TOP
from core.store import Store
from core.values import MEASURES, MIN_ACTIVE

VERSION = 1
"""Goes up with any change of what one of these files means; older ones are then no longer found."""

Report = Callable[[int, int], None]


def _untold(done: int, of: int) -> None: ...


def kept_convergence(
    store: Store, kept: Kept, activity: float = 0.0, *, report: Report = _untold, notice: Notice = unheard
) -> Convergence:
    """`convergence` of the kept links of a pair as they are kept by default, from the cache where it is there."""

    def compute() -> dict[str, np.ndarray]:
        found = convergence(store, kept, activity, report=report)
        plain = {"tokens": found.tokens, "places": found.places, "n_both": found.n_both}
        plain |= {f"values.{name}": values for name, values in found.values.items()}
        return plain | {f"full.{name}": values for name, values in found.full.items()}

    settings = [float(activity), list(SHARES), LINKS, DRAWS, TOP, float(FLOOR), MIN_ACTIVE, VERSION]
    of = kept_arrays("convergence", store, [kept.source, kept.target, *settings], compute, notice)
    values, full = ({name: of[f"{part}.{name}"] for name in MEASURES} for part in ("values", "full"))
    return Convergence(tuple(SHARES), of["tokens"], of["places"], of["n_both"], values, full)


def kept_seen(store: Store, source: str, target: str, *, report: Report = _untold, notice: Notice = unheard) -> Seen:
    """`seen_by_then` of two sites, from the cache where it is there."""

    def compute() -> dict[str, np.ndarray]:
        found = seen_by_then(store, source, target, report=report)
        dead = {f"dead.{place}": found.dead[key] for place, key in enumerate((source, target))}
        return {"tokens": found.tokens, "never_co_active": found.never_co_active, **dead}

    of = kept_arrays("seen", store, [source, target, list(SHARES), VERSION], compute, notice)
    features = {key: store.site(key).d_sae for key in (source, target)}
    dead = {key: of[f"dead.{place}"] for place, key in enumerate((source, target))}
    return Seen(of["tokens"], features, dead, of["never_co_active"])


def kept_apart(
    store: Store, source: str, target: str, sample: int, *, report: Report = _untold, notice: Notice = unheard
) -> dict[str, np.ndarray]:
    """`apart` of two sites and a part of the documents, from the cache where it is there."""
    key = [source, target, range(len(SHARES))[sample], list(SHARES), VERSION]
    return kept_arrays("apart", store, key, lambda: apart(store, source, target, sample, report=report), notice)
