"""Measures that need no tokens: from the SAEs' weights in the store alone.

- decoder cosine, d_i · d_j / (‖d_i‖ ‖d_j‖), within one space (Laptev et al. 2025);
- virtual weight, e_j · d_i: how strongly the source's direction drives the target's encoder;
- folded MSE, mean over the d dimensions of (θ_i d_i − θ_j d_j)² (SAE Match, Balagansky et al. 2024); the one-to-one
  assignment that minimises its sum is in `core.statistics.assignment`.

The value of a pair of features comes from `pair_values` wherever it is asked for, in float64 and with the same bits.
"""

from __future__ import annotations

import math
import threading
import weakref

import numpy as np

from core.errors import BadArgument, NothingRecorded, SpacesDiffer
from core.kernels import frozen
from core.statistics import weight_kernels as kernels
from core.statistics.top import Top, row_blocks, top_of_product
from core.store import Store
from core.values import DATA_FREE, Feature

MOST_LINKS = 20_000_000
"""Links above a floor that are given at most: beyond that the floor is too low to be of use."""

FLOORS = {"decoder_cosine": 0.5, "virtual_weight": 0.3}
"""Where a list of links begins unless asked otherwise; virtual weights have no scale that all SAEs share."""

WORDS_OF_THETA = {"threshold": "the JumpReLU threshold", "mean active value": "the mean value while active"}
"""What θ is, as `folding` names it and as people read it."""

# ---- what can be compared


def require(store: Store, measure: str, source: str, target: str) -> None:
    """Raise unless the measure makes sense between two sites: `SpacesDiffer`, `NothingRecorded`, `BadArgument`."""
    if measure not in DATA_FREE:
        raise BadArgument(f"{measure!r} is no measure of weights", f"choose one of {', '.join(DATA_FREE)}")
    if measure == "virtual_weight":
        require_readable(store, source, target)
        store.weights(target, "encoder")
    else:
        require_one_space(store, source, target)


def missing(store: Store, measure: str, source: str, target: str) -> str:
    """Why the measure cannot be had between two sites; "" where it can."""
    try:
        require(store, measure, source, target)
    except (SpacesDiffer, NothingRecorded) as error:
        return error.what
    return ""


def require_one_space(store: Store, source: str, target: str) -> None:
    """Raise `SpacesDiffer` unless both sites' decoder rows live in one space of one width."""
    a, b = store.site(source), store.site(target)
    if a.space != b.space or store.weights(source, "decoder").shape[1] != store.weights(target, "decoder").shape[1]:
        raise SpacesDiffer(
            f"the directions of site {source} ({a.space}) and site {target} ({b.space}) live in different spaces",
            "compare sites of one space, or use a measure of activations",
        )


def require_readable(store: Store, source: str, target: str) -> None:
    """Raise `SpacesDiffer` unless the target's encoder reads vectors of the width that the source writes.

    A site on the residual stream (or one that reads it, as transcoders do) sees what earlier residual sites write.
    """
    width = store.weights(source, "decoder").shape[1]
    if store.site(source).space != "resid" or store.site(target).d_in != width or not reads_residual(store, target):
        raise SpacesDiffer(
            f"the encoder of site {target} does not read what site {source} writes",
            "choose two sites of the residual stream, or a measure of activations",
        )


def reads_residual(store: Store, key: str) -> bool:
    """Whether a site's SAE takes the residual stream as its input."""
    hook = store.site(key).hook_name
    return any(part in hook for part in ("resid", "mlp_in", "attn_in", "ln1.hook_normalized", "ln2.hook_normalized"))


# ---- values of pairs of features


def pair_values(
    store: Store, measure: str, source: str, target: str, sources: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """The measure of each pair (sources[p], targets[p]) of two sites, float64 [pairs]; NaN where it is undefined.

    `source` is the earlier site. A zero row has no cosine, and a dead feature no folded MSE where θ is its mean active
    value. Takes no memory beyond the answer. Raises `SpacesDiffer`, `NothingRecorded`, `BadArgument`.

    >>> import tempfile, pathlib
    >>> from core.sources.planted import plant
    >>> weights = {k: {"decoder": np.array(w, np.float32)} for k, w in (("0", [[3, 4]]), ("1", [[4, 3], [0, 0]]))}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = plant(pathlib.Path(folder) / "s.h5", {"0": np.ones((3, 1)), "1": np.ones((3, 2))}, weights=weights)
    ...     pair_values(store, "decoder_cosine", "0", "1", np.array([0, 0]), np.array([0, 1])).tolist()
    [0.96, nan]
    """
    require(store, measure, source, target)
    i, j = np.ascontiguousarray(sources, np.int64), np.ascontiguousarray(targets, np.int64)
    out = np.empty(len(i))
    (a,) = frozen(store.weights(source, "decoder"))
    if measure == "virtual_weight":
        order = np.argsort(j, kind="stable")
        found = np.empty(len(i))
        kernels.products(a, i[order], *frozen(store.weights(target, "encoder")), j[order], found)
        out[order] = found
        return out
    (b,) = frozen(store.weights(target, "decoder"))
    if measure == "folded_mse":
        kernels.folded_errors(a, folding(store, source, target)[0], i, b, folding(store, target, source)[0], j, out)
        return out
    kernels.dots(a, i, b, j, out)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(out / (decoder_norms(store, source)[i] * decoder_norms(store, target)[j]), -1.0, 1.0)


def row_values(store: Store, measure: str, feature: Feature, to: str) -> np.ndarray:
    """The measure of one feature with every feature of site `to`, whichever comes first, float64 [d_sae of `to`].

    Within one site the smaller index is the source; the entry of the feature with itself is there and means nothing.
    Raises as `pair_values`.
    """
    feature = store.feature(feature)
    others = np.arange(store.site(to).d_sae)
    mine = np.full(len(others), feature.index)
    if to == feature.key:
        return pair_values(store, measure, to, to, np.minimum(mine, others), np.maximum(mine, others))
    if store.site(feature.key).position < store.site(to).position:
        return pair_values(store, measure, feature.key, to, mine, others)
    return pair_values(store, measure, to, feature.key, others, mine)


def link_values(store: Store, source: Feature, target: Feature) -> dict[str, float]:
    """All three of a source and a target; NaN where spaces differ or nothing is recorded."""
    i, j = np.array([source.index]), np.array([target.index])
    found = dict.fromkeys(DATA_FREE, math.nan)
    for measure in DATA_FREE:
        if not missing(store, measure, source.key, target.key):
            value = float(pair_values(store, measure, source.key, target.key, i, j)[0])
            found[measure] = math.nan if math.isnan(value) else value  # one NaN, so that equal reports are equal
    return found


_norms: weakref.WeakKeyDictionary[Store, dict[str, np.ndarray]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def decoder_norms(store: Store, key: str) -> np.ndarray:
    """Lengths of a site's decoder rows, float64 [d_sae]; summed once for each open store."""
    with _lock:
        kept = _norms.setdefault(store, {})
    if key not in kept:
        (rows,) = frozen(store.weights(key, "decoder"))
        each, squares = np.arange(len(rows)), np.empty(len(rows))
        kernels.dots(rows, each, rows, each, squares)
        kept[key] = np.sqrt(squares)
    return kept[key]


def folding(store: Store, key: str, other: str) -> tuple[np.ndarray, str]:
    """θ of every feature of site `key`, float64 [d_sae], and what it is (`WORDS_OF_THETA`).

    The JumpReLU threshold where both sites record one; elsewhere the mean value while active (NaN where dead), since
    mixing the two would compare unlike scales.
    """
    if store.has(key, "threshold") and store.has(other, "threshold"):
        return np.asarray(store.weights(key, "threshold"), np.float64), "threshold"
    summary = store.summary(key)
    with np.errstate(invalid="ignore"):
        return summary.total / np.where(summary.active > 0, summary.active, np.nan), "mean active value"


# ---- whole pairs of sites, in blocks


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1, float32; a zero row becomes NaN, since it has no direction.

    >>> unit_rows(np.array([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    rows = np.asarray(matrix, np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (rows / _lengths(rows)[:, None]).astype(np.float32)


def factors(store: Store, measure: str, source: str, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Two float32 matrices [d_source, d] and [d, d_target] whose product is the measure, but for rounding."""
    require(store, measure, source, target)
    if measure == "decoder_cosine":
        return unit_rows(store.weights(source, "decoder")), unit_rows(store.weights(target, "decoder")).T
    if measure == "virtual_weight":
        return np.asarray(store.weights(source, "decoder")), np.asarray(store.weights(target, "encoder"))
    raise BadArgument(f"{measure} is no product of weights", "choose decoder_cosine or virtual_weight")


def top_links(store: Store, measure: str, source: str, target: str, k: int = 16) -> tuple[Top, Top]:
    """The best k targets of every source and the best k sources of every target, by cosine or virtual weight.

    Largest, not largest in size; dead features take part. Raises as `pair_values`.
    """
    a, b = factors(store, measure, source, target)
    return top_of_product(len(a), b.shape[1], k, lambda rows: a[rows] @ b, exclude_self=source == target)


def links_above(store: Store, measure: str, source: str, target: str, floor: float) -> tuple[np.ndarray, ...]:
    """All pairs of ever active features at or above `floor`: sources, targets (int64) and values (float64) [links].

    Sorted by (source, target). Blocks of the float32 product say which pairs may reach the floor, with room for its
    rounding; `pair_values` says which do. Raises as `pair_values`, and `BadArgument` for more than `MOST_LINKS`.
    """
    a, b = factors(store, measure, source, target)
    ever = [np.flatnonzero(np.asarray(store.summary(key).active) > 0) for key in (source, target)]
    a, b = a[ever[0]], np.ascontiguousarray(b[:, ever[1]])
    rounding = (a.shape[1] + 8) * np.finfo(np.float32).eps
    room = rounding * _lengths(a) * np.nan_to_num(_lengths(b.T)).max(initial=0.0)
    found: list[tuple[np.ndarray, ...]] = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    many = 0
    for part in row_blocks(len(a), b.shape[1]):
        limit = np.nextafter((floor - room[part]).astype(np.float32), np.float32(-np.inf))
        i, j = np.nonzero(a[part] @ b >= limit[:, None])
        many += len(i)
        if many > MOST_LINKS:
            raise BadArgument(f"floor {floor:g} keeps more than {MOST_LINKS:,} links", "choose a higher floor")
        i, j = ever[0][i + part.start], ever[1][j]
        values = pair_values(store, measure, source, target, i, j)
        reach = values >= floor
        found.append((i[reach], j[reach], values[reach]))
    i, j, values = (np.concatenate(each) for each in zip(*found, strict=True))
    return i, j, values


def _lengths(rows: np.ndarray) -> np.ndarray:
    """Lengths of rows, float64."""
    return np.sqrt(np.einsum("fd,fd->f", rows, rows, dtype=np.float64))
