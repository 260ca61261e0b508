"""What a client tells about its connection."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

__all__ = ["ConnectionState", "SessionInfo", "ShardInfo", "worst_of"]


class ConnectionState(str, Enum):
    """Where the connection stands, in words a user can act on."""

    CONNECTING = "connecting"
    """Started, and not READY yet."""
    CONNECTED = "connected"
    """READY on every shard of this process."""
    SUSPENDED = "suspended"
    """A connection is down; its session lives and is being resumed: nothing is lost."""
    LOST = "lost"
    """A session is gone; a new one is being opened. Events in between are lost by the platform."""
    STOPPED = "stopped"
    """Not started, or stopped."""
    FAILED = "failed"
    """Ended by a cause that no retry can cure: see `client.error`."""

    def __str__(self) -> str:
        return self.value


class SessionInfo(NamedTuple):
    """The gateway session as it stands."""

    session_id: str
    sequence_number: int | None
    """The highest number received."""
    shard: tuple[int, int]
    """(shard id, shard count)."""


class ShardInfo(NamedTuple):
    """One shard as it stands."""

    shard_id: int
    shard_count: int
    state: ConnectionState
    latency: float | None
    """Seconds between its last heartbeat and the ACK."""
    session: SessionInfo | None


def worst_of(states: Iterable[ConnectionState]) -> ConnectionState:
    """What a client says of itself whose shards stand so."""
    found = set(states)
    for state in (ConnectionState.LOST, ConnectionState.CONNECTING, ConnectionState.SUSPENDED):
        if state in found:
            return state
    return ConnectionState.CONNECTED if found else ConnectionState.CONNECTING
