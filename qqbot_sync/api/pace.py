"""Keeps all threads of one bot within the platform's published rates."""

from __future__ import annotations

import threading
from typing import Literal, get_args

from qqbot_sync.api.patience import Patience
from qqbot_sync.clock import Clock
from qqbot_sync.errors import RateLimited
from qqbot_sync.protocol.buckets import Buckets

__all__ = ["Pace", "Pacing"]

Pacing = Literal["wait", "raise", "off"]
"""What to do before a call that would break a published rate: wait for its turn, raise RateLimited, or call anyway."""


class Pace:
    """The buckets of one bot. Thread-safe.

    Args:
        clock: tells the time.
        pacing: see `Pacing`; may be changed at any time.
    """

    def __init__(self, clock: Clock, pacing: Pacing = "wait") -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets = Buckets()
        self.pacing = pacing

    @property
    def pacing(self) -> Pacing:
        """What happens before a call that would break a published rate."""
        return self._pacing

    @pacing.setter
    def pacing(self, pacing: Pacing) -> None:
        if pacing not in get_args(Pacing):
            raise ValueError(f"pacing 只能是 / pacing must be one of: {', '.join(get_args(Pacing))}; not {pacing!r}")
        self._pacing: Pacing = pacing

    def keep(self, method: str, path: str, patience: Patience) -> None:
        """Returns when the call may be made.

        Args:
            method, path: of the call.
            patience: its deadline; a turn that comes later is not waited for.

        Raises:
            RateLimited: the turn comes too late, or (`pacing="raise"`) not now; nothing was sent.
            Stopped: closed meanwhile.
        """
        if self._pacing == "off":
            return
        within = max(0.0, patience.left()) if self._pacing == "wait" else 0.0
        with self._lock:
            now = self._clock.now()
            turn = self._buckets.take(method, path, now=now, within=within)
        if turn is None or turn.at <= now:
            return
        if not turn.is_taken:
            limit = turn.bucket.limit
            raise RateLimited(
                f"超过平台公布的频率(每 {limit.period:g} 秒 {limit.count} 次),尚未发送 / "
                f"over the published rate ({limit.count} calls in {limit.period:g} s), nothing was sent",
                retry_after=turn.at - now,
                method=method,
                path=path,
                retryable=True,
            )
        try:
            patience.hold(turn.at - now)
        except BaseException:
            with self._lock:
                turn.bucket.give_back(turn.at)
            raise
