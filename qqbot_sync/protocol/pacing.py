"""At most so many Identifies in five seconds, over all shards together.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
"""

from __future__ import annotations

from collections import deque

__all__ = ["IDENTIFY_WINDOW", "IdentifyPace"]

IDENTIFY_WINDOW = 5.0
"""Seconds in which `max_concurrency` sessions may be started."""


class IdentifyPace:
    """Hands out identify slots. Not thread-safe: it belongs to the supervisor.

    A shard takes a slot before it dials. The slot is held until the Identify has gone out, then stays occupied for one
    window; or until it is given back because no Identify went out.

    Args:
        max_concurrency: what the platform told; less than 1 counts as 1.
        window: seconds.
    """

    def __init__(self, max_concurrency: int = 1, *, window: float = IDENTIFY_WINDOW) -> None:
        self._window = window
        self._held = 0
        self._free_at: deque[float] = deque()
        self.max_concurrency = max_concurrency

    @property
    def max_concurrency(self) -> int:
        """Slots there are. Set it when the platform tells another number; slots taken stay taken."""
        return self._max_concurrency

    @max_concurrency.setter
    def max_concurrency(self, slots: int) -> None:
        self._max_concurrency = max(1, slots)

    @property
    def held(self) -> int:
        """Slots taken by shards whose Identify has not gone out yet."""
        return self._held

    def delay(self, now: float) -> float | None:
        """Seconds until a slot can be taken: 0 now, None when that depends on the shards that hold them all."""
        if self._held >= self._max_concurrency:
            return None
        occupied = [moment for moment in self._free_at if moment > now]
        too_many = self._held + len(occupied) - self._max_concurrency
        return occupied[too_many] - now if too_many >= 0 else 0.0

    def take(self, now: float) -> bool:
        """Takes a slot if one is free; returns whether."""
        if self.delay(now) != 0.0:
            return False
        self._held += 1
        return True

    def sent(self, now: float) -> None:
        """An Identify went out. It counts even if no slot was taken for it: the platform counts it too."""
        self._held = max(0, self._held - 1)
        while self._free_at and self._free_at[0] <= now:
            self._free_at.popleft()
        self._free_at.append(now + self._window)

    def given_back(self) -> None:
        """A taken slot was not used. Without one this does nothing, so that an end reported twice does no harm."""
        self._held = max(0, self._held - 1)
