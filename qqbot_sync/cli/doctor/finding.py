"""What a check is, and what it finds: values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from qqbot_sync.cli.doctor.patient import Patient

__all__ = ["Check", "Finding", "Status", "Words", "failed", "failure_of", "fine", "not_done", "warning"]

_CHINESE = re.compile("[\u4e00-\u9fff]")


class Status(str, Enum):
    """How a check went; the values stand in the JSON."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not made, because something it stands on failed, or because nobody asked for it."""


class Words(NamedTuple):
    """One thing said in two languages; the same text twice where it needs no translation."""

    zh: str
    en: str

    @classmethod
    def of(cls, text: str) -> Words:
        """Takes `中文 / English` apart; any other text is said as it is."""
        zh, separator, en = text.partition(" / ")
        return cls(zh.strip(), en.strip()) if separator and _CHINESE.search(zh) else cls(text.strip(), text.strip())

    @property
    def is_plain(self) -> bool:
        """Whether it needs no translation."""
        return self.zh == self.en


@dataclass(frozen=True)
class Finding:
    """What one check found. Immutable."""

    status: Status
    said: tuple[Words, ...]
    """Line by line."""
    fix: tuple[Words, ...] = ()
    """What to do, where something is to be done."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """For programs: plain data, in the JSON only."""
    because: tuple[str, ...] = ()
    """Skipped: the names of the checks that failed."""
    seconds: float = 0.0

    def mapped(self, change: Callable[[str], str]) -> Finding:
        """The same with every text changed."""

        def words(lines: tuple[Words, ...]) -> tuple[Words, ...]:
            return tuple(Words(change(line.zh), change(line.en)) for line in lines)

        return replace(self, said=words(self.said), fix=words(self.fix), facts=_mapped(self.facts, change))


class Check(NamedTuple):
    """One row of the table."""

    name: str
    """In the JSON, and where others say why they were skipped; never changes."""
    title: Words
    examine: Callable[[Patient], Finding]
    needs: tuple[str, ...] = ()
    """Checks without which this one makes no sense; it is skipped when one of them failed."""
    deadline: float = 20.0
    """Seconds."""


def fine(*said: str | Words, **facts: Any) -> Finding:
    """Green. Texts are `中文 / English`, or the same in both."""
    return Finding(Status.OK, _lines(said), facts=facts)


def warning(*said: str | Words, fix: str | tuple[str, ...] = (), **facts: Any) -> Finding:
    """Yellow: the bot works, or may work."""
    return Finding(Status.WARNING, _lines(said), _lines(fix), facts)


def failed(*said: str | Words, fix: str | tuple[str, ...] = (), **facts: Any) -> Finding:
    """Red: the bot cannot work."""
    return Finding(Status.FAILED, _lines(said), _lines(fix), facts)


def not_done(*said: str | Words, because: tuple[str, ...] = ()) -> Finding:
    """Skipped."""
    return Finding(Status.SKIPPED, _lines(said), because=because)


def failure_of(error: BaseException, *, fix: str | tuple[str, ...] = ()) -> Finding:
    """Red, in the words of an error; its hint is the fix where none is given."""
    hint = getattr(error, "hint", None) or ""
    text = str(error) or type(error).__name__
    # A hint need not be the end of the text: some errors add when to come back.
    said, rest = (text.replace(f"\n{hint}", ""), "") if hint else text.partition("\n")[::2]
    fixes = _lines(fix) or _fixes(hint or rest)
    facts = {"error": type(error).__name__}
    for name in ("code", "close_code", "status", "trace_id"):
        if (value := getattr(error, name, None)) is not None:
            facts[name] = value
    return Finding(Status.FAILED, (Words.of(" · ".join(said.splitlines())),), fixes, facts)


def _fixes(hint: str) -> tuple[Words, ...]:
    lines = [line.strip() for line in hint.splitlines() if line.strip()]
    if len(lines) == 2 and _CHINESE.search(lines[0]) and not _CHINESE.search(lines[1]):
        return (Words(lines[0], lines[1]),)
    return tuple(Words.of(line) for line in lines)


def _lines(texts: str | Words | tuple[str | Words, ...]) -> tuple[Words, ...]:
    if isinstance(texts, str):
        return (Words.of(texts),)
    if isinstance(texts, Words):
        return (texts,)
    return tuple(text if isinstance(text, Words) else Words.of(text) for text in texts)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _mapped(item, change) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value
