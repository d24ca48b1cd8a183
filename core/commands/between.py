"""Which pairs of sites a command is about, and how it tells of long work."""

from __future__ import annotations

import itertools
import sys

from core.errors import BadArgument
from core.statistics.active import Report
from core.store import Store


def site_pairs(store: Store, source: str | None, target: str | None) -> list[tuple[str, str]]:
    """The pairs (earlier, later) that ``--from`` and ``--to`` ask for: without both all adjacent ones.

    With one of the two it is paired with its neighbour: ``--from`` with the next site, ``--to`` with the previous one.
    Raises `UnknownSite`, and `BadArgument` where there is no such neighbour or a single site, or one is given twice.
    """
    keys = [site.key for site in store.sites]
    if len(keys) < 2:
        raise BadArgument(f"{store.path.name} has a single site, and so no pairs of sites", "open a store of several")
    if source is None and target is None:
        return list(itertools.pairwise(keys))
    if target is None:
        assert source is not None
        place = store.site(source).position + 1
        if place == len(keys):
            raise BadArgument(f"no site comes after {source}", "choose an earlier --from, or name --to")
        return [(source, keys[place])]
    if source is None:
        source = previous_site(store, target)
    first, second = sorted((store.site(source), store.site(target)), key=lambda site: site.position)
    if first == second:
        raise BadArgument(f"site {first.key} is given twice", "choose two different sites")
    return [(first.key, second.key)]


def previous_site(store: Store, key: str) -> str:
    """The site before this one; raises `UnknownSite`, and `BadArgument` for the first."""
    place = store.site(key).position
    if place == 0:
        raise BadArgument(f"no site comes before {key}", "choose a later --to")
    return store.sites[place - 1].key


def tell(what: str) -> Report:
    """A `Report` that keeps one line of standard error up to date, where somebody is looking at it."""

    def report(done: int, of: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{what}: {done:,} of {of:,}", end="" if done < of else "\n", file=sys.stderr, flush=True)

    return report
