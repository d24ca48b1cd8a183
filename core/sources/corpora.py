"""Texts: where they come from, and how documents become windows of tokens."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import CorpusNotFound, PackageMissing, TokenizerMismatch
from core.sources.hub import reachable

TOKENISED_AT_ONCE = 256
"""Documents handed to the tokenizer in one call."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A source of documents; `identity` is what a recipe says of it, `endless` asks for a limit."""

    name: str
    identity: str
    documents: Callable[[], Iterator[str]]
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Cutting:
    """How documents become sequences."""

    context_size: int
    bos: int | None  # put before each sequence; None: nothing is
    pack: bool = False
    separator: int | None = None  # between packed documents


def open_corpus(spec: str, seed: int = 0) -> Corpus:
    """``demo``, ``hf:DATASET[@CONFIG][:SPLIT]``, a text file (one line a document) or JSON lines with ``text``.

    Raises `CorpusNotFound`.
    """
    if spec == "demo":
        from core.sources.demo import demo_documents

        return Corpus("demo", f"demo:{seed}", lambda: demo_documents(seed), endless=True)
    if spec.startswith("hf:"):
        return Corpus(spec, spec, lambda: _hub_documents(spec), endless=True)
    path = Path(os.path.expanduser(spec))
    if not path.is_file():
        raise CorpusNotFound(f"there is no text file {spec}", "check the path, or use hf:DATASET for a dataset")
    return Corpus(path.name, f"sha256:{file_digest(path)}", lambda: _file_documents(path))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; raises `CorpusNotFound` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CorpusNotFound(f"{path} cannot be read: {error.strerror}", "check its permissions") from error


def _file_documents(path: Path) -> Iterator[str]:
    records = path.suffix in (".jsonl", ".ndjson")
    try:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, 1):
                text = line.rstrip("\r\n")
                if text.strip():
                    yield _record_text(path, number, text) if records else text
    except UnicodeDecodeError as error:
        raise CorpusNotFound(f"{path} is not UTF-8 text", "convert it to UTF-8, one document a line") from error


def _record_text(path: Path, number: int, line: str) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusNotFound(
            f'{path} line {number} is no record with "text"', "write one JSON object a line"
        ) from error
    return str(text)


def _hub_documents(spec: str) -> Iterator[str]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise PackageMissing(f"{error.name or error} is not installed", "pip install -r requirements.txt") from error
    name, config, split = parse_hub(spec)
    if not reachable():
        raise CorpusNotFound(f"{spec} cannot be read: there is no way to the hub", "check the network, or use a file")
    try:
        rows = iter(load_dataset(name, config, split=split, streaming=True))
        while (row := next(rows, None)) is not None:
            yield str(row["text"])
    except KeyError as error:
        raise CorpusNotFound(f'{spec} has no column "text"', "choose a dataset with one") from error
    except GeneratorExit:
        raise
    except Exception as error:  # network, hub and parsing errors of many libraries
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise CorpusNotFound(f"{spec} cannot be read: {reason}", "check the name and the network") from error


def parse_hub(spec: str) -> tuple[str, str | None, str]:
    """``hf:DATASET[@CONFIG][:SPLIT]`` as name, configuration and split.

    >>> parse_hub("hf:org/data@en:validation"), parse_hub("hf:org/data")
    (('org/data', 'en', 'validation'), ('org/data', None, 'train'))
    """
    name, _, split = spec.removeprefix("hf:").partition(":")
    name, _, config = name.partition("@")
    return name, config or None, split or "train"


# ---- from documents to windows


def tokenise(tokenizer: Any, documents: Iterable[str], vocabulary_size: int) -> Iterator[list[int]]:
    """Token ids of each document, without special tokens; raises `TokenizerMismatch` for ids the model lacks."""
    remaining = iter(documents)
    while texts := list(islice(remaining, TOKENISED_AT_ONCE)):
        for ids in tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]:
            if ids and max(ids) >= vocabulary_size:
                raise TokenizerMismatch(
                    f"the tokenizer yields id {max(ids)}, the model has {vocabulary_size} tokens",
                    "use the tokenizer that the model was trained with",
                )
            yield ids


def windows(documents: Iterable[Sequence[int]], cutting: Cutting) -> Iterator[tuple[int, list[int]]]:
    """(document, ids) of each sequence; a remainder with nothing to count (one token, or BOS alone) is left out.

    >>> list(windows([[5, 6, 7], [8, 9]], Cutting(context_size=3, bos=1)))
    [(0, [1, 5, 6]), (0, [1, 7]), (1, [1, 8, 9])]
    >>> list(windows([[5, 6, 7, 4], [8, 9, 3]], Cutting(context_size=3, bos=None, pack=True, separator=2)))
    [(0, [5, 6, 7]), (0, [4, 2, 8]), (1, [9, 3])]
    """
    lead = [] if cutting.bos is None else [cutting.bos]
    width = cutting.context_size - len(lead)
    for document, ids in _packed(documents, cutting, width) if cutting.pack else enumerate(documents):
        for start in range(0, len(ids), width):
            sequence = lead + list(ids[start : start + width])
            if len(sequence) > 1:
                yield document, sequence


def _packed(documents: Iterable[Sequence[int]], cutting: Cutting, width: int) -> Iterator[tuple[int, list[int]]]:
    """Documents strung together in pieces of `width`, each with the number of the document that it starts in."""
    held: list[int] = []
    origin = 0
    for document, ids in enumerate(documents):
        if held and cutting.separator is not None:
            held.append(cutting.separator)
        if not held:
            origin = document
        held += ids
        while len(held) >= width:
            yield origin, held[:width]
            held, origin = held[width:], document
    if held:
        yield origin, held


def special_ids(tokenizer: Any) -> frozenset[int]:
    """Ids that never count: BOS, EOS, padding and markers; an unknown word is a word, unless it shares their id."""
    named = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id} - {None}
    unknown = {tokenizer.unk_token_id} - named
    return frozenset(int(index) for index in set(tokenizer.all_special_ids) - unknown)
