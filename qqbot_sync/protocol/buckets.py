"""Token buckets for the platform's published rate limits. Pure: the caller tells the time and does the waiting.

A token comes back one period after it was taken, so that no window of that length ever holds more calls than the
limit, wherever the platform lets its windows begin. (A bucket that refills evenly lets twice as many through.)
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from qqbot_sync.protocol.limits import Limit, limit_of

__all__ = ["Bucket", "Buckets", "Turn"]

MOST_BUCKETS = 4096
"""Buckets kept; beyond that the one that was idle for longest is forgotten."""


class Bucket:
    """The calls of one route. Not thread-safe.

    Turns are given in the order of asking, also those that lie in the future: whoever asks next comes after them.
    """

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        # When the last `count` tokens are or were taken, in ascending order.
        self._taken: deque[float] = deque()

    def next_turn(self, now: float) -> float:
        """The moment at which the next caller may call: `now`, or later."""
        last = self._taken[-1] if self._taken else now
        if len(self._taken) < self.limit.count:
            return max(now, last)
        return max(now, last, self._taken[-self.limit.count] + self.limit.period)

    def take(self, now: float, *, within: float | None = None) -> float:
        """Takes the next token and returns the moment from which it is good.

        Args:
            now: the time, in seconds on a monotonic clock.
            within: seconds; a token that is good only after that is not taken (see the returned moment).
        """
        at = self.next_turn(now)
        if within is None or at - now <= within:
            self._taken.append(at)
            while len(self._taken) > self.limit.count and self._taken[0] + self.limit.period <= now:
                self._taken.popleft()
        return at

    def give_back(self, at: float) -> None:
        """A token that was taken for this moment was not used."""
        if at in self._taken:
            self._taken.remove(at)

    def is_full(self, now: float) -> bool:
        """Whether every token is back."""
        return not self._taken or self._taken[-1] + self.limit.period <= now


@dataclass(frozen=True, slots=True)
class Turn:
    """A call's place in the order of its route. Immutable."""

    bucket: Bucket
    at: float
    """The moment from which the call may be made."""
    is_taken: bool
    """False: it lies too far in the future, and nothing was taken."""


class Buckets:
    """The buckets of one bot, made as routes are used. Not thread-safe."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, method: str, path: str, *, now: float, within: float | None = None) -> Turn | None:
        """A turn on the route of this call; None where no limit is published.

        Args:
            method, path: of the call, the path with its ids and without query.
            within: seconds that the caller can wait.
        """
        found = limit_of(method, path)
        if found is None:
            return None
        route, limit = found
        bucket = self._buckets.get(route)
        if bucket is None:
            bucket = self._buckets[route] = Bucket(limit)
            self._forget(now)
        self._buckets.move_to_end(route)
        at = bucket.take(now, within=within)
        return Turn(bucket, at, is_taken=within is None or at - now <= within)

    def _forget(self, now: float) -> None:
        # A bucket whose tokens are all back is as good as a new one. Two go for each that comes.
        for route in [route for route, _ in zip(self._buckets, range(2), strict=False)]:
            if len(self._buckets) > self._most and self._buckets[route].is_full(now):
                del self._buckets[route]
