"""Labels beside a store, and characteristic tokens against a dense count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core import errors
from core.labels import COLUMNS, Labels, labels_path, read_labels, write_labels
from core.sources.planted import plant, planted_tokens
from core.statistics.characteristic import characteristic_tokens, token_frequency
from core.store import Store
from core.values import Feature, Label, Name


def test_characteristic_tokens_are_those_of_the_largest_cosine(random_store: Store) -> None:
    ids, frequency = np.asarray(random_store.tokens.ids), token_frequency(random_store)
    assert np.array_equal(frequency, np.bincount(ids, minlength=50))
    for key in "012":
        found = characteristic_tokens(random_store, key, frequency)
        for feature, token in enumerate(found):
            positions, values = random_store.row(Feature(key, feature))
            if len(positions) == 0:
                assert token == -1
                continue
            mass = np.bincount(ids[positions], values.astype(float), minlength=50)
            cosine = mass / np.sqrt(np.maximum(frequency, 1))
            assert cosine[token] == pytest.approx(cosine.max())


def test_a_planted_token_detector_is_named_after_its_token(tmp_path: Path) -> None:
    tokens = planted_tokens(500, seed=3)
    dense = np.zeros((500, 3))
    dense[:, 0] = tokens.ids == 17
    dense[:, 1] = 0.01 + 5.0 * (tokens.ids == 21)  # always on a little: the frequent tokens must not win
    store = plant(tmp_path / "s.h5", {"0": dense}, tokens=tokens)
    labels = Labels.beside(store)
    assert [labels.hint(Feature("0", i)) for i in range(3)] == ["w17", "w21", ""]
    assert labels.hints("0") == ["w17", "w21", ""]
    assert labels.get(Feature("0", 0)) is None
    assert labels.name(Feature("0", 0)) == Name(hint="w17")
    assert [labels.written(Feature("0", i)) for i in range(3)] == ["“w17”", "“w21”", ""]


def searched(labels: Labels, text: str) -> list[str]:
    return [str(feature) for feature, _ in labels.search(text)[0]]


def test_the_label_that_fits_best_comes_first(random_store: Store, tmp_path: Path) -> None:
    texts = ("undetermined", "the determiner", "Determiner after a verb", "determiners", "Determiner")
    scores = (0.9, 0.8, 0.7, 0.99, 0.1)
    rows = [
        (Feature("0", k), Label(text, "file", score)) for k, (text, score) in enumerate(zip(texts, scores, strict=True))
    ]
    write_labels(tmp_path / "l.parquet", rows)
    labels = Labels(random_store, read_labels(tmp_path / "l.parquet"))
    assert searched(labels, " determiner ") == ["0_4", "0_2", "0_3", "0_1"]
    assert searched(labels, "determine") == ["0_3", "0_2", "0_4", "0_1", "0_0"]  # where it begins alike: by score
    first, total = labels.search("determine", limit=2)
    assert len(first) == 2
    assert total == 5


def test_labels_are_found_by_all_words_and_kept_as_data(random_store: Store, tmp_path: Path) -> None:
    hostile = '<img src=x onerror="alert(1)">'
    write_labels(
        tmp_path / "l.parquet",
        [
            (Feature("0", 1), Label("closing quote in dialogue", "file", 0.7)),
            (Feature("1", 2), Label("Quote, closing", "file", 0.9)),
            (Feature("1", 2), Label("a second explanation", "file", 0.2)),
            (Feature("2", 0), Label(hostile, "file")),
            (Feature("nowhere", 0), Label("closing quote of another store", "file")),
        ],
    )
    labels = Labels(random_store, read_labels(tmp_path / "l.parquet"))
    assert searched(labels, "QUOTE closing") == ["1_2", "0_1"]
    assert searched(labels, "quote " * 200_000) == ["1_2", "0_1"]  # a paste by mistake costs nothing
    assert labels.search("  ") == ([], 0)
    assert labels.search("[") == ([], 0)
    found = labels.get(Feature("2", 0))
    assert found is not None
    assert found.text == hostile
    assert np.isnan(found.score)


def test_a_file_that_is_no_label_table_is_named(random_store: Store, tmp_path: Path) -> None:
    assert labels_path(random_store.path).name == "random.labels.parquet"
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(errors.BadArgument, match="no label table"):
        read_labels(tmp_path / "bad.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    with pytest.raises(errors.BadArgument, match="no label table"):
        read_labels(tmp_path / "other.parquet")


def test_rows_without_a_key_feature_or_label_are_no_labels(random_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "holes.parquet"
    rows = [
        ("0", 0, None, "x", 0.5),
        (None, 1, "a", "x", 0.5),
        ("0", None, "a", "x", 0.5),
        ("0", 2, "Straße", None, None),
    ]
    pl.DataFrame(rows, schema=COLUMNS, orient="row").write_parquet(path)
    labels = Labels(random_store, read_labels(path))
    assert len(labels) == 1
    found = labels.get(Feature("0", 2))
    assert found is not None
    assert (found.text, found.source, np.isnan(found.score)) == ("Straße", "", True)
    assert searched(labels, "straße") == ["0_2"]
