"""Where the embedded demo lives, and its endless text. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.sources.world import documents

FOLDER = Path(__file__).resolve().parents[2] / "demo"
MODEL = FOLDER / "model"
SAES = FOLDER / "saes"
STORE = FOLDER / "demo.h5"
LABELS = FOLDER / "demo.labels.parquet"

CONTEXT = 128
TRAINING_SEED, SAE_SEED, HELD_OUT_SEED, LABEL_SEED = 1, 2, 3, 4
"""Seeds of the texts that trained the model, trained the SAEs, measure both, and give the labels."""


def demo_documents(seed: int = 0) -> Iterator[str]:
    """Endless texts of the demo's written world; the same ones for the same seed.

    >>> next(demo_documents(5)) == next(demo_documents(5))
    True
    """
    return (document.text for document in documents(seed))
