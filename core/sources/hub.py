"""The Hugging Face hub when there is no way to it: what is cached still loads, and the rest is said at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

SECONDS = 4.0
"""How long to wait for the hub's first sign; its own client would try again for half a minute."""


def reachable() -> bool:
    """Whether the hub answers at all (taken for granted behind a proxy, and denied in offline mode)."""
    import huggingface_hub.constants as constants

    if constants.HF_HUB_OFFLINE:
        return False
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY")):
        return True
    address = urlsplit(constants.ENDPOINT)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=SECONDS).close()
    except OSError:
        return False
    return True


@contextmanager
def cached_unless_reachable() -> Iterator[None]:
    """Offline mode for a while where the hub cannot be reached: files come from the cache, or not at all."""
    import huggingface_hub.constants as hub_constants

    constants: Any = hub_constants
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = not reachable()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
