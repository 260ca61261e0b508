"""Time in the hands of a test: a platform's five seconds are no five seconds of a test, and an hour is a moment."""

from __future__ import annotations

import threading

from qqbot_sync import BotClient, Environment, ReconnectConfig
from qqbot_sync.clock import SystemClock
from qqbot_sync.protocol.pacing import IDENTIFY_WINDOW, IdentifyPace
from tests.support import eventually

__all__ = ["FastClock", "LaterClock", "fast_pace", "out_of_reach", "start_in_vain"]


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


class LaterClock(SystemClock):
    """Time that can be let go by."""

    passed = 0.0

    def now(self) -> float:
        return super().now() + self.passed


def out_of_reach(url: str) -> BotClient:
    """A client for a platform that is not there: start it with `start_in_vain`."""
    quick = ReconnectConfig(initial_delay=0.01, max_delay=0.05)
    return BotClient("1", "s", environment=Environment.local(url), clock=LaterClock(), reconnect=quick)


def start_in_vain(client: BotClient) -> None:
    """Starts it; the time of the start is over when an attempt has failed, however long a machine needs for that."""
    clock = client._clock
    assert isinstance(clock, LaterClock)

    def let_time_pass() -> None:
        try:
            eventually(lambda: client.diagnostics.as_dict()["errors"], what="an attempt that failed")
        finally:
            clock.passed = 3600.0

    thread = threading.Thread(target=let_time_pass)
    thread.start()
    try:
        client.start(timeout=600)
    finally:
        thread.join()
