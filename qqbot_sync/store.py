"""What a bot remembers between connections: its session, its place in it, and the intents it was granted."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Protocol

__all__ = ["MAX_AGE", "MemoryStore", "Record", "Store"]

MAX_AGE = 86_400.0
"""Seconds after which a stored session is not worth resuming."""


@dataclass(frozen=True)
class Record:
    """One shard's memory."""

    session_id: str | None
    seq: int
    """Resume after this number: nothing at or below it is outstanding."""
    intents: int
    """What the session was identified with."""
    wanted: int
    """What was asked for before the platform refused anything; other handlers mean another session."""
    saved_at: float
    """Seconds since 1970."""
    user: dict[str, Any] | None = None
    """The bot itself, as READY described it."""


class Store(Protocol):
    """Where records are kept. Implementations are thread-safe; `key` names app, platform and shard."""

    def load(self, key: str) -> Record | None:
        """The record, or None."""

    def save(self, key: str, record: Record) -> None:
        """Keeps the record in place of an older one."""

    def forget(self, key: str) -> None:
        """Drops the record; nothing happens where there is none."""


class MemoryStore:
    """Keeps records while the process lives. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}

    def load(self, key: str) -> Record | None:
        with self._lock:
            return self._records.get(key)

    def save(self, key: str, record: Record) -> None:
        with self._lock:
            self._records[key] = replace(record)

    def forget(self, key: str) -> None:
        with self._lock:
            self._records.pop(key, None)
