"""The time of a replay: it stands still, and the recording moves it on."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qqbot_sync.clock import Clock

__all__ = ["HastyClock", "ReplayClock", "Resting"]

LOOK = 0.01
"""Seconds between two looks of a waiting thread at a time that somebody else moves on."""
LEAST = 1e-6
"""Seconds by which two moments differ for certain."""


class Resting:
    """Threads that wait for an event, by their idents. Thread-safe: each changes its own entry.

    Whose wait is over rests no more, even where the machine has not let it run yet.

    Args:
        passed: up to where waits have ended.
    """

    def __init__(self, passed: Callable[[], float]) -> None:
        self._passed = passed
        self._waits: dict[int, tuple[threading.Event, float]] = {}

    def __contains__(self, ident: object) -> bool:
        wait = self._waits.get(ident) if isinstance(ident, int) else None
        return wait is not None and not wait[0].is_set() and self._passed() < wait[1]

    @contextmanager
    def until(self, event: threading.Event, end: float = math.inf) -> Iterator[None]:
        """The calling thread rests for the length of the block, until `event` is set or `end` has passed."""
        me = threading.get_ident()
        self._waits[me] = event, end
        try:
            yield
        finally:
            del self._waits[me]


class ReplayClock:
    """Stands still between two steps of a recording, and is moved on from one to the next. Thread-safe.

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
        self._origin = self._now
        self._is_moved = False
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, threading.Event]] = []
        self.runs_out: Callable[[], bool | None] = lambda: None
        """Whether the recording tells that the wait of the calling thread has run out; None: ask the time."""
        self.resting = Resting(lambda: self._passed)
        """Who waits here, or is held elsewhere."""

    def now(self) -> float:
        return self._now

    def boot(self) -> float:
        return self._now

    def wall(self) -> float:
        return self.real.wall()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if seconds is None:
            with self.resting.until(event):
                return self.real.wait(event, None)
        end = self._now + seconds
        with self.resting.until(event, end if self.runs_out() is None else math.inf):
            while not event.is_set():
                is_over = self.runs_out()
                if is_over is None:
                    is_over = self._passed >= end or seconds <= 0
                if is_over:
                    return event.is_set()
                self.real.wait(event, LOOK)
            return True

    # -- moved on by the player -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """A recording begins now: its offsets count from here."""
        with self._lock:
            self._origin, self._is_moved = self._now, True

    def end(self) -> None:
        """Nobody moves it any more: nobody sleeps until a moment of the recording, either."""
        with self._lock:
            self._is_moved = False
            sleepers, self._sleepers = self._sleepers, []
        for _, _, alarm in sleepers:
            alarm.set()

    def reach(self, t: float, *, waits_end: bool = True) -> None:
        """It is `t` seconds into the recording; it never goes back.

        Args:
            waits_end: whether waits that last until then are over.
        """
        due = []
        with self._lock:
            self._now = max(self._now, self._origin + t)
            if waits_end:
                self._passed = self._now
                while self._sleepers and self._sleepers[0][0] <= self._passed:
                    due.append(heapq.heappop(self._sleepers)[2])
        for alarm in due:
            alarm.set()

    def tick(self) -> None:
        """It is a little later than at every moment before."""
        with self._lock:
            self._now = self._passed = self._now + LEAST

    def sleep_until(self, t: float) -> None:
        """Waits until it is `t` seconds into the recording, or nobody moves this clock."""
        alarm = threading.Event()
        with self._lock:
            moment = self._origin + t
            if not self._is_moved or self._passed >= moment:
                return
            heapq.heappush(self._sleepers, (moment, next(self._order), alarm))
        with self.resting.until(alarm):
            self.real.wait(alarm, None)


class HastyClock:
    """For calls of the API in a replay: pauses between two tries take no time, because the answer to the next try comes
    when it came in the recording. Thread-safe: each thread has a time of its own, which its own pauses move on.
    """

    def __init__(self, clock: ReplayClock) -> None:
        self._clock = clock
        self._mine = threading.local()

    def now(self) -> float:
        return self._clock.now() + float(getattr(self._mine, "ahead", 0.0))

    def boot(self) -> float:
        return self.now()

    def wall(self) -> float:
        return self._clock.wall()

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if seconds is None:
            return self._clock.wait(event, None)
        if not event.is_set():
            self._mine.ahead = float(getattr(self._mine, "ahead", 0.0)) + max(0.0, seconds)
        return event.is_set()
