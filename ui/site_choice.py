"""Which two sites a page is about: an earlier and a later one; the middle of the model unless chosen."""

from __future__ import annotations

from core.store import Store
from ui import selection


def settings(store: Store, *words: str) -> tuple[selection.Setting[str], selection.Setting[str]]:
    """The earlier and the later site; `words` may stand in place of the later one."""
    keys = [site.key for site in store.sites]
    middle = max(0, (len(keys) - 1) // 2)
    first = selection.choice("from", keys[:-1], keys[min(middle, len(keys) - 2)])
    return first, selection.choice("to", [*keys[1:], *words], keys[min(middle + 1, len(keys) - 1)])


def read(store: Store, *words: str) -> tuple[str, str]:
    """The keys of both, or one of `words` for the later; a later site that is none becomes the next one."""
    first, second = settings(store, *words)
    source, target = selection.value(first), selection.value(second)
    if target in words or store.site(source).position < store.site(target).position:
        return source, target
    next_one = store.sites[store.site(source).position + 1].key
    selection.settle(second.name, False, f"site {target} does not come after site {source}", next_one)
    selection.put(second, next_one)
    return source, next_one
