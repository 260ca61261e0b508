"""Reactions to guild messages.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/emoji.html
"""

from dataclasses import dataclass, field

from ._base import AS_SENT, Model, OpenIntEnum
from .user import User

__all__ = ["Emoji", "EmojiType", "MessageReaction", "ReactionTarget", "ReactionTargetType", "ReactionUsers"]


class ReactionTargetType(OpenIntEnum):
    """What was reacted to."""

    MESSAGE = 0
    POST = 1
    COMMENT = 2
    REPLY = 3


# "COMMNENT" is the platform's own spelling.
_WORDS = {
    "ReactionTargetType_MSG": ReactionTargetType.MESSAGE,
    "ReactionTargetType_FEED": ReactionTargetType.POST,
    "ReactionTargetType_COMMNENT": ReactionTargetType.COMMENT,
    "ReactionTargetType_COMMENT": ReactionTargetType.COMMENT,
    "ReactionTargetType_REPLY": ReactionTargetType.REPLY,
}


class EmojiType(OpenIntEnum):
    """Which of the platform's two lists an emoji is from."""

    SYSTEM = 1
    EMOJI = 2


@dataclass
class ReactionTarget(Model):
    """What was reacted to."""

    id: str | None = None
    """Its id."""
    type: ReactionTargetType | str | None = field(default=None, metadata=AS_SENT)
    """What it is. The platform writes it as a number or as a word (`ReactionTargetType_MSG`); words that are known
    become the number, others are kept."""

    def __post_init__(self) -> None:
        if isinstance(self.type, str):
            self.type = _WORDS.get(self.type, self.type)
            if isinstance(self.type, str) and self.type.isascii() and self.type.isdigit() and len(self.type) < 10:
                self.type = ReactionTargetType(int(self.type))


@dataclass
class Emoji(Model):
    """An emoji."""

    id: str | None = None
    """Its number in its list."""
    type: EmojiType | None = None
    """The list."""


@dataclass
class MessageReaction(Model):
    """A reaction was set or taken back (MESSAGE_REACTION_ADD, MESSAGE_REACTION_REMOVE)."""

    user_id: str | None = None
    """Who did it."""
    guild_id: str | None = None
    """Where."""
    channel_id: str | None = None
    """Where."""
    target: ReactionTarget | None = None
    """What was reacted to."""
    emoji: Emoji | None = None
    """With what."""


@dataclass
class ReactionUsers(Model):
    """One page of those who reacted with an emoji."""

    users: list[User] = field(default_factory=list)
    """The users."""
    cookie: str = ""
    """What to ask the next page with."""
    is_end: bool | None = None
    """Whether this is the last page."""
