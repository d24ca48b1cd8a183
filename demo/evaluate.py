"""Measure the demo on held-out documents: the model against the entropy of its text, and every SAE.

    python demo/evaluate.py [--documents 1500] [--json demo/evaluation.json]

- Loss is in nats per token, over the text's tokens and the EOS after them; the best achievable loss is the generator's
  own surprisal of the same documents, divided by the same tokens.
- Variance explained: 1 - sum |x - x̂|² / sum |x - mean|² over counted positions.
- Loss recovered: (loss when ablated - loss when spliced) / (loss when ablated - loss), the SAE or the ablation acting
  on counted positions only; against zeros and against the mean activation.
- A token rule says that a feature is active exactly on a set of tokens. The best set is chosen on one half of the
  documents, its F1 measured on the other; a feature is beyond single tokens where that is below 0.8.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch import Tensor

from core.sources.demo import CONTEXT, FOLDER, HELD_OUT_SEED, SAES
from core.sources.world import Document, documents
from demo.sites import HOOKS, KEYS, activations, in_batches, load_model, windows

Edit = Callable[[Tensor], Tensor]
Batch = tuple[list[Document], Tensor, Tensor]


def load_saes(folder: Path = SAES) -> dict[str, Any]:
    """The seven SAEs by hook name, read as SAELens reads them."""
    from sae_lens import SAE

    return {hook: SAE.load_from_disk(folder / hook, device="cpu").eval() for hook in HOOKS}


def held_out(model: Any, count: int, seed: int = HELD_OUT_SEED) -> list[Batch]:
    """Documents, token ids and counted positions of every batch; only documents that fit into the context."""
    batches = []
    for batch in in_batches(documents(seed), count):
        ids, counted = windows(model.tokenizer, [document.text for document in batch])
        fits = counted.sum(1) < CONTEXT - 1
        kept = [document for document, fit in zip(batch, fits.tolist(), strict=True) if fit]
        batches.append((kept, ids[fits], counted[fits]))
    return batches


@torch.no_grad()
def document_losses(model: Any, ids: Tensor, counted: Tensor, hook: str = "", edit: Edit | None = None) -> Tensor:
    """-ln P of every document in nats, float64 [documents]; with `edit`, after editing a hook's counted positions."""

    def replace(value: Tensor, hook: Any) -> Tensor:
        value = value.clone()
        value[counted] = edit(value[counted])  # type: ignore[misc]
        return value

    logits = model.run_with_hooks(ids, fwd_hooks=[(hook, replace)] if edit else [])
    targets = torch.cat([ids[:, 1:], torch.full_like(ids[:, :1], model.tokenizer.eos_token_id)], 1)
    known = counted.clone()
    known[:, 0] = True  # position t predicts token t + 1; the last word of a text predicts EOS
    losses = torch.nn.functional.cross_entropy(logits.mT, targets, reduction="none")
    return (losses * known).sum(1).double()


def mean_loss(model: Any, batches: list[Batch], hook: str = "", edit: Edit | None = None) -> float:
    """Nats per token over all batches."""
    total = sum(document_losses(model, ids, counted, hook, edit).sum().item() for _, ids, counted in batches)
    return total / sum(int(counted.sum()) + len(counted) for _, _, counted in batches)


def measure_model(model: Any, batches: list[Batch]) -> dict[str, dict[str, float]]:
    """Loss and entropy in nats per token, for all documents and for each register."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0, 0.0])
    for kept, ids, counted in batches:
        losses = document_losses(model, ids, counted).tolist()
        tokens = (counted.sum(1) + 1).tolist()
        for document, loss, count in zip(kept, losses, tokens, strict=True):
            for name in ("all", document.register):
                sums[name] = [a + b for a, b in zip(sums[name], (1, count, loss, document.surprisal), strict=True)]
    return {
        name: {
            "documents": int(n),
            "tokens": int(tokens),
            "loss": loss / tokens,
            "entropy": entropy / tokens,
            "above_entropy": loss / entropy - 1,
        }
        for name, (n, tokens, loss, entropy) in sorted(sums.items())
    }


def token_rule_f1(active: Tensor, tokens: Tensor, first_half: Tensor) -> Tensor:
    """Held-out F1 of the best token set of every feature, float [features].

    `active` is bool [positions, features], `tokens` int64 [positions], `first_half` bool [positions]. Tokens enter
    the set in the order of how surely the feature is active on them; the best prefix is the best set.
    """
    vocabulary = int(tokens.max()) + 1

    def counts(half: Tensor) -> tuple[Tensor, Tensor]:
        fired = torch.zeros(vocabulary, active.shape[1]).index_add_(0, tokens[half], active[half].float())
        return fired, torch.bincount(tokens[half], minlength=vocabulary).float()

    fired, seen = counts(first_half)
    order = (fired / seen.clamp(min=1)[:, None]).argsort(0, descending=True)
    hits = fired.gather(0, order).cumsum(0)
    f1 = 2 * hits / (seen[order].cumsum(0) + fired.sum(0)).clamp(min=1)
    size = f1.argmax(0)
    chosen = torch.zeros_like(fired).scatter_(0, order, (torch.arange(vocabulary)[:, None] <= size).float())
    fired, seen = counts(~first_half)
    return 2 * (fired * chosen).sum(0) / (seen @ chosen + fired.sum(0)).clamp(min=1)


@torch.no_grad()
def measure_site(model: Any, sae: Any, hook: str, batches: list[Batch], x: Tensor, clean: float) -> dict[str, float]:
    """All figures of one site; `x` holds the activations of all counted positions, float [positions, d_model]."""
    tokens = torch.cat([ids[counted] for _, ids, counted in batches])
    first = torch.cat([(torch.arange(len(c)) % 2 == 0)[:, None].expand_as(c)[c] for _, _, c in batches])
    features = torch.cat([sae.encode(part) for part in torch.split(x, 4096)])
    error = torch.cat([sae.decode(part) for part in torch.split(features, 4096)]) - x
    mean = x.mean(0)
    active = features > 0
    alive = active.any(0)
    spliced = mean_loss(model, batches, hook, lambda value: sae.decode(sae.encode(value)))
    zero = mean_loss(model, batches, hook, torch.zeros_like)
    average = mean_loss(model, batches, hook, lambda value: mean.expand_as(value))
    f1 = token_rule_f1(active[:, alive], tokens, first)
    return {
        "variance_explained": 1 - (error.double().square().sum() / (x - mean).double().square().sum()).item(),
        "active_mean": active.float().sum(1).mean().item(),
        "dead_share": 1 - alive.float().mean().item(),
        "loss_spliced": spliced,
        "loss_recovered_zero": (zero - spliced) / (zero - clean),
        "loss_recovered_mean": (average - spliced) / (average - clean),
        "beyond_tokens_share": (f1 < 0.8).float().mean().item(),
        "smallest_activation": features.min().item(),
    }


def evaluate(count: int) -> dict[str, Any]:
    """Everything, as it is written to JSON."""
    model, saes = load_model(), load_saes()
    batches = held_out(model, count)
    result: dict[str, Any] = {"model": measure_model(model, batches), "sites": {}}
    parts = [activations(model, ids, counted) for _, ids, counted in batches]
    result["counted_positions"] = sum(len(part[HOOKS[0]]) for part in parts)
    clean = mean_loss(model, batches)
    for hook in HOOKS:
        x = torch.cat([part[hook] for part in parts])
        result["sites"][KEYS[hook]] = {"hook": hook, **measure_site(model, saes[hook], hook, batches, x, clean)}
    return result


def table(result: dict[str, Any]) -> str:
    """The result as two Markdown tables."""
    lines = ["| register | documents | tokens | loss | entropy | above |", "|---|--:|--:|--:|--:|--:|"]
    for name, row in result["model"].items():
        lines.append(
            f"| {name} | {row['documents']} | {row['tokens']} | {row['loss']:.4f} | {row['entropy']:.4f} "
            f"| {row['above_entropy']:.1%} |"
        )
    lines += ["", "| site | variance explained | L0 | dead | loss recovered (zero) | (mean) | beyond tokens |"]
    lines += ["|---|--:|--:|--:|--:|--:|--:|"]
    for key, row in result["sites"].items():
        lines.append(
            f"| {key} | {row['variance_explained']:.1%} | {row['active_mean']:.1f} | {row['dead_share']:.1%} "
            f"| {row['loss_recovered_zero']:.2%} | {row['loss_recovered_mean']:.2%} "
            f"| {row['beyond_tokens_share']:.1%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=1500)
    parser.add_argument("--json", type=Path, default=FOLDER / "evaluation.json")
    arguments = parser.parse_args()
    measured = evaluate(arguments.documents)
    arguments.json.write_text(json.dumps(measured, indent=1) + "\n")
    print(table(measured))
