"""Channels of guilds and who may do what in them.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/channel/model.html
"""

from dataclasses import dataclass, field
from enum import IntFlag

from ._base import Model, OpenIntEnum

__all__ = [
    "Channel",
    "ChannelPermissions",
    "ChannelSubType",
    "ChannelType",
    "PermissionBits",
    "PrivateType",
    "SpeakPermission",
]


class ChannelType(OpenIntEnum):
    """What a channel is for; the platform says that more will come."""

    TEXT = 0
    VOICE = 2
    CATEGORY = 4
    LIVE = 10005
    APPLICATION = 10006
    FORUM = 10007


class ChannelSubType(OpenIntEnum):
    """What a text channel is for."""

    CHAT = 0
    ANNOUNCEMENT = 1
    GUIDE = 2
    TEAM_GAME = 3


class PrivateType(OpenIntEnum):
    """Who can see a channel."""

    PUBLIC = 0
    ADMINS = 1
    ADMINS_AND_NAMED = 2


class SpeakPermission(OpenIntEnum):
    """Who may write in a channel."""

    INVALID = 0
    EVERYONE = 1
    ADMINS_AND_NAMED = 2


class PermissionBits(IntFlag):
    """What somebody may do in a channel."""

    VIEW = 1
    MANAGE = 2
    SPEAK = 4
    LIVE = 8


def _bits(decimal: str | None) -> PermissionBits | None:
    if not decimal or not decimal.isascii() or not decimal.isdigit() or len(decimal) > 20:
        return None
    return PermissionBits(int(decimal))


@dataclass
class Channel(Model):
    """A channel (CHANNEL_CREATE, CHANNEL_UPDATE, CHANNEL_DELETE); events hold only a part of it."""

    id: str | None = None
    """The channel's id."""
    guild_id: str | None = None
    """The guild it belongs to."""
    name: str = ""
    """Its name."""
    type: ChannelType | None = None
    """What it is for."""
    sub_type: ChannelSubType | None = None
    """What a text channel is for."""
    position: int | None = None
    """Its place in the list, from 1; categories from 2."""
    parent_id: str | None = None
    """The category it stands in."""
    owner_id: str | None = None
    """Who created it."""
    private_type: PrivateType | None = None
    """Who can see it."""
    private_user_ids: list[str] = field(default_factory=list)
    """Only when creating one: who else can see it."""
    speak_permission: SpeakPermission | None = None
    """Who may write in it."""
    application_id: str | None = None
    """What application it holds, e.g. "1000050" schedule."""
    permissions: str | None = None
    """What the bot may do in it: a bit mask as decimal text; see `permission_bits`."""
    op_user_id: str | None = None
    """Events only: who caused it."""

    @property
    def permission_bits(self) -> PermissionBits | None:
        """`permissions` as flags; None when missing or not a number."""
        return _bits(self.permissions)


@dataclass
class ChannelPermissions(Model):
    """What a member or a role may do in a channel."""

    channel_id: str | None = None
    """The channel."""
    user_id: str | None = None
    """The member, unless it is about a role."""
    role_id: str | None = None
    """The role, unless it is about a member."""
    permissions: str | None = None
    """A bit mask as decimal text; see `permission_bits`."""

    @property
    def permission_bits(self) -> PermissionBits | None:
        """`permissions` as flags; None when missing or not a number."""
        return _bits(self.permissions)
