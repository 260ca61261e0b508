"""Users and guild members.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/user/model.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenStrEnum, Timestamp
from ._time import parse_time

__all__ = ["Member", "MemberPage", "MemberRole", "User"]


class MemberRole(OpenStrEnum):
    """What somebody is in a group or guild."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"
    CHANNEL_ADMIN = "channel_admin"
    """Guilds only, and our word: the platform says role id "5"."""


@dataclass
class User(Model):
    """A person or a bot. Which ids there are depends on where the event happened."""

    id: str | None = None
    """Opaque; the user as this bot knows them. Missing in some `mentions`."""
    username: str = ""
    """The name shown; empty where the platform does not tell it (older group and C2C events)."""
    avatar: str | None = None
    """URL of the picture; guilds only."""
    bot: bool | None = None
    """Whether this is a bot; missing means no."""
    union_openid: str = ""
    """The user across the bots of one owner; empty without the platform's approval."""
    union_user_account: str = ""
    """Belongs to `union_openid`; needs the same approval."""
    user_openid: str | None = None
    """C2C events: the same as `id`, and what messages are sent to."""
    member_openid: str | None = None
    """Group events: the same as `id`, valid in that group."""
    member_role: MemberRole | None = None
    """Group events since 2026: member, admin or owner."""
    status: int | None = None
    """READY only; the platform does not say what it means."""
    nick: str = ""
    """The name in this guild; only in old `mentions` and `op_user`."""


@dataclass
class Member(Model):
    """A user in a guild (GUILD_MEMBER_ADD, _UPDATE, _REMOVE); in a message only a part of it is sent."""

    user: User | None = None
    """Who it is; missing in messages, where `author` says it."""
    nick: str = ""
    """The name in this guild, often empty."""
    roles: list[str] = field(default_factory=list)
    """Role ids; by default "1" everyone, "2" admin, "4" owner, "5" channel admin."""
    joined_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When they joined, RFC 3339."""
    guild_id: str | None = None
    """Events only: the guild."""
    op_user_id: str | None = None
    """Events only: who caused it."""
    deaf: bool | None = None
    """Voice channels: hears nothing."""
    mute: bool | None = None
    """Voice channels: says nothing."""
    pending: bool | None = None
    """In samples only; the platform does not say what it means."""

    @property
    def joined_at_datetime(self) -> datetime | None:
        """`joined_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.joined_at)


@dataclass
class MemberPage(Model):
    """One page of the members that have a role."""

    data: list[Member] = field(default_factory=list)
    """The members."""
    next: str = ""
    """The `start_index` of the next page."""
