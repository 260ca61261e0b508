"""Which clients run in this process: the only state this package keeps beside its objects, and it keeps it weakly."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from qqbot_sync.client.lifecycle import Lifecycle

__all__ = ["Identity", "in_ipython_kernel", "release", "take"]

Identity = tuple[str, str, tuple[tuple[int, int], ...]]
"""(app id, API URL, shards)."""

_lock = threading.Lock()
_running: WeakValueDictionary[Identity, Lifecycle] = WeakValueDictionary()


def take(identity: Identity, client: Lifecycle) -> Lifecycle | None:
    """Enters `client` as running, unless another one is: that one is returned. Thread-safe."""
    with _lock:
        other = _running.get(identity)
        if other is not None and other is not client:
            return other
        _running[identity] = client
        return None


def release(identity: Identity, client: Lifecycle) -> None:
    """`client` runs no more. Thread-safe."""
    with _lock:
        if _running.get(identity) is client:
            del _running[identity]


def in_ipython_kernel() -> bool:
    """Whether this is a notebook's kernel: cells are run again, and signals belong to the kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None
