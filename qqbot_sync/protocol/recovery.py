"""When a shard comes back after its connection ended, and when it gives up.

Pure: the supervisor tells it what happened and when, and gets a number of seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from qqbot_sync.config import ReconnectConfig
from qqbot_sync.errors import ApiError, AuthenticationFailed, BotError, ConnectionFailed, RateLimited
from qqbot_sync.protocol.backoff import Backoff
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.error_codes import IP_WHITELIST_CODES
from qqbot_sync.protocol.session import End

__all__ = ["Next", "Recovery"]

STABLE = 30.0
"""Seconds of READY after which the back-off starts from the beginning."""
ROUTINE_WINDOW = 60.0
ROUTINE_FREE = 5
"""Routine ends within the window that come back at once; beyond them something is wrong, and back-off begins."""
WHITELIST_PAUSE = 300.0
"""Seconds between attempts while this machine's IP is not on the whitelist: only a person can change that."""
REFUSED_CALLS = 3
"""Refusals of credentials in a row, by a platform that accepted them before, until they count as final."""


class Next(NamedTuple):
    """What follows: dial after `delay` seconds, or raise `error` and stop."""

    delay: float
    error: BotError | None = None
    known_wait: bool = False
    """The platform named this delay; no earlier attempt can succeed."""


class Recovery:
    """The patience of one shard. Not thread-safe: owned by the supervisor."""

    def __init__(self, config: ReconnectConfig, dice: Callable[[], float]) -> None:
        self._backoff = Backoff(config.initial_delay, config.backoff_factor, config.max_delay)
        self._max_attempts = config.max_attempts
        self._dice = dice
        self._step = 0
        self.attempts = 0
        """Attempts since the last READY."""
        self._refusals = 0
        self._ready_since: float | None = None
        self._ever_ready = False
        self._routine: deque[float] = deque()

    def ready(self, now: float) -> None:
        """READY or RESUMED."""
        self.attempts = self._refusals = 0
        self._ready_since = now
        self._ever_ready = True

    def after_end(self, end: End, now: float) -> Next:
        """A connection ended."""
        if end.error is not None and end.verdict is Verdict.FATAL:
            return Next(0.0, end.error)
        if self._ready_since is not None and now - self._ready_since >= STABLE:
            self._step = 0
        self._ready_since = None
        if end.routine and self._is_routine(now):
            return Next(0.0)
        return self._again(end.reason, minimum=end.pause, cause=end.error)

    def after_failure(self, error: Exception, now: float) -> Next:  # noqa: ARG002  symmetric with after_end
        """A dial failed before the WebSocket was open."""
        self._ready_since = None
        if isinstance(error, ApiError) and error.code in IP_WHITELIST_CODES:
            return Next(WHITELIST_PAUSE) if self._ever_ready else Next(0.0, error)
        if isinstance(error, RateLimited):
            return Next(max(error.retry_after, self._delay()), known_wait=True)
        if isinstance(error, AuthenticationFailed):
            self._refusals += 1
            if not self._ever_ready or self._refusals >= REFUSED_CALLS:
                return Next(0.0, error)
        return self._again(str(error), minimum=0.0, cause=error)

    def _is_routine(self, now: float) -> bool:
        while self._routine and now - self._routine[0] >= ROUTINE_WINDOW:
            self._routine.popleft()
        self._routine.append(now)
        return len(self._routine) <= ROUTINE_FREE

    def _again(self, reason: str, *, minimum: float, cause: Exception | None) -> Next:
        self.attempts += 1
        if self._max_attempts is not None and self.attempts > self._max_attempts:
            error = ConnectionFailed(
                f"重连 {self._max_attempts} 次后放弃 / gave up after {self._max_attempts} attempts: {reason}",
                hint="要永不放弃,请用 ReconnectConfig(max_attempts=None) / to never give up: "
                "ReconnectConfig(max_attempts=None)",
            )
            error.__cause__ = cause
            return Next(0.0, error)
        return Next(max(minimum, self._delay()))

    def _delay(self) -> float:
        delay = self._backoff.delay(self._step, self._dice)
        self._step += 1
        return delay
