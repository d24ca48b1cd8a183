"""One forward pass for all sites: what every hook sees on a chunk's positions, in the order of the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from core.collect.plan import batches, padded
from core.errors import OutOfMemory, out_of_memory
from core.sources.models import LanguageModel


class Forward:
    """Runs the model over chunks of sequences; `batch_tokens` halves when the device runs out of memory."""

    def __init__(
        self, model: LanguageModel, hooks: Sequence[str], batch_tokens: int, note: Callable[[str], None]
    ) -> None:
        self.model = model
        self.hooks = list(hooks)
        self.batch_tokens = batch_tokens
        self.note = note

    def chunk(self, ids: np.ndarray, offsets: np.ndarray) -> dict[str, torch.Tensor]:
        """Activations [positions, ...] by hook for sequences ``ids[offsets[s]:offsets[s+1]]`` of one chunk."""
        gathered: dict[str, torch.Tensor] = {}
        waiting = list(batches(np.diff(offsets), self.batch_tokens))
        while waiting:
            sequences = waiting.pop(0)
            try:
                self._batch(ids, offsets, sequences, gathered)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                waiting[:0] = self._halve(sequences, error)
        return gathered

    def _batch(
        self, ids: np.ndarray, offsets: np.ndarray, sequences: np.ndarray, gathered: dict[str, torch.Tensor]
    ) -> None:
        tokens, real, places = padded(ids, offsets, sequences)
        device = self.model.device
        seen = self.model.capture(torch.from_numpy(tokens).to(device), self.hooks)
        source, destination = torch.from_numpy(real).to(device), torch.from_numpy(places).to(device)
        for hook, tensor in seen.items():
            flat = tensor.flatten(0, 1)
            if hook not in gathered:
                gathered[hook] = torch.empty(len(ids), *flat.shape[1:], dtype=flat.dtype, device=flat.device)
            gathered[hook][destination] = flat[source]

    def _halve(self, sequences: np.ndarray, error: RuntimeError) -> list[np.ndarray]:
        release_memory()
        if len(sequences) == 1:
            raise OutOfMemory(
                f"one sequence does not fit {self.model.device}", "choose a smaller --context-size or --device cpu"
            ) from error
        self.batch_tokens = max(1, self.batch_tokens // 2)
        self.note(f"{self.model.device} ran out of memory: batches are now of {self.batch_tokens} tokens")
        middle = len(sequences) // 2
        return [sequences[:middle], sequences[middle:]]


def release_memory() -> None:
    """Give cached blocks back to the device before trying with less."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
