"""The frames of the gateway and the webhook that are not events, and the answers that lead there.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
"""

from dataclasses import dataclass, field
from typing import Any

from ._base import AS_SENT, Model
from .user import User

__all__ = [
    "AccessToken",
    "CallbackAck",
    "Gateway",
    "GatewayBot",
    "Hello",
    "Identify",
    "Payload",
    "Ready",
    "Resume",
    "SessionStartLimit",
    "Validation",
    "ValidationReply",
]


@dataclass
class Payload(Model):
    """Any frame of the gateway or the webhook."""

    op: int | None = None
    """The opcode."""
    d: Any = field(default=None, metadata=AS_SENT)
    """The body. Any, because its shape depends on `op` and `t`; an empty text in RESUMED, missing in an ACK."""
    s: int | None = None
    """Op 0: the sequence number."""
    t: str | None = None
    """Op 0: the event's name."""
    id: str | None = None
    """Op 0: the event's id, what `event_id` of a reply refers to."""


@dataclass
class Hello(Model):
    """The gateway's first frame (op 10)."""

    heartbeat_interval: int | None = None
    """Milliseconds between two heartbeats."""


@dataclass
class Identify(Model):
    """What opens a session (op 2). Holds the token: never log it."""

    token: str | None = field(default=None, repr=False)
    """`QQBot ` and the access token."""
    intents: int | None = None
    """Bit mask of `Intents`."""
    shard: list[int] = field(default_factory=list)
    """Number of this shard and count of all shards."""
    properties: dict[str, str] = field(default_factory=dict)
    """`$os`, `$browser`, `$device`; without effect. A dict, because the platform takes any keys."""


@dataclass
class Resume(Model):
    """What takes a session up again (op 6). Holds the token: never log it."""

    token: str | None = field(default=None, repr=False)
    """`QQBot ` and the access token."""
    session_id: str | None = None
    """The session."""
    seq: int | None = None
    """The last sequence number received."""


@dataclass
class Ready(Model):
    """The session is open (READY)."""

    version: int | None = None
    """The protocol's version, 1."""
    session_id: str | None = None
    """The session; opaque."""
    user: User | None = None
    """The bot itself."""
    shard: list[int] = field(default_factory=list)
    """As the platform says it; not to be relied on."""


@dataclass
class Gateway(Model):
    """Answer of `GET /gateway`."""

    url: str | None = None
    """Where to connect to."""


@dataclass
class SessionStartLimit(Model):
    """How many sessions may still be opened."""

    total: int | None = None
    """Sessions per day."""
    remaining: int | None = None
    """Sessions left."""
    reset_after: int | None = None
    """Milliseconds until `remaining` is `total` again."""
    max_concurrency: int | None = None
    """Sessions that may be opened within 5 seconds."""


@dataclass
class GatewayBot(Model):
    """Answer of `GET /gateway/bot`."""

    url: str | None = None
    """Where to connect to."""
    shards: int | None = None
    """How many shards the platform recommends."""
    session_start_limit: SessionStartLimit | None = None
    """How many sessions may still be opened."""


@dataclass
class AccessToken(Model):
    """Answer of the token service. Holds the token: never log it."""

    access_token: str | None = field(default=None, repr=False)
    """The token."""
    expires_in: str | None = None
    """Seconds it is valid, as decimal text, at most 7200; see `seconds`."""

    @property
    def seconds(self) -> int | None:
        """`expires_in` as a number; None when it is none."""
        written = self.expires_in or ""
        return int(written) if written.isascii() and written.isdigit() and len(written) < 20 else None


@dataclass
class Validation(Model):
    """The webhook's challenge (op 13)."""

    plain_token: str | None = None
    """What to sign."""
    event_ts: str | None = None
    """Unix seconds as text; signed too."""


@dataclass
class ValidationReply(Model):
    """The answer to the webhook's challenge."""

    plain_token: str | None = None
    """As it came."""
    signature: str | None = None
    """Ed25519 signature, hexadecimal."""
    data_version: int | None = None
    """Named in one SDK only."""


@dataclass
class CallbackAck(Model):
    """The answer to a webhook event."""

    op: int | None = None
    """12."""
    d: int | None = None
    """0 handled, 1 failed."""
