"""Webhook sessions of the old kind, registered over HTTP; only Tencent's Go SDK names them."""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, Timestamp
from ._time import parse_time
from .user import User

__all__ = ["WebhookSession", "WebhookSessionCreated"]


@dataclass
class WebhookSession(Model):
    """A session that is registered."""

    app_id: str | None = None
    """The bot's app id; sent as a number."""
    session_id: str | None = None
    """Its id."""
    callback_url: str | None = None
    """Where events are posted to."""
    env: str = ""
    """Production or sandbox, in the platform's words."""
    intents: int | None = None
    """Which events."""
    last_heartbeat_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When the URL last answered."""
    state: str = ""
    """Whether it is active, in the platform's words."""
    shards: list[int] = field(default_factory=list)
    """Its number, and how many there are."""

    @property
    def last_heartbeat_time_datetime(self) -> datetime | None:
        """`last_heartbeat_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.last_heartbeat_time)


@dataclass
class WebhookSessionCreated(Model):
    """Answer to registering a session."""

    version: int | None = None
    """Of the protocol."""
    session_id: str | None = None
    """The session's id."""
    bot: User | None = None
    """The bot: id and name."""
    shard: list[int] = field(default_factory=list)
    """Its number, and how many there are."""
