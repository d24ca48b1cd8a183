"""Everything a run needs, loaded and checked before anything is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from core.collect.encode import SiteEncoder
from core.collect.settings import ENDLESS_TOKENS, Progress, Settings
from core.errors import BadArgument, SaeMismatch
from core.sources.arranging import Training, arrange, training
from core.sources.corpora import Corpus, Cutting, open_corpus
from core.sources.models import LanguageModel, choose_device, digest_tensors, load_model, resolve_model
from core.sources.saes import LoadedSae, load_saes
from core.store.format import FORMAT_VERSION
from core.values import Site


@dataclass(frozen=True, slots=True)
class Work:
    """A run's parts: what was asked, what was loaded, and whom to tell."""

    settings: Settings
    model: LanguageModel
    encoders: list[SiteEncoder]
    corpus: Corpus
    cutting: Cutting
    limit: int | None
    trained: Training
    recipe: str
    report: Callable[[Progress], None]
    note: Callable[[str], None]
    cancelled: Callable[[], bool]

    @property
    def sites(self) -> list[Site]:
        """Sites along the forward pass."""
        return [encoder.site for encoder in self.encoders]

    @property
    def hooks(self) -> list[str]:
        """Every hook that is read, inputs and transcoders' outputs."""
        return hooks_of(self.sites)

    def describe(self) -> dict[str, Any]:
        """The store's `settings`: what a reader should know of how it was made."""
        return {
            "model": display_name(self.settings.model, self.trained.model_name),
            "model_source": self.settings.model,
            "model_arguments": dict(self.trained.model_arguments),
            "saes": self.settings.saes,
            "corpus": self.corpus.name,
            "tokens": self.limit,
            "context_size": self.cutting.context_size,
            "prepend_bos": self.cutting.bos is not None,
            "pack": self.cutting.pack,
            "device": self.model.device,
        }


def prepare(
    settings: Settings,
    report: Callable[[Progress], None],
    note: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Work:
    """Load model and SAEs and check that they fit; raises the named errors of each before anything is written."""
    settings.check()
    resolve_model(settings.model)
    corpus = open_corpus(settings.text, settings.seed)
    device = choose_device(settings.device)
    report(Progress("loading"))
    saes = load_saes(settings.saes, device)
    trained = training(saes)
    arranged = arrange(saes)
    model = load_model(settings.model, device, trained.model_arguments)
    check_widths(model, arranged)
    encoders = [SiteEncoder(site, item.sae, item.sae.cfg.metadata.hook_head_index) for site, item in arranged]
    cutting = choose_cutting(settings, trained, model)
    limit = settings.tokens or (ENDLESS_TOKENS if corpus.endless else None)
    recipe = make_recipe(settings, model, arranged, corpus, cutting, limit, trained)
    return Work(settings, model, encoders, corpus, cutting, limit, trained, recipe, report, note, cancelled)


def hooks_of(sites: list[Site]) -> list[str]:
    """The distinct hooks of sites, inputs first."""
    return list(dict.fromkeys([s.hook_name for s in sites] + [s.output_hook for s in sites if s.output_hook]))


def check_widths(model: LanguageModel, arranged: list[tuple[Site, LoadedSae]]) -> None:
    """Raise `SaeMismatch` where a hook's width is not what its SAE reads, or a transcoder writes."""
    hooks = hooks_of([site for site, _ in arranged])
    model.require_hooks(hooks)
    seen = model.capture(torch.zeros(1, 2, dtype=torch.long, device=model.device), hooks)
    for site, item in arranged:
        metadata = item.sae.cfg.metadata
        wanted = [(site.hook_name, site.d_in, metadata.hook_head_index)]
        if site.output_hook:
            wanted.append((site.output_hook, int(item.sae.W_dec.shape[1]), metadata.hook_head_index_out))
        for hook, width, head in wanted:
            shape = seen[hook].shape[3:] if head is not None else seen[hook].shape[2:]
            if shape.numel() != width:
                raise SaeMismatch(
                    f"SAE {item.sae_id} reads {width} numbers a token, {hook} of {model.name} has {shape.numel()}",
                    "choose the SAEs that were trained on this model",
                )


def choose_cutting(settings: Settings, trained: Training, model: LanguageModel) -> Cutting:
    """Context size and BOS as asked for, else as the SAEs were trained, within what the model can take."""
    asked = settings.context_size
    longest = model.longest_context
    if asked is not None and asked > longest:
        raise BadArgument(f"--context-size {asked} exceeds the {longest} tokens of {model.name}", "choose less")
    tokenizer = model.tokenizer
    bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    lead = bos if trained.prepend_bos else None
    between = [index for index in (lead, tokenizer.eos_token_id, bos) if index is not None]
    size = asked or min(trained.context_size, longest)
    return Cutting(size, lead, settings.pack, between[0] if between else None)


def make_recipe(
    settings: Settings,
    model: LanguageModel,
    arranged: list[tuple[Site, LoadedSae]],
    corpus: Corpus,
    cutting: Cutting,
    limit: int | None,
    trained: Training,
) -> str:
    """SHA-256 of everything known at the start that determines the values (DESIGN 3)."""
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    parts = {
        "format": FORMAT_VERSION,
        "model": model.digest(),
        "model_arguments": dict(trained.model_arguments),
        "tokenizer": hashlib.sha256((backend.to_str() if backend else str(model.tokenizer)).encode()).hexdigest(),
        "sites": [
            [site.key, site.hook_name, site.output_hook, site.sae_id, site.architecture, site.normalisation,
             digest_tensors(item.sae.state_dict())]
            for site, item in arranged
        ],
        "corpus": corpus.identity,
        "tokens": limit,
        "cutting": [cutting.context_size, cutting.bos, cutting.pack, cutting.separator],
        "device": model.device.split(":")[0],
        "cut": [settings.batch_tokens, settings.chunk_tokens],
    }  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def display_name(source: str, trained_on: str) -> str:
    """What to call the model: a hub's name as it is, a folder as its SAEs call it.

    >>> display_name("gpt2", ""), display_name("../data/stories260k/model", ""), display_name("demo", "x")
    ('gpt2', 'stories260k', 'demo')
    """
    path = Path(source)
    if source == "demo" or not (path.is_dir() or source.startswith((".", "/", "~"))):
        return source
    if trained_on and "/" not in trained_on:
        return trained_on
    name = path.expanduser().resolve()
    return name.parent.name if name.name in ("model", "hf", "") else name.name
