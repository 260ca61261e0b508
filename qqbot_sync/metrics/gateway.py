"""The numbers of one client: counting them, and reading them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from qqbot_sync.clock import Clock, SystemClock
from qqbot_sync.errors import ApiError
from qqbot_sync.metrics.durations import HandlerTimes, Histogram
from qqbot_sync.metrics.rate import LONGEST_WINDOW, Rate
from qqbot_sync.metrics.snapshot import Counts, Gauges, MetricsSnapshot
from qqbot_sync.metrics.tally import Tally

__all__ = ["GatewayMetrics"]

TALLIED = (
    "events_received",
    "events_decoded",
    "events_dispatched",
    "events_processed",
    "events_failed",
    "events_unheard",
    "events_dropped",
    "events_expired",
    "events_deduplicated",
    "connection_attempts",
    "identifies",
    "resumes",
    "heartbeats",
    "replies_sent",
    "proactive_sent",
)
"""What is counted without a lock; each is a field of the snapshot."""

K = TypeVar("K")


class GatewayMetrics:
    """The numbers of one client. Thread-safe.

    The names follow BotRS (`events_received`, `record_event_received`, …). What only goes up is counted from the making
    of the client, over all its starts. Counting takes no lock and never fails.

    Args:
        clock: tells the time.
        timed: also count how long handlers run, for percentiles.
        gauges: tells what goes up and down, when somebody asks.
    """

    def __init__(
        self, clock: Clock | None = None, *, timed: bool = True, gauges: Callable[[], Gauges] = Gauges
    ) -> None:
        self._clock = clock or SystemClock()
        self._gauges = gauges
        self._tallies = {name: Tally() for name in TALLIED}
        self._add = {name: tally.add for name, tally in self._tallies.items()}
        self._times = HandlerTimes()
        self.record_duration: Callable[[str, float], None] | None = self._times.record if timed else None
        """Takes the name of a handler that ended and the seconds it ran; None where that is not wanted."""
        self._lock = threading.Lock()
        # All below are guarded by the lock: they come with frames that are rare, or with calls over the network.
        self._rate = Rate()
        self._frames: Counts[str] = Counts()
        self._mismatches: Counts[tuple[str, str]] = Counts()
        self._reconnections: Counts[str] = Counts()
        self._failures: dict[bool, Counts[str]] = {True: Counts(), False: Counts()}
        self._last_heartbeat: float | None = None
        self._connection_start: float | None = None

    # -- recording ------------------------------------------------------------------------------------------------

    def tally(self, name: str) -> Callable[[], object]:
        """What counts one of `name`, for those who count with every event."""
        return self._add[name]

    def count(self, name: str) -> None:
        """Counts one of `name`, a plain counter of the snapshot."""
        self._add[name]()

    def record_event_received(self) -> None:
        """An event arrived."""
        self.count("events_received")

    def record_event_processed(self) -> None:
        """All handlers of an event are done."""
        self.count("events_processed")

    def record_heartbeat(self) -> None:
        """An ACK arrived."""
        self.count("heartbeats")
        self._last_heartbeat = self._clock.now()

    def record_attempt(self) -> None:
        """A shard dials."""
        self.count("connection_attempts")

    def record_connection(self, *, resumed: bool) -> None:
        """READY or RESUMED."""
        self.count("resumes" if resumed else "identifies")
        with self._lock:
            if self._connection_start is None:
                self._connection_start = self._clock.now()
        self.sample()

    def record_reconnection(self, reason: str) -> None:
        """A shard dials again, because its connection ended for this reason."""
        with self._lock:
            self._reconnections[reason] += 1

    def record_frame_dropped(self, reason: str) -> bool:
        """Counts a frame that could not be used; True the first time this reason is seen."""
        return self._is_first(self._frames, reason)

    def record_mismatch(self, event: str, name: str) -> bool:
        """Counts a field of an unexpected type; True the first time it is seen."""
        return self._is_first(self._mismatches, (event, name))

    def record_message(self, is_reply: bool, error: BaseException | None) -> None:
        """A message was sent, or given up with `error`."""
        if error is None:
            self.count("replies_sent" if is_reply else "proactive_sent")
            return
        cause = type(error).__name__
        if isinstance(error, ApiError) and type(error) is ApiError and error.code is not None:
            # The class says nothing: nobody has met this code yet.
            cause = f"{cause} {error.code}"
        with self._lock:
            self._failures[is_reply][cause] += 1

    def sample(self) -> None:
        """Remembers how many events were processed by now; called once a second while the client runs."""
        now, count = self._clock.now(), self.events_processed
        with self._lock:
            self._rate.sample(now, count)

    def _is_first(self, counts: Counts[K], key: K) -> bool:
        with self._lock:
            counts[key] += 1
            return counts[key] == 1

    # -- reading --------------------------------------------------------------------------------------------------

    @property
    def events_received(self) -> int:
        """Events that arrived, heard or not."""
        return self._tallies["events_received"].value

    @property
    def events_processed(self) -> int:
        """Events whose handlers are done."""
        return self._tallies["events_processed"].value

    @property
    def reconnection_count(self) -> int:
        """Dials that followed the end of a connection."""
        with self._lock:
            return sum(self._reconnections.values())

    @property
    def last_heartbeat(self) -> float | None:
        """When the last ACK came, in monotonic seconds."""
        return self._last_heartbeat

    @property
    def connection_start(self) -> float | None:
        """When the first READY came, in monotonic seconds."""
        return self._connection_start

    def get_events_per_second(self, window: float | None = None) -> float:
        """Events processed per second.

        Args:
            window: the last so many seconds, at most 900, to the second; None: since the first READY.

        Raises:
            TypeError, ValueError: no number of seconds in that range.
        """
        if window is not None:
            _check_window(window)
        now, events = self._clock.now(), self.events_processed
        if window is not None:
            with self._lock:
                return self._rate.over(window, now, events)
        start = self._connection_start
        seconds = now - start if start is not None else 0.0
        return events / seconds if seconds > 0 else 0.0

    def histograms(self) -> dict[str, Histogram]:
        """How long each handler ran, by `module.qualname`; empty with `metrics_enabled=False`."""
        return self._times.histograms()

    def snapshot(self) -> MetricsSnapshot:
        """All numbers at one moment."""
        # Backwards: what comes later on an event's way is read first, so that no more is processed than was received.
        counted = {name: self._tallies[name].value for name in reversed(TALLIED)}
        rate, gauges, histograms = self.get_events_per_second(), self._gauges(), self.histograms()
        with self._lock:
            return MetricsSnapshot(
                taken_at=self._clock.now(),
                taken_at_wall=self._clock.wall(),
                **counted,
                frames_dropped=Counts(self._frames),
                decode_mismatches=Counts(self._mismatches),
                events_per_second=rate,
                connection_successes=counted["identifies"] + counted["resumes"],
                reconnections=Counts(self._reconnections),
                last_heartbeat=self._last_heartbeat,
                connection_start=self._connection_start,
                **gauges._asdict(),
                replies_failed=Counts(self._failures[True]),
                proactive_failed=Counts(self._failures[False]),
                handler_durations=Histogram.sum_of(histograms.values()).durations() if histograms else None,
                handlers={name: histogram.durations() for name, histogram in histograms.items()},
            )


def _check_window(window: object) -> None:
    if isinstance(window, bool) or not isinstance(window, (int, float)):
        raise TypeError(f"window 必须是秒数 / window must be a number of seconds, not {window!r}")
    if not 0 < window <= LONGEST_WINDOW:
        raise ValueError(
            f"window 必须大于 0 且不超过 {LONGEST_WINDOW:g} 秒 / "
            f"window must be above 0 and at most {LONGEST_WINDOW:g} seconds, not {window!r}"
        )
