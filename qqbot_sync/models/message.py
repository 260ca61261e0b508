"""Guild messages, direct messages of guilds, and what happens to them.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/type/text.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, Timestamp
from ._text import find_mentions
from ._time import parse_time
from .attachment import GuildAttachment
from .chat_message import ChatMessage, MessageScene
from .rich import Ark, Embed, MessageReference
from .user import Member, MemberRole, User

__all__ = ["DMS", "DeletedMessage", "Message", "MessageAudited", "MessageDelete"]

_ROLES = (("4", MemberRole.OWNER), ("2", MemberRole.ADMIN), ("5", MemberRole.CHANNEL_ADMIN))


@dataclass
class Message(ChatMessage):
    """A message in a guild (AT_MESSAGE_CREATE, MESSAGE_CREATE) or a direct message of one (DIRECT_MESSAGE_CREATE).

    `content` marks users as `<@!id>`, channels as `<#id>`, emoji as `<emoji:id>`, everybody as `@everyone`.
    """

    channel_id: str | None = None
    """The channel; of a direct message its own pseudo channel."""
    guild_id: str | None = None
    """The guild; of a direct message its own pseudo guild, which replies need."""
    src_guild_id: str | None = None
    """Direct messages: the guild in which the talk began."""
    direct_message: bool | None = None
    """True for direct messages, else missing."""
    member: Member | None = None
    """A part of the author's membership; missing in the platform's review traffic."""
    edited_timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was last changed, RFC 3339."""
    mention_everyone: bool | None = None
    """Whether everybody was mentioned."""
    mentions: list[User] = field(default_factory=list)
    """Who was mentioned; left out when nobody was."""
    attachments: list[GuildAttachment] = field(default_factory=list)
    """Pictures and files; left out when there are none."""
    embeds: list[Embed] = field(default_factory=list)
    """Cards; left out when there are none."""
    ark: Ark | None = None
    """A template message."""
    seq: int | None = None
    """Deprecated by the platform, still sent."""
    seq_in_channel: str | None = None
    """Decimal number that grows within the channel; see `order_key`."""
    message_reference: MessageReference | None = None
    """The message that is quoted."""
    message_scene: MessageScene | None = None
    """Agent bots only."""
    tts: bool | None = None
    """Answers of the API only; unstable."""
    pinned: bool | None = None
    """Answers of the API only; unstable."""
    type: int | None = None
    """Answers of the API only; unstable."""
    flags: int | None = None
    """Answers of the API only; unstable."""

    @property
    def edited_timestamp_datetime(self) -> datetime | None:
        """`edited_timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.edited_timestamp)

    @property
    def quoted(self) -> MessageReference | None:
        """The message this one quotes; its text has to be fetched by `quoted.message_id`."""
        return self.message_reference

    @property
    def member_role(self) -> MemberRole | None:
        """The author's highest default role in the guild; None where the platform does not tell."""
        if self.member is None:
            return None
        return next((role for id_, role in _ROLES if id_ in self.member.roles), MemberRole.MEMBER)

    @property
    def _bot_id(self) -> str | None:
        """This bot's own id, which only a client knows."""
        return getattr(self._context, "bot_id", None)

    def _names_me(self) -> bool:
        if self._bot_id is not None:
            return self._bot_id in {user.id for user in self.mentions} | set(find_mentions(self.content))
        # The best guess without the bot's own id: a bot that is mentioned is this one.
        return any(user.bot for user in self.mentions)

    def _my_ids(self) -> set[str]:
        named = set(find_mentions(self.content))
        bots = {user.id for user in self.mentions if user.bot and user.id}
        mine = {self._bot_id} if self._bot_id is not None else bots if len(bots) == 1 else set()
        if mine & named or not self.mentions_me:
            return mine
        return self._first_tag_if_not_of({user.id for user in self.mentions if user.id and not user.bot})

    def _number(self) -> int:
        written = self.seq_in_channel or ""
        return int(written) if written.isascii() and written.isdigit() and len(written) < 40 else self.seq or 0


@dataclass
class DeletedMessage(Model):
    """What is left of a deleted message: no text and no time."""

    id: str | None = None
    """The message's id."""
    channel_id: str | None = None
    """Where it stood."""
    guild_id: str | None = None
    """Where it stood."""
    author: User | None = None
    """Who had written it."""
    direct_message: bool | None = None
    """True for direct messages, else missing."""
    src_guild_id: str | None = None
    """Direct messages: the guild in which the talk began."""


@dataclass
class MessageDelete(Model):
    """A message was deleted (MESSAGE_DELETE, PUBLIC_MESSAGE_DELETE, DIRECT_MESSAGE_DELETE)."""

    message: DeletedMessage | None = None
    """The message."""
    op_user: User | None = None
    """Who deleted it."""


@dataclass
class MessageAudited(Model):
    """The verdict on a message that had to be audited (MESSAGE_AUDIT_PASS, MESSAGE_AUDIT_REJECT)."""

    audit_id: str | None = None
    """The id that sending the message gave."""
    message_id: str | None = None
    """The message that came of it; always there when it passed."""
    guild_id: str | None = None
    """Where it stands."""
    channel_id: str | None = None
    """Where it stands."""
    user_openid: str | None = None
    """C2C: the user it went to."""
    group_openid: str | None = None
    """Groups: the group it went to."""
    audit_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When the verdict was given, RFC 3339."""
    create_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When the message was sent, RFC 3339."""
    seq_in_channel: str | None = None
    """Decimal number that grows within the channel."""

    @property
    def audit_time_datetime(self) -> datetime | None:
        """`audit_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.audit_time)

    @property
    def create_time_datetime(self) -> datetime | None:
        """`create_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.create_time)


@dataclass
class DMS(Model):
    """A direct-message session of a guild, as creating one gives it."""

    guild_id: str | None = None
    """The pseudo guild to send to."""
    channel_id: str | None = None
    """The pseudo channel."""
    create_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was created, unix seconds as text."""

    @property
    def create_time_datetime(self) -> datetime | None:
        """`create_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.create_time)
