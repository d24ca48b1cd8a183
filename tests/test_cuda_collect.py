"""Collecting on a GPU: the activations of every kind of SAE are the CPU's, within rounding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.collect import Settings, collect
from core.errors import NegativeActivations, NotFinite
from core.store import open_store, verify
from tests import tiny
from tests.test_collect import EVERY_KIND

torch = pytest.importorskip("torch", reason="torch is not installed: nothing of collecting was tested")
pytestmark = pytest.mark.model

ON_A_GPU = [
    pytest.mark.cuda,
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="NOT TESTED: no NVIDIA GPU here; run tests/test_cuda_collect.py where one is",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, SAEs of every kind, and a text."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny.gpt2(folder / "model")
    for name, (architecture, hook, options) in EVERY_KIND.items():
        tiny.sae(folder / "saes" / name, architecture, hook, **options)
    tiny.batch_top_k(folder / "saes" / "batch", "blocks.2.hook_resid_mid")
    tiny.corpus(folder / "text.txt")
    return folder


def collected(folder: Path, device: str) -> Path:
    parts = (str(folder / name) for name in ("model", "saes", "text.txt"))
    return collect(Settings(*parts, device=device, out=folder / f"{device}.h5", batch_tokens=128, chunk_tokens=256))


@pytest.mark.parametrize("device", [pytest.param("cuda", marks=ON_A_GPU)])
def test_every_kind_of_sae_gives_what_it_gives_on_the_cpu(folder: Path, device: str) -> None:
    ours, theirs = (open_store(collected(folder, where)) for where in (device, "cpu"))
    assert verify(ours) == []
    assert ours.n == theirs.n > 500
    assert [site.key for site in ours.sites] == [site.key for site in theirs.sites]
    for site in ours.sites:
        a, b = (tiny.dense(store, site.key) for store in (ours, theirs))
        assert np.isclose(a, b, rtol=1e-3, atol=1e-4).mean() > 0.999, (
            site.sae_id
        )  # the rest: at the edge of a threshold
        for name in ("input_norm", "error_norm"):
            assert np.allclose(*(getattr(store.norms(site.key), name) for store in (ours, theirs)), rtol=1e-2), (
                site.sae_id
            )


def test_a_block_waits_for_what_is_on_its_way() -> None:
    from core.collect.encode import Block

    values = torch.zeros(2)

    class Event:
        def synchronize(self) -> None:
            values.copy_(torch.tensor([1.5, 2.5]))

    block = Block(
        torch.tensor([1, 1]), torch.tensor([3, 4], dtype=torch.int32), values, torch.ones(2, 2), np.ones(2, np.uint8),
        np.uint16, Event(),  # type: ignore[arg-type]
    )  # fmt: skip
    assert block.arrays().values.tolist() == [1.5, 2.5]


def test_the_way_of_a_gpu_to_sparse_rows_is_the_cpus(folder: Path) -> None:
    from core.collect.encode import SiteEncoder
    from core.sources.arranging import arrange
    from core.sources.saes import load_saes

    site, item = arrange(load_saes(str(folder / "saes" / "pre1"), "cpu"))[0]
    encoder = SiteEncoder(site, item.sae)
    dense = torch.relu(torch.randn(50, 40))
    dense[7] = 0
    for ours, theirs in zip(encoder._sparse_on_a_gpu(dense), encoder._sparse_on_cpu(dense), strict=True):
        assert torch.equal(ours.to(theirs.dtype), theirs)
    for bad, error in ((-1.0, NegativeActivations), (np.inf, NotFinite), (np.nan, NotFinite)):
        dense[3, 5] = bad
        with pytest.raises(error):
            encoder._sparse_on_a_gpu(dense)
