"""Plain counters of what the gateway and the handlers did: always on, cheap, readable at any time."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from qqbot_sync.clock import Clock, SystemClock

__all__ = ["GatewayMetrics", "MetricsSnapshot"]


@dataclass(frozen=True)
class MetricsSnapshot:
    """The counters at one moment, as plain data."""

    events_received: int = 0
    """Events that arrived, heard or not."""
    events_processed: int = 0
    """Events whose handlers are done."""
    events_failed: int = 0
    """Events of which a handler raised."""
    events_unheard: int = 0
    events_dropped: int = 0
    """Events given up by an overflow policy."""
    events_expired: int = 0
    """Events dropped because they were older than `max_age`."""
    events_deduplicated: int = 0
    frames_dropped: Counter[str] = field(default_factory=Counter)
    """Frames that meant nothing, by reason."""
    decode_mismatches: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Fields whose value had another type than its model says, by (event, field)."""
    reconnections: Counter[str] = field(default_factory=Counter)
    """Connections that came after another, by the reason of its end."""
    identifies: int = 0
    resumes: int = 0


class GatewayMetrics:
    """Counters of one client. Thread-safe.

    The names follow BotRS (`events_received`, `record_event_received`, …).
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        # One counter for each thread that counts: a lock that reader and workers take for every event would make
        # them wait for each other, and cost more than the event. A thread that ends leaves its counter to the next
        # of the same number.
        self._by_thread: dict[int, Counter[str]] = {}
        self._frames: Counter[str] = Counter()
        self._mismatches: Counter[tuple[str, str]] = Counter()
        self._reconnections: Counter[str] = Counter()
        self._last_heartbeat: float | None = None
        self._connection_start: float | None = None

    # -- recording ------------------------------------------------------------------------------------------------

    def record_event_received(self) -> None:
        self.count("events_received")

    def record_event_processed(self) -> None:
        self.count("events_processed")

    def record_heartbeat(self) -> None:
        """An ACK arrived."""
        with self._lock:
            self._last_heartbeat = self._clock.now()

    def record_connection(self, *, resumed: bool) -> None:
        """READY or RESUMED."""
        self.count("resumes" if resumed else "identifies")
        with self._lock:
            if self._connection_start is None:
                self._connection_start = self._clock.now()

    def record_reconnection(self, reason: str) -> None:
        with self._lock:
            self._reconnections[reason] += 1

    def record_frame_dropped(self, reason: str) -> bool:
        """Counts a frame that could not be used; True the first time this reason is seen."""
        with self._lock:
            self._frames[reason] += 1
            return self._frames[reason] == 1

    def record_mismatch(self, event: str, name: str) -> bool:
        """Counts a field of an unexpected type; True the first time it is seen."""
        with self._lock:
            self._mismatches[(event, name)] += 1
            return self._mismatches[(event, name)] == 1

    def count(self, name: str, by: int = 1) -> None:
        ident = threading.get_ident()
        counts = self._by_thread.get(ident)
        if counts is None:
            counts = self._by_thread.setdefault(ident, Counter())
        counts[name] += by

    # -- reading --------------------------------------------------------------------------------------------------

    def _total(self, name: str) -> int:
        return sum(counts[name] for counts in list(self._by_thread.values()))

    @property
    def events_received(self) -> int:
        return self._total("events_received")

    @property
    def events_processed(self) -> int:
        return self._total("events_processed")

    @property
    def reconnection_count(self) -> int:
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

    def get_events_per_second(self) -> float:
        """Events processed per second since the first READY."""
        start, events = self._connection_start, self.events_processed
        seconds = self._clock.now() - start if start is not None else 0.0
        return events / seconds if seconds > 0 else 0.0

    def snapshot(self) -> MetricsSnapshot:
        """All counters at one moment."""
        with self._lock:
            return MetricsSnapshot(
                **{name: self._total(name) for name in _COUNTED},
                frames_dropped=Counter(self._frames),
                decode_mismatches=Counter(self._mismatches),
                reconnections=Counter(self._reconnections),
            )


_COUNTED = (
    "events_received",
    "events_processed",
    "events_failed",
    "events_unheard",
    "events_dropped",
    "events_expired",
    "events_deduplicated",
    "identifies",
    "resumes",
)
