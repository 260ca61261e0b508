"""The simulator's one lock, and who is to be woken once it is released."""

from __future__ import annotations

import threading
from typing import Protocol

__all__ = ["Guard"]


class Sleeper(Protocol):
    """Something that has been given work while the lock was held."""

    def wake(self) -> None:
        """Starts the work; never blocks."""


class Guard:
    """`with guard:` is the only way to touch the platform's state. Thread-safe, not reentrant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.touched: set[Sleeper] = set()
        """Woken, without the lock, as soon as it is released."""
        self.waiting: set[threading.Event] = set()
        """Set when the simulator stops: nobody waits for an answer that cannot come."""

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        touched = self.touched
        if touched:
            self.touched = set()
        self._lock.release()
        for one in touched:
            one.wake()
