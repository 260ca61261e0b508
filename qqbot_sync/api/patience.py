"""How long one call goes on trying, and how it waits between two tries."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from qqbot_sync.clock import Clock
from qqbot_sync.errors import Stopped
from qqbot_sync.protocol.backoff import Backoff

__all__ = ["Patience", "check_timeout"]

PAUSES = Backoff(initial=0.5, factor=2.0, maximum=8.0)
SHORTEST = 0.05
"""Seconds below which another try is not worth its start."""


def check_timeout(timeout: object) -> float:
    """The time-out as a float.

    Raises:
        TypeError, ValueError: no number, or not above 0.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout != timeout:
        raise TypeError(f"timeout 必须是秒数 / timeout must be a number of seconds, not {timeout!r}")
    if timeout <= 0:
        raise ValueError(f"timeout 必须大于 0 / timeout must be above 0, not {timeout:g}")
    # A socket cannot wait for longer than this, and nobody does.
    return min(float(timeout), 86_400.0)


class Patience:
    """The deadline and the pauses of one call. Not thread-safe: it belongs to the calling thread.

    Args:
        timeout: seconds for the whole call.
        stopped: ends a pause when set.
        dice: gives numbers from 0 to 1.
    """

    def __init__(
        self, clock: Clock, timeout: float, *, stopped: threading.Event, dice: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._stopped = stopped
        self._dice = dice
        self._pauses = 0
        self._end = clock.now() + check_timeout(timeout)

    def left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._end - self._clock.now()

    def is_over(self) -> bool:
        """Whether there is no time for another try."""
        return self.left() < SHORTEST

    def pause(self, at_least: float | None = None) -> bool:
        """Waits before the next try, longer each time; False, at once, when no time would be left after it.

        Args:
            at_least: seconds the platform asked for.

        Raises:
            Stopped: the client was closed meanwhile.
        """
        left = self.left()
        seconds = PAUSES.delay(self._pauses, self._dice)
        if at_least is not None:
            seconds += at_least
        else:
            # Without a word from the platform, a last try is better than a long wait.
            seconds = min(seconds, left / 2)
        if left - seconds < SHORTEST:
            return False
        self._pauses += 1
        self.hold(seconds)
        return True

    def hold(self, seconds: float) -> None:
        """Waits exactly so long, whatever the deadline.

        Raises:
            Stopped: the client was closed meanwhile.
        """
        if self._clock.wait(self._stopped, seconds):
            raise Stopped("客户端已关闭,调用被放弃 / the client was closed, the call was given up")
