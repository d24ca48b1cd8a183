"""Gates, splits, merges and the seed's candidates, kept on disk: searched once, for the app and the command line.

One file each (`core.results.kept_arrays`) by pair of sites and activity rule, with all that is shown: the scores, and
the truth table or the division. Labels are not in it, since they change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from core.analyses.gate import FAULTS, GAIN, Gate, truth_rows
from core.analyses.gates import KINDS, gates
from core.analyses.gates import rank as gates_rank
from core.analyses.seed_gates import THRESHOLD, seed_candidates
from core.analyses.seed_gates import rank as seed_rank
from core.analyses.splits import Divided, as_divided, merges, splits
from core.analyses.splits import rank as divided_rank
from core.errors import Cancelled
from core.results import Notice, arrays_path, kept_arrays, unheard
from core.statistics.division import BLOCK, ERROR, LIFT, SAME, SHARES, WITHIN, Division
from core.statistics.gate_search import LEAST, STEP, Found
from core.statistics.pairs import in_order
from core.statistics.truth_table import ALIKE
from core.store import Store
from core.values import MIN_ACTIVE, Feature

VERSION = 1
"""Goes up with any change of what one of these files means; older ones are then no longer found."""

SCORES = ("precision", "recall", "f1", "gain", "held_out_f1", "held_out_gain")
PARTS = ("parts", "n_parts", "n_both", "n_alone")


def kept_gates(
    store: Store, source: str, target: str, activity: float = 0.0, *, notice: Notice = unheard, **running: Any
) -> list[Gate]:
    """`gates` of two sites, from the cache where they are there; `running` are its `workers` and `report`."""
    return _kept("gates", gates, store, source, target, activity, notice, running)


def kept_candidates(
    store: Store, source: str, target: str, activity: float = 0.0, *, notice: Notice = unheard, **running: Any
) -> list[Gate]:
    """`seed_candidates` of two sites, from the cache where they are there."""
    return _kept("seed", seed_candidates, store, source, target, activity, notice, running)


def kept_divided(
    kind: str,
    store: Store,
    source: str,
    target: str,
    activity: float = 0.0,
    *,
    notice: Notice = unheard,
    **running: Any,
) -> list[Divided]:
    """`splits` (`kind` split) or `merges` (merge) of two sites in either order, from the cache where they are there."""
    first, second = in_order(store, source, target)
    wholes, parts = (first, second) if kind == "split" else (second, first)
    analysis = splits if kind == "split" else merges

    def compute() -> dict[str, np.ndarray]:
        return division_arrays([one.division for one in analysis(store, first, second, activity, **running)])

    kept = kept_arrays(f"{kind}s", store, key_of(f"{kind}s", first, second, activity), compute, notice)
    return [as_divided(kind, wholes, parts, one) for one in as_divisions(kept)]


KEPT: dict[str, Callable[..., list]] = {
    "gates": kept_gates,
    "seed": kept_candidates,
    "splits": partial(kept_divided, "split"),
    "merges": partial(kept_divided, "merge"),
}
RANKS: dict[str, Callable[[Any], tuple]] = {
    "gates": gates_rank, "seed": seed_rank, "splits": divided_rank, "merges": divided_rank,
}  # fmt: skip


def found_in(
    name: str,
    store: Store,
    pairs: Sequence[tuple[str, str]],
    activity: float = 0.0,
    *,
    progress: Callable[[float, float], None] = lambda share, done: None,
    cancelled: Callable[[], bool] = lambda: False,
    notice: Notice = unheard,
) -> list:
    """What `name` (of KEPT) finds between any pairs of sites, best first; each pair is kept as soon as it is done.

    `progress(share, done)` hears of the share of all and of the features tried. Raises `Cancelled` where `cancelled`
    says so, and what the analyses raise.
    """
    found, tried = [], 0

    for k, pair in enumerate(pairs):
        last = 0

        def report(done: int, of: int, k: int = k, before: int = tried) -> None:
            nonlocal last
            last = done
            if cancelled():
                raise Cancelled("the search was stopped", "ask again; pairs of sites that were finished are kept")
            progress((k + (done / of if of else 1.0)) / len(pairs), before + done)

        found += KEPT[name](store, *pair, activity, report=report, notice=notice)
        tried += last
    return sorted(found, key=RANKS[name])


def is_kept(name: str, store: Store, source: str, target: str, activity: float = 0.0) -> bool:
    """Whether a result is on disk; `name` is gates, seed, splits or merges."""
    return arrays_path(name, store, key_of(name, *in_order(store, source, target), activity)).is_file()


def key_of(name: str, source: str, target: str, activity: float) -> list[Any]:
    """All that determines a result of one store: every constant of the search is in it."""
    gate = [GAIN, STEP, LEAST, ALIKE]
    constants = {"gates": gate, "seed": [THRESHOLD, *gate]}.get(name, [WITHIN, *SHARES, LIFT, ERROR, BLOCK, SAME])
    return [source, target, VERSION, float(activity), MIN_ACTIVE, *constants]


def _kept(
    name: str, find: Any, store: Store, source: str, target: str, activity: float, notice: Notice, running: Any
) -> list[Gate]:
    def compute() -> dict[str, np.ndarray]:
        return gate_arrays(find(store, source, target, activity, **running))

    store.site(source), store.site(target)  # an unknown one is named, and never looked up
    return as_gates(source, target, kept_arrays(name, store, key_of(name, source, target, activity), compute, notice))


# ---- gates as arrays, and back


def gate_arrays(found: Sequence[Gate]) -> dict[str, np.ndarray]:
    """What `as_gates` reads; inputs and truth tables of all gates one after the other."""
    return {
        "feature": np.array([gate.feature.index for gate in found], np.int32),
        "kind": np.array([KINDS.index(gate.kind) for gate in found], np.uint8),
        "n_inputs": np.array([len(gate.inputs) for gate in found], np.uint8),
        "negated": np.array([gate.negated for gate in found], np.uint8),
        "fault": np.array([list(FAULTS).index(gate.fault) for gate in found], np.uint8),
        "inputs": np.array([f.index for gate in found for f in gate.inputs], np.int32),
        "scores": np.array([[getattr(gate, name) for name in SCORES] for gate in found]).reshape(-1, len(SCORES)),
        "interval": np.array([gate.held_out_interval for gate in found]).reshape(-1, 2),
        "tables": np.array([(row.n, row.n_target) for gate in found for row in gate.rows], np.int64).reshape(-1, 2),
    }


def as_gates(source: str, target: str, kept: Mapping[str, np.ndarray]) -> list[Gate]:
    """The gates of `gate_arrays`."""
    found = []
    k_of = kept["n_inputs"].astype(int)
    inputs = np.split(kept["inputs"], np.cumsum(k_of)[:-1])
    tables = np.split(kept["tables"], np.cumsum(1 << k_of)[:-1])
    for g, k in enumerate(k_of.tolist()):
        gate = Found(KINDS[int(kept["kind"][g])], tuple(inputs[g].tolist()), int(kept["negated"][g]))
        low, high = kept["interval"][g].tolist()
        scores = dict(zip(SCORES, kept["scores"][g].tolist(), strict=True))
        found.append(
            Gate(
                feature=Feature(target, int(kept["feature"][g])),
                kind=gate.kind,
                inputs=tuple(Feature(source, i) for i in gate.inputs),
                negated=gate.negated,
                **scores,
                held_out_interval=(low, high),
                rows=truth_rows(tables[g], gate, k),
                fault=list(FAULTS)[int(kept["fault"][g])],
            )
        )
    return found


# ---- divisions as arrays, and back


def division_arrays(found: Sequence[Division]) -> dict[str, np.ndarray]:
    """What `as_divisions` reads; the parts of all wholes one after the other."""
    one_each = {name: np.array([getattr(one, name) for one in found], np.int64) for name in ("whole", "n", "n_several")}
    many = {name: np.array([v for one in found for v in getattr(one, name)], np.int64) for name in PARTS}
    return one_each | many | {"sizes": np.array([len(one.parts) for one in found], np.int64)}


def as_divisions(kept: Mapping[str, np.ndarray]) -> list[Division]:
    """The divisions of `division_arrays`."""
    ends = np.cumsum(kept["sizes"])[:-1]
    many = {name: [tuple(part.tolist()) for part in np.split(kept[name], ends)] for name in PARTS}
    return [
        Division(
            whole=int(kept["whole"][d]),
            n=int(kept["n"][d]),
            n_several=int(kept["n_several"][d]),
            **{name: many[name][d] for name in PARTS},
        )
        for d in range(len(kept["sizes"]))
    ]
