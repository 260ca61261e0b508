"""The time of a replay: it stands still, and the recording moves it on."""

from __future__ import annotations

import threading
from collections.abc import Callable

from qqbot_sync.clock import Clock

__all__ = ["HastyClock", "ReplayClock"]

LOOK = 0.01
"""Seconds between two looks of a waiting thread at a time that somebody else moves on."""


class ReplayClock:
    """Stands still between two steps of a recording and is moved on by `reach`. Thread-safe.

    A wait with a time-out ends when that moment comes in the time of the replay: an `ask` that timed out in the
    recording times out in the replay, and one that was answered in time does not, however fast it is played and however
    slow the machine is.

    Args:
        real: paces those who have to wait all the same.
    """

    def __init__(self, real: Clock) -> None:
        self.real = real
        self._lock = threading.Lock()
        # What it is now, and up to where waits have ended. An event comes between the two: who waits for it gets it,
        # even where its moment is the last one.
        self._now = self._passed = real.now()
        self.runs_out: Callable[[], bool | None] = lambda: None
        """Whether the recording tells that the wait of the calling thread has run out; None: ask the time."""
        self.resting: set[int] = set()
        """Threads that wait for a moment to come, by their idents; changed by single operations."""

    def now(self) -> float:
        return self._now

    def boot(self) -> float:
        return self._now

    def wall(self) -> float:
        return self.real.wall()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if seconds is None:
            return self.real.wait(event, None)
        end, me = self._now + seconds, threading.get_ident()
        self.resting.add(me)
        try:
            while not event.is_set():
                is_over = self.runs_out()
                if is_over is None:
                    is_over = self._passed >= end or seconds <= 0
                if is_over:
                    return event.is_set()
                self.real.wait(event, LOOK)
            return True
        finally:
            self.resting.discard(me)

    def reach(self, moment: float, *, waits_end: bool = True) -> None:
        """It is `moment` now, in seconds of `now()`; it never goes back.

        Args:
            waits_end: whether waits that last until then are over.
        """
        with self._lock:
            self._now = max(self._now, moment)
            if waits_end:
                self._passed = self._now


class HastyClock:
    """For calls of the API in a replay, whose pauses between two tries no step of the recording tells.

    Thread-safe: each thread has a time of its own, which its own pauses move on.

    Args:
        clock: the time of the replay.
        speed: how many times faster than real a pause is; infinite: it takes no time.
    """

    def __init__(self, clock: ReplayClock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._mine = threading.local()

    def now(self) -> float:
        return self._clock.now() + float(getattr(self._mine, "ahead", 0.0))

    def boot(self) -> float:
        return self.now()

    def wall(self) -> float:
        return self._clock.wall()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if seconds is None:
            return self._clock.real.wait(event, None)
        if self._clock.real.wait(event, max(0.0, seconds / self._speed)):
            return True
        self._mine.ahead = float(getattr(self._mine, "ahead", 0.0)) + max(0.0, seconds)
        return False
