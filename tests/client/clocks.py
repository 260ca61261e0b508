"""A platform whose time runs fast, so that its five seconds are no five seconds of a test."""

from __future__ import annotations

import threading

from qqbot_sync.clock import SystemClock
from qqbot_sync.protocol.pacing import IDENTIFY_WINDOW, IdentifyPace

__all__ = ["FastClock", "fast_pace"]


class FastClock(SystemClock):
    """Twenty seconds of the simulator's in one."""

    SPEED = 20.0

    def now(self) -> float:
        return super().now() * self.SPEED

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        return super().wait(event, None if seconds is None else seconds / self.SPEED)


def fast_pace() -> IdentifyPace:
    """What a bot needs that such a platform never turns away, and a tenth more for the way there."""
    return IdentifyPace(window=1.1 * IDENTIFY_WINDOW / FastClock.SPEED)
