"""Encoding a typed prompt with the model and SAEs of a store, by the same code as collecting.

`open_prompter` loads what the store's settings name and makes sure that it is what the store was made with.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import BadArgument, HostedRefusal, NothingRecorded, PromptTooLong, SaeMismatch
from core.paths import hosted
from core.sources.models import LanguageModel, choose_device, import_torch, load_model, resolve_model
from core.store import Sparse, Store
from core.values import Site

WAY_OUT = "pick a sequence of the store instead, which needs no model"


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as the model sees it: token ids, which of them count, and activations by site (rows are tokens)."""

    ids: np.ndarray  # uint32 [tokens]
    counted: np.ndarray  # uint8 [tokens]
    active: dict[str, Sparse]


class Prompter:
    """A model with SAEs at the sites of a store; safe to share between threads, which take turns."""

    def __init__(self, model: LanguageModel, encoders: list[Any], lead: int | None) -> None:
        from core.sources.corpora import special_ids

        self.model = model
        self.encoders = encoders
        self.lead = lead
        self.special = np.array(sorted(special_ids(model.tokenizer)), np.uint32)
        self._turn = threading.Lock()

    def ids_of(self, text: str) -> np.ndarray:
        """Token ids as in collecting, with what was put before each sequence; raises `PromptTooLong`, `BadArgument`."""
        from core.sources.corpora import tokenise

        text = text.encode("utf-8", "replace").decode()  # a terminal may hand over what is no text
        found = next(tokenise(self.model.tokenizer, [text], self.model.vocabulary_size))
        ids = np.array(([] if self.lead is None else [self.lead]) + list(found), np.uint32)
        longest = self.model.longest_context
        if len(ids) > longest:
            raise PromptTooLong(
                f"the prompt has {len(ids):,} tokens, {self.model.name} reads {longest:,}", "shorten it"
            )
        if not self.counts(ids).any():
            raise BadArgument("the prompt holds nothing to look at", "type two words or more")
        return ids

    def counts(self, ids: np.ndarray) -> np.ndarray:
        """Which tokens take part: not special, and not the first, an attention sink; uint8 [tokens]."""
        counted = ~np.isin(ids, self.special)
        counted[:1] = False
        return counted.astype(np.uint8)

    def encode(self, text: str) -> EncodedText:
        """Run the model on a text and encode what each site's hook sees."""
        import torch

        from core.collect.forward import Forward
        from core.collect.work import hooks_of

        ids = self.ids_of(text)
        counted = self.counts(ids)
        hooks = hooks_of([encoder.site for encoder in self.encoders])
        with self._turn, torch.inference_mode():
            forward = Forward(self.model, hooks, batch_tokens=len(ids), note=lambda text: None)
            seen = forward.chunk(ids, np.array([0, len(ids)]))
            active = {encoder.site.key: _encode(encoder, seen, counted) for encoder in self.encoders}
        return EncodedText(ids, counted, active)


def _encode(encoder: Any, seen: dict[str, Any], counted: np.ndarray) -> Sparse:
    """One site's activations of one sequence, in blocks as collecting makes them."""
    from core.collect.encode import join

    x, output = seen[encoder.site.hook_name], encoder.site.output_hook
    target = seen[output].flatten(1) if output else None
    blocks = [slice(start, start + encoder.rows) for start in range(0, len(x), encoder.rows)]
    parts = [encoder.encode(x[b], None if target is None else target[b], counted[b]) for b in blocks]
    found = join(parts)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(found.counts, dtype=np.int64)])
    return Sparse(offsets, found.features, found.values)


def open_prompter(store: Store, device: str = "cpu") -> Prompter:
    """Load the model and SAEs that a store's settings name.

    Raises `HostedRefusal`, `NothingRecorded` (a planted store), `PackageMissing`, `ModelNotFound`, `SaeNotFound`, and
    `SaeMismatch` where what is there now is not what the store was made with.
    """
    if hosted():
        raise HostedRefusal("prompts cannot be typed here", WAY_OUT)
    settings = store.settings
    source, saes = settings.get("model_source"), settings.get("saes")
    if not source or not saes:
        raise NothingRecorded(f"{store.path.name} names no model to run", WAY_OUT)
    resolve_model(str(source))  # what is plainly wrong is said before seconds go into importing
    import_torch()
    from core.collect.encode import SiteEncoder
    from core.collect.work import check_widths
    from core.sources.arranging import arrange
    from core.sources.saes import load_saes

    device = choose_device(device)
    arranged = arrange(load_saes(str(saes), device))
    model = load_model(str(source), device, settings.get("model_arguments") or {})
    check_widths(model, arranged)
    encoders = []
    if [site.key for site, _ in arranged] != [site.key for site in store.sites]:
        raise SaeMismatch(f"{saes} no longer holds the SAEs of {store.path.name}", WAY_OUT)
    for site, (found, item) in zip(store.sites, arranged, strict=True):
        _same(store, site, found, item.sae)
        encoders.append(SiteEncoder(site, item.sae, item.sae.cfg.metadata.hook_head_index))
    tokenizer = model.tokenizer
    bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    return Prompter(model, encoders, bos if settings.get("prepend_bos", True) else None)


def _same(store: Store, site: Site, found: Site, sae: Any) -> None:
    """Raise `SaeMismatch` unless an SAE is the one of a site: its hook, size, and decoder where that is recorded."""
    same = (site.hook_name, site.d_sae, site.d_in) == (found.hook_name, found.d_sae, found.d_in)
    if same and store.has(site.key, "decoder"):
        from core.collect.weights import site_weights

        kept, now = store.weights(site.key, "decoder"), site_weights(sae)["decoder"]
        some = slice(None, None, max(1, len(kept) // 64))
        same = now.shape == kept.shape and bool(np.allclose(now[some], kept[some], rtol=1e-4, atol=1e-5))
    if not same:
        raise SaeMismatch(f"SAE {found.sae_id} is not the one that site {site.key} was collected with", WAY_OUT)
