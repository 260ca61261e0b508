"""Buttons, menus and other interactions.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/msg-btn.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenIntEnum, OpenStrEnum, Timestamp
from ._time import parse_time

__all__ = [
    "AuthorizeData",
    "ChatType",
    "Interaction",
    "InteractionData",
    "InteractionScene",
    "InteractionType",
    "Resolved",
    "ResolvedScene",
]


class InteractionType(OpenIntEnum):
    """What the user did."""

    PING = 1
    COMMAND = 2
    SEARCH = 9
    HTTP_PROXY = 10
    BUTTON = 11
    QUICK_MENU = 12
    FEEDBACK = 13
    CLEAR_SESSION = 14
    STORY = 15
    SWITCH_MODEL = 16
    USER_AUTHORIZE = 18
    GROUP_AUTHORIZE = 19
    GROUP_AUTHORIZE_STATUS = 20


class ChatType(OpenIntEnum):
    """Where it happened, as a number."""

    GUILD = 0
    GROUP = 1
    C2C = 2


class InteractionScene(OpenStrEnum):
    """Where it happened, as a word."""

    GUILD = "guild"
    GROUP = "group"
    C2C = "c2c"


@dataclass
class AuthorizeData(Model):
    """What was allowed or refused (types 18 and 19)."""

    opt_scene: str | None = None
    """`setting` or `dialog`."""
    scope: str | None = None
    """`c2c_push` or `group_push`."""


@dataclass
class ResolvedScene(Model):
    """The settings under which feedback was given (type 13)."""

    ext: list[str] = field(default_factory=list)
    """`key=value` texts, e.g. `disable_net_search=1`."""


@dataclass
class Resolved(Model):
    """What the interaction is about; which fields there are depends on the type."""

    button_data: str | None = None
    """11: the button's `action.data`."""
    button_id: str | None = None
    """11: the button's id; missing in some groups."""
    user_id: str | None = None
    """Guilds: who did it."""
    message_id: str | None = None
    """Guilds: the message with the button; 13: the bot's message."""
    feature_id: str | None = None
    """12: the menu entry."""
    feedback_opt: str | None = None
    """13: `LIKE` or `UNLIKE`."""
    checked: int | None = None
    """13: 1 when set, 0 when taken back."""
    action: str | None = None
    """15: `ENTER_STORY` or `QUIT_STORY`; 16: the action."""
    message_scene: ResolvedScene | None = None
    """13: the settings."""
    authorize_data: AuthorizeData | None = None
    """18, 19: what was allowed or refused."""
    keyword: str | None = None
    """9: what is searched; undocumented."""
    request: str | None = None
    """10: undocumented."""
    member_nick: str | None = None
    """Undocumented."""
    require_mention: str | None = None
    """A change of the bot's settings; undocumented."""
    group_policy: str | None = None
    """A change of the bot's settings; undocumented."""
    mention_patterns: str | None = None
    """A change of the bot's settings; undocumented."""


@dataclass
class InteractionData(Model):
    """The content of an interaction."""

    type: InteractionType | None = None
    """The same as outside; missing in type 18."""
    name: str | None = None
    """Named in one SDK only."""
    resolved: Resolved | None = None
    """What the interaction is about."""


@dataclass
class Interaction(Model):
    """A user pressed a button or used a menu (INTERACTION_CREATE).

    Types 11 and 12 must be answered once, within about 3 seconds, with `PUT /interactions/{id}`.
    """

    id: str | None = None
    """What the answer refers to."""
    type: InteractionType | None = None
    """What the user did."""
    application_id: str | None = None
    """The bot's app id."""
    scene: InteractionScene | None = None
    """Where it happened."""
    chat_type: ChatType | None = None
    """Where it happened; missing in type 18."""
    timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it happened, RFC 3339."""
    guild_id: str | None = None
    """Guilds: the guild."""
    channel_id: str | None = None
    """Guilds: the channel."""
    user_openid: str | None = None
    """C2C: who did it."""
    group_openid: str | None = None
    """Groups: the group."""
    group_open_id: str | None = None
    """How the documentation of 2023 spells `group_openid`, which is filled from it."""
    group_member_openid: str | None = None
    """Groups: who did it."""
    version: int | None = None
    """1."""
    data: InteractionData | None = None
    """The content."""

    def __post_init__(self) -> None:
        self.group_openid = self.group_openid or self.group_open_id

    @property
    def timestamp_datetime(self) -> datetime | None:
        """`timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.timestamp)
