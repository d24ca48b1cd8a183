"""Drop the features of the demo's SAEs that never or hardly ever fire: the SAEs do as before without them.

    python demo/prune_saes.py [--width 960] [--documents 2000]

The `width` features that are active on most tokens of the text that trained the SAEs are kept, in their old order.
Reads and writes `demo/saes`; a folder that is pruned already stays as it is.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor

from core.sources.demo import SAE_SEED, SAES, demo_documents
from demo.sites import HOOKS, activations, halve, load_model, windows


def busiest(sae: Any, parts: list[Tensor], width: int) -> Tensor:
    """Indices of the `width` features with most active tokens, ascending, from parts of float [tokens, d_model]."""
    active = torch.stack([(sae.encode(part) > 0).sum(0) for part in parts]).sum(0)
    return active.argsort(descending=True, stable=True)[:width].sort().values


@torch.no_grad()
def keep_only(sae: Any, kept: Tensor) -> None:
    """Leave only the features `kept` in a JumpReLU SAE."""
    for name, by_column in (("W_enc", True), ("b_enc", False), ("W_dec", False), ("threshold", False)):
        weights = getattr(sae, name).data
        getattr(sae, name).data = (weights[:, kept] if by_column else weights[kept]).contiguous()
    sae.cfg.d_sae = len(kept)
    sae.cfg.metadata.num_dead_features = None


@torch.no_grad()
def prune(width: int, count: int) -> None:
    """Prune every SAE of the demo in place."""
    from sae_lens import SAE

    model, texts = load_model(), list(islice(demo_documents(SAE_SEED), count))
    parts = [activations(model, *windows(model.tokenizer, texts[at : at + 64])) for at in range(0, count, 64)]
    for hook in HOOKS:
        sae: Any = SAE.load_from_disk(SAES / hook, device="cpu")
        if sae.cfg.d_sae > width:
            keep_only(sae, busiest(sae, [part[hook] for part in parts], width))
            sae.save_model(str(SAES / hook))
            halve(SAES / hook)
        print(f"{hook}: {sae.cfg.d_sae} features")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=int, default=960)
    parser.add_argument("--documents", type=int, default=2000)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    prune(arguments.width, arguments.documents)
