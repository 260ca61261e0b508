"""The five ways in which the platform writes a point in time."""

import re
from datetime import datetime, timedelta, timezone

__all__ = ["parse_time"]

_WRITTEN = re.compile(
    r"\s*(\d{4})-(\d{2})-(\d{2})[Tt ]+(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"
    r"\s*(?:([Zz])|([+-])(\d{2}):?(\d{2})(?::?\d{2})?)?(?![\d:]).*",
    re.DOTALL,
)
_NUMBER = re.compile(r"\s*[+-]?\d{1,16}(?:\.\d*)?\s*")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_CHINA = timezone(timedelta(hours=8))
_MILLISECONDS_FROM = 1e11
"""Seconds of this size lie in the year 5138, milliseconds of this size in 1973."""


def parse_time(value: object) -> datetime | None:
    """The point in time as an aware datetime, or None where it cannot be read; never raises. Thread-safe.

    Args:
        value: RFC 3339 text, unix seconds or milliseconds as number or text, or what Go prints
            (`2023-11-06 13:37:18 +0800 CST m=+0.1`). Text without an offset is China time, the platform's own.
    """
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, (int, float)):
            return _from_number(float(value))
        if not isinstance(value, str):
            return None
        if _NUMBER.fullmatch(value):
            return _from_number(float(value))
        return _from_text(value)
    except (ValueError, OverflowError):
        return None


def _from_number(number: float) -> datetime:
    seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
    return _EPOCH + timedelta(seconds=seconds)


def _from_text(text: str) -> datetime | None:
    found = _WRITTEN.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, utc, sign, ahead_hours, ahead_minutes = found.groups()
    zone = _CHINA
    if utc:
        zone = timezone.utc
    elif sign:
        ahead = timedelta(hours=int(ahead_hours), minutes=int(ahead_minutes))
        zone = timezone(ahead if sign == "+" else -ahead)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), microsecond, tzinfo=zone)
