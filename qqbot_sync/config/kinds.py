"""How one value is read from a text or from TOML, and written back as a text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from qqbot_sync.config.checks import advice
from qqbot_sync.config.environment import Environment
from qqbot_sync.config.parts import ShardConfig

__all__ = [
    "APP_ID",
    "ENVIRONMENT",
    "INTENTS",
    "MAX_AGE",
    "NUMBER",
    "NUMBER_OR_NONE",
    "OBJECT",
    "PATH",
    "SECRET",
    "SHARD",
    "SHARDS",
    "SHARD_COUNT",
    "URL",
    "WHOLE",
    "WHOLE_OR_NONE",
    "YES_NO",
    "Kind",
    "word",
]

_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")
_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Kind:
    """What a value may be. Where reading it fails without words, `chinese` and `english` say what was expected."""

    chinese: str
    english: str
    parse: Callable[[str], Any]
    """From a text: an environment variable, a line of `.env`, an option."""
    accept: Callable[[Any], Any]
    """From a value of a TOML file."""
    write: Callable[[Any], str] = str
    """To the text that `parse` reads as the same value."""
    is_secret: bool = False
    """Never shown, not even where it is wrong."""
    is_path: bool = False
    """Relative to the file it stands in."""


def _refused() -> ValueError:
    return ValueError()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _refused()
    return value.strip()


def _number_or_text(value: Any) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _refused() from None


def _accept_whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refused()
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _refused() from None


def _accept_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _refused()
    return value


def _yes_no(text: str) -> bool:
    if text.lower() not in (*_YES, *_NO):
        raise _refused()
    return text.lower() in _YES


def _accept_yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refused()
    return value


def _or_word(name: str, meaning: Any, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Reads one word beside what `read` knows."""

    def reads(value: Any) -> Any:
        return meaning if isinstance(value, str) and value.strip().lower() == name else read(value)

    return reads


def _number_text(value: float | str | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else f"{value!r}"


def word(known: tuple[str, ...]) -> Kind:
    """One of some words."""

    def accept(value: Any) -> str:
        # Which words there are is checked, and said, where the value is used.
        return _text(value)

    choice = ", ".join(known)
    return Kind(f"以下之一:{choice}", f"one of {choice}", accept, accept)


def _environment_text(value: Environment) -> str:
    for name, known in (("production", Environment.production()), ("sandbox", Environment.sandbox())):
        if value == known:
            return name
    if value != Environment.local(value.api_url):
        raise ValueError(
            f"自定义的 environment 无法写成文本 / an environment of other URLs cannot be written as a text: {value!r}"
        )
    return value.api_url


def _environment(value: Any) -> Environment:
    return Environment.parse(_text(value))


def _shard(text: str) -> ShardConfig:
    number, slash, count = text.partition("/")
    if not slash:
        raise _refused()
    return ShardConfig(_whole(number), _whole(count))


def _accept_shard(value: Any) -> ShardConfig:
    if isinstance(value, Mapping):
        known = [item.name for item in fields(ShardConfig)]
        for name in value:
            if name not in known:
                raise ValueError(f"未知的键 / unknown key [shard] {name!r}{advice(name, known)}")
        return ShardConfig(**{name: _accept_whole(number) for name, number in value.items()})
    if isinstance(value, list):
        if len(value) != 2:
            raise _refused()
        return ShardConfig(*map(_accept_whole, value))
    return _shard(_text(value))


def _shards(text: str) -> str | int | tuple[int, ...]:
    if text.lower() == "auto":
        return "auto"
    if text.strip().isdecimal():
        return int(text)
    ids: list[int] = []
    for part in text.split(","):
        ends = _RANGE.fullmatch(part.strip())
        first, last = (int(ends[1]), int(ends[2])) if ends else (_whole(part), _whole(part))
        if first > last or last - first > 100_000:
            raise _refused()
        ids.extend(range(first, last + 1))
    return tuple(ids)


def _accept_shards(value: Any) -> str | int | tuple[int, ...]:
    if isinstance(value, list):
        return tuple(map(_accept_whole, value))
    return _shards(_text(value)) if isinstance(value, str) else _accept_whole(value)


def _shards_text(value: str | int | tuple[int, ...]) -> str:
    if not isinstance(value, tuple):
        return str(value)
    # One id alone would be read as a number of shards.
    return ",".join(map(str, value)) if len(value) > 1 else f"{value[0]}-{value[0]}"


def _names(value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise _refused()
    return tuple(_text(name) for name in names)


def _names_text(value: Any) -> str:
    names = value if isinstance(value, tuple) else value.names()
    if not names or any("<<" in name for name in names):
        raise ValueError(f"无法写成名称 / these bits have no names: {value!r}")
    return ",".join(names)


def _object(value: Any) -> str:
    text = _text(value)
    if not _OBJECT.fullmatch(text):
        raise _refused()
    return text


def _written_name(value: Any) -> str:
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    if not isinstance(value, str):
        raise ValueError(f"代码中的对象无法写成文本 / an object made in code cannot be written as a text: {value!r}")
    return value


APP_ID = Kind("文本或数字", "a text or a number", _number_or_text, _number_or_text)
SECRET = Kind("文本", "a text", _text, _text, is_secret=True)
URL = Kind("网址", "a URL", _text, _text, is_secret=True)
PATH = Kind("文件路径", "the path of a file", _text, _text, _written_name, is_path=True)
OBJECT = Kind(
    '"模块:名称"', '"module:name", such as "mybot.handlers:MyHandler"', _object, _object, _written_name
)  # fmt: skip
WHOLE = Kind("整数", "a whole number", _whole, _accept_whole)
SHARD_COUNT = WHOLE
WHOLE_OR_NONE = Kind(
    '整数或 "none"', 'a whole number or "none"',
    _or_word("none", None, _whole), _or_word("none", None, _accept_whole), _number_text,
)  # fmt: skip
NUMBER = Kind("数字", "a number", _number, _accept_number, _number_text)
NUMBER_OR_NONE = Kind(
    '数字或 "none"', 'a number or "none"',
    _or_word("none", None, _number), _or_word("none", None, _accept_number), _number_text,
)  # fmt: skip
MAX_AGE = Kind(
    '数字、"reply" 或 "none"', 'a number, "reply" or "none"',
    _or_word("reply", "reply", NUMBER_OR_NONE.parse), _or_word("reply", "reply", NUMBER_OR_NONE.accept), _number_text,
)  # fmt: skip
YES_NO = Kind("true 或 false", "true or false", _yes_no, _accept_yes_no, lambda value: str(value).lower())
ENVIRONMENT = Kind(
    "production、sandbox 或模拟器网址", "production, sandbox or the URL of a simulator",
    _environment, _environment, _environment_text,
)  # fmt: skip
SHARD = Kind(
    '"0/4" 或表 [shard]', '"0/4", or a table [shard] with shard_id and shard_count',
    _shard, _accept_shard, lambda value: f"{value.shard_id}/{value.shard_count}",
)  # fmt: skip
SHARDS = Kind(
    '"auto"、数量或编号', '"auto", a number, or ids like "0-3" or [0, 1]', _shards, _accept_shards, _shards_text
)  # fmt: skip
INTENTS = Kind("intent 名称", 'names of intents, such as ["guilds", "interaction"]', _names, _names, _names_text)
