"""`msg_seq`: which number the next reply to a message gets."""

from __future__ import annotations

import threading
from collections import OrderedDict

__all__ = ["Numbers"]

MOST_ANCHORS = 50_000
"""Messages remembered; at their 5 to 60 minutes of reply time that is far more than a bot can answer."""


class Numbers:
    """Counts the replies to each message or event, for all threads alike. Thread-safe, bounded."""

    def __init__(self, limit: int = MOST_ANCHORS) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._counts: OrderedDict[str, tuple[int, bool]] = OrderedDict()

    def take(self, anchor: str, *, redelivered: bool = False) -> tuple[int, bool]:
        """The next number, from 1, and whether a process that died may have used it.

        Args:
            anchor: the conversation and the message or event that is answered.
            redelivered: the event came before; its replies count from 1 again, in the order they had then.
        """
        with self._lock:
            count, was_redelivered = self._counts.pop(anchor, (0, redelivered))
            if redelivered and not was_redelivered:
                count = 0
            marked = redelivered or was_redelivered
            self._counts[anchor] = (count + 1, marked)
            if len(self._counts) > self._limit:
                self._counts.popitem(last=False)
        return count + 1, marked

    def restart(self, anchor: str) -> None:
        """The event is delivered again: its replies count from 1."""
        with self._lock:
            self._counts[anchor] = (0, True)
