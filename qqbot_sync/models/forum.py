"""Forum threads, posts and replies.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/model.html
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._base import AS_SENT, Model, OpenIntEnum, Timestamp
from ._time import parse_time
from .rich_text import RichText

__all__ = [
    "AuditResult",
    "AuditType",
    "ForumAuditResult",
    "OpenForumEvent",
    "Post",
    "PostInfo",
    "Reply",
    "ReplyInfo",
    "Thread",
    "ThreadCreated",
    "ThreadFormat",
    "ThreadInfo",
    "ThreadList",
]


class AuditType(OpenIntEnum):
    """What was audited."""

    THREAD = 1
    POST = 2
    REPLY = 3


class AuditResult(OpenIntEnum):
    """How it went."""

    PASSED = 0
    FAILED = 1


class ThreadFormat(OpenIntEnum):
    """In what a new thread is written."""

    TEXT = 1
    HTML = 2
    MARKDOWN = 3
    JSON = 4


@dataclass
class ThreadInfo(Model):
    """A thread's text."""

    thread_id: str | None = None
    """The thread."""
    title: RichText | None = None
    """The headline, whatever way it was encoded."""
    content: RichText | None = None
    """The text, whatever way it was encoded."""
    date_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was written, RFC 3339."""

    @property
    def date_time_datetime(self) -> datetime | None:
        """`date_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.date_time)


@dataclass
class Thread(Model):
    """A thread (FORUM_THREAD_CREATE, FORUM_THREAD_UPDATE, FORUM_THREAD_DELETE)."""

    guild_id: str | None = None
    """Where it stands."""
    channel_id: str | None = None
    """Where it stands."""
    author_id: str | None = None
    """Who wrote it."""
    thread_info: ThreadInfo | None = None
    """Its text."""


@dataclass
class PostInfo(Model):
    """A post's text."""

    thread_id: str | None = None
    """The thread it belongs to."""
    post_id: str | None = None
    """The post."""
    content: RichText | None = None
    """The text, whatever way it was encoded."""
    date_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was written, RFC 3339."""

    @property
    def date_time_datetime(self) -> datetime | None:
        """`date_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.date_time)


@dataclass
class Post(Model):
    """A comment on a thread (FORUM_POST_CREATE, FORUM_POST_DELETE)."""

    guild_id: str | None = None
    """Where it stands."""
    channel_id: str | None = None
    """Where it stands."""
    author_id: str | None = None
    """Who wrote it."""
    post_info: PostInfo | None = None
    """Its text."""


@dataclass
class ReplyInfo(Model):
    """A reply's text."""

    thread_id: str | None = None
    """The thread it belongs to."""
    post_id: str | None = None
    """The post it answers."""
    reply_id: str | None = None
    """The reply."""
    content: RichText | None = None
    """The text, whatever way it was encoded."""
    date_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was written, RFC 3339."""

    @property
    def date_time_datetime(self) -> datetime | None:
        """`date_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.date_time)


@dataclass
class Reply(Model):
    """An answer to a post (FORUM_REPLY_CREATE, FORUM_REPLY_DELETE)."""

    guild_id: str | None = None
    """Where it stands."""
    channel_id: str | None = None
    """Where it stands."""
    author_id: str | None = None
    """Who wrote it."""
    reply_info: ReplyInfo | None = None
    """Its text."""


@dataclass
class ForumAuditResult(Model):
    """The verdict on something the bot wrote in a forum (FORUM_PUBLISH_AUDIT_RESULT)."""

    guild_id: str | None = None
    """Where."""
    channel_id: str | None = None
    """Where."""
    author_id: str | None = None
    """Who wrote it."""
    thread_id: str | None = None
    """The thread."""
    post_id: str | None = None
    """The post, where it is about one or a reply to it."""
    reply_id: str | None = None
    """The reply, where it is about one."""
    type: AuditType | None = None
    """What was audited."""
    result: AuditResult | None = None
    """How it went."""
    err_msg: str = ""
    """Why it failed."""
    task_id: str | None = None
    """What creating the thread gave; named in one SDK only."""
    date_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was written, RFC 3339; named in one SDK only."""

    @property
    def date_time_datetime(self) -> datetime | None:
        """`date_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.date_time)


@dataclass
class OpenForumEvent(Model):
    """Something happened in a forum; what, has to be fetched (the OPEN_FORUM_… events)."""

    guild_id: str | None = None
    """Where."""
    channel_id: str | None = None
    """Where."""
    author_id: str | None = None
    """Who did it."""


@dataclass
class ThreadList(Model):
    """The threads of a channel."""

    threads: list[Thread] = field(default_factory=list)
    """The threads."""
    is_finish: bool | None = None
    """Whether these were the last ones; sent as bool or as 0 and 1."""


@dataclass
class ThreadCreated(Model):
    """Answer to creating a thread; it is audited first."""

    task_id: str | None = None
    """What `ForumAuditResult.task_id` refers to."""
    create_time: Timestamp = field(default=None, metadata=AS_SENT)
    """When it was taken, unix seconds as text."""

    @property
    def create_time_datetime(self) -> datetime | None:
        """`create_time` as an aware datetime; None when it cannot be read."""
        return parse_time(self.create_time)
