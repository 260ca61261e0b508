"""What the metrics say at one moment, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from qqbot_sync.metrics.durations import Durations

__all__ = ["Counts", "Gauges", "MetricsSnapshot"]

K = TypeVar("K")


class Counts(dict[K, int]):
    """How many of each kind; 0 for a kind that never came. A `collections.Counter` does not survive `asdict`."""

    def __missing__(self, key: K) -> int:
        return 0


class Gauges(NamedTuple):
    """What goes up and down."""

    queue_depth: int = 0
    queue_age: float = 0.0
    latency: float | None = None


@dataclass(frozen=True)
class MetricsSnapshot:
    """All numbers of a client at one moment. Counters count from the making of the client, over all its starts.

    Every event that was received is one of unheard, deduplicated, dispatched, or (with `drop_newest`) dropped. Every
    event that was dispatched is processed, expired, dropped (with `drop_oldest`), seen by `wait_for` and `events`
    alone, or still waiting or running. What a stop cuts short is in neither list, and comes again.
    """

    taken_at: float = 0.0
    """When it was taken, in monotonic seconds, as all times here."""
    taken_at_wall: float = 0.0
    """The same moment in seconds since 1970."""

    events_received: int = 0
    """Events that arrived, heard or not; a copy counts as well."""
    events_decoded: int = 0
    """Events whose body was made into a model: only what somebody looks at is decoded."""
    events_dispatched: int = 0
    """Events that were accepted for a handler, an `ask`, a `wait_for` or `events`."""
    events_processed: int = 0
    """Events whose handlers are done, answers that `ask` took included."""
    events_failed: int = 0
    """Events of which a handler raised."""
    events_unheard: int = 0
    """Events nobody listens to."""
    events_dropped: int = 0
    """Events given up by an overflow policy."""
    events_expired: int = 0
    """Events dropped because they were older than `max_age`."""
    events_deduplicated: int = 0
    """Copies of events that had come before."""
    frames_dropped: Counts[str] = field(default_factory=Counts)
    """Frames that meant nothing, by reason."""
    decode_mismatches: Counts[tuple[str, str]] = field(default_factory=Counts)
    """Fields whose value had another type than its model says, by (event, field)."""
    events_per_second: float = 0.0
    """Events processed per second since the first READY."""

    connection_attempts: int = 0
    """Times a shard dialed."""
    connection_successes: int = 0
    """Times that ended in READY or RESUMED."""
    identifies: int = 0
    """Sessions begun: READY."""
    resumes: int = 0
    """Sessions taken up again: RESUMED."""
    reconnections: Counts[str] = field(default_factory=Counts)
    """Dials that followed the end of a connection, by the reason of that end: `op 7`, `op 9`, `close 4009`,
    `heartbeat`, `suspend`, `deadline` or `network`."""
    heartbeats: int = 0
    """Heartbeats that the platform acknowledged."""
    last_heartbeat: float | None = None
    """When the last of them was acknowledged; None before the first."""
    connection_start: float | None = None
    """When the first READY came; None before it."""
    latency: float | None = None
    """Seconds between the last heartbeat and its ACK, of the slowest shard; None while there is none."""

    queue_depth: int = 0
    """Events accepted and not yet begun."""
    queue_age: float = 0.0
    """Seconds since the oldest of them arrived; 0.0 when there is none."""

    replies_sent: int = 0
    """Replies that the platform took, those that wait for a reviewer included."""
    replies_failed: Counts[str] = field(default_factory=Counts)
    """Replies that were given up, by the name of the error that the caller got."""
    proactive_sent: int = 0
    """Messages that answer nothing, likewise."""
    proactive_failed: Counts[str] = field(default_factory=Counts)

    handler_durations: Durations | None = None
    """How long handlers ran, all together; None before the first, and with `metrics_enabled=False`."""
    handlers: dict[str, Durations] = field(default_factory=dict)
    """The same for each handler, by `module.qualname`."""

    @property
    def reconnection_count(self) -> int:
        """Reconnections for whatever reason."""
        return sum(self.reconnections.values())
