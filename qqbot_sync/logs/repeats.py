"""Repeats collapse: the first of a kind is written at once, the others are counted and written as one line."""

from __future__ import annotations

import copy
import logging
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from qqbot_sync.logs.place import NOTHING

__all__ = ["Repeats"]

MOST_VARIANTS = 5
"""Lines of one template, with different words in it, that are written in one window."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LONG = re.compile(r"[\w:.-]{12,}", re.ASCII)
_DIGIT = re.compile(r"[0-9]")


class Verdict(NamedTuple):
    """What to write because of a record, in this order."""

    sums: list[logging.LogRecord]
    """Lines that stand for many."""
    is_new: bool
    """Whether the record itself is written."""


@dataclass
class _Same:
    """What says the same."""

    count: int = 0
    """Records since the first, not written."""
    last: logging.LogRecord | None = None


@dataclass
class _Kind:
    """Records of one template, until the window closes."""

    until: float
    variants: dict[str, _Same] = field(default_factory=dict)


class Repeats:
    """Decides which records are written. Not thread-safe: a handler calls it under its lock.

    Records are of one kind when logger, level, shard and template are the same; they say the same when their words are,
    numbers and ids aside. DEBUG and the loggers of other packages are left alone. On a line of events in the life of a
    connection nothing is held back that came after something else: "lost" and "back" may alternate.

    Args:
        seconds: the window, from the first of a kind.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kinds: dict[tuple[str, ...], _Kind] = {}
        self._life: dict[tuple[str, str], tuple[tuple[str, ...], str]] = {}
        self._next_due = float("inf")

    def take(self, record: logging.LogRecord, now: float) -> Verdict:
        """Whether to write this record, and what else is to be written now.

        Args:
            record: with `shard` and `event_id`.
            now: monotonic seconds.
        """
        sums = self.due(now)
        if record.levelno < logging.INFO or not record.name.startswith("qqbot_sync"):
            return Verdict(sums, True)
        kind_key, words = _key(record), _words(record)
        sums += self._other_step(record, kind_key, words)
        kind = self._kinds.get(kind_key)
        if kind is None:
            kind = self._kinds[kind_key] = _Kind(now + self._seconds)
            self._next_due = min(self._next_due, kind.until)
        same = kind.variants.get(words)
        if same is None and len(kind.variants) < MOST_VARIANTS:
            kind.variants[words] = _Same()
            return Verdict(sums, True)
        same = same or kind.variants.setdefault("", _Same())
        same.count += 1
        same.last = record
        return Verdict(sums, False)

    def due(self, now: float) -> list[logging.LogRecord]:
        """Lines for the windows that have closed."""
        if now < self._next_due:
            return []
        over = [key for key, kind in self._kinds.items() if kind.until <= now]
        sums = [line for key in over for line in _sums(self._kinds.pop(key))]
        self._next_due = min((kind.until for kind in self._kinds.values()), default=float("inf"))
        return sums

    def rest(self) -> list[logging.LogRecord]:
        """Lines for all that has not been written yet; every window closes."""
        return self.due(float("inf"))

    def _other_step(self, record: logging.LogRecord, kind_key: tuple[str, ...], words: str) -> list[logging.LogRecord]:
        shard, event_id = _field(record, "shard"), _field(record, "event_id")
        if shard == NOTHING or event_id != NOTHING:
            return []
        before = self._life.get((record.name, shard))
        self._life[(record.name, shard)] = (kind_key, words)
        if before is None or before == (kind_key, words):
            return []
        kind = self._kinds.get(before[0])
        return _sums(kind, before[1]) if kind is not None else []


def _sums(kind: _Kind, words: str | None = None) -> list[logging.LogRecord]:
    """The lines for one kind, or for those of its records that say this; they are forgotten."""
    taken = list(kind.variants) if words is None else [words]
    found = [kind.variants.pop(one) for one in taken if one in kind.variants]
    return [_sum(same.last, same.count) for same in found if same.last is not None]


def _sum(record: logging.LogRecord, count: int) -> logging.LogRecord:
    """The last record, standing for all that were held back."""
    line = copy.copy(record)
    line.exc_info, line.exc_text, line.stack_info = None, None, None
    line.repeated = count
    return line


def _key(record: logging.LogRecord) -> tuple[str, ...]:
    return (record.name, record.levelname, _field(record, "shard"), _masked(str(record.msg), record))


def _words(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001  a `__str__` of the user's may raise anything; the formatter says so
        text = str(record.msg)
    if record.exc_info and record.exc_info[1] is not None:
        text = f"{text} {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
    return _masked(text, record)


def _masked(text: str, record: logging.LogRecord) -> str:
    """Without what makes every line another: the event's id, long ids, numbers."""
    event_id = _field(record, "event_id")
    if event_id != NOTHING:
        text = text.replace(event_id, "#")
    # Two steps: one pattern that also looks for a digit takes minutes for a long text without any.
    return _NUMBER.sub("#", _LONG.sub(_id_masked, text))


def _id_masked(found: re.Match[str]) -> str:
    return "#" if _DIGIT.search(found[0]) else found[0]


def _field(record: logging.LogRecord, name: str) -> str:
    return str(getattr(record, name, NOTHING))
