"""Parts of a message that only the bot sends, and the platform's answer.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/send.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenIntEnum, OpenStrEnum, Timestamp
from ._time import parse_time
from .keyboard import Keyboard

__all__ = [
    "ActionButton",
    "ExtInfo",
    "InputMode",
    "InputNotify",
    "Media",
    "MsgType",
    "PromptKeyboard",
    "SentMessage",
    "Stream",
    "StreamInputState",
    "StreamMessage",
    "StreamState",
]


class MsgType(OpenIntEnum):
    """The `msg_type` of a message to send; not the numbers of `MessageType`."""

    TEXT = 0
    TEXT_AND_IMAGE = 1
    MARKDOWN = 2
    ARK = 3
    EMBED = 4
    AT = 5
    INPUT_NOTIFY = 6
    MEDIA = 7


@dataclass
class Media(Model):
    """An uploaded file to send (`msg_type` 7)."""

    file_info: str | None = None
    """What the upload answered; opaque, and not to be mixed between groups and C2C."""


@dataclass
class InputNotify(Model):
    """Shows "is typing" (`msg_type` 6); C2C only."""

    input_type: int | None = None
    """1 typing; others are undocumented."""
    input_second: int | None = None
    """Seconds, 1 to 60."""


@dataclass
class PromptKeyboard(Model):
    """Suggestions above the input box; undocumented."""

    keyboard: Keyboard | None = None
    """The suggestions, as buttons of style 2."""


@dataclass
class ActionButton(Model):
    """The buttons of an assistant under its message; undocumented."""

    template_id: str | None = None
    """1 or 10; sent as number or text."""
    callback_data: str | None = None
    """What comes back, at most 128 characters."""
    feedback: bool | None = None
    """Show thumbs up and down."""
    tts: bool | None = None
    """Show a button that reads aloud."""
    re_generate: bool | None = None
    """Show a button for another answer."""
    stop_generate: bool | None = None
    """Show a button that stops."""


class StreamState(OpenIntEnum):
    """The states of the older stream form."""

    BODY = 1
    BODY_DONE = 10
    GUIDE = 11
    GUIDE_DONE = 20


@dataclass
class Stream(Model):
    """The older form of a message that grows, inside a normal message; undocumented."""

    state: StreamState | None = None
    """Where it stands."""
    id: str | None = None
    """The id that the first part answered."""
    index: int | None = None
    """Number of the part, from 1."""
    reset: bool | None = None
    """Begin anew; then `index` starts at 0."""


class InputMode(OpenStrEnum):
    """How a part of a growing message is meant."""

    APPEND = "append"
    REPLACE = "replace"


class StreamInputState(OpenIntEnum):
    """Whether a growing message goes on."""

    GENERATING = 1
    FINISHED = 10


@dataclass
class StreamMessage(Model):
    """One part of a message that grows (2026); C2C only."""

    input_mode: InputMode | None = None
    """Whether the text is added, or is the whole text so far."""
    input_state: StreamInputState | None = None
    """Whether more will come."""
    index: int | None = None
    """Number of the part, from 0."""
    content_type: str | None = None
    """`text` or `markdown`."""
    content_raw: str | None = None
    """The text."""
    stream_msg_id: str | None = None
    """From the second part on: the id that the first one answered."""
    msg_id: str | None = None
    """The message it answers; or `event_id`."""
    event_id: str | None = None
    """The event it answers; or `msg_id`."""
    msg_seq: int | None = None
    """The same in all parts."""
    is_wakeup: bool | None = None
    """Send although the reply window is over, as a wake-up message."""


@dataclass
class ExtInfo(Model):
    """More about a message that was sent."""

    ref_idx: str | None = None
    """What quotes of it refer to (`msg_idx`)."""


@dataclass
class SentMessage(Model):
    """The answer to a message sent to a group or user."""

    id: str | None = None
    """The message's id, needed to recall it."""
    timestamp: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was sent, RFC 3339 or unix seconds."""
    ext_info: ExtInfo | None = None
    """More about it."""
    remain_msg_len: int | None = None
    """Growing messages: characters left."""

    @property
    def timestamp_datetime(self) -> datetime | None:
        """`timestamp` as an aware datetime; None when it cannot be read."""
        return parse_time(self.timestamp)
