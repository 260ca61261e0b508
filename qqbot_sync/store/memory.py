"""Memory that lasts as long as the process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from qqbot_sync.store.base import MOST_KEYS, Done, Record, Remembered, is_replayable

__all__ = ["MemoryStore"]


class MemoryStore:
    """The default: `stop()` and `start()` in one process resume, a new process begins anew. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._done: dict[str, deque[Done]] = {}

    def open(self, key: str) -> Remembered:
        with self._lock:
            return Remembered(self._records.get(key), tuple(self._done.get(key, ())))

    def commit(self, key: str, record: Record, done: Sequence[Done]) -> None:
        with self._lock:
            self._records[key] = record
            kept = self._done.setdefault(key, deque())
            kept.extend(done)
            while len(kept) > MOST_KEYS and not is_replayable(kept[0], record):
                kept.popleft()

    def close(self, key: str) -> None:
        """There is nobody else to open it."""

    def __repr__(self) -> str:
        return f"<MemoryStore of {len(self._records)} shards>"
