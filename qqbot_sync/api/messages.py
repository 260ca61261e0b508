"""Messages in channels, guild DMs, groups and one to one: sending and recalling.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/send.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qqbot_sync.api.numbers import Numbers
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.api.sending import Delivery
from qqbot_sync.api.sent import Sent
from qqbot_sync.protocol.replies import Anchor, Channel, Direct, Group, Target, User

__all__ = ["MessageCalls"]

Object = Mapping[str, Any]


class MessageCalls(Resource):
    """Sending and recalling in all four scenes. Thread-safe.

    Every `post_…` raises ApiError when the platform refuses, OutcomeUnknown when the message may have arrived,
    ConnectionFailed when nothing could be sent, and TypeError or ValueError for bad arguments before anything is sent.
    """

    wait_ready: Callable[[float], bool] | None = None
    """Set by `BotClient`: waits until the gateway is READY, at most that many seconds; True if it is."""
    _numbers: Numbers

    def send(
        self,
        target: Target,
        *parts: str,
        anchor: Anchor | None = None,
        redelivered: bool = False,
        timeout: float = 30.0,
    ) -> Sent:
        """Sends one text message.

        Args:
            target: `Channel(id)`, `Direct(guild_id)`, `Group(openid)` or `User(openid)`.
            parts: texts, joined in order into one message.
            anchor: the message or event it answers; None for a proactive message.
            redelivered: the event that is answered may have been answered by a process that died.
            timeout: seconds for everything, retries and the wait for the gateway included.

        Raises:
            ApiError: the platform refused.
            OutcomeUnknown: it may have arrived.
            ConnectionFailed: nothing could be sent.
        """
        if not isinstance(target, (Channel, Direct, Group, User)):
            raise TypeError(
                f"target 必须是 Channel、Direct、Group 或 User / "
                f"target must be a Channel, Direct, Group or User of qqbot_sync, not {target!r}"
            )
        fields: dict[str, Any] = {"content": _joined(parts)}
        if target.numbered:
            fields["msg_type"] = 0
        return self._deliver(target, fields, anchor, redelivered=redelivered, timeout=timeout)

    def post_message(
        self,
        channel_id: str,
        *,
        content: str | None = None,
        embed: Object | None = None,
        ark: Object | None = None,
        markdown: Object | None = None,
        keyboard: Object | None = None,
        image: str | None = None,
        message_reference: Object | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        timeout: float = 30.0,
    ) -> Sent:
        """Sends to a text channel; needs a running gateway session (304018 otherwise).

        Args:
            image: URL that the platform copies.
            msg_id: the message it answers; with `event_id` None too, it is a proactive message.
            event_id: the event it answers: the `id` of the outer frame.
            timeout: seconds, retries included.
        """
        fields = _fields(content=content, embed=embed, ark=ark, markdown=markdown, image=image)
        extra = _given(keyboard=keyboard, message_reference=message_reference)
        target = Channel(checked_id("channel_id", channel_id))
        return self._deliver(target, fields | extra, _anchor(msg_id, event_id), timeout=timeout)

    def post_dms(
        self,
        guild_id: str,
        *,
        content: str | None = None,
        embed: Object | None = None,
        ark: Object | None = None,
        markdown: Object | None = None,
        keyboard: Object | None = None,
        image: str | None = None,
        message_reference: Object | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        timeout: float = 30.0,
    ) -> Sent:
        """Sends a guild DM. Arguments as `post_message`; `guild_id` is that of the DM, not of the guild it began in."""
        fields = _fields(content=content, embed=embed, ark=ark, markdown=markdown, image=image)
        extra = _given(keyboard=keyboard, message_reference=message_reference)
        target = Direct(checked_id("guild_id", guild_id))
        return self._deliver(target, fields | extra, _anchor(msg_id, event_id), timeout=timeout)

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
        timeout: float = 30.0,
    ) -> Sent:
        """Sends to a QQ group.

        Args:
            media: `{"file_info": …}` of a file uploaded for groups.
            msg_type: None: derived from what is sent (0 text, 2 markdown, 3 ark, 4 embed, 7 media).
            msg_id: the message it answers; with `event_id` None too, it is a proactive message.
            event_id: the event it answers: the `id` of the outer frame.
            msg_seq: None: counted, for all threads together.
            timeout: seconds, retries included.
        """
        fields = _fields(content=content, markdown=markdown, ark=ark, embed=embed, media=media)
        extra = _given(keyboard=keyboard, message_reference=message_reference, msg_type=_type_of(fields, msg_type))
        target = Group(checked_id("group_openid", group_openid))
        return self._deliver(target, fields | extra, _anchor(msg_id, event_id), number=msg_seq, timeout=timeout)

    def post_c2c_message(
        self,
        openid: str,
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
        timeout: float = 30.0,
    ) -> Sent:
        """Sends to one user. Arguments as `post_group_message`; `media` must have been uploaded for users."""
        fields = _fields(content=content, markdown=markdown, ark=ark, embed=embed, media=media)
        extra = _given(keyboard=keyboard, message_reference=message_reference, msg_type=_type_of(fields, msg_type))
        target = User(checked_id("openid", openid))
        return self._deliver(target, fields | extra, _anchor(msg_id, event_id), number=msg_seq, timeout=timeout)

    def recall_message(self, channel_id: str, message_id: str, *, hidetip: bool = False, timeout: float = 30.0) -> None:
        """Recalls a channel message (private-domain bots only).

        Args:
            hidetip: hides the grey notice.
            timeout: seconds, retries included.

        Raises:
            ApiError: the platform refused.
            OutcomeUnknown: it may have been recalled.
        """
        path = f"/channels/{quoted('channel_id', channel_id)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, query={"hidetip": bool(hidetip)}, timeout=timeout)

    def recall_dms(self, guild_id: str, message_id: str, *, hidetip: bool = False, timeout: float = 30.0) -> None:
        """Recalls the bot's own guild DM (private-domain bots only). Arguments and errors as `recall_message`."""
        path = f"/dms/{quoted('guild_id', guild_id)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, query={"hidetip": bool(hidetip)}, timeout=timeout)

    def recall_group_message(self, group_openid: str, message_id: str, *, timeout: float = 30.0) -> None:
        """Recalls the bot's own message in a group, at most 2 minutes old. Errors as `recall_message`."""
        path = f"/v2/groups/{quoted('group_openid', group_openid)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, timeout=timeout)

    def recall_c2c_message(self, openid: str, message_id: str, *, timeout: float = 30.0) -> None:
        """Recalls the bot's own message to a user, at most 2 minutes old. Errors as `recall_message`."""
        path = f"/v2/users/{quoted('openid', openid)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, timeout=timeout)

    def restart_numbers(self, target: Target, anchor: Anchor) -> None:
        """The event behind `anchor` is delivered again: its replies count `msg_seq` from 1, as they did before."""
        if anchor:
            self._numbers.restart(f"{target.path} {anchor.key}")

    def _deliver(
        self,
        target: Target,
        fields: dict[str, Any],
        anchor: Anchor | None,
        *,
        number: int | None = None,
        redelivered: bool = False,
        timeout: float = 30.0,
    ) -> Sent:
        anchor = anchor or Anchor()
        if anchor.msg_id and anchor.event_id:
            raise ValueError("msg_id 与 event_id 只能给一个 / give either msg_id or event_id, not both")
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise TypeError(f"msg_seq 必须是整数 / msg_seq must be a whole number, not {number!r}")
        return Delivery(
            self._caller,
            target,
            fields,
            anchor=anchor,
            numbers=self._numbers,
            number=number,
            redelivered=redelivered,
            wait_ready=self.wait_ready,
            recall=self._recall,
            timeout=timeout,
        ).run()

    def _recall(self, target: Target, message_id: str) -> None:
        self._call("DELETE", f"{target.path}/{quoted('message_id', message_id)}")


def _joined(parts: tuple[str, ...]) -> str:
    for part in parts:
        if not isinstance(part, str):
            raise TypeError(
                f"只能发送文本,请先用 str() 转换 / only text can be sent, convert it with str(): {type(part).__name__}"
            )
    text = "".join(parts)
    if not text.strip():
        raise ValueError("消息内容为空 / the message is empty")
    return text


def _anchor(msg_id: str | None, event_id: str | None) -> Anchor:
    for name, value in (("msg_id", msg_id), ("event_id", event_id)):
        if value is not None:
            checked_id(name, value)
    return Anchor(msg_id, event_id)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _fields(**fields: Any) -> dict[str, Any]:
    given = _given(**fields)
    if not any(given.values()):
        raise ValueError(f"消息内容为空,请给出其中之一 / the message is empty, give one of: {', '.join(fields)}")
    content = given.get("content")
    if content is not None and not isinstance(content, str):
        raise TypeError(f"content 必须是文本 / content must be text, not {type(content).__name__}")
    return given


_TYPES = (("media", 7), ("markdown", 2), ("ark", 3), ("embed", 4))


def _type_of(fields: dict[str, Any], msg_type: int | None) -> int:
    if msg_type is not None:
        return msg_type
    return next((number for name, number in _TYPES if name in fields), 0)
