"""The settings that come in groups: reconnecting, heartbeats, a shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qqbot_sync.config.checks import check_number, check_whole

__all__ = ["HeartbeatConfig", "ReconnectConfig", "ShardConfig"]


@dataclass(frozen=True)
class ReconnectConfig:
    """How the supervisor comes back: full jitter between 0 and min(max_delay, initial_delay · backoff_factor^n)."""

    max_attempts: int | None = None
    """Attempts since the last READY; None never gives up (docs/adr/0006)."""
    initial_delay: float = 1.0
    """Seconds, above 0: attempts without a pause would spin."""
    max_delay: float = 30.0
    """Seconds."""
    backoff_factor: float = 2.0

    def __post_init__(self) -> None:
        if self.max_attempts is not None:
            check_whole("ReconnectConfig.max_attempts", self.max_attempts, at_least=1)
        check_number("ReconnectConfig.initial_delay", self.initial_delay, above=0)
        check_number("ReconnectConfig.max_delay", self.max_delay, at_least=self.initial_delay)
        check_number("ReconnectConfig.backoff_factor", self.backoff_factor, at_least=1)


@dataclass(frozen=True)
class HeartbeatConfig:
    """When a peer counts as dead."""

    interval: float | None = None
    """Seconds between beats; None: what Hello says."""
    timeout: float | None = None
    """Seconds after which an unacknowledged beat is missed; None: one interval."""
    max_missed: int = 1
    """Beats missed in a row that end the socket."""

    def __post_init__(self) -> None:
        if self.interval is not None:
            check_number("HeartbeatConfig.interval", self.interval, above=0)
        if self.timeout is not None:
            check_number("HeartbeatConfig.timeout", self.timeout, above=0)
        check_whole("HeartbeatConfig.max_missed", self.max_missed, at_least=1)


@dataclass(frozen=True)
class ShardConfig:
    """One connection's share of the guilds: those with `(guild_id >> 22) % shard_count == shard_id`."""

    shard_id: int = 0
    shard_count: int = 1

    def __post_init__(self) -> None:
        check_whole("ShardConfig.shard_count", self.shard_count, at_least=1)
        check_whole("ShardConfig.shard_id", self.shard_id, at_least=0)
        if self.shard_id >= self.shard_count:
            raise ValueError(
                f"shard_id 从 0 数起,必须小于 shard_count / shard_id counts from 0 and must be below shard_count: "
                f"{self.shard_id} of {self.shard_count}"
            )

    def __iter__(self) -> Any:
        return iter((self.shard_id, self.shard_count))
