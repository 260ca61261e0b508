"""Which events are being handled or were: one memory for all runs of a client."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from qqbot_sync.protocol.seen import SeenIds

if TYPE_CHECKING:
    from qqbot_sync.events import RawEvent

__all__ = ["Claims"]

Shard = tuple[int, int]
Key = tuple[str, str]


class Claims:
    """The dedupe keys of every shard. Thread-safe.

    It outlives the dispatchers that use it: a replay after `stop()` and `start()` meets what the first run handled.

    Args:
        limit: keys to remember for each shard.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._by_shard: dict[Shard, SeenIds] = {}
        self._ended: deque[tuple[Shard, Key, int | None]] = deque()

    def claim(self, event: RawEvent) -> bool:
        """True if the event is to be handled; False for a duplicate. An event without an id is always claimed."""
        key = event.dedupe
        if key is None:
            return True
        with self._lock:
            return self._seen(event.shard).claim(key)

    def give_back(self, event: RawEvent) -> None:
        """The event was not handled and may come again."""
        key = event.dedupe
        if key is not None:
            with self._lock:
                self._seen(event.shard).give_back(key)

    def done(self, event: RawEvent) -> None:
        """The event was handled."""
        key = event.dedupe
        if key is not None:
            # Handlers end on many threads and must not queue up for the lock that the reader needs for each event;
            # whoever takes the lock next brings the books up to date first.
            self._ended.append((event.shard, key, event.seq))

    def remember(self, shard: Shard, key: Key, s: int | None) -> None:
        """An earlier process handled this (family, id): that is how a stored one comes back."""
        with self._lock:
            self._seen(shard).done(key, s)

    def forget_up_to(self, shard: Shard, resume_point: int | None) -> None:
        """Nothing at or below this `s` will be replayed to `shard`: its keys may be forgotten in time."""
        with self._lock:
            self._seen(shard).forget_up_to(resume_point)

    def new_session(self, shard: Shard) -> None:
        """The session of `shard` is gone; its keys stay known."""
        with self._lock:
            self._seen(shard).new_session()

    def _seen(self, shard: Shard) -> SeenIds:
        while self._ended:
            ended, key, s = self._ended.popleft()
            self._of(ended).done(key, s)
        return self._of(shard)

    def _of(self, shard: Shard) -> SeenIds:
        seen = self._by_shard.get(shard)
        if seen is None:
            seen = self._by_shard[shard] = SeenIds(self._limit)
        return seen
