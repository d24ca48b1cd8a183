"""One site's activations of one chunk: encoded, made sparse, and the sizes of input and error beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
import torch
from numba import njit

from core.errors import NegativeActivations, NotFinite
from core.store.format import index_dtype
from core.values import Site

DENSE_BYTES, DENSE_BYTES_OF_A_GPU = 1 << 28, 1 << 30
"""Dense activations that are held at once while encoding; a GPU has more at hand, and each block costs it a wait."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows of active features for some positions, with norms; `counts` are the rows' lengths."""

    counts: np.ndarray  # int64 [rows]
    features: np.ndarray  # uint16 or uint32 [nnz]
    values: np.ndarray  # float32 [nnz]
    input_norm: np.ndarray  # float32 [rows]
    error_norm: np.ndarray  # float32 [rows]


@dataclass(frozen=True, slots=True)
class Block:
    """What encoding some positions gave, on its way from the device: `arrays` waits for it."""

    counts: torch.Tensor  # [rows]
    features: torch.Tensor  # [nnz]
    values: torch.Tensor  # float32 [nnz]
    norms: torch.Tensor  # float32 [2, rows], of inputs and of reconstruction errors
    counted: np.ndarray  # uint8 [rows]
    index: type[np.generic]  # of features
    arrived: torch.cuda.Event | None = None

    def arrays(self) -> Encoded:
        """As arrays, without the activations of positions that do not count."""
        if self.arrived is not None:
            self.arrived.synchronize()
        counts, features, values = (part.numpy() for part in (self.counts, self.features, self.values))
        return _drop_uncounted(Encoded(counts, features.astype(self.index), values, *self.norms.numpy()), self.counted)


class SiteEncoder:
    """An SAE at its hook, with the cheapest exact way to its reconstruction."""

    def __init__(self, site: Site, sae: Any, head: int | None = None) -> None:
        self.site = site
        self.sae = sae
        self.head = head  # a single attention head, for SAEs trained on one
        at_once = DENSE_BYTES_OF_A_GPU if str(sae.device).startswith("cuda") else DENSE_BYTES
        self.rows = max(64, at_once // (4 * site.d_sae))
        self._bag = self._decoder_for_bags()

    def inputs(self, activations: torch.Tensor) -> torch.Tensor:
        """What the SAE reads, [positions, ...], from what its hook saw, [positions, ...]."""
        if self.head is not None:
            return activations[:, self.head]
        if activations.ndim > 2 and not self.sae.hook_z_reshaping_mode:
            return activations.flatten(1)
        return activations

    def encode(self, x: torch.Tensor, target: torch.Tensor | None, counted: np.ndarray) -> Block:
        """Encode rows of hook activations; `target` is where a transcoder's reconstruction belongs (else `x`).

        Rows where `counted` is 0 keep their norms and lose their activations. Raises `NegativeActivations`. From a GPU
        the results come while the next block is at work.
        """
        inputs = self.inputs(x)
        wanted = inputs if target is None else target
        dense = self.sae.encode(inputs)
        counts, features, values = self._sparse(dense)
        reconstruction = self._reconstruct(dense, counts, features, values)
        if hasattr(self.sae, "W_skip"):
            reconstruction = reconstruction + inputs.to(self.sae.dtype) @ self.sae.W_skip.T
        error = wanted.flatten(1).float() - reconstruction.flatten(1).float()
        norms = torch.stack([inputs.flatten(1).float().norm(dim=1), error.norm(dim=1)])
        index, on_a_gpu = index_dtype(self.site.d_sae), dense.device.type == "cuda"

        def sent(part: torch.Tensor) -> torch.Tensor:  # to pinned memory, where it need not be waited for
            return part.to("cpu", non_blocking=on_a_gpu)

        block = Block(sent(counts), sent(features), sent(values), sent(norms), counted, index)
        if not on_a_gpu:
            return block
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record()
        return replace(block, arrived=arrived)

    def _sparse(self, dense: torch.Tensor) -> tuple[Any, Any, Any]:
        """Lengths of the rows, columns and values of the active entries."""
        return self._sparse_on_cpu(dense) if dense.device.type == "cpu" else self._sparse_on_a_gpu(dense)

    def _sparse_on_a_gpu(self, dense: torch.Tensor) -> tuple[Any, Any, Any]:
        if dense.dtype == torch.float64:
            dense = dense.float()  # first: what is 0 then is not active
        least, most = dense.aminmax()  # one pass; NaN is handed on and fails both
        if not bool((least >= 0) & (most < torch.inf)):
            self._refuse(dense)
        active = dense > 0
        rows, columns = active.nonzero(as_tuple=True)
        return active.sum(1), columns.int(), dense[rows, columns].float()

    def _sparse_on_cpu(self, dense: torch.Tensor) -> tuple[Any, Any, Any]:
        array = np.ascontiguousarray(dense.float().numpy())
        counts = np.zeros(len(array), np.int64)
        room = max(64 * len(array), 1 << 12)
        while True:
            columns, values = np.empty(room, np.int32), np.empty(room, np.float32)
            used = _active_entries(array, counts, columns, values)
            if used < 0:
                self._refuse(dense)
            if used <= room:
                return torch.from_numpy(counts), torch.from_numpy(columns[:used]), torch.from_numpy(values[:used])
            room = used

    def _refuse(self, dense: torch.Tensor) -> NoReturn:
        """Say by name why a store cannot hold these activations."""
        if not bool(torch.isfinite(dense).all()):
            raise NotFinite(
                f"activations of SAE {self.site.sae_id} at {self.site.hook_name} are infinite or no numbers",
                "check the weights of the model and the SAE; half precision overflows",
            )
        raise NegativeActivations(
            f"SAE {self.site.sae_id} at {self.site.hook_name} has negative activations",
            "choose SAEs whose activations are never negative",
        )

    def _decoder_for_bags(self) -> torch.Tensor | None:
        """The rows whose weighted sums, plus the bias, are `sae.decode`, where the SAE is of that kind."""
        if getattr(self.sae, "W_dec", None) is None or getattr(self.sae, "b_dec", None) is None:
            return None
        rows = self.sae.W_dec.detach().float()
        if getattr(self.sae.cfg, "rescale_acts_by_decoder_norm", False):
            rows = rows / rows.norm(dim=-1, keepdim=True)
        return rows if self._agrees(rows) else None

    def _agrees(self, rows: torch.Tensor) -> bool:
        """Whether summing decoder rows is what this SAE's `decode` does, tried on made-up activations."""
        if self.site.normalisation not in ("none", "expected_average_only_in") or self.sae.hook_z_reshaping_mode:
            return False
        sample = torch.zeros(4, self.site.d_sae, device=rows.device, dtype=self.sae.dtype)
        for row in range(4):
            sample[row, row % self.site.d_sae :: max(1, self.site.d_sae // 5)] = row + 0.5
        with torch.inference_mode():
            expected = self.sae.decode(sample)
            got = sample.float() @ rows + self.sae.b_dec.float()
        return expected.shape == got.shape and torch.allclose(expected.float(), got, rtol=1e-4, atol=1e-4)

    def _reconstruct(self, dense: torch.Tensor, counts: Any, features: Any, values: Any) -> torch.Tensor:
        """`sae.decode` of the activations, by their active features only where that is the same.

        The dense way is also kept for SAEs that scale their input at run time: they remember the scale of the last
        `encode` and undo it in `decode`.
        """
        if self._bag is None:
            return self.sae.decode(dense)
        starts = torch.zeros(len(counts), dtype=features.dtype, device=features.device)
        starts[1:] = counts[:-1].cumsum(0)
        total = torch.nn.functional.embedding_bag(features, self._bag, starts, mode="sum", per_sample_weights=values)
        return total.add_(self.sae.b_dec)


def _drop_uncounted(encoded: Encoded, counted: np.ndarray) -> Encoded:
    keep = counted.astype(bool)
    if keep.all():
        return encoded
    entries = np.repeat(keep, encoded.counts)
    return Encoded(
        np.where(keep, encoded.counts, 0),
        encoded.features[entries],
        encoded.values[entries],
        encoded.input_norm,
        encoded.error_norm,
    )


def join(blocks: list[Block]) -> Encoded:
    """The blocks of a chunk, one after the other."""
    parts = [block.arrays() for block in blocks]
    if len(parts) == 1:
        return parts[0]
    return Encoded(*(np.concatenate([getattr(part, name) for part in parts]) for name in Encoded.__dataclass_fields__))


@njit(nogil=True, cache=True)
def _active_entries(dense, counts, columns, values):  # type: ignore[no-untyped-def]
    """Fill `counts` and, as far as there is room, the positive entries row by row; returns how many there are.

    One pass over the memory, which is what it costs; -1 where an entry is negative, infinite or no number.
    """
    room = len(columns)
    used = 0
    for row in range(dense.shape[0]):
        before = used
        for column in range(dense.shape[1]):
            value = dense[row, column]
            if value != 0.0:
                if not 0.0 < value < np.inf:
                    return -1
                if used < room:
                    columns[used] = column
                    values[used] = value
                used += 1
        counts[row] = used - before
    return used
