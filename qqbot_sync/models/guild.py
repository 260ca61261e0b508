"""Guilds.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/manage/guild/model.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, Timestamp
from ._time import parse_time
from .channel import Channel

__all__ = ["Guild"]


@dataclass
class Guild(Model):
    """A guild (GUILD_CREATE, GUILD_UPDATE, GUILD_DELETE; the latter as it was before)."""

    id: str | None = None
    """The guild's id."""
    name: str = ""
    """Its name."""
    icon: str = ""
    """URL of its picture; may be empty or lack the scheme."""
    owner_id: str | None = None
    """Who owns it."""
    owner: bool | None = None
    """Whether the caller owns it; never sent in events."""
    member_count: int | None = None
    """Members now."""
    max_members: int | None = None
    """Members at most."""
    description: str = ""
    """What it says about itself."""
    joined_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When the bot joined, RFC 3339; sent on joining, in old events always."""
    op_user_id: str | None = None
    """Events only: who caused it."""
    channels: list[Channel] = field(default_factory=list)
    """Named in one SDK, never seen."""
    union_world_id: str | None = None
    """Guilds of games only."""
    union_org_id: str | None = None
    """Guilds of games only."""

    @property
    def joined_at_datetime(self) -> datetime | None:
        """`joined_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.joined_at)
