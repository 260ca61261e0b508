"""What an error code of the platform means, what to do about it, and whether the call may be repeated.

The codes themselves are data (`error_catalogue`); this module looks them up. An unknown code is judged by its HTTP
status, so that every refusal has a class. Pure and thread-safe: nothing here changes after import.

https://bot.q.qq.com/wiki/develop/api-v2/dev-prepare/error-trace/openapi.html
"""

from __future__ import annotations

from dataclasses import dataclass

from qqbot_sync import errors
from qqbot_sync.protocol import error_catalogue as catalogue
from qqbot_sync.protocol.error_catalogue import Retry

__all__ = [
    "AUDIT_CODES",
    "DUPLICATE_CODE",
    "ERROR_CODES",
    "IP_WHITELIST_CODES",
    "NOT_CONNECTED_CODE",
    "TOKEN_CODES",
    "ErrorCode",
    "Retry",
    "classify",
]

TOKEN_CODES = frozenset({11241, 11242, 11243, 11244})
"""The access token is missing, wrong or out of date: get another one and try once more."""
IP_WHITELIST_CODES = frozenset({11298, 40023002})
"""The address of this machine is not on the bot's list."""
AUDIT_CODES = frozenset({304023, 304024})
"""No failure: the message waits for a human reviewer."""
DUPLICATE_CODE = 40054005
"""This (msg_id, msg_seq) was accepted before."""
NOT_CONNECTED_CODE = 304018
"""Guild messages need a live gateway session, and the platform sees none."""


@dataclass(frozen=True)
class ErrorCode:
    """One row of the catalogue. Immutable."""

    code: int | None
    """None for an answer that carried no code."""
    error: type[errors.ApiError]
    """The class to raise."""
    retry: Retry
    zh: str = ""
    en: str = ""
    remedy_zh: str = ""
    remedy_en: str = ""

    @property
    def hint(self) -> str | None:
        """Meaning and remedy, Chinese first; None where nobody knows."""
        if not self.zh:
            return None
        chinese = f"{self.zh}。{self.remedy_zh}" if self.remedy_zh else self.zh
        english = f"{self.en}. {self.remedy_en}" if self.remedy_en else self.en
        return f"{chinese} / {english}"

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may succeed later without any change."""
        return self.retry in (Retry.YES, Retry.ONCE, Retry.LATER, Retry.REFRESH, Retry.PRACTICE)


def _built(row: catalogue.Row) -> ErrorCode:
    code, retry, error, zh, en, remedy = row
    remedy_zh, remedy_en = catalogue.REMEDIES[remedy] if remedy else ("", "")
    return ErrorCode(code, error, retry, zh, en, remedy_zh, remedy_en)


ERROR_CODES: dict[int, ErrorCode] = {row[0]: _built(row) for row in catalogue.ROWS}
"""Every code that is known to mean the same on all calls."""

_ON_PATHS: tuple[tuple[str, dict[int, ErrorCode]], ...] = tuple(
    (ending, {row[0]: _built(row) for row in rows}) for ending, rows in catalogue.ROWS_OF_PATHS
)


def classify(status: int | None, code: int | None, *, path: str = "") -> ErrorCode:
    """What a refusal means.

    Args:
        status: HTTP status; None where the refusal did not come over HTTP.
        code: `err_code` or `code` of the body; None or 0 when it has none.
        path: path or URL of the call: a few codes mean something else on the token and share-link endpoints.

    Never raises: an unknown code falls back to its range, then to the status.
    """
    if code:
        for ending, table in _ON_PATHS:
            if path.endswith(ending) and code in table:
                return table[code]
        known = ERROR_CODES.get(code)
        if known is not None:
            return known
    error, retry, zh, en, remedy = _of_status(status)
    for low, high, range_zh, range_en in catalogue.RANGES if code else ():
        if code is not None and low <= code <= high:
            zh, en = range_zh, range_en
            break
    remedy_zh, remedy_en = catalogue.REMEDIES[remedy] if remedy else ("", "")
    return ErrorCode(code or None, error, retry, zh, en, remedy_zh, remedy_en)


def _of_status(status: int | None) -> catalogue.StatusRow:
    if status in catalogue.STATUSES:
        return catalogue.STATUSES[status]
    if status is not None and status >= 500:
        return catalogue.STATUSES[500]
    return (errors.ApiError, Retry.NO, "", "", "")
