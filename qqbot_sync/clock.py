"""The three clocks, behind one seam, so that tests can turn them.

`now()` is what durations are measured with. `boot()` also counts the time a laptop sleeps; the gap between the two is
how a suspend is noticed. `wall()` serves only what is a date by nature.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]

SLICED: bool = sys.platform == "win32"
"""Windows delivers no Ctrl-C to a thread inside a long wait: there it is cut into slices."""
SLICE = 0.5
"""Seconds."""


class Clock(Protocol):
    """Time and waiting. Implementations are thread-safe."""

    def now(self) -> float:
        """Monotonic seconds; stands still while the machine is suspended (Linux)."""

    def boot(self) -> float:
        """Monotonic seconds that go on while the machine is suspended, where the system offers them."""

    def wall(self) -> float:
        """Seconds since 1970 by the wall clock, which may jump."""

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Waits until `event` is set or `seconds` are over (None: no limit); returns whether it is set."""


class SystemClock:
    """The clocks of this machine. Thread-safe."""

    def now(self) -> float:
        return time.monotonic()

    def boot(self) -> float:
        return _boot()

    def wall(self) -> float:
        return time.time()  # noqa: TID251  the one place: dates come from here

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        if seconds is not None and seconds >= threading.TIMEOUT_MAX:
            seconds = None  # longer than the system can count: `math.inf`, say
        if not SLICED:
            return event.wait(seconds)
        end = None if seconds is None else self.now() + seconds
        while True:
            left = SLICE if end is None else min(SLICE, end - self.now())
            if event.wait(max(0.0, left)):
                return True
            if end is not None and self.now() >= end:
                return False


def _boot() -> float:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
