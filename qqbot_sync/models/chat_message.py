"""What guild, direct, group and C2C messages have in common."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ._base import AS_SENT, Model, Timestamp
from ._text import Face, faces_in, find_mentions, shown, without_mentions
from ._time import parse_time
from .user import MemberRole, User

if TYPE_CHECKING:
    from qqbot_sync.api.sent import Sent

__all__ = ["ChatMessage", "MessageScene"]

_ALWAYS_TO_BOT = {"AT_MESSAGE_CREATE", "GROUP_AT_MESSAGE_CREATE"}


@dataclass
class MessageScene(Model):
    """Where in the app a message was written."""

    source: str | None = None
    """`default`; agent bots also `realtime_voice`, `ai_search`."""
    ext: list[str] = field(default_factory=list)
    """`key=value` texts; see `values`."""
    callback_data: str | None = None
    """Agent bots only."""

    @property
    def values(self) -> dict[str, str]:
        """`ext` as a dict: `msg_idx`, `ref_msg_idx`, `auth_token`."""
        # Values may end in "==", so only the first "=" counts.
        pairs = (entry.partition("=") for entry in self.ext)
        return {key: value for key, equals, value in pairs if equals}


@dataclass
class ChatMessage(Model):
    """A message that somebody wrote: the base of `Message` (guilds) and `QQMessage` (groups and C2C).

    Compared by its fields alone. `reply` works on messages that came through a client.
    """

    id: str | None = None
    """The message's id: what replies and recalls refer to. Free text, not a number."""
    author: User | None = None
    """Who wrote it; may hold nothing but an id."""
    content: str = ""
    """The text as it was sent, with its tags; empty for pure media. `text` is the readable form."""
    timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was sent, RFC 3339 (another form has been seen in groups)."""

    _remembers_event: ClassVar[bool] = True
    _event: ClassVar[str] = ""
    _context: ClassVar[Any] = None

    @property
    def timestamp_datetime(self) -> datetime | None:
        """`timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.timestamp)

    @property
    def text(self) -> str:
        """The text to work with: without the @-mention of this bot, faces by name, no blanks around it."""
        return shown(without_mentions(self.content, self._my_ids())).strip()

    @property
    def faces(self) -> list[Face]:
        """The faces and emoji in the text, in order."""
        return faces_in(self.content)

    @property
    def mentions_me(self) -> bool:
        """Whether this bot was mentioned with @, or everybody was."""
        return self._event in _ALWAYS_TO_BOT or self._names_me()

    @property
    def is_from_bot(self) -> bool:
        """Whether a bot wrote it."""
        return self.author is not None and self.author.bot is True

    @property
    def member_role(self) -> MemberRole | None:
        """What the author is in this group or guild; None where the platform does not tell."""
        return None

    @property
    def order_key(self) -> tuple[int, float, str]:
        """Sorts messages of one conversation in the order in which they were sent."""
        sent = self.timestamp_datetime
        return (self._number(), sent.timestamp() if sent else 0.0, self.id or "")

    def reply(self, *parts: str) -> "Sent":
        """Answers this message, as `ctx.reply` does. Thread-safe.

        Args:
            parts: the texts to send.

        Returns:
            What was sent.

        Raises:
            RuntimeError: the message did not come through a client.
        """
        if self._context is None:
            raise RuntimeError(
                "这条消息不是从客户端收到的,无法直接回复;请用 client.send(...) 或 ctx.reply(...) / "
                "this message did not come through a client, so it cannot be answered; "
                "use client.send(...) or ctx.reply(...)"
            )
        sent: Sent = self._context.reply(*parts)
        return sent

    def __getstate__(self) -> dict[str, Any]:
        # A context holds a client, which cannot be copied or pickled; a message can.
        return {name: value for name, value in self.__dict__.items() if name != "_context"}

    def _names_me(self) -> bool:
        """Whether `mentions` names this bot."""
        return False

    def _my_ids(self) -> set[str]:
        """The ids by which `content` may mention this bot."""
        return set()

    def _number(self) -> int:
        """The platform's own count of messages, 0 where it has none."""
        return 0

    def _first_tag_if_not_of(self, others: set[str]) -> set[str]:
        """The id of the @-mention the text begins with, unless it is one of `others`.

        The entry in `mentions` may lack its id or have another one than the tag; the tag in front is then the bot's.
        """
        named = find_mentions(self.content)
        return {named[0]} - others if named and self.content.lstrip().startswith("<") else set()
