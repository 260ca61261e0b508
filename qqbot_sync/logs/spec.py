"""What shall be logged, as one line: `gateway=debug,dispatch=info`."""

from __future__ import annotations

import logging
import re
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

__all__ = ["AREAS", "LEVELS", "Levels", "read_spec"]

AREAS = ("client", "gateway", "dispatch", "http", "simulator")
"""Each is a logger below `qqbot_sync`."""
LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "off": logging.CRITICAL + 10,
}
_OTHER_NAMES = {"warn": "warning", "fatal": "critical", "none": "off"}
_PREFIX = re.compile(r"^qqbot_sync(\.|::)")
_ALL = ("", "all", "*", "qqbot_sync")


class Levels(NamedTuple):
    """A level for every area that is named, and one for the others."""

    others: int
    areas: dict[str, int]


def read_spec(spec: str | int, *, default: int = logging.INFO) -> Levels:
    """Reads `debug`, `gateway=debug,dispatch=info`, `warning,http=debug`, or a level of `logging`.

    Args:
        spec: parts separated by commas or blanks; where one area stands twice, the last counts.
        default: for areas that nothing is said about.

    Raises:
        ValueError: no such area or level; the message names the nearest.
        TypeError: neither text nor a level.
    """
    if isinstance(spec, int) and not isinstance(spec, bool):
        return Levels(spec, {})
    if not isinstance(spec, str):
        raise TypeError(
            f'日志设置应是文本,例如 "gateway=debug,dispatch=info" / the log spec is a text, like '
            f'"gateway=debug,dispatch=info", not {spec!r}'
        )
    others, areas = default, {}
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*=\s*", "=", spec))):
        area, equals, level = part.rpartition("=")
        name = _PREFIX.sub("", area.lower())
        if not equals and _PREFIX.sub("", part.lower()) in AREAS:
            raise ValueError(
                f"日志设置中 {part!r} 缺少级别 / in the log spec {part!r} lacks its level: write {part}=debug"
            )
        if name in _ALL:
            others = _level(level, part)
        elif name in AREAS:
            areas[name] = _level(level, part)
        else:
            _refuse("区域", "area", area, AREAS)
    return Levels(others, areas)


def _level(text: str, part: str) -> int:
    name = _OTHER_NAMES.get(text.lower(), text.lower())
    if name not in LEVELS:
        _refuse("级别", "level", text or part, tuple(LEVELS))
    return LEVELS[name]


def _refuse(kind: str, english: str, given: str, known: tuple[str, ...]) -> NoReturn:
    near = get_close_matches(given.lower(), known, n=1)
    advice = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"日志设置中没有名为 {given!r} 的{kind} / the log spec names no known {english}: {given!r}{advice} "
        f"({'、'.join(known)})"
    )
