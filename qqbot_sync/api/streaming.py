"""Messages to a user that grow while they are written, like on a typewriter.

https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/send-receive/send.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any

from qqbot_sync.api.checks import chosen, given, text, whole, yes_no
from qqbot_sync.api.endpoint import endpoint
from qqbot_sync.api.messages import MessageCalls, anchor_from
from qqbot_sync.api.resource import checked_id, quoted
from qqbot_sync.api.sent import SendUnconfirmed, Sent
from qqbot_sync.clock import Clock
from qqbot_sync.errors import OutcomeUnknown, RateLimited
from qqbot_sync.models import SentMessage, StreamInputState
from qqbot_sync.protocol.replies import User

__all__ = ["MessageStream", "StreamCalls"]

log = logging.getLogger("qqbot_sync.http")

PAUSE = 0.4
"""Seconds between two parts; what is written meanwhile goes with the next one."""
GENERATING, FINISHED = int(StreamInputState.GENERATING), int(StreamInputState.FINISHED)


class StreamCalls(MessageCalls):
    """`/v2/users/{user_openid}/stream_messages`; one to one only. Thread-safe."""

    @endpoint("POST", "/v2/users/{user_openid}/stream_messages", group="c2c messages")
    def post_c2c_stream_message(
        self,
        openid: str,
        *,
        content_raw: str,
        index: int,
        msg_seq: int,
        input_state: int = GENERATING,
        input_mode: str = "append",
        content_type: str = "text",
        stream_msg_id: str | None = None,
        msg_id: str | None = None,
        event_id: str | None = None,
        is_wakeup: bool | None = None,
        timeout: float = 30.0,
    ) -> SentMessage:
        """Sends one part of a growing message; `stream_c2c_message` does all of it.

        Args:
            content_raw: the text: what is added, or (`replace`) the whole text so far, which must begin with what was
                sent before.
            index: number of the part, from 0.
            msg_seq: the same in all parts; one reply to `msg_id`.
            input_state: 1 more will come, 10 this is the last.
            input_mode: `append` or `replace`.
            content_type: `text` or `markdown`.
            stream_msg_id: from the second part on, the `id` that the first one gave.
            msg_id: the message it answers, at most 5 minutes old; or `event_id`.
            event_id: the event it answers.
            is_wakeup: send although the reply window is over.
            timeout: seconds, retries included.

        Raises:
            ApiError: the platform refused.
            OutcomeUnknown: the part may have arrived.
            ConnectionFailed: it was not sent.
        """
        anchor = anchor_from(msg_id, event_id)
        if bool(msg_id) == bool(event_id) and not (is_wakeup and not msg_id):
            raise ValueError("msg_id 与 event_id 必须且只能给一个 / give either msg_id or event_id")
        if not isinstance(content_raw, str):
            raise TypeError(f"content_raw 必须是文本 / content_raw must be text, not {type(content_raw).__name__}")
        body = {
            "input_mode": chosen("input_mode", input_mode, ("append", "replace")),
            "input_state": chosen("input_state", input_state, (GENERATING, FINISHED)),
            "index": whole("index", index, 0, 2**31 - 1),
            "content_type": chosen("content_type", content_type, ("text", "markdown")),
            "content_raw": content_raw,
            "msg_seq": whole("msg_seq", msg_seq, 0, 2**31 - 1),
            **anchor.fields(),
            **given(
                stream_msg_id=None if stream_msg_id is None else text("stream_msg_id", stream_msg_id),
                is_wakeup=None if is_wakeup is None else yes_no("is_wakeup", is_wakeup),
            ),
        }
        path = f"/v2/users/{quoted('openid', openid)}/stream_messages"
        return self._call_for(SentMessage, "POST", path, body=body, timeout=timeout)

    def stream_c2c_message(
        self,
        openid: str,
        *,
        msg_id: str | None = None,
        event_id: str | None = None,
        content_type: str = "markdown",
        timeout: float = 30.0,
    ) -> MessageStream:
        """A reply to a user that grows while it is written; it counts as one reply.

            with api.stream_c2c_message(openid, msg_id=message.id) as stream:
                for chunk in answer:
                    stream.write(chunk)

        Args:
            msg_id: the message it answers, at most 5 minutes old; or `event_id`.
            event_id: the event it answers.
            content_type: `text` or `markdown`.
            timeout: seconds for each part, retries included.
        """
        target = User(checked_id("openid", openid))
        anchor = anchor_from(msg_id, event_id)
        if not anchor or (msg_id and event_id):
            raise ValueError("msg_id 与 event_id 必须且只能给一个 / give either msg_id or event_id")
        chosen("content_type", content_type, ("text", "markdown"))
        number, _ = self._numbers.take(f"{target.path} {anchor.key}")

        def send(content: str, index: int, state: int, id: str | None) -> SentMessage:
            return self.post_c2c_stream_message(
                openid,
                content_raw=content,
                index=index,
                msg_seq=number,
                input_state=state,
                input_mode="replace",
                content_type=content_type,
                stream_msg_id=id,
                msg_id=msg_id,
                event_id=event_id,
                timeout=timeout,
            )

        return MessageStream(target, send, clock=self._caller.clock, recall=self._recall)


class MessageStream:
    """One growing message. Not thread-safe: it belongs to the thread that writes.

    As a context manager it is finished at the end of the block, also after an exception: an unfinished one would go on
    looking as if the bot were typing.
    """

    def __init__(
        self,
        target: User,
        send: Callable[[str, int, int, str | None], SentMessage],
        *,
        clock: Clock,
        recall: Callable[[Any, str], None] | None = None,
    ) -> None:
        self._target = target
        self._send = send
        self._clock = clock
        self._recall = recall
        self._text = ""
        self._index = 0
        self._sent_at = float("-inf")
        self._answers: list[dict[str, Any]] = []
        self.id: str | None = None
        """The message's id, once its first part was sent."""
        self.is_finished = False
        """Whether the last part was sent."""

    def write(self, more: str) -> None:
        """Adds text. It goes out at once, or with what follows within 0.4 seconds.

        Raises:
            ApiError, OutcomeUnknown, ConnectionFailed: as `post_c2c_stream_message`.
            ValueError: the message is finished.
        """
        if not isinstance(more, str):
            raise TypeError(f"只能写入文本 / only text can be written, not {type(more).__name__}")
        if self.is_finished:
            raise ValueError("这条流式消息已结束 / this message is finished")
        self._text += more
        if self._text.strip() and self._clock.now() - self._sent_at >= PAUSE:
            self._part(GENERATING)

    def finish(self) -> Sent:
        """Sends what is left and ends the message. A second call changes nothing.

        Raises:
            ValueError: nothing was written.
            ApiError, OutcomeUnknown, ConnectionFailed: as `write`.
        """
        if not self._text.strip():
            raise ValueError("消息内容为空 / the message is empty")
        if not self.is_finished:
            self._part(FINISHED)
            self.is_finished = True
        if self.id is None:
            reason = "平台接受了消息但没有给出 id / the platform accepted the message without an id"
            return SendUnconfirmed(self._target, reason=reason, raw=self._answers)
        return Sent(self._target, id=self.id, raw=self._answers, recall=self._recall)

    def __enter__(self) -> MessageStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.is_finished or (not self._text.strip() and error is not None):
            return
        try:
            self.finish()
        except Exception:
            if error is None:
                raise
            # The error of the block says more than that the message could not be closed either.
            log.warning("流式消息未能正常结束 / the growing message could not be finished", exc_info=True)

    def _part(self, state: int) -> None:
        # The index is used up whatever becomes of the part: it may have arrived.
        index, self._index = self._index, self._index + 1
        try:
            answer = self._send(self._text, index, state, self.id)
        except (RateLimited, OutcomeUnknown) as error:
            if state == FINISHED or self.id is None:
                raise
            # Each part holds the whole text: the next one makes up for it.
            log.info("流式消息的一部分没有送达,继续 / a part of a growing message was lost, going on: %s", error)
        else:
            self.id = self.id or answer.id
            self._answers.append(answer.to_dict())
        self._sent_at = self._clock.now()
