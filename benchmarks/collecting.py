"""Collecting against the bare loop of forward passes and encodes, in one run (DESIGN 7: at least 85%).

    python benchmarks/collecting.py [--json FILE] [--shape gpt2] [--model M --saes S --text T] [--tokens N]

The bare loop does what nobody can leave out: the same batches through the same model up to the last hook, and
`sae.encode` of every position at every site, nothing kept. Collecting adds sparse rows, norms of inputs and of
reconstruction errors, files and their flushes. Both are timed in alternation, so that a busy machine slows both.
Loading, directions and finishing are told apart: they do not grow with the text in the same way.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from core.collect.activations import collect_activations
from core.collect.forward import Forward
from core.collect.partial import Partial, open_partial
from core.collect.plan import chunks
from core.collect.run import collect_directions, collect_tokens, finish
from core.collect.settings import Settings
from core.collect.work import Work, prepare

SHAPES = {  # layers, width, heads, d_sae, sites
    "small": (4, 64, 8, 512, 4),
    "medium": (4, 256, 8, 8192, 2),
    "gpt2": (12, 768, 12, 24_576, 3),
}


def made_up(folder: Path, shape: str) -> Settings:
    """A model of the given shape with random weights, and SAEs whose biases leave some 60 features active."""
    from sae_lens import StandardSAE, StandardSAEConfig
    from sae_lens.saes.sae import SAEMetadata
    from transformers import GPT2Config, GPT2LMHeadModel

    from tests.tiny import byte_level_tokenizer

    layers, width, heads, d_sae, sites = SHAPES[shape]
    torch.manual_seed(0)
    tokenizer = byte_level_tokenizer()
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=width, n_layer=layers, n_head=heads, n_positions=256)
    GPT2LMHeadModel(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    for layer in np.linspace(0, layers - 1, sites).astype(int):
        hook = f"blocks.{layer}.hook_resid_pre"
        metadata = SAEMetadata(hook_name=hook, prepend_bos=True, context_size=128, model_name=shape)
        sae = StandardSAE(StandardSAEConfig(d_in=width, d_sae=d_sae, metadata=metadata))
        sae.cfg.apply_b_dec_to_input = False
        folder.joinpath("saes").mkdir(exist_ok=True)
        sae.save_model(folder / "saes" / hook)
    words = np.random.default_rng(0).integers(97, 123, (4000, 400), np.uint8)
    words[:, ::6] = 32
    (folder / "text.txt").write_bytes(b"\n".join(row.tobytes() for row in words))
    return Settings(str(folder / "model"), str(folder / "saes"), str(folder / "text.txt"))


def aim_at(work: Work, partial: Partial, active: int = 60) -> None:
    """Shift each made-up SAE's bias so that about `active` features fire on a token, as trained SAEs do."""
    offsets = partial.read("sequence_offsets", np.int64)
    ids = np.asarray(partial.read("ids", np.uint32)[: offsets[2]])
    forward = Forward(work.model, work.hooks, 4096, print)
    seen = forward.chunk(ids, np.asarray(offsets[:3]))
    with torch.inference_mode(False), torch.no_grad():
        for encoder in work.encoders:
            x = seen[encoder.site.hook_name].clone()
            pre = x @ encoder.sae.W_enc + encoder.sae.b_enc
            share = 1 - active / encoder.site.d_sae
            encoder.sae.b_enc -= torch.quantile(pre[:64].flatten()[: 1 << 24], min(share, 0.995))


def bare(work: Work, partial: Partial) -> Iterator[int]:
    """The bare loop: yields the positions done after each chunk."""
    ids, offsets = partial.read("ids", np.uint32), partial.read("sequence_offsets", np.int64)
    forward = Forward(work.model, work.hooks, work.settings.batch_tokens, print)
    with torch.inference_mode():
        for first, last in chunks(offsets, work.settings.chunk_tokens):
            low, high = int(offsets[first]), int(offsets[last])
            seen = forward.chunk(np.asarray(ids[low:high]), np.asarray(offsets[first : last + 1]) - low)
            for encoder in work.encoders:
                x = seen[encoder.site.hook_name]
                for start in range(0, len(x), encoder.rows):
                    encoder.sae.encode(x[start : start + encoder.rows])
            yield high - low


def measure(settings: Settings, shape: str | None, rounds: int) -> dict[str, Any]:
    """Seconds of both over the same tokens, alternating, and what comes before and after."""
    started = time.perf_counter()
    work = prepare(settings, lambda progress: None, print, lambda: False)
    loading = time.perf_counter() - started
    target = settings.target()
    seconds: dict[str, list[float]] = {"bare": [], "collecting": []}
    work_of: dict[str, list[float]] = {"bare": [], "collecting": []}  # processor time, which a busy machine spares
    with open_partial(target) as partial:
        partial.begin(work.recipe, "2026-01-01T00:00:00Z")
        collect_tokens(work, partial)
        if shape:
            aim_at(work, partial)
        warm = bare(work, partial)
        next(warm)
        for _ in range(rounds):
            started, used = time.perf_counter(), time.process_time()
            n = sum(bare(work, partial))
            seconds["bare"].append(time.perf_counter() - started)
            work_of["bare"].append(time.process_time() - used)
            partial.state.pop("chunks", None), partial.state.pop("totals", None)
            started, used = time.perf_counter(), time.process_time()
            collect_activations(work, partial, target)
            seconds["collecting"].append(time.perf_counter() - started)
            work_of["collecting"].append(time.process_time() - used)
        started = time.perf_counter()
        collect_directions(work, partial)
        directions = time.perf_counter() - started
        started = time.perf_counter()
        active = sum(partial.state["totals"]) / n / len(work.encoders)
        finish(work, partial, target)
        finishing = time.perf_counter() - started
        partial.remove()
    ratios = [b / c for b, c in zip(seconds["bare"], seconds["collecting"], strict=True)]
    processor = [b / c for b, c in zip(work_of["bare"], work_of["collecting"], strict=True)]
    return {
        "positions": n, "sites": len(work.encoders), "d_sae": work.sites[0].d_sae, "active_mean": active,
        "bare_tokens_per_second": n / min(seconds["bare"]),
        "collecting_tokens_per_second": n / min(seconds["collecting"]),
        "share_of_bare": statistics.median(ratios), "share_by_round": ratios,
        "share_of_bare_processor_time": statistics.median(processor),
        "loading_seconds": loading, "directions_seconds": directions, "finishing_seconds": finishing,
        "store_bytes": target.stat().st_size, "threads": torch.get_num_threads(), "cores": os.cpu_count(),
        "device": work.model.device,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, help="made-up weights of this shape (default: small)")
    parser.add_argument("--model")
    parser.add_argument("--saes")
    parser.add_argument("--text")
    parser.add_argument("--tokens", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shape = None if options.model else options.shape or "small"
        base = made_up(folder, shape) if shape else Settings(options.model, options.saes, options.text)
        settings = Settings(
            base.model, base.saes, base.text, tokens=options.tokens, device=options.device, out=folder / "store.h5"
        )
        result = {"shape": shape or options.model, **measure(settings, shape, options.rounds)}
    for key, value in result.items():
        print(f"{key:30} {value if isinstance(value, str | list) else f'{value:,.3f}'.rstrip('0').rstrip('.')}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
