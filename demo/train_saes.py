"""Train the demo's seven SAEs with SAELens, all at once: one forward pass feeds every trainer (or some of them).

    python demo/train_saes.py [--tokens 500000] [--sites 0123456] [--threads 1] [--out demo/saes]

BatchTopK SAEs, which SAELens saves as JumpReLU. Their input is scaled to norm sqrt(d_model) while they are trained;
SAELens folds that scale, and the decoder's norms, into the weights, so that the saved decoder is what is used.
Decoders start as directions of real activations that lie far apart, which needs a fraction of the tokens that random
directions need, and leaves few features dead.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.sae import SAEMetadata
from sae_lens.training.multi_sae_trainer import MultiSAETrainer
from torch import Tensor

from core.sources.demo import CONTEXT, SAE_SEED, SAES, demo_documents
from demo.sites import HOOKS, activations, halve, load_model, windows

D_MODEL, D_SAE, BATCH, RATE = 128, 1024, 512, 1e-3
ACTIVE = dict(zip(HOOKS, (10, 14, 18, 20, 20, 20, 20), strict=True))  # mean active features while training
POOL = 12  # batches of documents whose tokens are mixed


def new_sae(hook: str) -> BatchTopKTrainingSAE:
    """An untrained SAE for one hook, with what is needed to use it in its metadata."""
    torch.manual_seed(HOOKS.index(hook))
    metadata = SAEMetadata(
        model_name="demo",
        hook_name=hook,
        hook_head_index=None,
        prepend_bos=True,
        context_size=CONTEXT,
        dataset_path="demo",
        seqpos_slice=(1, None),
    )
    config = BatchTopKTrainingSAEConfig(
        d_in=D_MODEL,
        d_sae=D_SAE,
        k=ACTIVE[hook],
        topk_threshold_lr=0.03,
        aux_loss_coefficient=16.0,  # at 1, a tenth of the features stayed dead
        normalize_activations="expected_average_only_in",
        apply_b_dec_to_input=True,
        metadata=metadata,
    )
    return BatchTopKTrainingSAE(config)


def far_apart(x: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Directions of `count` rows of `x`, float [rows, width], each drawn where those before it point elsewhere.

    As in k-means++ (Arthur & Vassilvitskii 2007), with 1 - cosine as the distance.

    >>> x = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    >>> far_apart(x, 2, torch.Generator().manual_seed(0)).sum(0).tolist()
    [1.0, 1.0]
    """
    directions = torch.nn.functional.normalize(x, dim=1)
    distance, taken = torch.ones(len(x)), []
    for _ in range(count):
        taken.append(int(torch.multinomial(distance, 1, generator=generator)))
        distance = distance.minimum((1 - directions @ directions[taken[-1]]).clamp(min=1e-6))
        distance[taken] = 0
    return directions[taken]


@torch.no_grad()
def start_from(sae: BatchTopKTrainingSAE, x: Tensor) -> None:
    """Set the first weights from activations, float [tokens, D_MODEL]: the mean as bias, directions as decoder."""
    scale = D_MODEL**0.5 / x.norm(dim=1).mean()
    generator = torch.Generator().manual_seed(0)
    sae.b_dec.copy_(x.mean(0) * scale)
    sae.W_dec.copy_(0.1 * far_apart(x - x.mean(0), D_SAE, generator))
    sae.W_enc.copy_(sae.W_dec.T)


def mixed(model: Any, seed: int) -> Iterator[dict[str, Tensor]]:
    """Endless batches, float [BATCH, D_MODEL] a hook, of tokens mixed over many documents."""
    texts = demo_documents(seed)
    generator = torch.Generator().manual_seed(seed)
    while True:
        pool = sorted(islice(texts, 64 * POOL), key=len)
        parts = [
            activations(model, *windows(model.tokenizer, pool[start : start + 64])) for start in range(0, len(pool), 64)
        ]
        joined = {hook: torch.cat([part[hook] for part in parts]) for hook in HOOKS}
        order = torch.randperm(len(joined[HOOKS[0]]), generator=generator)
        for rows in order[: len(order) // BATCH * BATCH].reshape(-1, BATCH):
            yield {hook: joined[hook][rows] for hook in HOOKS}


def train(tokens: int, hooks: Sequence[str], out: Path) -> None:
    """Train an SAE for each hook on the same `tokens` tokens and save it to `out/HOOK`."""
    config = SAETrainerConfig(
        total_training_samples=tokens,
        train_batch_size_samples=BATCH,
        lr=RATE,
        lr_end=RATE / 10,
        lr_warm_up_steps=100,
        lr_decay_steps=int(tokens // BATCH * 0.4),
        dead_feature_window=30,
        feature_sampling_window=400,
        n_batches_for_norm_estimate=40,
    )
    start, batches, saes = time.time(), mixed(load_model(), SAE_SEED), {hook: new_sae(hook) for hook in hooks}
    sample = list(islice(batches, 40))
    for hook, sae in saes.items():
        start_from(sae, torch.cat([batch[hook] for batch in sample]))
    trainer = MultiSAETrainer(cfg=config, saes=saes, hook_names={hook: hook for hook in hooks}, data_provider=batches)
    for hook, sae in trainer.fit().items():
        sae.save_inference_model(str(out / hook))
        halve(out / hook)
    print(f"{tokens} tokens, {time.time() - start:.0f} s -> {out}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tokens", type=int, default=500_000)
    parser.add_argument("--sites", default="0123456", help="keys of the sites to train")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=SAES)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.tokens, [HOOKS[int(key)] for key in arguments.sites], arguments.out)
