"""Friends, groups and subscriptions: what happens around group and C2C messages.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/group/manage/event.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenIntEnum, OpenStrEnum, Timestamp
from ._time import parse_time
from .user import User

__all__ = [
    "ApplySource",
    "AutoApproved",
    "C2CSwitchEvent",
    "EnterAIO",
    "FriendEvent",
    "FriendScene",
    "GroupJoinRequest",
    "GroupManageEvent",
    "GroupMemberEvent",
    "ReviewQA",
    "SubscribeMessageStatus",
    "SubscribeOp",
    "SubscribeResult",
    "VerifyInfo",
    "VerifyMethod",
]


class FriendScene(OpenIntEnum):
    """Where a user found the bot."""

    DEFAULT = 1000
    SEARCH_ALL = 1001
    SEARCH_BOTS = 1002
    GROUP = 1003
    QZONE = 1004
    CARD_SHARED_IN_QQ = 2001
    CARD_SHARED_OUTSIDE_QQ = 2002
    LINK_IN_QQ = 2003
    LINK_OUTSIDE_QQ = 2004


@dataclass
class FriendEvent(Model):
    """A user added or removed the bot (FRIEND_ADD, FRIEND_DEL)."""

    openid: str | None = None
    """The user."""
    timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it happened, unix seconds."""
    scene: FriendScene | None = None
    """FRIEND_ADD: where the user found the bot."""
    scene_param: str = ""
    """FRIEND_ADD: what the developer's link carried."""
    author: User | None = None
    """FRIEND_ADD: the user's `union_openid`."""
    short_code: str | None = None
    """Named in one SDK only."""
    nick: str = ""
    """Announced, never seen."""
    avatar: str | None = None
    """Announced, never seen."""

    @property
    def timestamp_datetime(self) -> datetime | None:
        """`timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.timestamp)


@dataclass
class C2CSwitchEvent(Model):
    """A user switched proactive messages on or off (C2C_MSG_RECEIVE, C2C_MSG_REJECT)."""

    openid: str | None = None
    """The user."""
    timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it happened, unix seconds."""

    @property
    def timestamp_datetime(self) -> datetime | None:
        """`timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.timestamp)


@dataclass
class GroupManageEvent(Model):
    """The bot was added to or removed from a group, or proactive messages were switched on or off there.

    GROUP_ADD_ROBOT, GROUP_DEL_ROBOT, GROUP_MSG_RECEIVE, GROUP_MSG_REJECT.
    """

    group_openid: str | None = None
    """The group."""
    op_member_openid: str | None = None
    """Who did it."""
    timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it happened, unix seconds."""

    @property
    def timestamp_datetime(self) -> datetime | None:
        """`timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.timestamp)


@dataclass
class GroupMemberEvent(Model):
    """Somebody joined or left a group (GROUP_MEMBER_ADD, GROUP_MEMBER_REMOVE); why and by whom is not told."""

    group_openid: str | None = None
    """The group."""
    member_openid: str | None = None
    """Who it is, valid in this group."""
    user_openid: str | None = None
    """Who it is, as in C2C."""
    timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it happened: unix seconds, or RFC 3339 text."""

    @property
    def timestamp_datetime(self) -> datetime | None:
        """`timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.timestamp)


class ApplySource(OpenStrEnum):
    """How a request to join came about."""

    SELF_APPLY = "self_apply"
    INVITED = "invited"


class VerifyMethod(OpenStrEnum):
    """What a group asks of those who want to join."""

    VERIFY_MESSAGE = "verify_message"
    ADMIN_REVIEW_QA = "admin_review_qa"


@dataclass
class ReviewQA(Model):
    """A question of the group and the answer given."""

    question: str = ""
    """The question."""
    answer: str = ""
    """The answer."""


@dataclass
class VerifyInfo(Model):
    """What somebody said who wants to join."""

    method: VerifyMethod | None = None
    """What the group asks for."""
    verify_message: str = ""
    """The message."""
    review_qa_list: list[ReviewQA] = field(default_factory=list)
    """The questions and answers."""


@dataclass
class AutoApproved(Model):
    """The rule that has let somebody in already."""

    strategy_id: str | None = None
    """The rule's id."""


@dataclass
class GroupJoinRequest(Model):
    """Somebody wants to join a group in which the bot is an admin (GROUP_JOIN_REQUEST)."""

    group_openid: str | None = None
    """The group."""
    join_request_id: str | None = None
    """What the answer refers to; about 164 characters."""
    member_openid: str | None = None
    """Who it is, valid in this group."""
    username: str = ""
    """The name shown."""
    apply_at: Timestamp = field(default=None, metadata=AS_SENT)
    """When they asked, RFC 3339."""
    apply_source: ApplySource | None = None
    """On their own or invited."""
    invited_by: str | None = None
    """The `member_openid` of who invited them."""
    bot: bool | None = None
    """Whether it is a bot; missing means no."""
    risk_tips: str = ""
    """The platform's warning about the account."""
    union_openid: str = ""
    """The user across the bots of one owner; needs the platform's approval."""
    verify_info: VerifyInfo | None = None
    """What they said."""
    auto_approved: AutoApproved | None = None
    """The rule that has let them in already; then no answer is needed."""

    @property
    def apply_at_datetime(self) -> datetime | None:
        """`apply_at` as an aware datetime; None when it cannot be read."""
        return parse_time(self.apply_at)


class SubscribeOp(OpenIntEnum):
    """What a user decided about a subscription."""

    ALLOW = 1
    REFUSE = 2


@dataclass
class SubscribeResult(Model):
    """The decision about one template."""

    template_id: int | None = None
    """The platform's template."""
    custom_template_id: str | None = None
    """The bot's own template."""
    op: SubscribeOp | None = None
    """What was decided."""
    subscribe_id: str | None = None
    """What a message to the subscriber carries."""
    subscribe_ts: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was subscribed, unix seconds."""
    update_ts: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was last changed, unix seconds."""

    @property
    def subscribe_ts_datetime(self) -> datetime | None:
        """`subscribe_ts` as an aware datetime; None when it cannot be read."""
        return parse_time(self.subscribe_ts)

    @property
    def update_ts_datetime(self) -> datetime | None:
        """`update_ts` as an aware datetime; None when it cannot be read."""
        return parse_time(self.update_ts)


@dataclass
class SubscribeMessageStatus(Model):
    """Subscriptions were changed (SUBSCRIBE_MESSAGE_STATUS)."""

    openid: str | None = None
    """C2C: the user."""
    group_openid: str | None = None
    """Groups: the group."""
    result: list[SubscribeResult] = field(default_factory=list)
    """The decisions."""


@dataclass
class EnterAIO(Model):
    """A user opened the chat with an agent bot (ENTER_AIO); undocumented."""

    user_openid: str | None = None
    """The user."""
    from_source: str | None = None
    """From where."""
