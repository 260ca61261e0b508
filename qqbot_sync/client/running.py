"""Which clients run in this process: the only state this package keeps beside its objects, and it keeps it weakly."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

from qqbot_sync.config import ShardConfig

if TYPE_CHECKING:
    from qqbot_sync.client.lifecycle import Lifecycle

__all__ = ["Identity", "in_ipython_kernel", "release", "take"]


class Identity(NamedTuple):
    """Whose connection it is."""

    app_id: str
    api_url: str
    shards: tuple[ShardConfig, ...] | None
    """None: all of them, as many as there are."""

    def parts(self) -> list[tuple[str, str, str]]:
        """What must not run twice, one for each shard."""
        names = [f"{shard.shard_id}/{shard.shard_count}" for shard in self.shards] if self.shards else ["all"]
        return [(self.app_id, self.api_url, name) for name in names]

    def overlaps(self, other: Identity) -> bool:
        """Whether both would hear the same guild."""
        if self[:2] != other[:2]:
            return False
        return self.shards is None or other.shards is None or bool(set(self.shards) & set(other.shards))


_lock = threading.Lock()
_running: WeakValueDictionary[Identity, Lifecycle] = WeakValueDictionary()


def take(identity: Identity, client: Lifecycle) -> Lifecycle | None:
    """Enters `client` as running, unless another one is: that one is returned. Thread-safe."""
    with _lock:
        for taken, other in list(_running.items()):
            if other is not client and taken.overlaps(identity):
                return other
        _running[identity] = client
        return None


def release(identity: Identity, client: Lifecycle) -> None:
    """`client` runs no more. Thread-safe."""
    with _lock:
        if _running.get(identity) is client:
            del _running[identity]


def _forked() -> None:
    """In a child nothing runs: what did is the parent's."""
    global _lock
    _lock = threading.Lock()
    _running.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def in_ipython_kernel() -> bool:
    """Whether this is a notebook's kernel: cells are run again, and signals belong to the kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return getattr(shell, "kernel", None) is not None
