"""Groups as the API describes them.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/group/manage/event.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenStrEnum, Timestamp
from ._time import parse_time
from .user import MemberRole

__all__ = ["BotState", "GroupInfo", "GroupMember", "GroupMemberPage", "RecvMsgSetting"]


class RecvMsgSetting(OpenStrEnum):
    """Which messages of a group the bot gets."""

    ALL = "all"
    ONLY_MENTION = "only_mention"
    MENTION_AND_CONTEXT = "mention_and_context"


@dataclass
class BotState(Model):
    """What the bot may do in a group."""

    member_openid: str | None = None
    """The bot, valid in this group."""
    joined_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it joined, RFC 3339."""
    allow_proactive_msg: bool | None = None
    """Whether it may speak without being asked."""
    recv_msg_setting: RecvMsgSetting | None = None
    """Which messages it gets."""
    member_role: MemberRole | None = None
    """What it is in the group."""

    @property
    def joined_at_datetime(self) -> datetime | None:
        """`joined_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.joined_at)


@dataclass
class GroupInfo(Model):
    """A group."""

    group_openid: str | None = None
    """The group."""
    group_name: str = ""
    """Its name."""
    group_finger_memo: str = ""
    """What it says about itself."""
    group_class_text: str = ""
    """The category it was put into."""
    group_tags: list[str] = field(default_factory=list)
    """Its tags."""
    group_member_num: int | None = None
    """Members now."""


@dataclass
class GroupMember(Model):
    """One entry of a group's member list."""

    member_openid: str | None = None
    """The member, valid in this group."""
    username: str = ""
    """The name shown."""
    member_role: MemberRole | None = None
    """What they are in the group."""
    bot: bool | None = None
    """Whether it is a bot."""
    joined_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When they joined, RFC 3339."""
    join_timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When they joined; the old list only."""
    union_openid: str = ""
    """The user across the bots of one owner; needs the platform's approval."""

    @property
    def joined_at_datetime(self) -> datetime | None:
        """`joined_at`, else `join_timestamp`, as an aware datetime; None when neither can be read."""
        return parse_time(self.joined_at) or parse_time(self.join_timestamp)


@dataclass
class GroupMemberPage(Model):
    """One page of a group's member list."""

    members: list[GroupMember] = field(default_factory=list)
    """The members."""
    next_cursor: str = ""
    """What to ask the next page with; empty at the end."""
    next_index: int | None = None
    """The old list: the `start_index` of the next page."""
