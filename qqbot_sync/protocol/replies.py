"""Where an answer goes, what it is tied to, and how long and how often it may be given.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/send.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple
from urllib.parse import quote

__all__ = [
    "ANSWERABLE",
    "MESSAGES",
    "REPLY_WINDOWS",
    "Anchor",
    "Channel",
    "Direct",
    "Group",
    "ReplyBudget",
    "ReplyWindow",
    "Scene",
    "Target",
    "User",
    "anchor_of",
    "reply_budget",
    "reply_target",
]

Scene = Literal["guild", "direct", "group", "c2c"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A text channel of a guild. Immutable, thread-safe."""

    id: str
    scene: ClassVar[Scene] = "guild"
    numbered: ClassVar[bool] = False
    """Whether messages carry `msg_seq`, so that sending one twice with the same number does no harm."""

    def __post_init__(self) -> None:
        _check_id("Channel", "id", self.id)

    @property
    def path(self) -> str:
        """The path that messages are posted to."""
        return f"/channels/{quote(self.id, safe='')}/messages"


@dataclass(frozen=True, slots=True)
class Direct:
    """A direct message of a guild, by the id of its own virtual guild. Immutable, thread-safe."""

    guild_id: str
    scene: ClassVar[Scene] = "direct"
    numbered: ClassVar[bool] = False
    """Whether messages carry `msg_seq`, so that sending one twice with the same number does no harm."""

    def __post_init__(self) -> None:
        _check_id("Direct", "guild_id", self.guild_id)

    @property
    def path(self) -> str:
        """The path that messages are posted to."""
        return f"/dms/{quote(self.guild_id, safe='')}/messages"


@dataclass(frozen=True, slots=True)
class Group:
    """A QQ group. Immutable, thread-safe."""

    openid: str
    scene: ClassVar[Scene] = "group"
    numbered: ClassVar[bool] = True
    """Whether messages carry `msg_seq`, so that sending one twice with the same number does no harm."""

    def __post_init__(self) -> None:
        _check_id("Group", "openid", self.openid)

    @property
    def path(self) -> str:
        """The path that messages are posted to."""
        return f"/v2/groups/{quote(self.openid, safe='')}/messages"


@dataclass(frozen=True, slots=True)
class User:
    """One QQ user, one to one. Immutable, thread-safe."""

    openid: str
    scene: ClassVar[Scene] = "c2c"
    numbered: ClassVar[bool] = True
    """Whether messages carry `msg_seq`, so that sending one twice with the same number does no harm."""

    def __post_init__(self) -> None:
        _check_id("User", "openid", self.openid)

    @property
    def path(self) -> str:
        """The path that messages are posted to."""
        return f"/v2/users/{quote(self.openid, safe='')}/messages"


Target = Channel | Direct | Group | User


@dataclass(frozen=True, slots=True)
class Anchor:
    """What makes a message a reply: the message or the event it answers. Empty for a proactive message."""

    msg_id: str | None = None
    event_id: str | None = None

    def __bool__(self) -> bool:
        return bool(self.msg_id or self.event_id)

    @property
    def key(self) -> str | None:
        """What `msg_seq` is counted for; None for a proactive message."""
        return self.msg_id or self.event_id or None

    def fields(self) -> dict[str, str]:
        """The fields of the request body: at most one, because the platform wants only one."""
        if self.msg_id:
            return {"msg_id": self.msg_id}
        return {"event_id": self.event_id} if self.event_id else {}


class ReplyWindow(NamedTuple):
    """How one scene may be answered."""

    seconds: float
    """How long after the message or event."""
    replies: int | None
    """How often; None where the platform states no number."""
    max_chars: int | None
    """Characters a text may have; None where nobody knows."""


# The documents disagree about C2C (4 replies now, 5 before); the lower figure costs nothing. No document tells the
# length: 4,000 characters is where users met 40054007.
REPLY_WINDOWS: Mapping[Scene, ReplyWindow] = MappingProxyType(
    {
        "guild": ReplyWindow(300.0, None, None),
        "direct": ReplyWindow(300.0, None, None),
        "group": ReplyWindow(300.0, 5, 4000),
        "c2c": ReplyWindow(3600.0, 4, 4000),
    }
)
"""The limits of replies, by scene."""


class ReplyBudget(NamedTuple):
    """What is left of the right to answer one message."""

    deadline: float
    """The time after which the platform refuses, on the clock that `received_at` was read from."""
    left: int | None
    """Replies left; None: no limit."""

    def is_open(self, now: float) -> bool:
        """Whether one more reply may be sent."""
        return now < self.deadline and self.left != 0


def reply_budget(scene: Scene, *, received_at: float, sent: int = 0) -> ReplyBudget:
    """Until when, and how often, a message or event may still be answered.

    Args:
        scene: where it came from.
        received_at: when it came, in seconds on a monotonic clock.
        sent: replies sent so far.
    """
    window = REPLY_WINDOWS[scene]
    left = None if window.replies is None else max(0, window.replies - sent)
    return ReplyBudget(received_at + window.seconds, left)


MESSAGES: Mapping[str, Scene] = MappingProxyType(
    {
        "AT_MESSAGE_CREATE": "guild",
        "MESSAGE_CREATE": "guild",
        "DIRECT_MESSAGE_CREATE": "direct",
        "GROUP_AT_MESSAGE_CREATE": "group",
        "GROUP_MESSAGE_CREATE": "group",
        "C2C_MESSAGE_CREATE": "c2c",
    }
)
"""The events that are messages: answered by `msg_id`."""

_GUILD: frozenset[Scene] = frozenset(("guild",))
_GROUP: frozenset[Scene] = frozenset(("group",))
_C2C: frozenset[Scene] = frozenset(("c2c",))

ANSWERABLE: Mapping[str, frozenset[Scene]] = MappingProxyType(
    {
        "INTERACTION_CREATE": _GUILD | _GROUP | _C2C,
        "C2C_MSG_RECEIVE": _C2C,
        "FRIEND_ADD": _C2C,
        "GROUP_ADD_ROBOT": _GROUP,
        "GROUP_MSG_RECEIVE": _GROUP,
        # Not in the documents; another SDK answers it so, and is answered.
        "GROUP_MEMBER_ADD": _GROUP,
        "GUILD_MEMBER_ADD": _GUILD,
        "GUILD_MEMBER_UPDATE": _GUILD,
        "GUILD_MEMBER_REMOVE": _GUILD,
        "MESSAGE_REACTION_ADD": _GUILD,
        "MESSAGE_REACTION_REMOVE": _GUILD,
        "FORUM_THREAD_CREATE": _GUILD,
        "FORUM_THREAD_UPDATE": _GUILD,
        "FORUM_THREAD_DELETE": _GUILD,
        "FORUM_POST_CREATE": _GUILD,
        "FORUM_POST_DELETE": _GUILD,
        "FORUM_REPLY_CREATE": _GUILD,
        "FORUM_REPLY_DELETE": _GUILD,
    }
)
"""The events that may be answered by `event_id`, and in which scenes."""

_GROUP_FIELDS = ("group_openid", "group_open_id", "group_id")
# The field that names the target, for every event that names one. GUILD_MEMBER_… may be answered, but in a channel that
# the event does not tell: `send(Channel(…))` with its anchor does it.
_TARGETS: Mapping[str, tuple[type[Target], tuple[str, ...]]] = MappingProxyType(
    {
        "AT_MESSAGE_CREATE": (Channel, ("channel_id",)),
        "MESSAGE_CREATE": (Channel, ("channel_id",)),
        "DIRECT_MESSAGE_CREATE": (Direct, ("guild_id",)),
        "GROUP_AT_MESSAGE_CREATE": (Group, _GROUP_FIELDS),
        "GROUP_MESSAGE_CREATE": (Group, _GROUP_FIELDS),
        "C2C_MSG_RECEIVE": (User, ("openid",)),
        "FRIEND_ADD": (User, ("openid",)),
        "GROUP_ADD_ROBOT": (Group, _GROUP_FIELDS),
        "GROUP_MSG_RECEIVE": (Group, _GROUP_FIELDS),
        "GROUP_MEMBER_ADD": (Group, _GROUP_FIELDS),
        "GROUP_MEMBER_REMOVE": (Group, _GROUP_FIELDS),
        **{name: (Channel, ("channel_id",)) for name in ANSWERABLE if name.startswith(("MESSAGE_REACTION_", "FORUM_"))},
    }
)
_SCENES_BY_CHAT_TYPE: Mapping[int | str, Scene] = MappingProxyType(
    {0: "guild", 1: "group", 2: "c2c", "0": "guild", "1": "group", "2": "c2c"}
)


def reply_target(name: str, d: Any) -> Target | None:
    """Where an answer to this event goes.

    Args:
        name: of the event.
        d: its body as decoded; anything that is no object has no target.

    Returns:
        None where the platform offers no way to answer, or where the body lacks what it takes.
    """
    if not isinstance(d, dict):
        return None
    if name == "INTERACTION_CREATE":
        return _interaction_target(d)
    if name == "C2C_MESSAGE_CREATE":
        return _target(User, d.get("author"), "user_openid", "id")
    kind, fields = _TARGETS.get(name, (None, ()))
    return _target(kind, d, *fields) if kind else None


def anchor_of(name: str, d: Any, event_id: str | None) -> Anchor:
    """What an answer to this event is tied to; empty where the platform takes only a proactive message.

    Args:
        name: of the event.
        d: its body as decoded.
        event_id: the `id` of the envelope, not of the body.
    """
    if name in MESSAGES:
        return Anchor(msg_id=_text(d, "id"))
    if name in ANSWERABLE and isinstance(event_id, str) and event_id:
        return Anchor(event_id=event_id)
    return Anchor()


def _interaction_target(d: dict[Any, Any]) -> Target | None:
    data = d.get("data")
    resolved = data.get("resolved") if isinstance(data, dict) else None
    found: dict[Scene, Target | None] = {
        "group": _target(Group, d, *_GROUP_FIELDS),
        "c2c": _target(User, d, "user_openid"),
        "guild": _target(Channel, d, "channel_id"),
    }
    scene, chat_type = d.get("scene"), d.get("chat_type")
    told = scene if isinstance(scene, str) and scene in found else None
    if told is None and isinstance(chat_type, (int, str)):
        told = _SCENES_BY_CHAT_TYPE.get(chat_type)
    if told == "c2c" and not found["c2c"]:
        # The form of 2023 has no scene and no openid; there the user stands in `resolved`.
        found["c2c"] = _target(User, resolved, "user_id")
    if told and found[told]:
        return found[told]
    return next((target for target in found.values() if target), None)


def _target(kind: type[Target], d: Any, *fields: str) -> Target | None:
    text = _text(d, *fields)
    return kind(text) if text and _is_id(text) else None


def _text(d: Any, *fields: str) -> str | None:
    """The first of the fields that holds a text; older frames send ids as numbers."""
    for field in fields if isinstance(d, dict) else ():
        value = d.get(field)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 64:
            return str(value)
        if isinstance(value, str) and value.strip():
            return value
    return None


def _is_id(text: str) -> bool:
    # A path of dots would be folded away by the HTTP library and reach another endpoint; a lone surrogate has no bytes.
    return bool(text.strip()) and text not in (".", "..") and not any("\ud800" <= c <= "\udfff" for c in text)


def _check_id(kind: str, field: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(
            f'{kind}({field}) 必须是文本,例如 {kind}("123") / '
            f'{kind}({field}) must be text, such as {kind}("123"), not {type(value).__name__}'
        )
    if not _is_id(value):
        raise ValueError(f"{kind}({field}) 不是有效的 id / {kind}({field}) is not an id: {value!r}")
