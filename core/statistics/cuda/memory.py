"""Memory of the device: how much is used at once, copies to it, and what happens when it runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from core.errors import out_of_memory

MOST_CELLS, CELL_BYTES = 1 << 25, 160  # of a tile; a touched cell with all that is computed of it
MOST_PRODUCTS, PRODUCT_BYTES = 1 << 25, 64  # written out at once; what one takes
LEAST_PRODUCTS = 1 << 12
PIECE = 1 << 24  # entries copied to the device at once

T = TypeVar("T")


def available() -> bool:
    """Whether there is a GPU that torch can compute on: an old one may be there and not be spoken to."""
    try:
        return bool(torch.cuda.is_available()) and int(torch.ones(1, device="cuda") + 1) == 2
    except RuntimeError as error:
        return out_of_memory(error)


def block_size(free: int, width: int) -> tuple[int, int]:
    """(features, products) at once for `free` bytes and tiles of `width` columns.

    >>> block_size(80 << 30, 24_576), block_size(4 << 30, 24_576)
    ((1365, 33554432), (546, 16777216))
    """
    cells = min(MOST_CELLS, free // 2 // CELL_BYTES)
    return max(1, cells // width), max(LEAST_PRODUCTS, min(MOST_PRODUCTS, free // 4 // PRODUCT_BYTES))


def free_bytes(device: torch.device) -> int:
    """What a GPU has free, and what torch holds of it without use; elsewhere enough for blocks of a moderate size."""
    if device.type != "cuda":
        return 1 << 30
    held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(torch.cuda.mem_get_info(device)[0] + held)


def within_memory(action: Callable[[], T]) -> T | None:
    """What `action` returns; None where the device ran out of memory, which is then given back."""
    try:
        return action()
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
    # Outside of the handler, since the error held on to the frames that hold the tensors.
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def upload(array: np.ndarray, device: torch.device) -> Tensor:
    """A copy of an array or memory map on the device; unsigned integers come as int32 (16 bits) or int64 (32 bits)."""
    signed = array.view(f"i{array.itemsize}") if array.dtype.kind == "u" else array
    kind = torch.from_numpy(np.empty(0, signed.dtype)).dtype
    out = torch.empty(len(signed), dtype=kind, device=device)
    for first in range(0, len(signed), PIECE):
        piece = signed[first : first + PIECE]
        # Pinned memory copies several times faster; torch keeps it until the copy is over.
        staged = torch.empty(len(piece), dtype=kind, pin_memory=device.type == "cuda")
        staged.numpy()[:] = piece
        out[first : first + len(piece)].copy_(staged, non_blocking=True)
    if array.dtype.kind != "u":
        return out
    wider = torch.int32 if array.itemsize == 2 else torch.int64
    return out.to(wider).bitwise_and_((1 << 8 * array.itemsize) - 1)
