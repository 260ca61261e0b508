"""One table of every event: its intent, its model, whose it is, how a second copy is recognised.

Adding an event is one row of `Event` and one model. https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/interface-framework/event-emit.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from . import models as m
from .codec import Head, Raw, decode_head
from .intents import Intents as I

__all__ = [
    "EVENTS",
    "Event",
    "EventSpec",
    "Keys",
    "RawEvent",
    "events_of",
    "keys_of",
    "nearest",
    "normalise",
    "spec_of",
]

Scene = Literal["guild", "direct", "group", "c2c"]


class Where(NamedTuple):
    """How to tell from a body where an event happened and whose it is; in each column the first filled field counts."""

    scene: Scene | None = None
    """The scene replies go to; None where only the body tells, or there is none."""
    conversation: tuple[str, ...] = ()
    """`kind:field` pairs."""
    author: tuple[str, ...] = ()
    """Fields: the person it is about, else the person who did it."""


_NOWHERE = Where()
_GUILD = Where("guild", ("guild:id",), ("op_user_id",))
_CHANNEL = Where("guild", ("channel:id", "guild:guild_id"), ("op_user_id",))
_MEMBER = Where("guild", ("guild:guild_id",), ("user.id", "op_user_id"))
_IN_CHANNEL = Where("guild", ("channel:channel_id", "guild:guild_id"), ("author.id", "user_id", "author_id"))
_IN_DIRECT = Where("direct", ("direct:guild_id",), ("author.id",))
_DELETED = Where("guild", ("channel:message.channel_id", "guild:message.guild_id"), ("message.author.id",))
_DELETED_DIRECT = Where("direct", ("direct:message.guild_id",), ("message.author.id",))
_IN_GROUP = Where(
    "group",
    ("group:group_openid", "group:group_id"),
    ("author.member_openid", "author.id", "member_openid", "op_member_openid"),
)
_IN_C2C = Where("c2c", ("c2c:author.user_openid", "c2c:author.id"), ("author.user_openid", "author.id"))
_FRIEND = Where("c2c", ("c2c:openid", "c2c:user_openid"), ("openid", "user_openid"))
_SUBSCRIBED = Where(None, ("group:group_openid", "c2c:openid"), ("openid",))
_AUDITED = Where(None, ("group:group_openid", "c2c:user_openid", "channel:channel_id", "guild:guild_id"))
_PRESSED = Where(
    None,
    (
        "group:group_openid",
        "group:group_open_id",
        "channel:channel_id",
        "c2c:user_openid",
        "guild:guild_id",
        "c2c:data.resolved.user_id",
    ),
    ("group_member_openid", "user_openid", "data.resolved.user_id"),
)
_UNKNOWN = Where(
    None,
    ("group:group_openid", "channel:channel_id", "guild:guild_id", "c2c:openid", "c2c:user_openid"),
    ("author.member_openid", "author.id", "member_openid", "user_openid", "user_id", "openid", "author_id"),
)
"""A guess for events that come after this table was written."""


@dataclass(frozen=True)
class EventSpec:
    """What is known about one event. Thread-safe."""

    name: str
    """The platform's name, the `t` of the frame."""
    intents: I
    """The bits without which it does not come."""
    model: type[m.Model] | None
    """What handlers get; None: nothing (RESUMED has no body)."""
    where: Where = _NOWHERE
    """How to tell where it happened and whose it is."""
    wishes: I = field(default_factory=I.none)
    """Bits under which it may come as well."""
    id_field: str = ""
    """The field of the body that two copies of one event share; empty: the event's own id."""
    family: str = ""
    """Events of one family are copies of each other when that id is the same."""
    is_message: bool = False
    """Whether somebody wrote something: what `on_message` merges, and MESSAGE_CREATE."""
    callback: str = ""
    """The method of `EventHandler`."""
    botrs: str | None = ""
    """The method of BotRS's `EventHandler` (its newest version known), None where it has none."""
    botpy: str | None = ""
    """The method of botpy's `Client`, None where it has none."""

    @property
    def scene(self) -> Scene | None:
        """The scene replies go to; None where only the body tells, or there is none."""
        return self.where.scene

    def __post_init__(self) -> None:
        lower = self.name.lower()
        for column, usual in (("family", self.name), ("callback", lower), ("botrs", lower), ("botpy", f"on_{lower}")):
            if getattr(self, column) == "":
                object.__setattr__(self, column, usual)


def _message(name: str, intents: I, model: type[m.Model], where: Where, family: str = "", **names: Any) -> EventSpec:
    return EventSpec(name, intents, model, where, id_field="id", family=family, is_message=True, **names)


_NEITHER: Any = {"botrs": None, "botpy": None}
_AT, _GROUP_AT = "AT_MESSAGE_CREATE", "GROUP_AT_MESSAGE_CREATE"


class Event(str, Enum):
    """The platform's event names; each member is a text and carries its row of the table as `spec`."""

    spec: EventSpec

    # Any, because type checkers take `Event("READY")`, which looks a member up, for a call of this.
    def __new__(cls, spec: Any) -> Event:
        member = str.__new__(cls, spec.name)
        member._value_ = spec.name
        member.spec = spec
        return member

    def __str__(self) -> str:
        return str(self._value_)

    READY = EventSpec("READY", I.none(), m.Ready)
    RESUMED = EventSpec("RESUMED", I.none(), None)

    GUILD_CREATE = EventSpec("GUILD_CREATE", I.GUILDS, m.Guild, _GUILD)
    GUILD_UPDATE = EventSpec("GUILD_UPDATE", I.GUILDS, m.Guild, _GUILD)
    GUILD_DELETE = EventSpec("GUILD_DELETE", I.GUILDS, m.Guild, _GUILD)
    CHANNEL_CREATE = EventSpec("CHANNEL_CREATE", I.GUILDS, m.Channel, _CHANNEL)
    CHANNEL_UPDATE = EventSpec("CHANNEL_UPDATE", I.GUILDS, m.Channel, _CHANNEL)
    CHANNEL_DELETE = EventSpec("CHANNEL_DELETE", I.GUILDS, m.Channel, _CHANNEL)
    GUILD_MEMBER_ADD = EventSpec("GUILD_MEMBER_ADD", I.GUILD_MEMBERS, m.Member, _MEMBER)
    GUILD_MEMBER_UPDATE = EventSpec("GUILD_MEMBER_UPDATE", I.GUILD_MEMBERS, m.Member, _MEMBER)
    GUILD_MEMBER_REMOVE = EventSpec("GUILD_MEMBER_REMOVE", I.GUILD_MEMBERS, m.Member, _MEMBER)
    MESSAGE_CREATE = _message("MESSAGE_CREATE", I.GUILD_MESSAGES, m.Message, _IN_CHANNEL, family=_AT, botrs=None)
    MESSAGE_DELETE = EventSpec("MESSAGE_DELETE", I.GUILD_MESSAGES, m.MessageDelete, _DELETED)
    MESSAGE_REACTION_ADD = EventSpec("MESSAGE_REACTION_ADD", I.GUILD_MESSAGE_REACTIONS, m.MessageReaction, _IN_CHANNEL)
    MESSAGE_REACTION_REMOVE = EventSpec(
        "MESSAGE_REACTION_REMOVE", I.GUILD_MESSAGE_REACTIONS, m.MessageReaction, _IN_CHANNEL
    )
    DIRECT_MESSAGE_CREATE = _message("DIRECT_MESSAGE_CREATE", I.DIRECT_MESSAGE, m.Message, _IN_DIRECT)
    DIRECT_MESSAGE_DELETE = EventSpec("DIRECT_MESSAGE_DELETE", I.DIRECT_MESSAGE, m.MessageDelete, _DELETED_DIRECT)
    OPEN_FORUM_THREAD_CREATE = EventSpec("OPEN_FORUM_THREAD_CREATE", I.OPEN_FORUM_EVENT, m.OpenForumEvent, _IN_CHANNEL)
    OPEN_FORUM_THREAD_UPDATE = EventSpec("OPEN_FORUM_THREAD_UPDATE", I.OPEN_FORUM_EVENT, m.OpenForumEvent, _IN_CHANNEL)
    OPEN_FORUM_THREAD_DELETE = EventSpec("OPEN_FORUM_THREAD_DELETE", I.OPEN_FORUM_EVENT, m.OpenForumEvent, _IN_CHANNEL)
    OPEN_FORUM_POST_CREATE = EventSpec("OPEN_FORUM_POST_CREATE", I.OPEN_FORUM_EVENT, m.OpenForumEvent, _IN_CHANNEL)
    OPEN_FORUM_POST_DELETE = EventSpec("OPEN_FORUM_POST_DELETE", I.OPEN_FORUM_EVENT, m.OpenForumEvent, _IN_CHANNEL)
    OPEN_FORUM_REPLY_CREATE = EventSpec("OPEN_FORUM_REPLY_CREATE", I.OPEN_FORUM_EVENT, m.OpenForumEvent, _IN_CHANNEL)
    OPEN_FORUM_REPLY_DELETE = EventSpec("OPEN_FORUM_REPLY_DELETE", I.OPEN_FORUM_EVENT, m.OpenForumEvent, _IN_CHANNEL)
    AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER = EventSpec(
        "AUDIO_OR_LIVE_CHANNEL_MEMBER_ENTER", I.AUDIO_OR_LIVE_CHANNEL_MEMBER, m.AudioLiveMember, _IN_CHANNEL
    )
    AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT = EventSpec(
        "AUDIO_OR_LIVE_CHANNEL_MEMBER_EXIT", I.AUDIO_OR_LIVE_CHANNEL_MEMBER, m.AudioLiveMember, _IN_CHANNEL
    )
    ENTER_AIO = EventSpec("ENTER_AIO", I.ENTER_AIO, m.EnterAIO, _FRIEND, botpy=None)
    GROUP_MEMBER_ADD = EventSpec("GROUP_MEMBER_ADD", I.GROUP_MEMBER_EVENT, m.GroupMemberEvent, _IN_GROUP, **_NEITHER)
    GROUP_MEMBER_REMOVE = EventSpec(
        "GROUP_MEMBER_REMOVE", I.GROUP_MEMBER_EVENT, m.GroupMemberEvent, _IN_GROUP, **_NEITHER
    )
    GROUP_JOIN_REQUEST = EventSpec(
        "GROUP_JOIN_REQUEST",
        I.GROUP_AND_C2C_EVENT,
        m.GroupJoinRequest,
        _IN_GROUP,
        id_field="join_request_id",
        wishes=I.GROUP_MEMBER_EVENT,
        **_NEITHER,
    )
    C2C_MESSAGE_CREATE = _message("C2C_MESSAGE_CREATE", I.GROUP_AND_C2C_EVENT, m.QQMessage, _IN_C2C)
    GROUP_AT_MESSAGE_CREATE = _message(
        "GROUP_AT_MESSAGE_CREATE", I.GROUP_AND_C2C_EVENT, m.QQMessage, _IN_GROUP, botrs="group_message_create"
    )
    GROUP_MESSAGE_CREATE = _message(
        "GROUP_MESSAGE_CREATE", I.GROUP_AND_C2C_EVENT, m.QQMessage, _IN_GROUP, family=_GROUP_AT, **_NEITHER
    )
    FRIEND_ADD = EventSpec("FRIEND_ADD", I.GROUP_AND_C2C_EVENT, m.FriendEvent, _FRIEND)
    FRIEND_DEL = EventSpec("FRIEND_DEL", I.GROUP_AND_C2C_EVENT, m.FriendEvent, _FRIEND)
    C2C_MSG_REJECT = EventSpec("C2C_MSG_REJECT", I.GROUP_AND_C2C_EVENT, m.C2CSwitchEvent, _FRIEND)
    C2C_MSG_RECEIVE = EventSpec("C2C_MSG_RECEIVE", I.GROUP_AND_C2C_EVENT, m.C2CSwitchEvent, _FRIEND)
    GROUP_ADD_ROBOT = EventSpec("GROUP_ADD_ROBOT", I.GROUP_AND_C2C_EVENT, m.GroupManageEvent, _IN_GROUP)
    GROUP_DEL_ROBOT = EventSpec("GROUP_DEL_ROBOT", I.GROUP_AND_C2C_EVENT, m.GroupManageEvent, _IN_GROUP)
    GROUP_MSG_REJECT = EventSpec("GROUP_MSG_REJECT", I.GROUP_AND_C2C_EVENT, m.GroupManageEvent, _IN_GROUP)
    GROUP_MSG_RECEIVE = EventSpec("GROUP_MSG_RECEIVE", I.GROUP_AND_C2C_EVENT, m.GroupManageEvent, _IN_GROUP)
    SUBSCRIBE_MESSAGE_STATUS = EventSpec(
        "SUBSCRIBE_MESSAGE_STATUS", I.GROUP_AND_C2C_EVENT, m.SubscribeMessageStatus, _SUBSCRIBED, botpy=None
    )
    INTERACTION_CREATE = EventSpec("INTERACTION_CREATE", I.INTERACTION, m.Interaction, _PRESSED, id_field="id")
    MESSAGE_AUDIT_PASS = EventSpec(
        "MESSAGE_AUDIT_PASS", I.MESSAGE_AUDIT, m.MessageAudited, _AUDITED, id_field="audit_id"
    )
    MESSAGE_AUDIT_REJECT = EventSpec(
        "MESSAGE_AUDIT_REJECT", I.MESSAGE_AUDIT, m.MessageAudited, _AUDITED, id_field="audit_id"
    )
    FORUM_THREAD_CREATE = EventSpec("FORUM_THREAD_CREATE", I.FORUMS_EVENT, m.Thread, _IN_CHANNEL)
    FORUM_THREAD_UPDATE = EventSpec("FORUM_THREAD_UPDATE", I.FORUMS_EVENT, m.Thread, _IN_CHANNEL)
    FORUM_THREAD_DELETE = EventSpec("FORUM_THREAD_DELETE", I.FORUMS_EVENT, m.Thread, _IN_CHANNEL)
    FORUM_POST_CREATE = EventSpec("FORUM_POST_CREATE", I.FORUMS_EVENT, m.Post, _IN_CHANNEL)
    FORUM_POST_DELETE = EventSpec("FORUM_POST_DELETE", I.FORUMS_EVENT, m.Post, _IN_CHANNEL)
    FORUM_REPLY_CREATE = EventSpec("FORUM_REPLY_CREATE", I.FORUMS_EVENT, m.Reply, _IN_CHANNEL)
    FORUM_REPLY_DELETE = EventSpec("FORUM_REPLY_DELETE", I.FORUMS_EVENT, m.Reply, _IN_CHANNEL)
    FORUM_PUBLISH_AUDIT_RESULT = EventSpec(
        "FORUM_PUBLISH_AUDIT_RESULT", I.FORUMS_EVENT, m.ForumAuditResult, _IN_CHANNEL
    )
    AUDIO_START = EventSpec("AUDIO_START", I.AUDIO_ACTION, m.AudioAction, _IN_CHANNEL)
    AUDIO_FINISH = EventSpec("AUDIO_FINISH", I.AUDIO_ACTION, m.AudioAction, _IN_CHANNEL)
    AUDIO_ON_MIC = EventSpec(
        "AUDIO_ON_MIC", I.AUDIO_ACTION, m.AudioAction, _IN_CHANNEL, botrs="on_mic", botpy="on_on_mic"
    )
    AUDIO_OFF_MIC = EventSpec(
        "AUDIO_OFF_MIC", I.AUDIO_ACTION, m.AudioAction, _IN_CHANNEL, botrs="off_mic", botpy="on_off_mic"
    )
    AT_MESSAGE_CREATE = _message(
        "AT_MESSAGE_CREATE", I.PUBLIC_GUILD_MESSAGES, m.Message, _IN_CHANNEL, botrs="message_create"
    )
    PUBLIC_MESSAGE_DELETE = EventSpec(
        "PUBLIC_MESSAGE_DELETE", I.PUBLIC_GUILD_MESSAGES, m.MessageDelete, _DELETED, botrs="message_delete"
    )


EVENTS: Mapping[str, EventSpec] = MappingProxyType({event._value_: event.spec for event in Event})
"""Every known event by its name."""


def spec_of(name: str) -> EventSpec | None:
    """The row of this event, None for a name that is not known (spelt as the platform does). Thread-safe."""
    return EVENTS.get(name)


def normalise(name: str) -> str:
    """The name as the platform spells it: without blanks around it, in capitals. Unknown names are legal.

    Raises:
        TypeError: not text.
        ValueError: nothing is left.
    """
    if not isinstance(name, str):
        raise TypeError(
            f"事件名应为 str,得到 {type(name).__name__} / an event's name is text, not {type(name).__name__}"
        )
    spelt = str(name).strip().upper()
    if not spelt:
        raise ValueError("事件名不能为空 / an event's name cannot be empty, e.g. 'C2C_MESSAGE_CREATE'")
    return spelt


def nearest(name: str) -> str | None:
    """The known event that was probably meant; None for a known name and for one that is like none. Thread-safe."""
    if name in EVENTS:
        return None
    near = get_close_matches(name, EVENTS, n=1, cutoff=0.85)
    return near[0] if near else None


def events_of(model: type) -> tuple[EventSpec, ...]:
    """The events that carry this model (or a subclass of it), in the order of the table; () when none does."""
    if model is m.Model:
        return ()
    return tuple(spec for spec in EVENTS.values() if spec.model is not None and issubclass(spec.model, model))


class Keys(NamedTuple):
    """Whose an event is. Thread-safe."""

    dedupe_id: str | None = None
    """The id that copies of it share within its family; None: it has none and is never taken for a copy."""
    conversation: str = ""
    """`group:OPENID`, `channel:ID`, `direct:GUILD`, `c2c:OPENID`, `guild:ID`; "" when the body does not tell."""
    author: str = ""
    """The person it is about, else the person who did it; "" when the body does not tell."""


_NO_KEYS = Keys()
_Getter = Callable[[Head], "str | int | None"]


class _Compiled(NamedTuple):
    id: _Getter | None
    conversation: tuple[tuple[str, _Getter], ...]
    author: tuple[_Getter, ...]


def _compile(where: Where, id_field: str = "") -> _Compiled:
    pairs = (entry.split(":") for entry in where.conversation)
    return _Compiled(
        attrgetter(id_field) if id_field else None,
        tuple((f"{kind}:", attrgetter(path)) for kind, path in pairs),
        tuple(attrgetter(path) for path in where.author),
    )


_COMPILED = {name: _compile(spec.where, spec.id_field) for name, spec in EVENTS.items()}
_COMPILED_UNKNOWN = _compile(_UNKNOWN)


def keys_of(name: str, d: Raw | bytes, event_id: str | None) -> Keys:
    """Tells whose an event is; reads only the head of its body and never raises. Thread-safe.

    Args:
        name: the event's name; of an unknown one the usual fields are tried.
        d: the body as JSON, whatever it is.
        event_id: the id of the envelope, which counts where the body has no id of its own.
    """
    compiled = _COMPILED.get(name, _COMPILED_UNKNOWN)
    head = decode_head(d)
    found = compiled.id(head) if compiled.id else None
    conversation = author = ""
    for kind, get in compiled.conversation:
        value = get(head)
        if value:
            conversation = f"{kind}{value}"
            break
    for get in compiled.author:
        value = get(head)
        if value:
            author = str(value)
            break
    return Keys(str(found) if found else event_id or None, conversation, author)


def _family_of(name: str) -> str:
    spec = EVENTS.get(name)
    return spec.family if spec is not None else name


@dataclass(slots=True, eq=False)
class RawEvent:
    """A dispatch on its way from a source to its handlers. Not thread-safe, but for `finish`."""

    name: str
    """The platform's name."""
    d: Raw | bytes
    """The body as JSON."""
    frame: bytes
    """The whole frame."""
    event_id: str | None
    """The envelope's id."""
    seq: int | None
    """The envelope's sequence number."""
    shard: tuple[int, int]
    """Number of the shard and count of all shards."""
    received_at: float
    """When it came, in seconds of `clock.now()`."""
    redelivered: bool = False
    """Whether a process that died may have begun with it."""
    keys: Keys = _NO_KEYS
    """Whose it is."""
    done: Callable[[RawEvent], None] | None = None
    """Called once, by `finish`."""
    is_given_up: bool = field(default=False, init=False, repr=False)
    """Whether it is finished without its handlers: it had to make room, or was too old."""
    dedupe: tuple[str, str] | None = field(init=False)
    """(family, id): equal for the copies of one event; None for an event that has no id."""
    _unfinished: list[None] = field(default_factory=lambda: [None], init=False, repr=False)

    def __post_init__(self) -> None:
        found = self.keys.dedupe_id
        self.dedupe = None if found is None else (_family_of(self.name), found)

    def finish(self) -> None:
        """Says that nothing more will be done with this event; a second call does nothing. Thread-safe."""
        try:
            self._unfinished.pop()
        except IndexError:
            return
        if self.done is not None:
            self.done(self)
