"""Points in time as the newer calls want them: RFC 3339 text."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from qqbot_sync.models._time import parse_time

__all__ = ["future"]

_CHINA = timezone(timedelta(hours=8))


def future(name: str, value: object, *, now: float, most: timedelta | None = None) -> str:
    """A point in time that is still to come, as RFC 3339 text.

    Args:
        value: an aware datetime, or RFC 3339 text.
        now: seconds since 1970.
        most: how far away it may lie.

    Raises:
        TypeError, ValueError: naming the argument and its limit.
    """
    moment = _moment(name, value)
    away = moment.timestamp() - now
    if away <= 0:
        raise ValueError(f"{name} 必须是将来的时间 / {name} must lie in the future, not at {moment.isoformat()}")
    # A minute of grace: whoever asks for exactly the limit has needed some time to ask.
    if most is not None and away > most.total_seconds() + 60:
        raise ValueError(
            f"{name} 最多在 {most.days} 天之后 / {name} must lie at most {most.days} days ahead, "
            f"not at {moment.isoformat()}"
        )
    return value if isinstance(value, str) else moment.astimezone(_CHINA).isoformat(timespec="seconds")


def _moment(name: str, value: object) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(
                f"{name} 缺少时区,例如 datetime.now().astimezone() / "
                f"{name} has no time zone, use for example datetime.now().astimezone()"
            )
        return value
    if not isinstance(value, str):
        raise TypeError(
            f"{name} 必须是 datetime 或 RFC 3339 文本 / "
            f"{name} must be a datetime or RFC 3339 text such as 2026-10-01T12:00:00+08:00, not {value!r}"
        )
    moment = parse_time(value) if "-" in value else None
    if moment is None:
        raise ValueError(
            f"{name} 不是 RFC 3339 时间 / {name} is no RFC 3339 text such as 2026-10-01T12:00:00+08:00: {value!r}"
        )
    return moment
