"""Where every shard stands, and who waits for it to change."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Sequence

from qqbot_sync.client.state import ConnectionState
from qqbot_sync.clock import Clock
from qqbot_sync.errors import BotError, ConnectionFailed, HeartbeatTimeout, RateLimited, Stopped
from qqbot_sync.protocol.close_codes import Verdict
from qqbot_sync.protocol.session import End

__all__ = ["CENSUS", "Standing"]

CENSUS = -1
"""Stands for all shards while their number is not known."""
WINDOWS_SLICE = 0.5 if sys.platform == "win32" else None
"""Seconds: Windows delivers no Ctrl-C to a thread inside an unbounded wait."""


class Standing:
    """What is known of the shards of one run. Thread-safe; nothing blocks but `wait_ready`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._states: dict[int, ConnectionState] = {}
        self._dialed_at: dict[int, float] = {}
        self._known_waits: dict[int, tuple[float, Exception | None]] = {}
        self._ready_once: set[int] = set()
        self._last_cause: Exception | None = None
        self._error: BotError | None = None
        self.was_ready = False
        """Whether any shard has ever been READY."""
        self.all_ready = threading.Event()
        """Set while every shard is READY."""
        self.over = threading.Event()
        """Set when the run is stopping: waiting for READY is in vain."""

    # -- what happens ---------------------------------------------------------------------------------------------

    def expect(self, shard_ids: Iterable[int]) -> None:
        """These are the shards from now on."""
        with self._news:
            self._states = dict.fromkeys(shard_ids, ConnectionState.CONNECTING)
            self._ready_once.clear()
            self._news.notify_all()

    def dials(self, shard_id: int) -> None:
        """Its slot has come; the first time starts its clock."""
        with self._news:
            self._dialed_at.setdefault(shard_id, self._clock.now())
            self._known_waits.pop(shard_id, None)
            self._news.notify_all()

    def ready(self, shard_id: int) -> None:
        """READY or RESUMED."""
        with self._news:
            self.was_ready = True
            self._states[shard_id] = ConnectionState.CONNECTED
            self._ready_once.add(shard_id)
            if all(state is ConnectionState.CONNECTED for state in self._states.values()):
                self.all_ready.set()
            self._news.notify_all()

    def down(self, shard_id: int, end: End) -> None:
        """Its connection ended."""
        with self._news:
            if shard_id in self._ready_once:
                resumes = end.verdict is Verdict.RESUME
                self._states[shard_id] = ConnectionState.SUSPENDED if resumes else ConnectionState.LOST
            self._last_cause = (HeartbeatTimeout if end.kind == "heartbeat" else ConnectionFailed)(end.reason)
            self.all_ready.clear()
            self._news.notify_all()

    def waits(self, shard_id: int, seconds: float, *, cause: Exception | None, known: bool) -> None:
        """It tries again after `seconds`; `known` when the platform named the time."""
        with self._news:
            self._last_cause = cause or self._last_cause
            if known:
                self._known_waits[shard_id] = (self._clock.now() + seconds, cause)
            self._news.notify_all()

    def fail(self, error: BotError) -> bool:
        """Nothing can cure this. True for the first such error; it stays."""
        with self._news:
            first, self._error = self._error is None, self._error or error
            self._news.notify_all()
            return first

    def end(self) -> None:
        """The run is stopping."""
        with self._news:
            self.over.set()
            self._news.notify_all()

    # -- what others ask ------------------------------------------------------------------------------------------

    @property
    def error(self) -> BotError | None:
        """The cause that no retry can cure, once there is one."""
        return self._error

    def states(self) -> dict[int, ConnectionState]:
        """The state of each shard."""
        with self._lock:
            return dict(self._states)

    def wait_ready(self, timeout: float | None) -> None:
        """Waits until every shard has been READY.

        Args:
            timeout: seconds from the moment a shard's identify slot comes; None: no limit.

        Raises:
            BotError: the fatal cause.
            RateLimited: the platform named a wait longer than that.
            ConnectionFailed: it took too long; with the last cause.
            Stopped: stopped meanwhile.
        """
        with self._news:
            while True:
                if self._error is not None:
                    raise self._error
                if self.over.is_set():
                    raise Stopped("启动时被停止 / stopped while starting")
                missing = [shard_id for shard_id in self._states if shard_id not in self._ready_once]
                if self._states and not missing:
                    return
                left = None if timeout is None else self._time_left(missing or [CENSUS], timeout)
                if left is not None and left <= 0:
                    raise self._too_late(timeout)
                self._news.wait(left if left is not None else WINDOWS_SLICE)

    def _time_left(self, missing: Sequence[int], timeout: float) -> float | None:
        """Seconds until the first of the missing shards is out of time; None while all wait for their slot."""
        now = self._clock.now()
        left: float | None = None
        for shard_id in missing:
            dialed_at = self._dialed_at.get(shard_id)
            if dialed_at is None:
                continue
            rest = dialed_at + timeout - now
            until, cause = self._known_waits.get(shard_id, (0.0, None))
            if until - now > rest:
                if isinstance(cause, RateLimited):
                    raise cause
                said = f"平台要求等待 / the platform asks to wait: {cause}"
                raise RateLimited(said, retry_after=until - now) from cause
            left = rest if left is None else min(left, rest)
        return left

    def _too_late(self, timeout: float | None) -> ConnectionFailed:
        cause = self._last_cause
        said = str(cause).splitlines()[0] if cause is not None and str(cause) else "no answer"
        error = ConnectionFailed(f"{timeout:g} 秒内未能连接 / could not connect within {timeout:g} s: {said}")
        error.__cause__ = cause
        return error
