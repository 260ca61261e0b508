"""Checks of arguments before anything is sent: an error names the argument and its limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from qqbot_sync.api.resource import checked_id
from qqbot_sync.models import Model

__all__ = ["Object", "at_least_one", "chosen", "given", "id_list", "object_of", "text", "unix_time", "whole", "yes_no"]

Object = Mapping[str, Any] | Model
"""What goes out as a JSON object: a dict, or one of our models."""

_MILLISECONDS_FROM = 10**11
"""Seconds of this size lie in the year 5138, milliseconds of this size in 1973."""


def given(**fields: Any) -> dict[str, Any]:
    """Those of the arguments that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def at_least_one(**fields: Any) -> dict[str, Any]:
    """Those of the arguments that are not None; ValueError when there are none."""
    found = given(**fields)
    if not found:
        names = ", ".join(fields)
        raise ValueError(f"至少要给出其中一个参数 / give at least one of: {names}")
    return found


def whole(name: str, value: object, low: int, high: int) -> int:
    """A whole number from `low` to `high`.

    Raises:
        TypeError, ValueError: naming the argument and its limits.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} 必须是整数 / {name} must be a whole number, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} 必须在 {low} 到 {high} 之间 / {name} must be from {low} to {high}, not {int(value)}")
    return int(value)


def chosen(name: str, value: object, allowed: Iterable[int | str]) -> Any:
    """One of a few values; TypeError or ValueError naming the argument and all of them."""
    known = list(allowed)
    if isinstance(value, bool) or value not in known:
        kind: type[Exception] = ValueError if isinstance(value, (int, str)) else TypeError
        raise kind(f"{name} 只能是 / {name} must be one of: {', '.join(map(str, known))}; not {value!r}")
    return known[known.index(value)]


def yes_no(name: str, value: object) -> bool:
    """True or False; TypeError naming the argument."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} 必须是 True 或 False / {name} must be True or False, not {value!r}")
    return value


def text(name: str, value: object, *, most: int | None = None) -> str:
    """A text that is not empty, of at most so many characters.

    Raises:
        TypeError, ValueError: naming the argument and its limit.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} 必须是文本 / {name} must be text, not {type(value).__name__}")
    if not value.strip():
        raise ValueError(f"{name} 不能为空 / {name} must not be empty")
    if most is not None and len(value) > most:
        raise ValueError(f"{name} 最多 {most} 个字符 / {name} must have at most {most} characters, not {len(value)}")
    return value


def id_list(name: str, values: object, *, most: int) -> list[str]:
    """A list of 1 to `most` ids.

    Raises:
        TypeError, ValueError: naming the argument and its limit.
    """
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} 必须是 id 的列表 / {name} must be a list of ids, not {values!r}")
    ids = [checked_id(name, value) for value in values]
    if not 1 <= len(ids) <= most:
        raise ValueError(f"{name} 需要 1 到 {most} 个 / {name} must hold from 1 to {most} ids, not {len(ids)}")
    return ids


def object_of(name: str, value: object) -> Object:
    """A dict or a model; TypeError naming the argument."""
    if not isinstance(value, (Mapping, Model)):
        raise TypeError(f"{name} 必须是 dict 或模型 / {name} must be a dict or a model, not {type(value).__name__}")
    return value


def unix_time(name: str, value: object, *, milliseconds: bool = False) -> int:
    """A point in time as the platform counts it.

    Args:
        value: whole number, decimal text or an aware datetime.
        milliseconds: the platform counts milliseconds here, else seconds.

    Raises:
        TypeError, ValueError: naming the argument and the unit.
    """
    unit_zh, unit = ("毫秒", "milliseconds") if milliseconds else ("秒", "seconds")
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(
                f"{name} 缺少时区,例如 datetime.now().astimezone() / "
                f"{name} has no time zone, use for example datetime.now().astimezone()"
            )
        return int(value.timestamp() * (1000 if milliseconds else 1))
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(
            f"{name} 必须是 Unix 时间({unit_zh})或 datetime / "
            f"{name} must be unix time in {unit} or a datetime, not {value!r}"
        )
    if (value >= _MILLISECONDS_FROM) is not milliseconds:
        raise ValueError(f"{name} 的单位是{unit_zh} / {name} is counted in {unit} since 1970, not {value}")
    return value
