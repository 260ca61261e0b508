"""Messages in channels, guild DMs, groups and one to one: sending and recalling.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/send.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qqbot_sync.api.audits import Audits
from qqbot_sync.api.checks import Object
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.form import FileImage, Picture, read_picture
from qqbot_sync.api.numbers import Numbers
from qqbot_sync.api.resource import Resource, checked_id, quoted
from qqbot_sync.api.sending import Delivery
from qqbot_sync.api.sent import Sent
from qqbot_sync.protocol.replies import Anchor, Channel, Direct, Group, Target, User

__all__ = ["MessageCalls", "anchor_from", "content_fields"]


class MessageCalls(Resource):
    """Sending and recalling in all four scenes. Thread-safe.

    Every `post_…` raises ApiError when the platform refuses, OutcomeUnknown when the message may have arrived,
    ConnectionFailed when nothing could be sent, and TypeError or ValueError for bad arguments before anything is sent.
    """

    wait_ready: Callable[[float], bool] | None = None
    """Set by `BotClient`: waits until the gateway is READY, at most that many seconds; True if it is."""
    on_sent: Callable[[bool, BaseException | None], None] | None = None
    """Set by `BotClient`: told of each message whether it was a reply, and the error if it was given up."""
    audits: Audits
    """What reviewers decide about messages; fed by `BotClient`."""
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

    @endpoint("POST", "/channels/{channel_id}/messages", group="guild messages")
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
        file_image: FileImage | None = None,
        message_reference: Object | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        timeout: float = 30.0,
    ) -> Sent:
        """Sends to a text channel; needs a running gateway session (304018 otherwise).

        Args:
            image: URL that the platform copies.
            file_image: a picture that is uploaded: its bytes, the path of a file, or a file opened for reading bytes.
            msg_id: the message it answers; with `event_id` None too, it is a proactive message.
            event_id: the event it answers: the `id` of the outer frame.
            timeout: seconds, retries included.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/post_messages.html
        """
        picture = None if file_image is None else read_picture("file_image", file_image)
        fields = content_fields(picture, content=content, embed=embed, ark=ark, markdown=markdown, image=image)
        extra = _given(keyboard=keyboard, message_reference=message_reference)
        target = Channel(checked_id("channel_id", channel_id))
        return self._deliver(target, fields | extra, anchor_from(msg_id, event_id), picture=picture, timeout=timeout)

    post_keyboard_message = post_message
    """botpy's name of `post_message` with `markdown` and `keyboard`."""

    @endpoint("POST", "/dms/{guild_id}/messages", group="dms")
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
        file_image: FileImage | None = None,
        message_reference: Object | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        timeout: float = 30.0,
    ) -> Sent:
        """Sends a guild DM. Arguments as `post_message`; `guild_id` is that of the DM, not of the guild it began in.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/dms/post_dms_messages.html
        """
        picture = None if file_image is None else read_picture("file_image", file_image)
        fields = content_fields(picture, content=content, embed=embed, ark=ark, markdown=markdown, image=image)
        extra = _given(keyboard=keyboard, message_reference=message_reference)
        target = Direct(checked_id("guild_id", guild_id))
        return self._deliver(target, fields | extra, anchor_from(msg_id, event_id), picture=picture, timeout=timeout)

    @endpoint("DELETE", "/channels/{channel_id}/messages/{message_id}", group="guild messages", private_only=True)
    def recall_message(self, channel_id: str, message_id: str, *, hidetip: bool = False, timeout: float = 30.0) -> None:
        """Recalls a channel message (private-domain bots only).

        Args:
            hidetip: hides the grey notice.
            timeout: seconds, retries included.

        Raises:
            ApiError: the platform refused.
            OutcomeUnknown: it may have been recalled.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/reset.html
        """
        path = f"/channels/{quoted('channel_id', channel_id)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, query={"hidetip": bool(hidetip)}, timeout=timeout)

    @endpoint("DELETE", "/dms/{guild_id}/messages/{message_id}", group="dms", private_only=True)
    def recall_dms(self, guild_id: str, message_id: str, *, hidetip: bool = False, timeout: float = 30.0) -> None:
        """Recalls the bot's own guild DM (private-domain bots only). Arguments and errors as `recall_message`.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/dms/delete_dms.html
        """
        path = f"/dms/{quoted('guild_id', guild_id)}/messages/{quoted('message_id', message_id)}"
        self._call("DELETE", path, query={"hidetip": bool(hidetip)}, timeout=timeout)

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
        picture: Picture | None = None,
        timeout: float = 30.0,
    ) -> Sent:
        anchor = anchor or Anchor()
        if anchor.msg_id and anchor.event_id:
            raise ValueError("msg_id 与 event_id 只能给一个 / give either msg_id or event_id, not both")
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise TypeError(f"msg_seq 必须是整数 / msg_seq must be a whole number, not {number!r}")
        delivery = Delivery(
            self._caller,
            target,
            fields,
            anchor=anchor,
            numbers=self._numbers,
            audits=self.audits,
            number=number,
            redelivered=redelivered,
            wait_ready=self.wait_ready,
            recall=self._recall,
            picture=picture,
            timeout=timeout,
        )
        try:
            sent = delivery.run()
        except BaseException as error:
            if self.on_sent is not None:
                self.on_sent(bool(anchor), error)
            raise
        if self.on_sent is not None:
            self.on_sent(bool(anchor), None)
        return sent

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


def anchor_from(msg_id: str | None, event_id: str | None) -> Anchor:
    for name, value in (("msg_id", msg_id), ("event_id", event_id)):
        if value is not None:
            checked_id(name, value)
    return Anchor(msg_id, event_id)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def content_fields(picture: Picture | None = None, /, **fields: Any) -> dict[str, Any]:
    given = _given(**fields)
    if picture is None and not any(given.values()):
        raise ValueError(f"消息内容为空,请给出其中之一 / the message is empty, give one of: {', '.join(fields)}")
    content = given.get("content")
    if content is not None and not isinstance(content, str):
        raise TypeError(f"content 必须是文本 / content must be text, not {type(content).__name__}")
    return given
