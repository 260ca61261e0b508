"""What the watchdog tells people: handlers that hang, an exhausted pool, a queue that fills. It kills nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qqbot_sync.dispatch import advice
from qqbot_sync.dispatch.doing import doing_of, stacks_of

if TYPE_CHECKING:
    from qqbot_sync.clock import Clock
    from qqbot_sync.dispatch.backlog import Backlog
    from qqbot_sync.dispatch.doing import Doing
    from qqbot_sync.dispatch.workers import Workers

__all__ = ["Attention"]

HIGH_WATER, LOW_WATER = 0.8, 0.5
"""Shares of the queue: a warning comes at the first, and can come again after the second."""
EXHAUSTED_AFTER = 5.0
"""Seconds the oldest event waits, while every worker is busy, until that is said."""


class Attention:
    """Looks once a second. Called by the watchdog alone.

    Args:
        slow_after: seconds after which a handler that runs is logged with its stack, again after twice as long, and so
            on; None: never.
        size: of the queue.
    """

    def __init__(
        self, backlog: Backlog, workers: Workers, *, clock: Clock, slow_after: float | None, size: int, permits: int
    ) -> None:
        self._backlog = backlog
        self._workers = workers
        self._clock = clock
        self._slow_after = slow_after
        self._size = size
        self._permits = permits
        self._told: dict[tuple[int, float], float] = {}
        self._is_high = False
        self._exhausted = advice.Reminder(clock, self._describe_exhausted)
        self._times_exhausted = 0

    def look(self) -> None:
        """Says what there is to say."""
        now = self._clock.now()
        self._look_at_handlers(now)
        self._look_at_queue(now)

    def _look_at_handlers(self, now: float) -> None:
        if self._slow_after is None:
            return
        told: dict[tuple[int, float], float] = {}
        for doing in doing_of(self._workers.tasks(), now):
            if doing.is_waiting or not doing.handler:
                continue
            key = (doing.thread, doing.since)
            limit = self._told.get(key, self._slow_after)
            if doing.seconds >= limit:
                advice.log.warning(advice.handler_is_slow(doing.handler, doing.seconds, stacks_of([doing])))
                limit = max(limit * 2, doing.seconds * 2)
            told[key] = limit
        self._told = told

    def _look_at_queue(self, now: float) -> None:
        depth = self._backlog.depth
        if depth >= self._size * HIGH_WATER and not self._is_high:
            self._is_high = True
            advice.log.warning(advice.queue_fills(depth, self._size))
        elif depth <= self._size * LOW_WATER:
            self._is_high = False
        oldest = self._backlog.oldest() if depth else None
        if oldest is not None and now - oldest >= EXHAUSTED_AFTER and self._backlog.running >= self._permits:
            self._times_exhausted += 1
        self._exhausted.look(self._times_exhausted)

    def _describe_exhausted(self, _: int) -> str:
        return advice.pool_exhausted(self._permits, _lines(doing_of(self._workers.tasks(), self._clock.now())))


def _lines(doing: list[Doing]) -> str:
    return "\n".join(
        f"  {one.handler or '?'}: {one.event} (event id {one.event_id}) for {one.seconds:.1f} s" for one in doing
    )
