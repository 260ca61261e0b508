"""What a handler gets beside its event: where it came from, and how to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qqbot_sync import codec
from qqbot_sync.errors import BotError
from qqbot_sync.events import Keys, RawEvent, spec_of
from qqbot_sync.protocol.replies import Anchor, Target, anchor_of, reply_target

if TYPE_CHECKING:
    from qqbot_sync.api import Api, Sent
    from qqbot_sync.client import BotClient

__all__ = ["Context"]

_NOT_YET = object()


class Context:
    """One event on its way through the handlers. Thread-safe to read and to reply from.

    Attributes:
        client: the `BotClient` it came through.
        propagation_stopped: whether `stop_propagation()` was called.
    """

    __slots__ = ("_decoder", "_event", "_raw", "_raw_event", "client", "propagation_stopped")

    def __init__(self, client: BotClient, raw_event: RawEvent, decoder: codec.ModelDecoder) -> None:
        self.client = client
        self._raw_event = raw_event
        self._decoder = decoder
        self._event: Any = _NOT_YET
        self._raw: Any = _NOT_YET
        self.propagation_stopped = False

    # -- what came ------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The platform's name of the event, such as `GROUP_AT_MESSAGE_CREATE`."""
        return self._raw_event.name

    @property
    def event(self) -> Any:
        """The event as its model; as plain JSON values where the event is unknown."""
        if self._event is _NOT_YET:
            spec = spec_of(self._raw_event.name)
            if spec is None or spec.model is None:
                self._event = self.raw
            else:
                event = self._decoder.decode(spec.model, self._raw_event.d, event=self._raw_event.name)
                if spec.is_message:
                    # A context of its own, that does not hold the message: nothing here waits for the collector.
                    handle = Context(self.client, self._raw_event, self._decoder)
                    object.__setattr__(event, "_context", handle)
                self._event = event
        return self._event

    @property
    def raw(self) -> Any:
        """`d` as it came, decoded from JSON and nothing else."""
        if self._raw is _NOT_YET:
            self._raw = codec.loads(self._raw_event.d)
        return self._raw

    @property
    def envelope(self) -> dict[str, Any]:
        """The whole frame as a dict."""
        frame = codec.loads(self._raw_event.frame)
        return frame if isinstance(frame, dict) else {}

    @property
    def content(self) -> str:
        """The text of a message; "" for anything else."""
        content = getattr(self.event, "content", "")
        return content if isinstance(content, str) else ""

    @property
    def event_id(self) -> str | None:
        """The `id` of the frame, which replies to non-messages refer to."""
        return self._raw_event.event_id

    @property
    def seq(self) -> int | None:
        """The frame's number within its session."""
        return self._raw_event.seq

    @property
    def shard(self) -> tuple[int, int]:
        """(shard id, shard count) of the connection it came through."""
        return self._raw_event.shard

    @property
    def keys(self) -> Keys:
        """Which event it is, where it happened and whose it is: what ordering and dedupe go by."""
        return self._raw_event.keys

    @property
    def redelivered(self) -> bool:
        """Whether a process that died may have begun to handle this event before."""
        return self._raw_event.redelivered

    @property
    def received_at(self) -> float:
        """When it arrived, in monotonic seconds."""
        return self._raw_event.received_at

    @property
    def bot_id(self) -> str | None:
        """The bot's own user id, by which guild messages mention it; None where it is not known. Asks nobody."""
        return self.client.bot_id

    # -- what to do -----------------------------------------------------------------------------------------------

    @property
    def api(self) -> Api:
        """Every call of the platform's OpenAPI."""
        return self.client.api

    @property
    def target(self) -> Target | None:
        """Where a reply goes; None for an event that cannot be answered."""
        return reply_target(self.name, self.raw)

    @property
    def anchor(self) -> Anchor:
        """What a reply refers to: the message, or the event."""
        return anchor_of(self.name, self.raw, self.event_id)

    def reply(self, *parts: str, timeout: float = 30.0) -> Sent:
        """Answers where the event came from, as a passive message. Thread-safe.

        Args:
            parts: the text, joined.
            timeout: seconds for everything, retries and waiting for the gateway included.

        Raises:
            ApiError: the platform refused; see the tree in `qqbot_sync.errors`.
            OutcomeUnknown: the connection broke and nobody can tell whether the message arrived.
            BotError: this event cannot be answered.
        """
        target = self.target
        if target is None:
            raise BotError(
                f"{self.name} 事件无法回复:平台没有给出会话 / "
                f"{self.name} cannot be answered: it names no conversation; use client.send(target, …)"
            )
        return self.client.api.send(target, *parts, anchor=self.anchor, redelivered=self.redelivered, timeout=timeout)

    def ask(self, prompt: str | None = None, timeout: float | None = 300.0) -> Context:
        """Sends `prompt` and waits for the next message of the same person in the same conversation.

        The answer goes to the asker and to no other handler. While it waits, this handler gives its worker and its
        place in the queue to others.

        Args:
            prompt: None to ask nothing and only wait.
            timeout: seconds; None waits for ever.

        Returns:
            The context of the answer: `.content`, `.event`, `.reply()`.

        Raises:
            TimeoutError: nobody answered in time.
            TooManyWaiting: `max_waiting` handlers wait already.
            Stopped: the client was stopped.
        """
        return self.client._ask(self, prompt, timeout)

    def wait_for(
        self,
        event: Any,
        check: Callable[[Context], bool] | None = None,
        timeout: float | None = None,
    ) -> Context:
        """`client.wait_for`, from inside a handler: its worker and its place in the queue serve others meanwhile."""
        return self.client.wait_for(event, check=check, timeout=timeout)

    def ack(self, code: int = 0) -> None:
        """Tells the user how a pressed button or a menu entry was taken (INTERACTION_CREATE). Thread-safe.

        Without it the client itself answers 0 after 1.4 seconds, whatever the handlers are doing. Calling it again with
        the same code does nothing.

        Args:
            code: 0 done, 1 failed, 2 too frequent, 3 repeated, 4 no permission, 5 admins only.

        Raises:
            BotError: this event is no interaction, or it was answered before, with another code.
            ApiError: the platform refused.
            OutcomeUnknown: the connection broke and nobody can tell whether it was answered.

        https://bot.q.qq.com/wiki/develop/api-v2/server-inter/message/trans/msg-btn.html
        """
        interaction_id = self.raw.get("id") if isinstance(self.raw, dict) else None
        if self.name != "INTERACTION_CREATE" or not isinstance(interaction_id, str) or not interaction_id:
            raise BotError(
                f"{self.name} 不是可以回应的互动,ack() 只用于 INTERACTION_CREATE / "
                f"{self.name} is no interaction with an id: ack() is for INTERACTION_CREATE only"
            )
        self.client._acknowledge(interaction_id, code)

    def stop_propagation(self) -> None:
        """No further handler sees this event."""
        self.propagation_stopped = True

    def __repr__(self) -> str:
        return f"<Context {self.name} s={self.seq} id={self.event_id!r}>"
