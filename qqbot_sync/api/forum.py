"""Threads of forum channels; only for bots of the private domain.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/model.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qqbot_sync import codec
from qqbot_sync.api.checks import Object, chosen, given, text, unix_time
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import Model, Thread, ThreadCreated, ThreadFormat, ThreadList

__all__ = ["ForumCalls"]


class ForumCalls(Resource):
    """`/channels/{channel_id}/threads`, in forum channels only. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/channels/{channel_id}/threads", group="forum", private_only=True)
    def get_threads(self, channel_id: str, *, timeout: float = 30.0) -> ThreadList:
        """The threads of a channel. Private-domain bots only.

        The platform has no way to ask for a second page, even where `is_finish` is False.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/get_threads_list.html
        """
        return self._call_for(ThreadList, "GET", _path(channel_id), timeout=timeout)

    @endpoint("GET", "/channels/{channel_id}/threads/{thread_id}", group="forum", private_only=True)
    def get_thread(self, channel_id: str, thread_id: str, *, timeout: float = 30.0) -> Thread:
        """One thread. Private-domain bots only.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/get_thread.html
        """
        path = f"{_path(channel_id)}/{quoted('thread_id', thread_id)}"
        return self._call_for(Thread, "GET", path, inside="thread", timeout=timeout)

    get_thread_detail = get_thread
    """botpy's name of `get_thread`."""

    @endpoint("PUT", "/channels/{channel_id}/threads", group="forum", private_only=True)
    def post_thread(
        self,
        channel_id: str,
        *,
        title: str,
        content: str | Object,
        format: ThreadFormat | int = ThreadFormat.TEXT,
        timeout: float = 30.0,
    ) -> ThreadCreated:
        """Hands a thread in; whether it appears is told by FORUM_PUBLISH_AUDIT_RESULT. Private-domain bots only.

        Args:
            content: the text; a dict or `RichText` goes with format 4.
            format: of `content`: 1 text, 2 HTML, 3 Markdown, 4 JSON.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/put_thread.html
        """
        kind = chosen("format", format, ThreadFormat)
        body = {"title": text("title", title), "content": _content(content, kind), "format": int(kind)}
        return self._call_for(ThreadCreated, "PUT", _path(channel_id), body=body, timeout=timeout)

    @endpoint("DELETE", "/channels/{channel_id}/threads/{thread_id}", group="forum", private_only=True)
    def delete_thread(self, channel_id: str, thread_id: str, *, timeout: float = 30.0) -> None:
        """Deletes a thread. Private-domain bots only.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/channel/content/forum/delete_thread.html
        """
        self._call("DELETE", f"{_path(channel_id)}/{quoted('thread_id', thread_id)}", timeout=timeout)

    @endpoint(
        "POST", "/channels/{channel_id}/threads/{thread_id}/comment", group="forum", legacy=True, private_only=True
    )
    def post_thread_comment(
        self,
        channel_id: str,
        thread_id: str,
        *,
        thread_author: str,
        content: str,
        thread_create_time: int | str | None = None,
        image: str | None = None,
        timeout: float = 30.0,
    ) -> ThreadCreated:
        """Comments on a thread. Experimental: not in the platform's documents. Private-domain bots only.

        Args:
            thread_author: id of who wrote the thread.
            thread_create_time: when they did, unix seconds.
            image: URL of a picture.
        """
        when = None if thread_create_time is None else str(unix_time("thread_create_time", thread_create_time))
        body = {"thread_author": checked_id("thread_author", thread_author), "content": text("content", content)}
        body |= given(thread_create_time=when, image=None if image is None else text("image", image))
        path = f"{_path(channel_id)}/{quoted('thread_id', thread_id)}/comment"
        return self._call_for(ThreadCreated, "POST", path, body=body, timeout=timeout)


def _path(channel_id: str) -> str:
    return f"/channels/{quoted('channel_id', channel_id)}/threads"


def _content(content: Any, kind: ThreadFormat) -> str:
    if isinstance(content, (Mapping, Model)):
        if kind is not ThreadFormat.JSON:
            raise ValueError(
                "content 为富文本时 format 必须为 4 / a rich text as content goes with format 4 (JSON) only"
            )
        return codec.dumps(content).decode("utf-8")
    return text("content", content)
