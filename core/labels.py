"""Explanations of features, kept beside the store, and hints where there are none.

A label file ``NAME.labels.parquet`` lies beside ``NAME.h5`` with the columns ``key`` (site), ``feature`` (index),
``label`` (any text), ``source`` (who says so) and ``score`` (NaN where there is none).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from core.errors import BadArgument
from core.statistics.characteristic import characteristic_tokens, token_frequency
from core.store import Store
from core.values import Feature, Label, Name, Naming

LONGEST = 200
"""Characters of a search that count."""

FITS = (r"{}", r"(?:^|\W){}", r"^{}", r"^{}(?:\W|$)", r"^{}$")
"""How well a label fits what was searched, each pattern better than the one before."""

COLUMNS = {"key": pl.String, "feature": pl.Int64, "label": pl.String, "source": pl.String, "score": pl.Float64}


def labels_path(store_path: Path) -> Path:
    """Where the labels of a store lie.

    >>> labels_path(Path("cache/stores/demo.h5")).as_posix()
    'cache/stores/demo.labels.parquet'
    """
    return store_path.with_name(store_path.stem + ".labels.parquet")


def read_labels(path: Path) -> pl.DataFrame:
    """The label table of a file, columns as `COLUMNS`; raises `BadArgument` where they are missing or mistyped."""
    try:
        frame = pl.read_parquet(path)
        frame = frame.with_columns(pl.lit(math.nan).alias("score")) if "score" not in frame.columns else frame
        frame = frame.with_columns(pl.lit("file").alias("source")) if "source" not in frame.columns else frame
        frame = frame.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
        return frame.drop_nulls(["key", "feature", "label"]).with_columns(
            pl.col("source").fill_null(""), pl.col("score").fill_null(math.nan)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadArgument(
            f"{path.name} is no label table: {str(error)[:120]}", "write Parquet with the columns key, feature, label"
        ) from error


def write_labels(path: Path, labels: Iterable[tuple[Feature, Label]]) -> None:
    """Write a label file all at once; what stood there is replaced."""
    rows = [(f.key, f.index, label.text, label.source, label.score) for f, label in labels]
    frame = pl.DataFrame(rows, schema=COLUMNS, orient="row")
    partial = path.with_name(path.name + ".writing")
    frame.write_parquet(partial)
    os.replace(partial, path)


class Labels:
    """The labels of one store, with the most characteristic token as a hint for features that have none."""

    def __init__(self, store: Store, table: pl.DataFrame) -> None:
        self._store = store
        self._table = table.unique(["key", "feature"], keep="first", maintain_order=True)
        self._by_key: dict[str, dict[int, Label]] = {}
        self._hints: dict[Feature, str] = {}

    @classmethod
    def beside(cls, store: Store) -> Labels:
        """The labels that lie beside `store`; none is no error."""
        path = labels_path(store.path)
        return cls(store, read_labels(path) if path.is_file() else pl.DataFrame(schema=COLUMNS))

    def __len__(self) -> int:
        return len(self._table)

    def get(self, feature: Feature) -> Label | None:
        """The label of a feature, or None."""
        if feature.key not in self._by_key:
            part = self._table.filter(pl.col("key") == feature.key)
            self._by_key[feature.key] = {
                index: Label(text, source, score)
                for index, text, source, score in part.select("feature", "label", "source", "score").iter_rows()
            }
        return self._by_key[feature.key].get(feature.index)

    def hint(self, feature: Feature) -> str:
        """The feature's most characteristic token, for display; "" for a dead feature. It is no label."""
        if feature not in self._hints:
            start = self._store.feature(feature).index
            token = int(characteristic_tokens(self._store, feature.key, self._frequency, start, start + 1)[0])
            self._hints[feature] = "" if token < 0 else token_hint(self._store.token_bytes(token))
        return self._hints[feature]

    def hints(self, key: str) -> list[str]:
        """The hints of all features of a site."""
        tokens = characteristic_tokens(self._store, key, self._frequency)
        texts = {
            int(token): token_hint(self._store.token_bytes(int(token))) for token in np.unique(tokens[tokens >= 0])
        }
        return [texts.get(int(token), "") for token in tokens]

    def name(self, feature: Feature) -> Name:
        """What a feature is called: its label, else its hint."""
        return self._name(feature, self.hint)

    def written(self, feature: Feature) -> str:
        """What a feature is called in tables: its label, else the hint in quotes, as everywhere; "" for neither."""
        return self.name(feature).written

    def naming(self) -> Naming:
        """As `name`, with the hints of a whole site at once: for thousands of features."""
        sites: dict[str, list[str]] = {}

        def hint(feature: Feature) -> str:
            if feature.key not in sites:
                sites[feature.key] = self.hints(feature.key)
            return sites[feature.key][feature.index]

        return lambda feature: self._name(feature, hint)

    def _name(self, feature: Feature, hint: Callable[[Feature], str]) -> Name:
        label = self.get(feature)
        return Name(hint=hint(feature)) if label is None else Name(label.text, label.source)

    def search(self, text: str, limit: int = 50) -> tuple[list[tuple[Feature, Label]], int]:
        """The first `limit` labels that contain every word of `text`, and how many there are.

        First those that are the text, then those that begin with its words, with it, have it where a word begins, have
        it at all, and the others; within each the best score first, then in the order of the table. Of a longer text
        the first LONGEST characters count.
        """
        typed = text[:LONGEST].lower().split()  # as Polars does: a case-folded ß would be found nowhere
        words, whole = dict.fromkeys(typed), " ".join(typed)
        if not words:
            return [], 0
        lower = pl.col("label").str.to_lowercase().str.strip_chars()
        found = self._table.filter(pl.all_horizontal(lower.str.contains(word, literal=True) for word in words))
        found = found.filter(pl.col("key").is_in([site.key for site in self._store.sites]))
        fit = sum(
            (lower.str.contains(pattern.format(pl.escape_regex(whole))).cast(pl.Int8) for pattern in FITS), pl.lit(0)
        )
        best = found.sort(-fit, pl.col("score").fill_nan(-1.0), descending=[False, True], maintain_order=True)
        rows = best.head(limit).iter_rows()
        return [(Feature(k, i), Label(text, source, score)) for k, i, text, source, score in rows], len(found)

    @cached_property
    def _frequency(self) -> np.ndarray:
        return token_frequency(self._store)


def token_hint(text: bytes) -> str:
    """A token as a hint: its text without the spaces around it; white space and broken characters made visible.

    >>> token_hint(b" Lily"), token_hint(b"\\n"), token_hint(b" "), token_hint(b"\\xe2\\x82")
    ('Lily', '↵', '␣', '<e2 82>')
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return f"<{text.hex(' ')}>"
    return decoded.strip() or decoded.replace("\n", "↵").replace("\t", "⇥").replace(" ", "␣")
