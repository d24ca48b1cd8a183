"""Label the demo's features from what the generator noted about each word.

    python demo/make_labels.py [--documents 1200] [--out demo/demo.labels.parquet]

Candidates are all notes ("kind: closing quote"), the kind of the token before and of the token after, and every
conjunction of two. For each feature the candidate with the best F1 is chosen on one half of the documents and scored
on the other. A label is kept where that held-out F1 is at least 0.6 and beats the best F1 that any of as many
candidates reaches on the same half after permuting: every document gets the notes of another document of its
register, token by token from its start (from the start again where it is shorter), so that runs, positions and
registers stay what they are and only the tie between the notes and these very words is cut.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import polars as pl
import torch
from torch import Tensor

from core.sources.demo import CONTEXT, LABEL_SEED, LABELS
from core.sources.world import Document, documents
from demo.annotations import Note, Notes, notes_of, permuted
from demo.evaluate import load_saes
from demo.sites import HOOKS, KEYS, activations, load_model, windows
from demo.wording import wording

BAR, LEAST, PAIR_PRICE = 0.6, 20, 0.01
"""Lowest F1 kept; fewest tokens that an annotation must have; what a second note must gain to be worth saying."""

RECALL = BAR / (2 - BAR) - 0.03
"""F1 <= 2 r / (1 + r) at recall r, so that r >= BAR / (2 - BAR) is needed; a little less, as the halves differ."""


def document_notes(model: Any, batch: Sequence[Document]) -> list[list[Notes]]:
    """For each document the notes of each of its tokens, with the kinds of the tokens before and after."""
    encoded = model.tokenizer(
        [document.text for document in batch], add_special_tokens=False, return_offsets_mapping=True
    )
    pairs = zip(batch, encoded["offset_mapping"], strict=True)
    return [notes_of(document, offsets[: CONTEXT - 1]) for document, offsets in pairs]


def annotation_matrix(rows: list[list[Notes]], notes: list[Note]) -> Tensor:
    """Which token has which note, float [tokens, notes]."""
    index = {note: column for column, note in enumerate(notes)}
    matrix = np.zeros((sum(map(len, rows)), len(notes)), dtype=np.float32)
    for at, found in enumerate(found for row in rows for found in row):
        matrix[at, [index[note] for note in found if note in index]] = 1
    return torch.from_numpy(matrix)


def best_pair(matrix: Tensor, together: Tensor, active: Tensor, price: float) -> tuple[int, int, float]:
    """The conjunction of two notes with the best F1 for a feature: (note, note, F1); a single note stands twice.

    `matrix` is float [tokens, notes], `together` its Gram matrix, `active` bool [tokens]. A pair must beat a single
    note by `price`. Only notes on at least `RECALL` of the active tokens are tried: with fewer, no conjunction that
    holds one can reach an F1 of `BAR`. Without any, the F1 is 0.
    """
    there = matrix[active]
    columns = (there.mean(0) >= RECALL).nonzero().flatten()
    if not len(columns):
        return 0, 0, 0.0
    there, count = there[:, columns], together[columns][:, columns]
    f1 = 2 * (there.T @ there) / (count + active.sum())
    f1[count < LEAST] = 0
    at = int((f1 - price * ~torch.eye(len(columns), dtype=torch.bool)).argmax())
    row, column = divmod(at, len(columns))
    return int(columns[row]), int(columns[column]), f1[row, column].item()


def f1_of(matrix: Tensor, row: int, column: int, active: Tensor) -> float:
    """F1 of one conjunction with a feature."""
    holds = (matrix[:, row] * matrix[:, column]).bool()
    return 2 * int((holds & active).sum()) / max(1, int(holds.sum() + active.sum()))


def site_labels(active: Tensor, real: Tensor, null: Tensor, first: Tensor) -> list[tuple[int, int, int, float]]:
    """(feature, note, note, held-out F1) of every feature that earns a label; a single note stands twice.

    `active` is bool [tokens, features]; `real` and `null` are float [tokens, notes]; `first` is bool [tokens].
    """
    chosen_from, scored_on, chance_on = real[first], real[~first], null[~first]
    gram, chance_gram = chosen_from.T @ chosen_from, chance_on.T @ chance_on
    labels = []
    for feature in (active[first].sum(0) >= LEAST).nonzero().flatten().tolist():
        row, column, f1 = best_pair(chosen_from, gram, active[first, feature], PAIR_PRICE)
        held_out = f1_of(scored_on, row, column, active[~first, feature]) if f1 else 0.0
        chance = best_pair(chance_on, chance_gram, active[~first, feature], 0.0)[2]
        if held_out >= BAR and held_out > chance:
            labels.append((feature, row, column, held_out))
    return labels


def annotated(model: Any, count: int) -> tuple[list[Note], Tensor, Tensor, Tensor]:
    """The notes, the real and the permuted annotation matrix, and the first half of the documents as bool [tokens]."""
    chosen = list(islice(documents(LABEL_SEED), count))
    rows = document_notes(model, chosen)
    counts = Counter(note for row in rows for found in row for note in found)
    notes = sorted(note for note, n in counts.items() if n >= 2 * LEAST)
    real = annotation_matrix(rows, notes)
    null = annotation_matrix(permuted(rows, [document.register for document in chosen], seed=0), notes)
    first = torch.tensor([at % 2 == 0 for at, row in enumerate(rows) for _ in row])
    return notes, real, null, first


@torch.no_grad()
def label(count: int) -> pl.DataFrame:
    """All labels of all sites."""
    model, saes = load_model(), load_saes()
    notes, real, null, first = annotated(model, count)
    texts = [document.text for document in islice(documents(LABEL_SEED), count)]
    parts = [activations(model, *windows(model.tokenizer, texts[at : at + 64])) for at in range(0, count, 64)]
    records = []
    for hook in HOOKS:
        features = [saes[hook].encode(part[hook]) > 0 for part in parts]
        found = site_labels(torch.cat(features), real, null, first)
        alive = int(torch.cat(features).any(0).sum())
        print(f"{KEYS[hook]}: {len(found)} of {alive} alive features labelled", flush=True)
        for feature, row, column, f1 in found:
            text = wording([notes[row], notes[column]] if row != column else [notes[row]])
            records.append((KEYS[hook], feature, text, "demo annotations", f1))
    schema = {"key": pl.String, "feature": pl.UInt32, "label": pl.String, "source": pl.String, "score": pl.Float64}
    return pl.DataFrame(records, schema=schema, orient="row")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=1200)
    parser.add_argument("--out", type=Path, default=LABELS)
    arguments = parser.parse_args()
    label(arguments.documents).write_parquet(arguments.out)
