"""What someone typed into the jump box, and where it leads.

A feature (``5_23493``), a Neuronpedia address, a label or a token: the first that fits, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

from core.errors import StoreDamaged, StrataError
from core.labels import Labels, token_hint
from core.store import Store
from core.store.checks import COLLECT_AGAIN
from core.values import Feature, Site

WHAT_CAN_BE_TYPED = "type a feature such as {example}, a word of a label, a token, or a Neuronpedia address"
LIMIT = 30


@dataclass(frozen=True, slots=True)
class Found:
    """A feature that answers, and why: its label, or the token on which it is strongest."""

    feature: Feature
    reason: str


@dataclass(frozen=True, slots=True)
class Jump:
    """`kind` is feature, labels, tokens or nothing; `message` says what can be typed where nothing was found.

    Of many labels the first LIMIT are in `found`; `total` counts all of them.
    """

    kind: str
    found: tuple[Found, ...] = ()
    message: str = ""
    total: int = 0


def parse_jump(text: str, store: Store, labels: Labels) -> Jump:
    """Where `text` leads in this store; never raises for what a person may type."""
    text = text.strip()
    if not text:
        return Jump("nothing", message=_help(store))
    try:
        if "neuronpedia.org" in text.casefold():
            return Jump("feature", (Found(neuronpedia_feature(text, store), "Neuronpedia address"),))
        if _names_a_feature(text, store):
            return Jump("feature", (Found(store.feature(text), ""),))
        matches, total = labels.search(text, LIMIT)
        if matches:
            return Jump("labels", tuple(Found(feature, label.text) for feature, label in matches), total=total)
        by_token = tuple(token_matches(text, store))
    except StrataError as error:
        return Jump("nothing", message=str(error))
    if by_token:
        return Jump("tokens", by_token)
    return Jump("nothing", message=f"nothing in {store.path.stem} is called “{text[:60]}”: {_help(store)}")


def neuronpedia_feature(address: str, store: Store) -> Feature:
    """The feature of an address such as ``https://www.neuronpedia.org/gpt2-small/5-res-jb/23493``."""
    try:
        path = urlsplit(address if "//" in address else f"//{address}").path
    except ValueError:  # such as a bracket that is never closed
        path = ""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[-1].isascii() and parts[-1].isdigit():
        source = "/".join(parts[-3:-1])
        for site in store.sites:
            if site.neuronpedia_id == source:
                return store.feature(f"{site.key}_{parts[-1]}")
        raise StrataError(
            f"no site of {store.path.stem} is {source} of Neuronpedia", f"its sites are {_sources(store.sites)}"
        )
    raise StrataError("this address names no feature", "it ends in MODEL/SAE/INDEX")


def neuronpedia_address(site: Site, feature: Feature) -> str:
    """Where Neuronpedia shows a feature; "" for a site that is not there.

    >>> site = Site(5, "5", 5, "blocks.5.hook_resid_pre", "x", 768, 24576, neuronpedia_id="gpt2-small/5-res-jb")
    >>> neuronpedia_address(site, Feature("5", 23493))
    'https://www.neuronpedia.org/gpt2-small/5-res-jb/23493'
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", site.neuronpedia_id):
        return ""
    return f"https://www.neuronpedia.org/{site.neuronpedia_id}/{feature.index}"


def token_matches(text: str, store: Store, limit: int = LIMIT) -> list[Found]:
    """Features strongest on the token `text`: by the cosine of their activations with it."""
    wanted = text.strip().casefold()
    tokens = [t for t in range(len(store.tokens.vocabulary_offsets) - 1) if _reads(store, t).casefold() == wanted]
    if not tokens:
        return []
    positions = np.flatnonzero(np.isin(store.tokens.ids, tokens) & store.tokens.counted.astype(bool))
    if not len(positions):
        return []
    shown = token_hint(store.token_bytes(tokens[0]))
    scored = [pair for site in store.sites for pair in _strongest_on(store, site, positions, 1 + limit // 4)]
    scored.sort(key=lambda pair: (-pair[0], store.site(pair[1].key).position, pair[1].index))
    return [Found(feature, f"fires on “{shown}”") for _, feature in scored[:limit]]


def _strongest_on(store: Store, site: Site, positions: np.ndarray, limit: int) -> list[tuple[float, Feature]]:
    """The features of a site by the cosine between their activations and the indicator of `positions`."""
    rows, summary = store.by_token(site.key), store.summary(site.key)
    sample = positions if len(positions) <= 20_000 else positions[:: len(positions) // 20_000 + 1]
    starts, stops = np.asarray(rows.offsets)[sample], np.asarray(rows.offsets)[sample + 1]
    if np.any((starts < 0) | (stops < starts) | (stops > len(rows.indices)) | (stops - starts > site.d_sae)):
        raise StoreDamaged(f"{store.path.name}: the token offsets of site {site.key} are out of bounds", COLLECT_AGAIN)
    entries = np.concatenate([np.arange(a, b) for a, b in zip(starts, stops, strict=True)] or [np.empty(0, int)])
    if not len(entries):
        return []
    mass = np.bincount(np.asarray(rows.indices)[entries], np.asarray(rows.values)[entries], minlength=site.d_sae)
    if len(mass) > site.d_sae:
        raise StoreDamaged(f"{store.path.name}: the features of site {site.key} are out of bounds", COLLECT_AGAIN)
    norm = np.sqrt(np.asarray(summary.total_of_squares) * len(positions))
    score = np.divide(mass * len(positions) / len(sample), norm, out=np.zeros(len(mass)), where=norm > 0)
    best = np.argsort(-score, kind="stable")[:limit]
    return [(float(score[i]), Feature(site.key, int(i))) for i in best if score[i] > 0.1]


def _reads(store: Store, token: int) -> str:
    try:
        return store.token_bytes(token).decode().strip()
    except UnicodeDecodeError:
        return ""


def _names_a_feature(text: str, store: Store) -> bool:
    """``KEY_INDEX`` with a key of this store, or at least something that can only be meant as a feature."""
    key, _, index = text.rpartition("_")
    known = any(site.key == key for site in store.sites)
    return index.isascii() and index.isdigit() and (known or re.fullmatch(r"\d+(\.\w+)?(@\d+)?", key) is not None)


def _help(store: Store) -> str:
    return WHAT_CAN_BE_TYPED.format(example=f"{store.sites[-1].key}_{min(169, store.sites[-1].d_sae - 1)}")


def _sources(sites: Sequence[Site]) -> str:
    names = [site.neuronpedia_id for site in sites if site.neuronpedia_id]
    return ", ".join(names) if names else "not on Neuronpedia"
