"""Train the demo's transformer on fresh documents of the written world (none is seen twice).

    python demo/train_model.py [--steps 2600] [--threads 1] [--out demo/model]

Documents are never packed together; a batch holds documents of similar length, each as BOS, text, EOS. Matrices
inside the blocks are trained with Muon, the embeddings, the output matrix and the norms with AdamW.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from core.sources.demo import CONTEXT, MODEL, TRAINING_SEED, demo_documents
from demo.muon import Muon

BATCH, POOL = 32, 128  # documents a batch; batches sorted by length at once
MUON_RATE, ADAM_RATE, WARM_UP = 0.012, 3e-3, 50


def new_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """An untrained Llama with six layers of width 128."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config)


def batches(tokenizer: PreTrainedTokenizerFast, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless (inputs, targets), each int64 [documents, tokens]; targets are -100 where there is nothing to say."""
    texts = demo_documents(seed)
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    generator = torch.Generator().manual_seed(seed)
    while True:
        encoded = tokenizer(list(islice(texts, BATCH * POOL)), add_special_tokens=False)["input_ids"]
        rows = sorted(([bos, *ids, eos][: CONTEXT + 1] for ids in encoded), key=len)
        for start in torch.randperm(POOL, generator=generator).tolist():
            yield _padded(rows[start * BATCH : (start + 1) * BATCH], eos)


def _padded(rows: list[list[int]], eos: int) -> tuple[Tensor, Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([row + [eos] * (width - len(row)) for row in rows])
    known = torch.arange(width) < torch.tensor([len(row) for row in rows])[:, None]
    return ids[:, :-1], ids.where(known, -100)[:, 1:]


def optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, AdamW for everything else."""
    inside = [p for p in model.model.layers.parameters() if p.ndim == 2]
    chosen = {id(p) for p in inside}
    other = [p for p in model.parameters() if id(p) not in chosen]
    return [
        Muon(inside, lr=MUON_RATE),
        torch.optim.AdamW(other, lr=ADAM_RATE, weight_decay=0.0, betas=(0.9, 0.98)),
    ]


def rate(step: int, steps: int) -> float:
    """Learning rate relative to its maximum: a short warm-up, then straight down to zero.

    >>> rate(0, 1000), rate(500, 1000), rate(1000, 1000)
    (0.02, 0.5, 0.0)
    """
    return min((step + 1) / WARM_UP, 1 - step / steps)


def train(steps: int, out: Path) -> None:
    """Train and save; prints the loss in nats per token every 100 steps."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(MODEL)
    model = new_model(tokenizer)
    optims = optimizers(model)
    schedulers = [torch.optim.lr_scheduler.LambdaLR(o, lambda step: rate(step, steps)) for o in optims]
    start, total, seen = time.time(), 0.0, 0
    for step, (inputs, targets) in enumerate(islice(batches(tokenizer, TRAINING_SEED), steps)):
        logits = model(inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        for optim, scheduler in zip(optims, schedulers, strict=True):
            optim.step()
            scheduler.step()
            optim.zero_grad()
        total, seen = total + loss.item(), seen + int((targets >= 0).sum())
        if (step + 1) % 100 == 0:
            print(f"{step + 1} {total / 100:.4f} {seen} tokens {time.time() - start:.0f} s", flush=True)
            total = 0.0
            model.save_pretrained(out)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=MODEL)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.steps, arguments.out)
