"""Train the demo's tokenizer: byte-level BPE on the written world, saved as a Hugging Face fast tokenizer.

python demo/train_tokenizer.py
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from core.sources.demo import CONTEXT, MODEL, TRAINING_SEED, demo_documents

VOCABULARY = 2048
BOS, EOS = "<|bos|>", "<|eos|>"
WORDS = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]|\s+(?!\S)|\s"
"""Marks stand alone, so that a full stop and the quote after it are two tokens with notes of their own."""


def train(n_documents: int = 20_000) -> PreTrainedTokenizerFast:
    """Byte-level BPE: any text round-trips, words of the world are mostly one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(islice(demo_documents(TRAINING_SEED), n_documents), trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
    )


if __name__ == "__main__":
    MODEL.mkdir(parents=True, exist_ok=True)
    trained = train()
    trained.save_pretrained(MODEL)
    print(f"{len(trained)} tokens -> {MODEL}")
