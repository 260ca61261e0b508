"""Every error this package raises, as one tree.

    BotError
    ├── ApiError                     the platform refused an HTTP call (status, code, trace id, remedy)
    │   ├── Forbidden                403, or a permission the bot does not have
    │   ├── NotFound                 404, or an id the platform does not know
    │   ├── QuotaExceeded            a daily or per-conversation allowance is used up
    │   ├── ReplyExpired             the reply window or the number of replies is over
    │   ├── DuplicateMessage         this (msg_id, msg_seq) was sent before
    │   ├── ContentRejected          the text breaks a rule of the platform
    │   ├── UrlNotAllowed            a URL that is not registered in the console
    │   ├── MediaError               upload, download or conversion of a file failed
    │   ├── NotInGroup               the bot is not in the group, or not a friend
    │   ├── ActiveMessageForbidden   proactive messages are switched off here
    │   ├── ServerError              5xx without a code of its own
    │   ├── AuthenticationFailed *   wrong app id, secret or token
    │   └── RateLimited *            too many calls; `retry_after` seconds
    ├── GatewayError                 the WebSocket session could not be had or kept
    │   ├── ConnectionFailed         the gateway cannot be reached
    │   ├── InvalidSession           the session was refused, again and again
    │   ├── HeartbeatTimeout         the peer stopped answering
    │   ├── InvalidIntents           an intent the bot was not granted
    │   ├── UnknownOpcode            the platform and this package disagree about the protocol
    │   ├── BotBanned                the platform has banned or delisted the bot
    │   └── AuthenticationFailed *, RateLimited *
    ├── Stopped                      the client was stopped while the call waited
    ├── OutcomeUnknown               nobody can tell whether the message was sent
    ├── TooManyWaiting               more than `max_waiting` handlers wait at once
    ├── AlreadyRunning               this bot runs in this process already
    └── InsufficientPermissions      `IntentReport.raise_for_missing()`

The two marked * are both an ApiError and a GatewayError: they come from either side.
Errors are immutable values once raised and safe to share between threads. None ever holds a secret or a token.
"""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = [
    "ActiveMessageForbidden",
    "AlreadyRunning",
    "ApiError",
    "AuthenticationFailed",
    "BotBanned",
    "BotError",
    "ConnectionFailed",
    "ContentRejected",
    "DuplicateMessage",
    "Forbidden",
    "GatewayError",
    "HeartbeatTimeout",
    "InsufficientPermissions",
    "InvalidIntents",
    "InvalidSession",
    "MediaError",
    "NotFound",
    "NotInGroup",
    "OutcomeUnknown",
    "QuotaExceeded",
    "RateLimited",
    "ReplyExpired",
    "ServerError",
    "Stopped",
    "TooManyWaiting",
    "UnknownOpcode",
    "UrlNotAllowed",
]


E = TypeVar("E", bound="BotError")


class BotError(Exception):
    """The root of the tree: catch it to catch everything this package raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied and pickled by calling the class with `args`, which knows no keyword-only argument.
        return _restored, (type(self), self.args, dict(self.__dict__))


def _restored(kind: type[E], args: tuple[Any, ...], facts: dict[str, Any]) -> E:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class ApiError(BotError):
    """The platform refused an HTTP call.

    https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/error-trace/openapi.html
    """

    status: int | None
    """HTTP status; None where the refusal did not come over HTTP (a close code of the gateway)."""
    code: int | None
    """The platform's error code; None when the answer carried none."""
    message: str
    """What the platform said, word for word."""
    trace_id: str | None
    """Quote it when asking Tencent for help."""
    method: str | None
    path: str | None
    hint: str | None
    """What it means and what to do, in Chinese and English; None for a code nobody has met yet."""
    retryable: bool
    """True when the same call may succeed later without any change."""

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: int | None = None,
        trace_id: str | None = None,
        method: str | None = None,
        path: str | None = None,
        hint: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.trace_id = trace_id
        self.method = method
        self.path = path
        self.hint = hint
        self.retryable = retryable

    def __str__(self) -> str:
        where = f"{self.method} {self.path}: " if self.method and self.path else ""
        facts = [
            f"HTTP {self.status}" if self.status is not None else "",
            f"code {self.code}" if self.code is not None else "",
            f"trace id {self.trace_id}" if self.trace_id else "",
        ]
        said = self.message or "no message"
        known = ", ".join(fact for fact in facts if fact)
        text = f"{where}{said}" + (f" ({known})" if known else "")
        return f"{text}\n{self.hint}" if self.hint else text


class Forbidden(ApiError):
    """The bot may not do this: HTTP 403, or a code that names a missing permission."""


class NotFound(ApiError):
    """HTTP 404, or an id the platform does not know."""


class QuotaExceeded(ApiError):
    """An allowance is used up (proactive messages, schedules, uploads); it comes back with time, not with retries."""


class ReplyExpired(ApiError):
    """The reply window of the message is over, or all its replies are used."""


class DuplicateMessage(ApiError):
    """The platform has seen this (msg_id, msg_seq) before (40054005)."""


class ContentRejected(ApiError):
    """The text breaks a rule of the platform: forbidden words, too long, wrong format."""


class UrlNotAllowed(ContentRejected):
    """The text holds a URL that is not registered in the console (304003, 40054010)."""


class MediaError(ApiError):
    """A file could not be uploaded, fetched or converted."""


class NotInGroup(ApiError):
    """The bot is not in this group, or is not a friend of this user."""


class ActiveMessageForbidden(ApiError):
    """Proactive messages are switched off for this bot or by this user."""


class ServerError(ApiError):
    """The platform failed (5xx)."""


class GatewayError(BotError):
    """The WebSocket session could not be had or kept."""

    close_code: int | None
    """The close code of the gateway that said so, where one did."""
    hint: str | None
    """What to do, in Chinese and English."""

    def __init__(self, message: str = "", *, close_code: int | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.close_code = close_code
        self.hint = hint

    def __str__(self) -> str:
        text = str(self.args[0]) if self.args else ""
        if self.close_code is not None:
            text = f"{text} (close code {self.close_code})"
        return f"{text}\n{self.hint}" if self.hint else text


class ConnectionFailed(GatewayError):
    """The gateway cannot be reached; `__cause__` is the last error of the network."""


class InvalidSession(GatewayError):
    """The platform refused the session again and again (op 9)."""


class HeartbeatTimeout(GatewayError):
    """The peer stopped acknowledging heartbeats."""


class InvalidIntents(GatewayError):
    """An intent that a handler needs was not granted (op 9, 4013, 4014)."""


class UnknownOpcode(GatewayError):
    """The platform calls our opcode, payload or version wrong (4001, 4002, 4012): an error of this package."""


class BotBanned(GatewayError):
    """The bot is banned or delisted (4914, 4915)."""


class AuthenticationFailed(ApiError, GatewayError):
    """Wrong app id or secret, or a token that the platform keeps refusing."""

    def __init__(self, message: str = "", *, close_code: int | None = None, **facts: object) -> None:
        ApiError.__init__(self, message, **facts)  # type: ignore[arg-type]
        self.close_code = close_code

    def __str__(self) -> str:
        return ApiError.__str__(self)


class RateLimited(ApiError, GatewayError):
    """Too many calls. `retry_after` is the time to wait, in seconds."""

    retry_after: float

    def __init__(
        self, message: str = "", *, retry_after: float, close_code: int | None = None, **facts: object
    ) -> None:
        ApiError.__init__(self, message, **facts)  # type: ignore[arg-type]
        self.retry_after = retry_after
        self.close_code = close_code

    def __str__(self) -> str:
        return f"{ApiError.__str__(self)} [retry after {self.retry_after:g} s]"


class Stopped(BotError):
    """The client was stopped while this call waited."""


class OutcomeUnknown(BotError):
    """The connection broke after the request had left: the message may or may not have arrived.

    Raised only where repeating the call could send a message twice. `__cause__` is the error of the network.
    """


class TooManyWaiting(BotError):
    """More than `max_waiting` handlers wait in `ask` or `wait_for` at the same time."""


class AlreadyRunning(BotError):
    """A client for this app id and shard runs in this process already."""


class InsufficientPermissions(BotError):
    """The bot lacks intents that its handlers need; raised by `IntentReport.raise_for_missing()`."""
