"""What a guild lets the bot do.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/api/model.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, Timestamp
from ._time import parse_time

__all__ = ["APIIdentify", "APIPermission", "APIPermissionDemand", "APIPermissionList", "MessageSetting", "Mute"]


@dataclass
class APIPermission(Model):
    """A call of the API and whether the guild has allowed it."""

    path: str | None = None
    """The call's path with its variables, e.g. `/guilds/{guild_id}/members`."""
    method: str | None = None
    """The call's HTTP method."""
    desc: str = ""
    """What it does."""
    auth_status: int | None = None
    """1 when allowed, else 0."""


@dataclass
class APIPermissionList(Model):
    """All calls of the API."""

    apis: list[APIPermission] = field(default_factory=list)
    """The calls."""


@dataclass
class APIIdentify(Model):
    """A call of the API."""

    path: str | None = None
    """Its path with its variables."""
    method: str | None = None
    """Its HTTP method."""


@dataclass
class APIPermissionDemand(Model):
    """A request to the guild's owner to allow a call."""

    guild_id: str | None = None
    """The guild."""
    channel_id: str | None = None
    """The channel in which it was shown."""
    api_identify: APIIdentify | None = None
    """The call."""
    title: str = ""
    """The headline shown."""
    desc: str = ""
    """What it is wanted for."""


@dataclass
class MessageSetting(Model):
    """How much a guild lets the bot speak."""

    disable_create_dm: bool | None = None
    """Whether the bot may not open direct messages."""
    disable_push_msg: bool | None = None
    """Whether the bot may not speak without being asked."""
    channel_ids: list[str] = field(default_factory=list)
    """The channels in which it may."""
    channel_push_max_num: int | None = None
    """How many such messages a channel takes per day."""


@dataclass
class Mute(Model):
    """How long a guild or members are muted; both times "0" end it."""

    mute_end_timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it ends, unix seconds as text; wins over `mute_seconds`."""
    mute_seconds: str | None = None
    """Seconds from now, as text."""
    user_ids: list[str] = field(default_factory=list)
    """The members, where it is about several; in the answer those who were muted."""

    @property
    def mute_end_timestamp_datetime(self) -> datetime | None:
        """`mute_end_timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.mute_end_timestamp)
