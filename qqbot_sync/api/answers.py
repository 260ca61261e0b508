"""What the platform answered: its data, or the error it stands for."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from qqbot_sync import codec
from qqbot_sync.api.http import Response
from qqbot_sync.errors import ApiError, RateLimited
from qqbot_sync.protocol.error_codes import (
    AUDIT_CODES,
    ERROR_CODES,
    IP_WHITELIST_CODES,
    TOKEN_CODES,
    ErrorCode,
    Retry,
    classify,
)

__all__ = ["Answer", "read_answer"]

DEFAULT_RETRY_AFTER = 1.0
"""Seconds, where the platform names no time: `Retry-After` is not documented."""
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass
class Answer:
    """One answer of the platform, read but not yet judged by what the caller wanted. Not thread-safe."""

    status: int
    data: Any
    """The body as decoded; None when it is empty or no JSON."""
    body: bytes
    is_json: bool
    trace_id: str | None
    error: ApiError | None = None
    """What it means as a failure; None for a success."""
    known: ErrorCode | None = None
    """The row of the catalogue that `error` was made from."""
    audit_id: str | None = None
    """The message waits for a reviewer under this id."""
    retry_after: float | None = None
    """Seconds, as the platform said."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """As they came; case does not matter."""
    token: str = field(default="", repr=False)
    """The access token the call was made with."""

    @property
    def wants_token(self) -> bool:
        """Whether another access token may help."""
        if self.error is None or self.error.code in IP_WHITELIST_CODES:
            return False
        return self.status == HTTPStatus.UNAUTHORIZED or self.error.code in TOKEN_CODES

    @property
    def is_code_less_failure(self) -> bool:
        """A 5xx that does not come from the call itself: nobody can tell what became of the request."""
        return self.error is not None and self.status >= 500 and self.error.code is None

    @property
    def is_passing_refusal(self) -> bool:
        """Whether the platform did nothing, and says (or is known to mean) that another try may do."""
        if self.error is None or self.known is None or self.wants_token:
            return False
        documented = self.error.code in ERROR_CODES and self.known.retry in (Retry.YES, Retry.ONCE)
        return documented or isinstance(self.error, RateLimited)

    @property
    def may_pass(self) -> bool:
        """Whether the same call, repeated, may succeed within seconds."""
        failed = self.status >= 500 and self.known is not None and self.known.retry is not Retry.NO
        return failed or self.is_passing_refusal

    @property
    def pause(self) -> float | None:
        """Seconds to wait at least before another try."""
        return self.error.retry_after if isinstance(self.error, RateLimited) else self.retry_after


def read_answer(response: Response, *, method: str, path: str, wall: float = 0.0) -> Answer:
    """Reads an answer. A success is 2xx and no error code in its JSON object; 304023 and 304024 are no failures.

    Args:
        path: of the call, for the text of the error.
        wall: seconds since 1970, for a `Retry-After` that is a date.
    """
    data, is_json = _decoded(response.body)
    fields = data if isinstance(data, dict) else {}
    code = _code(fields)
    answer = Answer(
        status=response.status,
        data=data,
        body=response.body,
        is_json=is_json,
        trace_id=response.headers.get("X-Tps-trace-ID") or _text(fields.get("trace_id")),
        headers=response.headers,
        retry_after=_retry_after(response.headers.get("Retry-After"), wall),
    )
    is_ok = 200 <= response.status < 300
    if code in AUDIT_CODES and is_ok:
        answer.audit_id = _audit_id(fields)
    elif code is not None or not is_ok:
        _refuse(answer, fields, code, method=method, path=path)
    return answer


def _refuse(answer: Answer, fields: dict[str, Any], code: int | None, *, method: str, path: str) -> None:
    known = classify(answer.status, code, path=path)
    said = _text(fields.get("message")) or _text(fields.get("err_msg")) or _text(fields.get("msg"))
    facts: dict[str, Any] = {
        "status": answer.status,
        "code": code,
        "trace_id": answer.trace_id,
        "method": method,
        "path": path,
        "hint": known.hint,
        "retryable": known.is_retryable,
    }
    if issubclass(known.error, RateLimited):
        facts["retry_after"] = DEFAULT_RETRY_AFTER if answer.retry_after is None else answer.retry_after
    message = said or ("" if answer.is_json else _readable(answer.body)) or _phrase(answer.status)
    answer.error = known.error(message, **facts)
    answer.known = known


def _decoded(body: bytes) -> tuple[Any, bool]:
    if not body.strip():
        return None, True
    try:
        return codec.loads(body), True
    except codec.Undecodable:
        return None, False


def _code(fields: dict[str, Any]) -> int | None:
    for name in ("err_code", "code", "retcode"):
        value = fields.get(name)
        if isinstance(value, str):
            text = value.strip()
            value = int(text) if text.lstrip("-").isdecimal() and len(text) < 19 else None
        if isinstance(value, int) and not isinstance(value, bool) and value != 0:
            return value
    return None


def _audit_id(fields: dict[str, Any]) -> str | None:
    data = fields.get("data")
    audit = data.get("message_audit") if isinstance(data, dict) else None
    return _text(audit.get("audit_id")) if isinstance(audit, dict) else None


def _retry_after(value: str | None, wall: float) -> float | None:
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - wall
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _readable(body: bytes) -> str:
    """The words of an HTML page or of whatever else it is, on one short line."""
    text = body[:20_000].decode("utf-8", errors="replace")
    title = _TITLE.search(text)
    words = " ".join(html.unescape(title.group(1) if title else _TAG.sub(" ", text)).split())
    if not words:
        return ""
    shown = "".join(c if c.isprintable() else "?" for c in words[:200])
    return f"平台返回的不是 JSON / the answer is no JSON: {shown}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"
