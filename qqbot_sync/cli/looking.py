"""A thread that looks at something again and again, for the length of a `with` block."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

from qqbot_sync.clock import SystemClock

__all__ = ["Looking"]

L = TypeVar("L", bound="Looking")


class Looking(ABC):
    """Calls `look` every `seconds` from the beginning of the block, and once more when it is over. Not thread-safe.

    Args:
        name: the thread's.
        seconds: between two looks.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self: L) -> L:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @abstractmethod
    def look(self, *, is_last: bool) -> bool:
        """Returns whether to look again."""

    def _run(self) -> None:
        clock = SystemClock()
        is_last = False
        while not is_last:
            is_last = clock.wait(self._over, self._seconds)
            if not self.look(is_last=is_last):
                return
