"""Shared by all tests: a store that many of them ask."""

from __future__ import annotations

import numpy as np
import pytest

from core.sources.planted import plant
from core.store import Store


@pytest.fixture(scope="session")
def random_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three sites of 30, 40 and 20 features on 700 positions; feature 3 of each is dead, feature 5 rare."""
    rng = np.random.default_rng(7)
    shared = rng.random((700, 1)) < 0.1
    sites = {}
    for key, width in (("0", 30), ("1", 40), ("2", 20)):
        dense = np.where(rng.random((700, width)) < 0.08, rng.lognormal(size=(700, width)), 0)
        dense[:, :3] += shared * rng.lognormal(size=(700, 3))
        dense[:, 3] = 0
        dense[:, 5] = 0
        dense[11:14, 5] = 1.5
        sites[key] = dense.astype(np.float32)
    return plant(tmp_path_factory.mktemp("stores") / "random.h5", sites)
