"""The long stage: chunks go through the model and the SAEs, and a second thread writes them."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from pathlib import Path
from types import TracebackType

import numpy as np
import torch

from core.collect.encode import Block, SiteEncoder, join
from core.collect.forward import Forward, release_memory
from core.collect.partial import Partial, named_disk_errors, site_files
from core.collect.plan import STORE_BYTES, chunks, disk_needed
from core.collect.settings import Progress
from core.collect.work import Work
from core.errors import Cancelled, NoDiskSpace, OutOfMemory, out_of_memory

PROBE_TOKENS = 512


def collect_activations(work: Work, partial: Partial, target: Path) -> None:
    """Collect every chunk that the partial folder lacks; raises `Cancelled` between two of them."""
    ids, offsets = partial.read("ids", np.uint32), partial.read("sequence_offsets", np.int64)
    counted = partial.read("counted", np.uint8)
    runs = chunks(offsets, work.settings.chunk_tokens)
    done = int(partial.state.get("chunks", 0))
    first = int(offsets[runs[done - 1][1]]) if done else 0
    forward = Forward(work.model, work.hooks, work.settings.batch_tokens, work.note)
    started = time.monotonic()
    with Writer(work, partial, target, len(ids)) as writer, torch.inference_mode():
        for start, end in runs[done:]:
            if work.cancelled():
                raise Cancelled("cancelled", "run the same command again to go on")
            low, high = int(offsets[start]), int(offsets[end])
            part = slice(low, high)
            seen = forward.chunk(np.asarray(ids[part]), np.asarray(offsets[start : end + 1]) - low)
            for encoder in work.encoders:
                writer.put(encoder, encode_site(work, encoder, seen, counted[part]))
            writer.finish_chunk(high)
            rate = (high - first) / (time.monotonic() - started)
            work.report(Progress("activations", high, len(ids), "tokens", rate, (len(ids) - high) / rate))


def encode_site(work: Work, encoder: SiteEncoder, seen: dict[str, torch.Tensor], counted: np.ndarray) -> list[Block]:
    """Encode one chunk at one site in blocks of rows, which halve when the device runs out of memory."""
    x = seen[encoder.site.hook_name]
    target = seen[encoder.site.output_hook].flatten(1) if encoder.site.output_hook else None
    blocks: list[Block] = []
    start = 0
    while start < len(x):
        rows = slice(start, start + encoder.rows)
        try:
            blocks.append(encoder.encode(x[rows], None if target is None else target[rows], counted[rows]))
            start += encoder.rows
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            release_memory()
            if encoder.rows == 1:
                raise OutOfMemory(f"SAE {encoder.site.sae_id} does not fit", "choose --device cpu") from error
            encoder.rows //= 2
            work.note(f"{work.model.device} ran out of memory: encoding {encoder.rows} tokens at once")
    return blocks


class Writer:
    """A thread that appends what it is given and commits now and then; its errors surface in the caller's thread."""

    def __init__(self, work: Work, partial: Partial, target: Path, n_positions: int) -> None:
        self.partial, self.work, self.target, self.n_positions = partial, work, target, n_positions
        n_sites = len(work.encoders)
        self.totals = [int(total) for total in partial.state.get("totals", [0] * n_sites)]
        self.chunks = int(partial.state.get("chunks", 0))
        self.queue: queue.Queue[tuple[SiteEncoder, list[Block]] | int | None] = queue.Queue(maxsize=2 * n_sites)
        self.error: BaseException | None = None
        self.committed = time.monotonic()
        self.thread = threading.Thread(target=self._run, name="strata-writer", daemon=True)

    def __enter__(self) -> Writer:
        if not self.chunks:
            for encoder in self.work.encoders:  # row offsets begin with a zero
                self.partial.discard(*site_files(encoder.site.position).values())
                self.partial.append(site_files(encoder.site.position)["offsets"], np.zeros(1, np.int64))
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is queued and commit the whole chunks; the writer's own error wins over silence."""
        self.queue.put(None)
        self.thread.join()
        if error is None or isinstance(error, Cancelled | KeyboardInterrupt):
            self._raise()

    def put(self, encoder: SiteEncoder, blocks: list[Block]) -> None:
        """Hand over one site of the current chunk."""
        self._raise()
        self.queue.put((encoder, blocks))

    def finish_chunk(self, positions: int) -> None:
        """All sites of a chunk that ends at `positions` were handed over."""
        self.queue.put(positions)

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        """The thread: after an error it only empties the queue, so that nobody waits for it."""
        pending: list[tuple[SiteEncoder, list[Block]]] = []
        while (item := self.queue.get()) is not None:
            if self.error is not None:
                continue
            try:
                if isinstance(item, int):
                    self._write_chunk(pending, item)
                    pending = []
                else:
                    pending.append(item)
            except BaseException as error:
                self.error = error
        if self.error is None:
            try:
                self._commit()
            except BaseException as error:
                self.error = error

    def _write_chunk(self, parts: list[tuple[SiteEncoder, list[Block]]], positions: int) -> None:
        with named_disk_errors(self.target.parent):
            for encoder, blocks in parts:
                k, encoded = encoder.site.position, join(blocks)
                rows = np.cumsum(encoded.counts) + self.totals[k]
                self.totals[k] = int(rows[-1])
                arrays = (rows, encoded.features, encoded.values, encoded.input_norm, encoded.error_norm)
                for name, array in zip(site_files(k).values(), arrays, strict=True):
                    self.partial.append(name, array)
        self.chunks += 1
        if time.monotonic() - self.committed > self.work.settings.commit_seconds:
            self._commit()
            active = sum(self.totals) / max(1, positions)
            check_disk(self.work, self.partial, self.target, self.n_positions, active)

    def _commit(self) -> None:
        with named_disk_errors(self.target.parent):
            self.partial.commit(chunks=self.chunks, totals=list(self.totals))
        self.committed = time.monotonic()


# ---- disk


def require_disk(work: Work, partial: Partial, target: Path) -> None:
    """Raise `NoDiskSpace` unless folder and store will fit; how active the SAEs are is tried on a few sequences."""
    offsets = partial.read("sequence_offsets", np.int64)
    check_disk(work, partial, target, int(offsets[-1]), probe_active(work, partial))


def probe_active(work: Work, partial: Partial) -> float:
    """Mean number of active features a position, over all sites, on the first sequences."""
    ids, offsets = partial.read("ids", np.uint32), partial.read("sequence_offsets", np.int64)
    n = max(1, int(np.searchsorted(offsets, PROBE_TOKENS, side="right")) - 1)
    high = int(offsets[n])
    with torch.inference_mode():
        forward = Forward(work.model, work.hooks, work.settings.batch_tokens, work.note)
        seen = forward.chunk(np.asarray(ids[:high]), np.asarray(offsets[: n + 1]))
        ones = np.ones(high, np.uint8)
        return sum(len(join(encode_site(work, encoder, seen, ones)).values) for encoder in work.encoders) / high


def check_disk(work: Work, partial: Partial, target: Path, n_positions: int, active: float) -> None:
    """Raise `NoDiskSpace` where what is still to be written exceeds what is free."""
    fixed = sum(sum(p.numel() for p in encoder.sae.parameters()) * 4 for encoder in work.encoders) // 2
    needed = disk_needed(n_positions, active, len(work.encoders), fixed) - partial.bytes_written()
    free = shutil.disk_usage(target.parent).free
    if free < needed:
        raise NoDiskSpace(
            f"{target.parent} has {free / 1e9:.2f} GB free and about {needed / 1e9:.2f} GB are needed",
            f"free some space ({STORE_BYTES} bytes an activation), choose another --out or fewer --tokens",
        )
