"""Messages to QQ groups and users: sending and recalling.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/send.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qqbot_sync.api.checks import Object, chosen, given, object_of, text, whole, yes_no
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.messages import MessageCalls, anchor_from, content_fields
from qqbot_sync.api.resource import checked_id, quoted
from qqbot_sync.api.sent import Sent
from qqbot_sync.models import Media, Model, MsgType, UploadedFile
from qqbot_sync.protocol.replies import Anchor, Group, User

__all__ = ["QQMessageCalls"]

LONGEST_INPUT = 60
"""Seconds for which "is typing" may be shown."""


class QQMessageCalls(MessageCalls):
    """`/v2/groups/{group_openid}/messages` and `/v2/users/{openid}/messages`. Thread-safe; errors as `MessageCalls`."""

    @endpoint("POST", "/v2/groups/{group_openid}/messages", group="group messages")
    def post_group_message(
        self,
        group_openid: str,
        *,
        content: str | None = None,
        markdown: Object | None = None,
        ark: Object | None = None,
        embed: Object | None = None,
        media: Object | None = None,
        keyboard: Object | None = None,
        message_reference: Object | None = None,
        msg_type: int | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        msg_seq: int | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
    ) -> Sent:
        """Sends to a QQ group.

        Args:
            content: text; may go with `media`, not with `markdown`.
            media: what `upload` or `post_group_file` gave; a file uploaded for users does not do.
            keyboard: buttons, below `markdown`.
            msg_type: None: derived from what is sent (0 text, 2 markdown, 3 ark, 4 embed, 7 media).
            msg_id: the message it answers; with `event_id` None too, it is a proactive message.
            event_id: the event it answers: the `id` of the outer frame.
            msg_seq: None: counted, for all threads together.
            extra: fields that are not documented, sent as they are.
            timeout: seconds, retries included.
        """
        target = Group(checked_id("group_openid", group_openid))
        fields = content_fields(content=content, markdown=markdown, ark=ark, embed=embed, media=_media(media))
        return self._post_qq(
            target,
            fields,
            given(keyboard=keyboard, message_reference=message_reference),
            anchor=anchor_from(msg_id, event_id),
            msg_type=msg_type,
            msg_seq=msg_seq,
            extra=extra,
            timeout=timeout,
        )

    @endpoint("POST", "/v2/users/{user_openid}/messages", group="c2c messages")
    def post_c2c_message(
        self,
        openid: str,
        *,
        content: str | None = None,
        markdown: Object | None = None,
        ark: Object | None = None,
        embed: Object | None = None,
        media: Object | None = None,
        input_notify: Object | None = None,
        keyboard: Object | None = None,
        message_reference: Object | None = None,
        is_wakeup: bool | None = None,
        msg_type: int | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        msg_seq: int | None = None,
        extra: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
    ) -> Sent:
        """Sends to one user. Arguments as `post_group_message`, and:

        Args:
            media: what `upload` or `post_c2c_file` gave; a file uploaded for groups does not do.
            input_notify: shows "is typing": `{"input_type": 1, "input_second": 1 to 60}`, in place of a text.
            is_wakeup: one of the few messages that may follow when the reply window is over; answers nothing.
            msg_type: None: derived from what is sent (also 6 for `input_notify`).
        """
        if is_wakeup is not None and yes_no("is_wakeup", is_wakeup) and (msg_id or event_id):
            raise ValueError("is_wakeup 不能与 msg_id 或 event_id 同时使用 / is_wakeup excludes msg_id and event_id")
        target = User(checked_id("openid", openid))
        _check_input(input_notify)
        fields = content_fields(
            content=content, markdown=markdown, ark=ark, embed=embed, media=_media(media), input_notify=input_notify
        )
        return self._post_qq(
            target,
            fields,
            given(keyboard=keyboard, message_reference=message_reference, is_wakeup=is_wakeup),
            anchor=anchor_from(msg_id, event_id),
            msg_type=msg_type,
            msg_seq=msg_seq,
            extra=extra,
            timeout=timeout,
        )

    @endpoint("DELETE", "/v2/groups/{group_openid}/messages/{message_id}", group="group messages")
    def recall_group_message(self, group_openid: str, message_id: str, *, timeout: float = 30.0) -> None:
        """Recalls a message in a group, at most 2 minutes old: the bot's own; as an admin also a member's.

        Args:
            timeout: seconds, retries included.
        """
        path = f"/v2/groups/{quoted('group_openid', group_openid)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, timeout=timeout)

    @endpoint("DELETE", "/v2/users/{user_openid}/messages/{message_id}", group="c2c messages")
    def recall_c2c_message(self, openid: str, message_id: str, *, timeout: float = 30.0) -> None:
        """Recalls the bot's own message to a user, at most 2 minutes old.

        Args:
            timeout: seconds, retries included.
        """
        path = f"/v2/users/{quoted('openid', openid)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, timeout=timeout)

    def _post_qq(
        self,
        target: Group | User,
        fields: dict[str, Any],
        more: dict[str, Any],
        *,
        anchor: Anchor,
        msg_type: int | None,
        msg_seq: int | None,
        extra: Mapping[str, Any] | None,
        timeout: float,
    ) -> Sent:
        if fields.get("content") and "markdown" in fields:
            raise ValueError(
                "有 markdown 时 content 必须为空 / content must be empty where there is markdown: put the text into it"
            )
        if extra is not None:
            object_of("extra", extra)
        body = {**fields, **more, "msg_type": _type_of(fields, msg_type), **(extra or {})}
        return self._deliver(target, body, anchor, number=msg_seq, timeout=timeout)


_TYPES = (("media", 7), ("input_notify", 6), ("markdown", 2), ("ark", 3), ("embed", 4))


def _type_of(fields: dict[str, Any], msg_type: int | None) -> int:
    if msg_type is not None:
        return int(chosen("msg_type", msg_type, [int(kind) for kind in MsgType]))
    return next((number for name, number in _TYPES if name in fields), 0)


def _media(media: Object | None) -> Object | None:
    if media is None:
        return None
    if isinstance(media, UploadedFile):
        media = media.media
    info = media.file_info if isinstance(media, Media) else _value(object_of("media", media), "file_info")
    text("media.file_info", info)
    return media


def _check_input(notify: Object | None) -> None:
    if notify is None:
        return
    seconds = _value(object_of("input_notify", notify), "input_second")
    if seconds is not None:
        whole("input_notify.input_second", seconds, 1, LONGEST_INPUT)


def _value(value: Object, name: str) -> Any:
    return getattr(value, name, None) if isinstance(value, Model) else value.get(name)
