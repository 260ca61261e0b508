"""Reading and changing channel messages, and opening guild DMs; sending and recalling are in `messages`.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/post_messages.html
"""

from __future__ import annotations

from qqbot_sync.api.checks import Object, given, object_of, whole
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.models import DMS, Message

__all__ = ["GuildMessageCalls"]

_PAGE = 20


class GuildMessageCalls(Resource):
    """`/channels/{channel_id}/messages` and `/users/@me/dms`. Thread-safe; errors and `timeout` as in `Resource`."""

    @endpoint("GET", "/channels/{channel_id}/messages/{message_id}", group="guild messages", legacy=True)
    def get_message(self, channel_id: str, message_id: str, *, timeout: float = 30.0) -> Message:
        """One channel message. Legacy: not in the platform's current documents."""
        path = f"/channels/{quoted('channel_id', channel_id)}/messages/{quoted('message_id', message_id)}"
        return self._call_for(Message, "GET", path, inside="message", timeout=timeout)

    @endpoint("GET", "/channels/{channel_id}/messages", group="guild messages", legacy=True)
    def get_messages(
        self,
        channel_id: str,
        *,
        around: str | None = None,
        before: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        timeout: float = 30.0,
    ) -> list[Message]:
        """Messages of a channel. Legacy: not in the platform's current documents.

        Args:
            around: messages before and after the one of this id.
            before: messages older than the one of this id.
            after: messages newer than the one of this id; at most one of the three.
            limit: messages, 1 to 20.
        """
        place = given(around=around, before=before, after=after)
        if len(place) > 1:
            raise ValueError(f"只能给出其中一个 / give only one of: {', '.join(place)}")
        query = {name: checked_id(name, value) for name, value in place.items()}
        if limit is not None:
            query["limit"] = str(whole("limit", limit, 1, _PAGE))
        path = f"/channels/{quoted('channel_id', channel_id)}/messages"
        return self._call_for_list(Message, "GET", path, inside="messages", query=query, timeout=timeout)

    @endpoint("PATCH", "/channels/{channel_id}/messages/{message_id}", group="guild messages", legacy=True)
    def patch_guild_message(
        self,
        channel_id: str,
        message_id: str,
        *,
        keyboard: Object,
        markdown: Object | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        timeout: float = 30.0,
    ) -> Message:
        """Changes a message of the bot that has buttons; needs a permission on request. Legacy: not in the platform's
        current documents.

        Args:
            keyboard: the new buttons.
            markdown: the new text.
            msg_id: the message it answers; or `event_id`.
            event_id: the event it answers.
        """
        if msg_id is not None and event_id is not None:
            raise ValueError("msg_id 与 event_id 只能给一个 / give either msg_id or event_id, not both")
        body = {"keyboard": object_of("keyboard", keyboard)} | given(
            markdown=None if markdown is None else object_of("markdown", markdown),
            msg_id=None if msg_id is None else checked_id("msg_id", msg_id),
            event_id=None if event_id is None else checked_id("event_id", event_id),
        )
        path = f"/channels/{quoted('channel_id', channel_id)}/messages/{quoted('message_id', message_id)}"
        return self._call_for(Message, "PATCH", path, body=body, inside="message", timeout=timeout)

    @endpoint("POST", "/users/@me/dms", group="dms")
    def create_dms(self, guild_id: str, user_id: str, *, timeout: float = 30.0) -> DMS:
        """Opens a DM with a member of a guild the bot is in too; send with `post_dms` to the `guild_id` it gives.

        Args:
            guild_id: the guild that both are in.
            user_id: the member.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/dms/post_dms.html
        """
        body = {"recipient_id": checked_id("user_id", user_id), "source_guild_id": checked_id("guild_id", guild_id)}
        return self._call_for(DMS, "POST", "/users/@me/dms", body=body, timeout=timeout)
