"""How a message is sent, so that it arrives and does not arrive twice.

In groups and C2C the platform drops a second message with the same (msg_id, msg_seq). So a reply whose outcome is
unknown is repeated under its number, and a number that was refused is never used again. Guild messages have no number:
what may have arrived is not repeated.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn

from qqbot_sync import codec
from qqbot_sync.api.answers import Answer
from qqbot_sync.api.audits import Audits
from qqbot_sync.api.caller import Caller, unknown_outcome
from qqbot_sync.api.form import Picture, encode_form
from qqbot_sync.api.http import NetworkFailure, NotSent, Unknown
from qqbot_sync.api.numbers import Numbers
from qqbot_sync.api.sent import PendingAudit, SendUnconfirmed, Sent
from qqbot_sync.errors import ApiError, DuplicateMessage, RateLimited
from qqbot_sync.protocol.error_codes import NOT_CONNECTED_CODE
from qqbot_sync.protocol.replies import Anchor, Target

__all__ = ["Delivery"]

log = logging.getLogger("qqbot_sync.http")

MOST_RATE_LIMITED = 3
"""Times a reply is repeated after "too many"."""
MOST_FAILED = 1
"""Times a reply is repeated after a code that the platform calls passing."""
MOST_WAITS_FOR_READY = 3
UPLOAD_TIMEOUT = 120.0
"""Seconds until the answer to a picture must have come; the call's own deadline is usually shorter."""
_GATEWAY_SILENT = (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT)


class Delivery:
    """One message on its way. Not thread-safe: it belongs to the thread that sends.

    Args:
        caller: makes the calls.
        target: where it goes.
        fields: the body, without what ties it to another message.
        anchor: the message or event it answers; empty for a proactive message.
        numbers: gives `msg_seq`.
        audits: keeps what a reviewer decides.
        number: a `msg_seq` that the caller chose.
        redelivered: the event that is answered came before, to a process that died.
        wait_ready: waits until the gateway is READY, at most the given seconds.
        picture: goes with it as a file; guild messages only.
        timeout: seconds for everything.
    """

    def __init__(
        self,
        caller: Caller,
        target: Target,
        fields: dict[str, Any],
        *,
        anchor: Anchor,
        numbers: Numbers,
        audits: Audits,
        number: int | None = None,
        redelivered: bool = False,
        wait_ready: Callable[[float], bool] | None = None,
        recall: Callable[[Target, str], None] | None = None,
        picture: Picture | None = None,
        timeout: float = 30.0,
    ) -> None:
        self._caller = caller
        self._target = target
        self._fields = {**fields, **anchor.fields()}
        self._is_reply = bool(anchor)
        self._numbers = numbers
        self._audits = audits
        self._anchor = f"{target.path} {anchor.key}"
        self._is_numbered = target.numbered and self._is_reply
        self._number, self._is_chosen = number, number is not None
        self._redelivered = redelivered
        self._wait_ready = wait_ready
        self._recall = recall
        self._form = None if picture is None else encode_form(self._fields, picture)
        self._patience = caller.patience(timeout)
        self._in_doubt: Exception | None = None
        self._may_renew = True
        self._refusals = 0
        self._waits = 0

    def run(self) -> Sent:
        """Sends it.

        Raises:
            ApiError: the platform refused.
            OutcomeUnknown: it may have arrived.
            ConnectionFailed: the platform could not be reached, nothing was sent.
            Stopped: the client was closed while this waited.
        """
        self._renumber()
        while True:
            try:
                answer = self._once()
            except NotSent as failure:
                self._not_sent(failure)
            except Unknown as failure:
                self._unanswered(failure)
            except ApiError as error:
                # No token, or not at this pace: this try was not sent, but the one before it may have arrived.
                if self._in_doubt is not None:
                    self._raise_unknown(error)
                raise
            else:
                if answer.error is None:
                    return self._accepted(answer)
                unconfirmed = self._refused(answer, answer.error)
                if unconfirmed is not None:
                    return unconfirmed

    def _once(self) -> Answer:
        if self._form is None:
            return self._caller.once("POST", self._target.path, self._payload(), patience=self._patience)
        content_type, body = self._form
        return self._caller.once(
            "POST",
            self._target.path,
            body,
            patience=self._patience,
            headers={"Content-Type": content_type},
            read_timeout=UPLOAD_TIMEOUT,
        )

    def _payload(self) -> bytes:
        return codec.dumps(self._fields if self._number is None else {**self._fields, "msg_seq": self._number})

    def _renumber(self) -> None:
        """A number of its own for what is sent next, unless it has to be the old one."""
        if not self._is_numbered or self._is_chosen:
            return
        if self._number is not None and (self._in_doubt is not None or self._redelivered):
            # What may have arrived keeps its number, so that the platform drops the copy; the dead process counted
            # the replies in this order, so a number that is skipped here would double the next reply.
            return
        self._number, self._redelivered = self._numbers.take(self._anchor, redelivered=self._redelivered)

    def _not_sent(self, failure: NotSent) -> None:
        if not self._patience.pause():
            if self._in_doubt is not None:
                self._raise_unknown(failure)
            self._caller.give_up("POST", self._target.path, failure)

    def _unanswered(self, failure: Unknown) -> None:
        if not self._is_numbered:
            self._raise_unknown(failure)
        self._in_doubt = failure
        if failure.is_stale and not self._patience.is_over():
            return
        if not self._patience.pause():
            self._raise_unknown(failure)

    def _refused(self, answer: Answer, error: ApiError) -> SendUnconfirmed | None:
        """What follows from a refusal: an end without an id, an error, or (None) another try."""
        if isinstance(error, DuplicateMessage) and (self._in_doubt is not None or self._redelivered):
            return self._unconfirmed("平台已收到过这条回复 / the platform had received this reply before", answer)
        if answer.wants_token and self._may_renew:
            self._may_renew = False
            self._caller.token.expire(answer.token)
        elif error.code == NOT_CONNECTED_CODE and self._is_ready_at_last():
            log.info("网关已就绪,重新发送 / the gateway is READY, sending again: POST %s", self._target.path)
        elif answer.is_code_less_failure and self._is_numbered:
            self._in_doubt = error
            if not self._patience.pause(answer.pause):
                self._raise_unknown(error)
        elif answer.is_code_less_failure and answer.status in _GATEWAY_SILENT:
            self._raise_unknown(error)
        elif not self._is_worth_repeating(answer, error):
            if self._in_doubt is not None:
                self._raise_unknown(error)
            raise error
        self._renumber()
        return None

    def _is_worth_repeating(self, answer: Answer, error: ApiError) -> bool:
        most = MOST_RATE_LIMITED if isinstance(error, RateLimited) else MOST_FAILED
        if not self._is_reply or not answer.is_passing_refusal or self._refusals >= most:
            return False
        self._refusals += 1
        return self._patience.pause(answer.pause)

    def _is_ready_at_last(self) -> bool:
        if self._wait_ready is None or self._waits >= MOST_WAITS_FOR_READY:
            return False
        self._waits += 1
        if self._waits > 1 and not self._patience.pause():
            # READY here, and still refused: the platform needs a moment to see the session.
            return False
        left = self._patience.left()
        return left > 0 and self._wait_ready(left)

    def _accepted(self, answer: Answer) -> Sent:
        raw = [answer.data] if isinstance(answer.data, dict) else []
        if answer.audit_id is not None:
            return PendingAudit(
                self._target, audit_id=answer.audit_id, audits=self._audits, raw=raw, recall=self._recall
            )
        id_ = raw[0].get("id") if raw else None
        if isinstance(id_, int) and not isinstance(id_, bool):
            id_ = str(id_)
        if not isinstance(id_, str) or not id_:
            return self._unconfirmed(
                f"平台接受了消息但没有给出 id(HTTP {answer.status}) / "
                f"the platform accepted the message without an id (HTTP {answer.status})",
                answer,
            )
        return Sent(self._target, id=id_, raw=raw, recall=self._recall)

    def _unconfirmed(self, reason: str, answer: Answer) -> SendUnconfirmed:
        log.warning("POST %s: %s", self._target.path, reason)
        return SendUnconfirmed(self._target, reason=reason, raw=[answer.data] if isinstance(answer.data, dict) else [])

    def _raise_unknown(self, cause: NetworkFailure | ApiError) -> NoReturn:
        raise unknown_outcome("POST", self._target.path, cause) from cause
