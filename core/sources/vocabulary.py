"""Token texts as exact bytes: joined over a window they give the text, also where a character is split over tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

SPACE = "▁"
"""How SentencePiece writes a space."""

BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def vocabulary(tokenizer: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The texts of tokens 0..size-1 as (bytes uint8, offsets int64 [size + 1]); unused ids have empty texts."""
    texts = token_bytes(tokenizer, size)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(text) for text in texts], dtype=np.int64)])
    return np.frombuffer(b"".join(texts), np.uint8), offsets


def token_bytes(tokenizer: Any, size: int) -> list[bytes]:
    """The bytes of every token, by the tokenizer's own scheme (its decoder tells)."""
    known = {index: token for token, index in tokenizer.get_vocab().items() if 0 <= index < size}
    literal = {int(index): str(token) for index, token in tokenizer.added_tokens_decoder.items()}
    kinds = scheme(tokenizer)
    texts = [b""] * size
    for index, token in known.items():
        texts[index] = literal[index].encode() if index in literal else piece_bytes(token, kinds)
    return texts


def scheme(tokenizer: Any) -> frozenset[str]:
    """The kinds of steps in the tokenizer's decoder (and of its model): ByteLevel, ByteFallback, WordPiece, ..."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:  # a slow tokenizer: these are SentencePiece's, or were always byte-level
        return frozenset({"ByteLevel"} if hasattr(tokenizer, "byte_decoder") else {"Metaspace", "ByteFallback"})
    definition = json.loads(backend.to_str())
    kinds = set(_kinds(definition.get("decoder"))) | set(_kinds(definition.get("pre_tokenizer")))
    if (definition.get("model") or {}).get("byte_fallback"):
        kinds.add("ByteFallback")
    if SPACE in json.dumps(definition.get("normalizer"), ensure_ascii=False):
        kinds.add("Metaspace")
    return frozenset(kinds)


def _kinds(step: Mapping[str, Any] | None) -> list[str]:
    if not step:
        return []
    nested: Sequence[Mapping[str, Any]] = step.get("decoders") or step.get("pretokenizers") or []
    found = [str(step.get("type"))] + [kind for inner in nested for kind in _kinds(inner)]
    if step.get("type") == "Replace" and (step.get("pattern") or {}).get("String") == SPACE:
        found.append("Metaspace")
    return found


def piece_bytes(token: str, kinds: frozenset[str]) -> bytes:
    """The bytes of one vocabulary entry.

    >>> piece_bytes("Ġcaf\u00c3\u00a9", frozenset({"ByteLevel"})).decode()
    ' café'
    >>> piece_bytes("▁tea", frozenset({"Metaspace"})), piece_bytes("<0x0A>", frozenset({"ByteFallback"}))
    (b' tea', b'\\n')
    >>> piece_bytes("##ing", frozenset({"WordPiece"})), piece_bytes("word", frozenset({"WordPiece"}))
    (b'ing', b' word')
    """
    if "ByteLevel" in kinds:
        table = byte_level_alphabet()
        if all(character in table for character in token):
            return bytes(table[character] for character in token)
        return token.encode()
    if "ByteFallback" in kinds and (match := BYTE.fullmatch(token)):
        return bytes([int(match[1], 16)])
    if "WordPiece" in kinds:
        return token[2:].encode() if token.startswith("##") else f" {token}".encode()
    if "BPEDecoder" in kinds:
        return token.removesuffix("</w>").encode() + (b" " if token.endswith("</w>") else b"")
    if "Metaspace" in kinds:
        token = token.replace(SPACE, " ")
    return token.encode()


@cache
def byte_level_alphabet() -> dict[str, int]:
    """The printable stand-ins of byte-level BPE: character to byte (Radford et al. 2019, GPT-2's encoder.py)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + place): byte for place, byte in enumerate(others)}
