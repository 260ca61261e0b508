"""What shards and supervisor tell each other: values, one direction each."""

from __future__ import annotations

from typing import NamedTuple

from qqbot_sync.intents import Intents
from qqbot_sync.protocol.gateway_info import GatewayInfo
from qqbot_sync.protocol.session import End

__all__ = ["DialFailed", "DialOrder", "Died", "Ended", "Identified", "Informed", "Opened", "Ready", "Report"]


class DialOrder(NamedTuple):
    """Supervisor to shard: open a connection."""

    resume: bool
    intents: Intents
    refresh_token: bool = False
    refetch_url: bool = False


class Informed(NamedTuple):
    """The platform told about its gateway."""

    shard_id: int
    info: GatewayInfo


class Opened(NamedTuple):
    """The WebSocket is open; Hello is awaited."""

    shard_id: int


class Identified(NamedTuple):
    """An Identify went out: the slot is used from now on."""

    shard_id: int


class Ready(NamedTuple):
    """READY, or RESUMED where `resumed`."""

    shard_id: int
    resumed: bool


class Ended(NamedTuple):
    """The connection is over, and everything it brought has been offered."""

    shard_id: int
    end: End


class DialFailed(NamedTuple):
    """There was no connection."""

    shard_id: int
    error: Exception


class Died(NamedTuple):
    """A thread of the shard ended by an error of this package."""

    shard_id: int
    error: BaseException


Report = Informed | Opened | Identified | Ready | Ended | DialFailed | Died
