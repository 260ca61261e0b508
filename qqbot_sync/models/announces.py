"""Announcements and pinned messages of guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/announces/model.html
"""

from dataclasses import dataclass, field

from ._base import Model, OpenIntEnum

__all__ = ["Announces", "AnnouncesType", "PinsMessage", "RecommendChannel"]


class AnnouncesType(OpenIntEnum):
    """What an announcement is for."""

    MEMBER = 0
    WELCOME = 1


@dataclass
class RecommendChannel(Model):
    """A channel that is recommended."""

    channel_id: str | None = None
    """The channel."""
    introduce: str = ""
    """What is said about it."""


@dataclass
class Announces(Model):
    """An announcement."""

    guild_id: str | None = None
    """The guild."""
    channel_id: str | None = None
    """The channel of the message."""
    message_id: str | None = None
    """The message that is announced; empty for recommended channels."""
    announces_type: AnnouncesType | None = None
    """What it is for."""
    recommend_channels: list[RecommendChannel] = field(default_factory=list)
    """The channels that are recommended."""


@dataclass
class PinsMessage(Model):
    """The pinned messages of a channel."""

    guild_id: str | None = None
    """The guild."""
    channel_id: str | None = None
    """The channel."""
    message_ids: list[str] = field(default_factory=list)
    """The messages."""
