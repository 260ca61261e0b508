"""What an admin of a group works with: black list, requests to join, mutes, automatic approval.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/group/manage/event.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenStrEnum, Timestamp
from ._time import parse_time
from .qq_events import GroupJoinRequest

__all__ = [
    "BlacklistEdit",
    "BlacklistedUser",
    "BlacklistPage",
    "GlobalMuteRule",
    "GroupMembersRemoved",
    "JoinApprovalStrategy",
    "JoinApprovalStrategyPage",
    "JoinRequestPage",
    "JoinWhitelist",
    "MuteMode",
    "MutedMember",
    "OnOff",
    "RecurringMute",
    "RestrictChatSetting",
    "ScheduledMute",
]


@dataclass
class GroupMembersRemoved(Model):
    """What became of members that were to be removed."""

    remove_members_result: str = ""
    """`success`."""
    add_to_member_blacklist_fail_openids: list[str] = field(default_factory=list)
    """Those who could not be put on the black list."""


@dataclass
class BlacklistedUser(Model):
    """Somebody on a group's black list."""

    union_openid: str = ""
    """The user across the bots of one owner; needs the platform's approval."""
    member_openid: str | None = None
    """Who it is, valid in this group."""
    username: str = ""
    """The name shown."""
    banned_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When they were put on it, RFC 3339."""
    bot: bool | None = None
    """Whether it is a bot."""

    @property
    def banned_at_datetime(self) -> datetime | None:
        """`banned_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.banned_at)


@dataclass
class BlacklistPage(Model):
    """One page of a group's black list."""

    users: list[BlacklistedUser] = field(default_factory=list)
    """The users."""
    next_cursor: str = ""
    """What to ask the next page with; empty at the end."""


@dataclass
class BlacklistEdit(Model):
    """What became of a change of the black list."""

    fail_openids: list[str] = field(default_factory=list)
    """Those for whom it failed."""


# The platform calls a field `list`, which hides the type of that name in the class.
_JoinRequests = list[GroupJoinRequest]


@dataclass
class JoinRequestPage(Model):
    """One page of the requests to join a group."""

    list: _JoinRequests = field(default_factory=list)
    """The requests."""
    next_cursor: str = ""
    """What to ask the next page with; empty at the end."""


class MuteMode(OpenStrEnum):
    """When a whole group is muted."""

    NONE = "none"
    ALWAYS = "always"
    SCHEDULE = "schedule"


@dataclass
class ScheduledMute(Model):
    """A time in which a whole group is muted once."""

    task_id: str | None = None
    """The rule."""
    start_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it begins, RFC 3339."""
    end_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it ends, RFC 3339."""
    enabled: bool | None = None
    """Whether it is on."""

    @property
    def start_at_datetime(self) -> datetime | None:
        """`start_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.start_at)

    @property
    def end_at_datetime(self) -> datetime | None:
        """`end_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.end_at)


@dataclass
class RecurringMute(Model):
    """A time in which a whole group is muted every week."""

    task_id: str | None = None
    """The rule."""
    weekdays: list[int] = field(default_factory=list)
    """The days, 1 (Monday) to 7."""
    start_time: str | None = None
    """When it begins, `HH:mm` in Beijing."""
    end_time: str | None = None
    """When it ends, `HH:mm` in Beijing; earlier than the start means on the next day."""
    enabled: bool | None = None
    """Whether it is on."""


@dataclass
class GlobalMuteRule(Model):
    """When a whole group is muted; the bot can only read it."""

    mode: MuteMode | None = None
    """Never, always, or at the times below."""
    schedule_rules: list[ScheduledMute] = field(default_factory=list)
    """Times that come once."""
    recurring_rules: list[RecurringMute] = field(default_factory=list)
    """Times that come every week."""


@dataclass
class MutedMember(Model):
    """A member who may not speak; in a call, what is to become of one."""

    member_openid: str | None = None
    """Who it is, valid in this group."""
    mute_expire_at: Timestamp = field(default=None, metadata=AS_SENT)
    """Until when, RFC 3339."""
    username: str = ""
    """The name shown."""
    union_openid: str = ""
    """The user across the bots of one owner; needs the platform's approval."""

    @property
    def mute_expire_at_datetime(self) -> datetime | None:
        """`mute_expire_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.mute_expire_at)


@dataclass
class RestrictChatSetting(Model):
    """Who may not speak in a group."""

    global_rule: GlobalMuteRule | None = None
    """When nobody may."""
    members: list[MutedMember] = field(default_factory=list)
    """Who else may not."""


class OnOff(OpenStrEnum):
    """Whether something is switched on."""

    ON = "on"
    OFF = "off"


@dataclass
class JoinApprovalStrategy(Model):
    """A rule that lets listed QQ users into groups by itself."""

    strategy_id: str | None = None
    """The rule."""
    group_openids: list[str] = field(default_factory=list)
    """The groups, where it was made with openids."""
    group_ids: list[str] = field(default_factory=list)
    """The groups, where it was made with QQ group numbers."""
    whitelist_user_count: int | None = None
    """How many users are listed, roughly."""
    is_enable: OnOff | None = None
    """Whether it is on."""
    expire_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it ends, RFC 3339."""
    created_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was made, RFC 3339."""
    updated_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was changed, RFC 3339."""
    remark: str = ""
    """A note, at most 255 characters."""

    @property
    def expire_at_datetime(self) -> datetime | None:
        """`expire_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.expire_at)

    @property
    def created_at_datetime(self) -> datetime | None:
        """`created_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.created_at)

    @property
    def updated_at_datetime(self) -> datetime | None:
        """`updated_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.updated_at)


@dataclass
class JoinApprovalStrategyPage(Model):
    """One page of the bot's rules, newest first."""

    strategies: list[JoinApprovalStrategy] = field(default_factory=list)
    """The rules."""
    next_cursor: str = ""
    """What to ask the next page with; empty at the end."""


@dataclass
class JoinWhitelist(Model):
    """The list of users that a rule lets in, after a change."""

    strategy_id: str | None = None
    """The rule."""
    whitelist_user_count: int | None = None
    """How many users are listed."""
    updated_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was changed, RFC 3339."""

    @property
    def updated_at_datetime(self) -> datetime | None:
        """`updated_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.updated_at)
