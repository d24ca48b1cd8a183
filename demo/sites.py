"""The demo's model and its seven sites, loaded as any other model is; shared by the scripts of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.sources.demo import CONTEXT, MODEL
from core.sources.world import Document

LAYERS = 6
HOOKS = (*(f"blocks.{layer}.hook_resid_pre" for layer in range(LAYERS)), "blocks.5.hook_resid_post")
KEYS = dict(zip(HOOKS, map(str, range(LAYERS + 1)), strict=True))


def load_model() -> Any:
    """The demo's model as a `TransformerBridge`, with its tokenizer."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformer_lens.model_bridge import TransformerBridge

    return TransformerBridge.boot_transformers(str(MODEL), device="cpu").eval()


def windows(tokenizer: Any, texts: list[str]) -> tuple[Tensor, Tensor]:
    """Token ids and where they are counted, int64 and bool, each [documents, tokens]: BOS first, EOS as padding.

    BOS and padding are not counted. A document longer than the context loses its end.
    """
    encoded = tokenizer(texts, add_special_tokens=False)["input_ids"]
    rows = [[tokenizer.bos_token_id, *ids][:CONTEXT] for ids in encoded]
    width = max(map(len, rows))
    ids = torch.tensor([row + [tokenizer.eos_token_id] * (width - len(row)) for row in rows])
    places = torch.arange(width)
    return ids, (places > 0) & (places < torch.tensor([len(row) for row in rows])[:, None])


@torch.no_grad()
def activations(model: Any, ids: Tensor, counted: Tensor) -> dict[str, Tensor]:
    """What every SAE reads, float [counted tokens, d_model] a hook, from one forward pass."""
    _, cache = model.run_with_cache(ids, names_filter=list(HOOKS))
    return {hook: cache[hook][counted] for hook in HOOKS}


def in_batches(documents: Iterator[Document], count: int, batch: int = 64) -> Iterator[list[Document]]:
    """The first `count` documents, `batch` at once, each batch of documents of similar length."""
    taken = sorted(islice(documents, count), key=lambda document: len(document.text))
    return (taken[start : start + batch] for start in range(0, len(taken), batch))


def halve(folder: Path) -> None:
    """Keep a saved SAE's numbers in half precision: half the size on disk; SAELens still loads them as float32.

    What `evaluate.py` measures is what is loaded from here.
    """
    path = folder / "sae_weights.safetensors"
    save_file({name: part.half().contiguous() for name, part in load_file(path).items()}, path)
