"""The benchmarks that take minutes, one after the other: ``python -m benchmarks`` (``make bench``).

    python -m benchmarks [NAME ...] [--folder cache/bench]

Without names: one feature against a site and a whole pair, of GPT-2 shape at 100k tokens, and gates, splits and merges.
Each table is printed and written as JSON. The others, and larger shapes, are run on their own (benchmarks/README.md).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from core.paths import cache_folder

QUICK = {
    "one_feature": ("--tokens", "100000", "--queries", "300"),
    "whole_pair": ("--tokens", "100000"),
    "structures": (),
}


def main() -> int:
    """Run each in a process of its own, so that none finds memory or caches of another; returns the worst exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(QUICK)} (default: all of them)")
    parser.add_argument("--folder", type=Path, help="where the JSON goes (default: bench/ in the cache folder)")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(QUICK):
        parser.error(f"no quick benchmark is called {', '.join(sorted(unknown))}")
    folder = chosen.folder or cache_folder() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    worst = 0
    for name in chosen.names or QUICK:
        command = [sys.executable, "-m", f"benchmarks.{name}", *QUICK[name], "--json", str(folder / f"{name}.json")]
        worst = max(worst, subprocess.run(command, check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
