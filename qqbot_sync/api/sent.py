"""What became of a message that was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qqbot_sync import codec
from qqbot_sync.api.audits import Audits
from qqbot_sync.api.patience import check_timeout
from qqbot_sync.errors import BotError, ContentRejected, OutcomeUnknown
from qqbot_sync.models import ChatMessage, Message, QQMessage
from qqbot_sync.protocol.replies import Target

__all__ = ["PendingAudit", "SendUnconfirmed", "Sent"]


class Sent:
    """A message that the platform accepted. Thread-safe to read; `recall` blocks on HTTP.

    Attributes:
        target: where it went.
        id: what the platform calls it; None in `SendUnconfirmed` and `PendingAudit`.
        raw: the platform's answers as they came.
    """

    def __init__(
        self,
        target: Target,
        *,
        id: str | None = None,
        raw: list[dict[str, Any]] | None = None,
        recall: Callable[[Target, str], None] | None = None,
    ) -> None:
        self.target = target
        self.id = id
        self.raw = raw or []
        self._recall = recall

    def __repr__(self) -> str:
        return f"<{type(self).__name__} id={self.id!r} target={self.target!r}>"

    @property
    def messages(self) -> list[ChatMessage]:
        """The platform's answers as models: `Message` in guilds, `QQMessage` in groups and C2C."""
        model: type[ChatMessage] = QQMessage if self.target.numbered else Message
        decoder = codec.ModelDecoder()
        return [decoder.decode(model, codec.dumps(answer)) for answer in self.raw]

    def recall(self) -> None:
        """Takes the message back. In groups and C2C only within 2 minutes; in guilds only for private-domain bots.

        Raises:
            ApiError: the platform refused.
            BotError: there is no message id.
        """
        if self.id is None or self._recall is None:
            raise self._no_id()
        self._recall(self.target, self.id)

    def _no_id(self) -> BotError:
        return BotError("这条消息没有 id,无法撤回 / this message has no id, it cannot be recalled")


class SendUnconfirmed(Sent):
    """The platform took the message, but gave no id: it most likely arrived, and cannot be recalled.

    Attributes:
        reason: why there is no id, in Chinese and English.
    """

    def __init__(self, target: Target, *, reason: str, raw: list[dict[str, Any]] | None = None) -> None:
        super().__init__(target, raw=raw)
        self.reason = reason

    def _no_id(self) -> BotError:
        return OutcomeUnknown(f"{self.reason};无法撤回 / it cannot be recalled")


class PendingAudit(Sent):
    """A human reviews the message first; MESSAGE_AUDIT_PASS or MESSAGE_AUDIT_REJECT tells the outcome.

    Attributes:
        audit_id: the id that those events carry.
        id: None until `wait` has returned.
    """

    def __init__(
        self,
        target: Target,
        *,
        audit_id: str,
        audits: Audits,
        raw: list[dict[str, Any]] | None = None,
        recall: Callable[[Target, str], None] | None = None,
    ) -> None:
        super().__init__(target, raw=raw, recall=recall)
        self.audit_id = audit_id
        self._audits = audits
        self._case = audits.expect(audit_id)

    def __repr__(self) -> str:
        return f"<PendingAudit audit_id={self.audit_id!r} target={self.target!r}>"

    def wait(self, timeout: float | None = None) -> Sent:
        """The message as it was sent, once a reviewer has let it pass; also when that happened before this call.

        A handler that waits gives its worker to others meanwhile.

        Args:
            timeout: seconds; None waits for as long as it takes, which may be hours.

        Raises:
            ContentRejected: it was not let pass.
            TimeoutError: nothing was decided in time; it may be waited for again.
            InvalidIntents: the client did not ask for MESSAGE_AUDIT, so that it never hears of it.
            Stopped: the client was stopped, or is not running; after a fatal error, that error.
            BotError: the message was sent by an `Api` without a client.
        """
        verdict = self._audits.wait(self._case, None if timeout is None else check_timeout(timeout))
        event = verdict.event
        if not verdict.passed:
            raise ContentRejected(
                f"消息未通过审核(audit_id {self.audit_id}) / the reviewer did not let the message pass",
                method="POST",
                path=self.target.path,
                hint="请修改内容后重新发送 / Change the text and send it again",
            )
        if not event.message_id:
            return SendUnconfirmed(
                self.target,
                reason="审核通过,但平台没有给出消息 id / it passed, but the platform gave no message id",
                raw=[event.to_dict()],
            )
        self.id = event.message_id
        places = {"channel_id": event.channel_id, "guild_id": event.guild_id}
        raw = {"id": self.id, **{name: value for name, value in places.items() if value}}
        return Sent(self.target, id=self.id, raw=[raw], recall=self._recall)

    def _no_id(self) -> BotError:
        return BotError(
            "消息还在审核,没有 id,无法撤回 / the message is under review and has no id yet, it cannot be recalled"
        )
