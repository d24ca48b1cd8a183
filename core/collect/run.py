"""A run from beginning to end: tokens, activations, directions, store. Each stage can be killed and goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.collect.activations import collect_activations, require_disk
from core.collect.partial import Partial, open_partial, site_files
from core.collect.settings import Progress, Settings
from core.collect.weights import direction_logits, site_weights
from core.collect.work import Work, prepare
from core.errors import Cancelled, EmptyCorpus, RecipeChanged, StrataError
from core.sources.corpora import special_ids, tokenise, windows
from core.sources.vocabulary import vocabulary
from core.store import Header, Norms, SiteArrays, Sparse, Tokens, build_store, open_store
from core.store.format import LOGITS, index_dtype

GO_ON = "run the same command again to go on"
TOKEN_FILES = ("ids", "sequence_offsets", "sequence_document", "counted")


def run(
    settings: Settings,
    report: Callable[[Progress], None],
    note: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> Path:
    """See `core.collect.collect`."""
    target = settings.target()
    work = prepare(settings, report, note, cancelled)
    with open_partial(target) as partial:
        try:
            if is_finished(target, work.recipe):
                note(f"{target} is finished already")
            else:
                partial.begin(work.recipe, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
                every_stage(work, partial, target)
        except StrataError as error:
            if not worth_keeping(partial, error):
                partial.remove()
            raise
        partial.remove()
    _copy_demo_labels(settings, target)
    report(Progress("done", 1, 1))
    return target


def every_stage(work: Work, partial: Partial, target: Path) -> None:
    """What is still to be done, one stage after the other."""
    collect_tokens(work, partial)
    require_disk(work, partial, target)
    collect_activations(work, partial, target)
    collect_directions(work, partial)
    finish(work, partial, target)


def worth_keeping(partial: Partial, error: StrataError) -> bool:
    """Whether the folder saves the next run any work: chunks do, and tokens do when this run is to go on."""
    return bool(partial.state.get("chunks")) or (isinstance(error, Cancelled) and "tokens" in partial.state)


def is_finished(target: Path, recipe: str) -> bool:
    """Whether `target` is this recipe's store; raises `RecipeChanged` for anything else in its place."""
    if not target.exists():
        return False
    way_out = "choose another --out, or remove it"
    try:
        store = open_store(target)
    except StrataError as error:
        raise RecipeChanged(f"{target} is in the way: {error.what}", way_out) from error
    if store.recipe != recipe:
        raise RecipeChanged(f"{target} was collected with another model, other SAEs, text or settings", way_out)
    return True


def collect_tokens(work: Work, partial: Partial) -> None:
    """Tokenise the text and cut it into sequences, all of it before the model runs: afterwards sizes are known."""
    if "tokens" in partial.state:
        return
    partial.discard(*TOKEN_FILES)
    special = np.array(sorted(special_ids(work.model.tokenizer)), np.uint32)
    partial.append("sequence_offsets", np.zeros(1, np.int64))
    ids = tokenise(work.model.tokenizer, work.corpus.documents(), work.model.vocabulary_size)
    positions = counted = 0
    started = shown = time.monotonic()
    for document, sequence in windows(ids, work.cutting):
        array = np.array(sequence, np.uint32)
        counts = ~np.isin(array, special)
        counts[0] = False  # an attention sink, whatever token it is
        positions, counted = positions + len(array), counted + int(counts.sum())
        parts = [array, np.array([positions]), np.array([document]), counts.astype(np.uint8)]
        for name, part in zip(TOKEN_FILES, parts, strict=True):
            partial.append(name, part)
        if time.monotonic() - shown > 0.5:
            shown = time.monotonic()
            rate = positions / (shown - started)
            work.report(Progress("tokens", positions, work.limit, "tokens", rate))
            stop_if_cancelled(work)
        if work.limit and positions >= work.limit:
            break
    if not counted:
        raise EmptyCorpus(f"{work.corpus.name} holds no text to collect from", "give a file with one document a line")
    partial.commit(tokens=positions)


def stop_if_cancelled(work: Work) -> None:
    """Raise `Cancelled` where that was asked for."""
    if work.cancelled():
        raise Cancelled("cancelled", GO_ON)


def collect_directions(work: Work, partial: Partial) -> None:
    """The tokens that each site's directions promote and suppress; a killed run redoes the site it was at."""
    unembedding: torch.Tensor | None = None
    for encoder in work.encoders[int(partial.state.get("directions", 0)) :]:
        k = encoder.site.position
        work.report(Progress("directions", k, len(work.encoders)))
        stop_if_cancelled(work)
        if unembedding is None:
            unembedding = work.model.directions_to_logits()
        with torch.inference_mode():
            logits = direction_logits(encoder.site, encoder.sae, unembedding)
        for name, array in logits.items():
            partial.append(f"{k}.{name}", array)
        partial.commit(directions=k + 1)


def finish(work: Work, partial: Partial, target: Path) -> None:
    """Build the store from memory maps of the raw arrays; interrupted, it is simply repeated."""

    def progress(stage: str, share: float) -> None:
        work.report(Progress("store", share, 1.0))
        stop_if_cancelled(work)

    header = Header(work.describe(), work.recipe, str(partial.state["created"]))
    sites = [site_arrays(work, partial, k) for k in range(len(work.encoders))]
    build_store(target, header, tokens_of(work, partial), sites, building=partial.building, progress=progress)


def tokens_of(work: Work, partial: Partial) -> Tokens:
    """The tokens as they were committed, with the vocabulary's texts."""
    texts, offsets = vocabulary(work.model.tokenizer, work.model.vocabulary_size)
    return Tokens(
        ids=partial.read("ids", np.uint32),
        sequence_offsets=partial.read("sequence_offsets", np.int64),
        sequence_document=partial.read("sequence_document", np.int64),
        counted=partial.read("counted", np.uint8),
        vocabulary_bytes=texts,
        vocabulary_offsets=offsets,
    )


def site_arrays(work: Work, partial: Partial, k: int) -> SiteArrays:
    """One site's arrays, as memory maps where they are large."""
    encoder = work.encoders[k]
    site, files = encoder.site, site_files(k)
    logits: dict[str, Any] = {}
    for name in LOGITS:
        array = partial.read(f"{k}.{name}", np.uint32 if name.endswith("token") else np.float32)
        if len(array):
            logits[name] = array.reshape(site.d_sae, -1)
    by_token = Sparse(
        partial.read(files["offsets"], np.int64),
        partial.read(files["features"], index_dtype(site.d_sae)),
        partial.read(files["values"], np.float32),
    )
    norms = Norms(partial.read(files["input_norm"], np.float32), partial.read(files["error_norm"], np.float32))
    return SiteArrays(site, by_token, norms, site_weights(encoder.sae), logits)


def _copy_demo_labels(settings: Settings, target: Path) -> None:
    """The demo's labels lie beside its store, as labels always do."""
    if settings.saes != "demo":
        return
    from core.sources.demo import FOLDER

    labels = FOLDER / "demo.labels.parquet"
    beside = target.with_name(target.stem + ".labels.parquet")
    if labels.is_file() and not beside.exists():
        shutil.copyfile(labels, beside)
