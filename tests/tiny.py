"""Models, tokenizers and SAEs that fit in a temporary folder: random weights, real formats."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np

from core.collect import Progress, Settings, collect

WIDTH, LAYERS, CONTEXT = 16, 3, 24

LINES = [
    "The cat sat on the mat, and the mat was red.",
    "A naïve café owner — 日本語 — sold tea 🫖 to the cat.",
    "Numbers: 1, 2, 3, 5, 8, 13, 21; and so on, and so on, until the page is full and the reader is tired of it.",
    "x",
    "Once upon a time there was a small tree that wanted to see the sea.",
]


def corpus(path: Path, lines: int = 60) -> Path:
    """A text with `lines` documents of different lengths."""
    path.write_text("".join(f"{LINES[i % len(LINES)]} {i}\n" for i in range(lines)), encoding="utf-8")
    return path


def byte_level_tokenizer() -> Any:
    """Byte-level BPE as GPT-2's, with few merges: characters beyond ASCII are split over tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=290,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["the cat sat on the mat and the mat was red"] * 5, trainer)
    end = "<|endoftext|>"
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end)


def sentencepiece_tokenizer() -> Any:
    """BPE as Llama's: '▁' for spaces, one put before the text, bytes as <0x0A>."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    pieces += ["▁", *"abcdefghijklmnopqrstuvwxyzTA.,", "▁t", "▁th", "▁the", "at"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    merges = [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("a", "t")]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )


def gpt2(folder: Path) -> Path:
    """A GPT-2 of three layers with random weights, large enough that its layers differ."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    tokenizer = byte_level_tokenizer()
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=WIDTH, n_layer=LAYERS, n_head=2, n_positions=64,
        bos_token_id=0, eos_token_id=0, initializer_range=0.3,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def sae(folder: Path, architecture: str, hook: str, d_in: int = WIDTH, d_sae: int = 40, **options: Any) -> Path:
    """An SAE with random weights, saved by SAELens itself; `metadata` is added to what every SAE says of itself."""
    import torch
    from sae_lens.registry import get_sae_class
    from sae_lens.saes.sae import SAEMetadata

    options = dict(options)
    metadata = {"hook_name": hook, "prepend_bos": True, "context_size": CONTEXT, "model_name": "tiny"}
    metadata |= options.pop("metadata", {})
    torch.manual_seed(sum(map(ord, str(folder.name))))
    kind, config = get_sae_class(architecture)
    made = kind(config(d_in=d_in, d_sae=d_sae, metadata=SAEMetadata(**metadata), **options))
    with torch.no_grad():
        for name, weights in made.named_parameters():
            if weights.ndim == 1:
                weights.copy_(torch.rand_like(weights) * (0.5 if name == "threshold" else 0.2))
    made.save_model(folder)
    return folder


def batch_top_k(folder: Path, hook: str, d_sae: int = 40) -> Path:
    """A BatchTopK SAE as training leaves it behind: SAELens saves it for inference as a JumpReLU."""
    import torch
    from sae_lens import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.saes.sae import SAEMetadata

    torch.manual_seed(4)
    metadata = SAEMetadata(hook_name=hook, prepend_bos=True, context_size=CONTEXT, model_name="tiny")
    made = BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(d_in=WIDTH, d_sae=d_sae, k=5, metadata=metadata))
    with torch.no_grad():
        made.W_enc.normal_()
    made.topk_threshold.fill_(0.7)
    folder.mkdir(parents=True)
    made.save_inference_model(folder)
    return folder


def killed_at(settings: Settings, stage: str, occurrence: int, delay: float) -> None:
    """In a process of its own: collect, and die by SIGKILL `delay` seconds after a stage's n-th report."""
    import torch

    torch.set_num_threads(1)
    seen = 0

    def report(progress: Progress) -> None:
        nonlocal seen
        seen += progress.stage == stage
        if progress.stage == stage and seen == occurrence:
            if not delay:
                os.kill(os.getpid(), signal.SIGKILL)
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()

    collect(settings, report=report)


def datasets_of(path: Path) -> dict[str, bytes]:
    """The bytes of every dataset in a store."""
    import h5py

    found: dict[str, bytes] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None
        )
    return found


def dense(store: Any, key: str) -> np.ndarray:
    """A site's activations [n_positions, d_sae]."""
    rows = store.by_token(key)
    full = np.zeros((store.n_positions, store.site(key).d_sae), np.float32)
    full[np.repeat(np.arange(store.n_positions), np.diff(rows.offsets)), rows.indices] = rows.values
    return full
