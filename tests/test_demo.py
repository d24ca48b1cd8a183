"""The shipped model and SAEs: they load as any other ones do, and are as good as their card says."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.sources.demo import LABELS, MODEL, SAES, demo_documents

pytestmark = pytest.mark.model

HOOKS = [*(f"blocks.{layer}.hook_resid_pre" for layer in range(6)), "blocks.5.hook_resid_post"]


@pytest.fixture(scope="module")
def model() -> Any:
    from demo.sites import load_model

    return load_model()


@pytest.fixture(scope="module")
def measured(model: Any) -> dict[str, Any]:
    """A few held-out documents, their loss, and two of the sites."""
    import torch

    from demo.evaluate import held_out, load_saes, mean_loss, measure_model, measure_site
    from demo.sites import activations

    batches = held_out(model, 128)
    clean = mean_loss(model, batches)
    parts = [activations(model, ids, counted) for _, ids, counted in batches]
    saes = load_saes()
    sites = {
        hook: measure_site(model, saes[hook], hook, batches, torch.cat([part[hook] for part in parts]), clean)
        for hook in (HOOKS[0], HOOKS[4])
    }
    return {"model": measure_model(model, batches), "sites": sites, "clean": clean}


def test_tokenizer_round_trips_and_gives_offsets(model: Any) -> None:
    texts = [*islice(demo_documents(21), 50), "anything else: 漢字, Ünïcode,\ttabs\n\n and  spaces "]
    for text in texts:
        encoded = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        assert model.tokenizer.decode(encoded["input_ids"]) == text
        assert len(encoded["offset_mapping"]) == len(encoded["input_ids"])
    assert len(model.tokenizer) <= 2048
    assert model.tokenizer.bos_token_id is not None


def test_documents_fit_into_the_context(model: Any) -> None:
    ids = model.tokenizer(list(islice(demo_documents(22), 200)), add_special_tokens=False)["input_ids"]
    assert max(map(len, ids)) < 127


def test_loss_is_near_the_entropy_of_the_text(measured: dict[str, Any]) -> None:
    row = measured["model"]["all"]
    assert 0.97 * row["entropy"] < row["loss"] < 1.13 * row["entropy"]  # a sample of 128 documents
    assert measured["clean"] == pytest.approx(row["loss"], rel=1e-4)


def test_saes_reach_their_targets(measured: dict[str, Any]) -> None:
    for row in measured["sites"].values():
        assert row["variance_explained"] > 0.88
        assert row["loss_recovered_mean"] > 0.94
        assert 5 < row["active_mean"] < 26
        assert row["smallest_activation"] >= 0


def test_a_wrong_dictionary_recovers_nothing(model: Any) -> None:
    """The negative twin: the SAE of another site explains little."""
    import torch

    from demo.evaluate import held_out, load_saes
    from demo.sites import activations

    _, ids, counted = held_out(model, 64)[0]
    x = activations(model, ids, counted)[HOOKS[5]]
    sae = load_saes()[HOOKS[0]]
    with torch.no_grad():
        error = (sae.decode(sae.encode(x)) - x).square().sum() / (x - x.mean(0)).square().sum()
    assert error > 0.3


def test_metadata_say_how_to_use_them() -> None:
    for hook in HOOKS:
        metadata = json.loads((SAES / hook / "cfg.json").read_text())["metadata"]
        assert (metadata["hook_name"], metadata["prepend_bos"], metadata["context_size"]) == (hook, True, 128)
        assert metadata["model_name"] == "demo"


def test_labels_are_of_features_that_exist() -> None:
    labels = pl.read_parquet(LABELS)
    assert labels.columns == ["key", "feature", "label", "source", "score"]
    assert set(labels["key"]) <= set("0123456")
    assert labels["feature"].max() < 1024  # type: ignore[operator]
    assert labels["score"].min() >= 0.6  # type: ignore[operator]
    assert labels.select("key", "feature").is_unique().all()
    assert labels["label"].str.contains("closing quote").any()


def test_files_are_small() -> None:
    folder: Path = MODEL.parent
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in paths) <= 40_000_000
