"""Group and C2C messages.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/event.html
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ._base import Model, OpenIntEnum, OpenStrEnum, nested_list
from ._text import find_mentions
from .attachment import Attachment
from .chat_message import ChatMessage, MessageScene
from .user import MemberRole, User

__all__ = ["ARKData", "ArkType", "Mention", "MentionScope", "MessageType", "MsgElement", "QQMessage"]


class MessageType(OpenIntEnum):
    """What kind of message it is."""

    TEXT = 0
    CARD = 3
    PARALLEL = 101
    CHAT_RECORD = 102
    QUOTE = 103
    """Quotes another message, or forwards several as one."""


class MentionScope(OpenStrEnum):
    """Who is meant by a mention."""

    SINGLE = "single"
    ALL = "all"


class ArkType(OpenStrEnum):
    """What kind of card it is."""

    TUWEN = "tuwen"
    FEED = "feed"
    MINIAPP = "miniapp"
    MAP = "map"
    CONTACT_CARD = "contact_card"
    VIDEO_SHARE = "video_share"
    MUSIC_TOGETHER = "music_together"
    PICTURE = "picture"


@dataclass
class Mention(Model):
    """Somebody mentioned in a group message; for `all` only `scope`, `is_you` and `username` are sent."""

    scope: MentionScope | None = None
    """One person or everybody."""
    id: str | None = None
    """The same as `member_openid`."""
    member_openid: str | None = None
    """Who was mentioned, valid in this group."""
    username: str = ""
    """The name shown."""
    member_role: MemberRole | None = None
    """What they are in the group."""
    bot: bool | None = None
    """Whether they are a bot."""
    is_you: bool | None = None
    """Whether this bot was meant; true also for everybody."""


@dataclass
class ARKData(Model):
    """A card that somebody shared (`message_type` 3)."""

    prompt: str = ""
    """What the notification says."""
    ark_type: ArkType | None = None
    """What kind of card it is."""
    ark_name: str = ""
    """What the kind is called in Chinese."""
    fields: dict[str, str] = field(default_factory=dict)
    """The card's texts. A dict, because every kind of card has its own keys: `title`, `desc`, `jump_url`, `preview`,
    `source`, `source_logo`, `tag`, `tags`, `tag_icon`, `nickname`, `avatar`, `address`."""


@dataclass
class MsgElement(Model):
    """A message inside another one: what was quoted or forwarded. Every field may be missing."""

    msg_idx: str | None = None
    """The message's `REFIDX_…`."""
    author: User | None = None
    """Who wrote it; only `bot` and `username` were ever seen."""
    message_type: MessageType | None = None
    """What kind of message it is."""
    content: str = ""
    """Its text; several forwarded messages are one text."""
    attachments: list[Attachment] = field(default_factory=list)
    """Its files."""
    ark_data: ARKData | None = None
    """Its card."""
    msg_elements: "list[MsgElement]" = field(default_factory=list, metadata=nested_list(lambda: MsgElement))
    """The messages inside it."""


@dataclass
class QQMessage(ChatMessage):
    """A message in a group or C2C (GROUP_AT_MESSAGE_CREATE, GROUP_MESSAGE_CREATE, C2C_MESSAGE_CREATE).

    `content` marks users as `<@OPENID>` (this bot's own mention is missing in GROUP_AT_MESSAGE_CREATE) and faces as
    `<faceType=…>`; cards and forwarded records are readable text of several lines.
    """

    group_openid: str | None = None
    """Groups: the group."""
    group_id: str | None = None
    """Undocumented; equals `group_openid`."""
    message_type: MessageType | None = None
    """What kind of message it is."""
    message_scene: MessageScene | None = None
    """Where it was written; its `values` hold `msg_idx` and `ref_msg_idx`."""
    attachments: list[Attachment] = field(default_factory=list)
    """Pictures, voices, videos, files; left out when there are none."""
    mentions: list[Mention] = field(default_factory=list)
    """Groups: who was mentioned, this bot included."""
    ark_data: ARKData | None = None
    """The card, where `message_type` is 3."""
    msg_elements: list[MsgElement] = field(default_factory=list)
    """What was quoted or forwarded, where `message_type` is 103; see `quoted`."""
    msg_idx: str | None = None
    """Undocumented; normally it stands in `message_scene`."""

    @property
    def is_group(self) -> bool:
        """Whether it was written in a group."""
        return bool(self.group_openid or self.group_id)

    @property
    def quoted(self) -> MsgElement | None:
        """The message this one quotes or forwards; None when it quotes none, or the platform did not send it."""
        wanted = self.message_scene.values.get("ref_msg_idx") if self.message_scene else None
        if self.message_type != MessageType.QUOTE and not wanted:
            return None
        named = (element for element in self.msg_elements if wanted and element.msg_idx == wanted)
        return next(named, self.msg_elements[0] if self.msg_elements else None)

    @property
    def member_role(self) -> MemberRole | None:
        """What the author is in the group; None in C2C and in events of before 2026."""
        return self.author.member_role if self.author else None

    def _names_me(self) -> bool:
        return any(mention.is_you for mention in self.mentions)

    def _my_ids(self) -> set[str]:
        mine = _ids(mention for mention in self.mentions if mention.is_you and mention.scope != MentionScope.ALL)
        if not mine or mine & set(find_mentions(self.content)):
            return mine
        return self._first_tag_if_not_of(_ids(mention for mention in self.mentions if not mention.is_you))


def _ids(mentions: Iterable[Mention]) -> set[str]:
    return {id_ for mention in mentions for id_ in (mention.id, mention.member_openid) if id_}
