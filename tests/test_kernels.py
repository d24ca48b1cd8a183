"""Compiled kernels on disk follow the source of all that is compiled into them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from core.paths import ROOT

INNER = """
from core.kernels import kernel
STEP = {step}
@kernel
def inner(x):
    return x + {more}
"""
MIDDLE = """
from core.kernels import kernel
from inner import inner
@kernel
def middle(x):
    return inner(x)
"""
OUTER = """
from core.kernels import kernel
from inner import STEP
from middle import middle
@kernel
def outer(x):
    return STEP * middle(x)
if __name__ == "__main__":
    print(outer(1), sum(outer.stats.cache_hits.values()))
"""


def told(folder: Path) -> str:
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    variables.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, str(folder / "outer.py")], capture_output=True, text=True, env=variables, check=True
    )
    return done.stdout.strip()


def test_a_kernel_is_compiled_again_when_one_that_it_calls_has_changed(tmp_path: Path) -> None:
    (tmp_path / "middle.py").write_text(MIDDLE)
    (tmp_path / "outer.py").write_text(OUTER)
    (tmp_path / "inner.py").write_text(INNER.format(step=10, more=1))
    assert told(tmp_path) == "20 0"
    assert told(tmp_path) == "20 1"  # kept on disk
    (tmp_path / "inner.py").write_text(INNER.format(step=10, more=2.5))
    assert told(tmp_path) == "35.0 0"
    (tmp_path / "inner.py").write_text(INNER.format(step=100, more=2.5))
    assert told(tmp_path) == "350.0 0"
    assert told(tmp_path) == "350.0 1"
