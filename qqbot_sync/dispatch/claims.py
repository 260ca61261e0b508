"""Which events are being handled or were: one memory for all runs of a client."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from qqbot_sync.protocol.seen import SeenIds

if TYPE_CHECKING:
    from qqbot_sync.events import RawEvent

__all__ = ["Claims"]

Shard = tuple[int, int]
Key = tuple[str, str]


class _Copy(NamedTuple):
    """A duplicate that must not be finished before the event that it repeats."""

    event: RawEvent
    handle: Callable[[RawEvent], None]
    """Called if that event is given back after all, so that this one is handled in its place."""


class Claims:
    """The dedupe keys of every shard. Thread-safe.

    It outlives the dispatchers that use it: a replay after `stop()` and `start()` meets what the first run handled,
    or what a handler that outlived the stop is still handling. Such a copy is kept here until that handler has ended:
    finished any sooner, the event would be lost if the process died in between.

    Args:
        limit: keys to remember for each shard.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._by_shard: dict[Shard, SeenIds] = {}
        self._ended: deque[tuple[Shard, Key, int | None]] = deque()
        self._holders: dict[tuple[Shard, Key], RawEvent] = {}
        self._copies: dict[tuple[Shard, Key], list[_Copy]] = {}

    def claim(self, event: RawEvent, handle: Callable[[RawEvent], None] | None = None) -> bool:
        """True if the event is to be handled; False for a duplicate. An event without an id is always claimed.

        Args:
            event: what came. A duplicate is finished here: at once, or when what it repeats is done.
            handle: called with a duplicate that turns out to be needed, because what it repeats was given back; the
                claim is its own then.
        """
        key = event.dedupe
        if key is None:
            return True
        place = (event.shard, key)
        with self._lock:
            if self._seen(event.shard).claim(key):
                self._holders[place] = event
                return True
            is_kept = handle is not None and self._needs(place, event)
            if is_kept:
                self._copies.setdefault(place, []).append(_Copy(event, handle))  # type: ignore[arg-type]
        if is_kept:
            # `done` looks for copies after it has said so, and this looks for that after keeping one: neither misses
            # the other.
            self._settle()
        else:
            event.finish()
        return False

    def give_back(self, event: RawEvent) -> None:
        """The event was not handled and may come again."""
        key = event.dedupe
        if key is None:
            return
        place = (event.shard, key)
        with self._lock:
            seen = self._seen(event.shard)
            seen.give_back(key)
            self._holders.pop(place, None)
            heir = None
            if place in self._copies and seen.claim(key):
                heir, *others = self._copies.pop(place)
                self._holders[place] = heir.event
                if others:
                    self._copies[place] = others
        if heir is not None:
            heir.handle(heir.event)

    def done(self, event: RawEvent) -> None:
        """The event was handled."""
        key = event.dedupe
        if key is not None:
            # Handlers end on many threads and must not queue up for the lock that the reader needs for each event;
            # whoever takes the lock next brings the books up to date first.
            self._ended.append((event.shard, key, event.seq))
            if self._copies:
                self._settle()

    def remember(self, shard: Shard, key: Key, s: int | None) -> None:
        """An earlier process handled this (family, id): that is how a stored one comes back."""
        with self._lock:
            self._seen(shard).done(key, s)

    def forget_up_to(self, shard: Shard, resume_point: int | None) -> None:
        """Nothing at or below this `s` will be replayed to `shard`: its keys may be forgotten in time."""
        with self._lock:
            self._seen(shard).forget_up_to(resume_point)

    def forget_all(self) -> None:
        """Nothing was ever seen: a recording is played from its beginning."""
        with self._lock:
            self._ended.clear()
            self._by_shard.clear()
            self._holders.clear()
            self._copies.clear()

    def new_session(self, shard: Shard) -> None:
        """The session of `shard` is gone; its keys stay known."""
        with self._lock:
            self._seen(shard).new_session()

    def _needs(self, place: tuple[Shard, Key], event: RawEvent) -> bool:
        """Whether this duplicate has to wait for the event it repeats, rather than be finished at once.

        One that is written down in the same books as that event, or as another copy, need not: a restart resumes
        before the first of them.
        """
        holder = self._holders.get(place)
        if holder is None:
            return False
        kept = self._copies.get(place, ())
        return event.done != holder.done and all(event.done != copy.event.done for copy in kept)

    def _settle(self) -> None:
        """Finishes the copies of what is done; not under the lock, for it writes to the books."""
        with self._lock:
            self._catch_up()
            finished = [place for place in self._copies if place not in self._holders]
            copies = [copy for place in finished for copy in self._copies.pop(place)]
        for copy in copies:
            copy.event.finish()

    def _seen(self, shard: Shard) -> SeenIds:
        self._catch_up()
        return self._of(shard)

    def _catch_up(self) -> None:
        while self._ended:
            ended, key, s = self._ended.popleft()
            self._of(ended).done(key, s)
            self._holders.pop((ended, key), None)

    def _of(self, shard: Shard) -> SeenIds:
        seen = self._by_shard.get(shard)
        if seen is None:
            seen = self._by_shard[shard] = SeenIds(self._limit)
        return seen
