"""How a record becomes a line: as text for people, as JSON for machines. Neither shows a secret."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timezone
from typing import Any

from qqbot_sync import codec
from qqbot_sync.logs.place import NOTHING, here, stamp
from qqbot_sync.logs.redaction import Payload, blank, hide_texts, known_secrets

__all__ = ["JsonFormatter", "TextFormatter", "keep_for_later"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


_KEPT = "qqbot_sync_kept"


def keep_for_later(record: logging.LogRecord) -> None:
    """Has a record that is held back take along what it will take to write it without secrets and texts.

    By then another thread writes it, at another event or at none, and whoever knew the secrets may be gone.
    """
    record.__dict__[_KEPT] = (_body_here(), known_secrets())


def _body_here() -> bytes | None:
    body = getattr(getattr(here.what, "event", None), "d", None)
    return None if body is None else bytes(body)


class _Formatter(logging.Formatter):
    """What both have in common. Thread-safe."""

    def __init__(self, *, threads: bool, source: bool, texts: bool) -> None:
        super().__init__()
        self._threads = threads
        self._source = source
        self._texts = texts

    def said(self, record: logging.LogRecord) -> str:
        """What the record says, without secrets; a record whose arguments do not fit says so."""
        args: Any = record.args
        if not self._texts and isinstance(args, tuple):
            args = tuple(item.shown(texts=False) if isinstance(item, Payload) else item for item in args)
        try:
            text = str(record.msg) % args if args else str(record.msg)
        except Exception as error:  # noqa: BLE001  a `__str__` of the user's may raise anything; the record is kept
            text = f"{record.msg} (参数不符 / the arguments do not fit: {type(error).__name__})"
        return self._clean(text, record)

    def trouble(self, record: logging.LogRecord) -> str:
        """The traceback of the record, and its stack, without secrets; "" where there is none."""
        # Never `record.exc_text`: another handler may have left it there with everything in it.
        parts = [self.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
        parts += [self.formatStack(record.stack_info)] if record.stack_info else []
        if not parts and record.exc_text:
            parts = [record.exc_text]
        return self._clean("\n".join(parts), record)

    def _clean(self, text: str, record: logging.LogRecord) -> str:
        if not text:
            return text
        known, kept = known_secrets(), record.__dict__.get(_KEPT)
        body = None if self._texts else _body_here()
        if kept is not None:
            body, known = kept[0], sorted({*known, *kept[1]}, key=len, reverse=True)
        text = blank(text, known)
        return text if self._texts or body is None else hide_texts(text, body)


class TextFormatter(_Formatter):
    """Lines for people. Thread-safe.

    Args:
        fields: shows `[shard event-id]`, "-" where there is none.
        threads: shows the thread's name.
        source: shows `file:line`.
        texts: False hides what people wrote, as far as the record or the event being handled shows it.
    """

    def __init__(self, *, fields: bool = True, threads: bool = False, source: bool = False, texts: bool = True) -> None:
        super().__init__(threads=threads, source=source, texts=texts)
        self._fields = fields

    def format(self, record: logging.LogRecord) -> str:
        stamp(record)
        head = [self.formatTime(record), f"{record.levelname:<7}", record.name]
        if self._fields:
            head.append(f"[{record.shard} {record.event_id}]")  # type: ignore[attr-defined]
        if self._threads:
            head.append(f"({record.threadName})")
        if self._source:
            head.append(f"{record.filename}:{record.lineno}")
        said, times = self.said(record), getattr(record, "repeated", 0)
        if times:
            said = f"(重复 {times} 次 / repeated {times} times) {said}"
        line = f"{' '.join(head)}: {said}"
        trouble = self.trouble(record)
        line = f"{line}\n{trouble}" if trouble else line
        # What people write may hold the commands of a terminal, a carriage return to hide a line behind, or a line of
        # a log that nobody wrote: what does not begin a record is set in.
        line = line.rstrip("\n").replace("\n", "\n  ")
        return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", line)


class JsonFormatter(_Formatter):
    """One JSON object a line, for machines. Thread-safe.

    Keys: `time` (UTC), `level`, `logger`, `shard` (`[id, count]` or null), `event_id` (or null), `message`; where asked
    for `thread` and `source`; where there is one `exception`; `repeated` in a line that stands for many.

    Args:
        threads, source, texts: as in `TextFormatter`.
    """

    def __init__(self, *, threads: bool = False, source: bool = False, texts: bool = True) -> None:
        super().__init__(threads=threads, source=source, texts=texts)

    def format(self, record: logging.LogRecord) -> str:
        stamp(record)
        shard, event_id = str(record.shard), record.event_id  # type: ignore[attr-defined]
        when = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "shard": [int(part) for part in shard.split("/")] if re.fullmatch(r"\d+/\d+", shard) else None,
            "event_id": None if event_id == NOTHING else str(event_id),
            "message": self.said(record),
        }
        if self._threads:
            line["thread"] = record.threadName
        if self._source:
            line["source"] = f"{record.filename}:{record.lineno}"
        if getattr(record, "repeated", 0):
            line["repeated"] = record.repeated  # type: ignore[attr-defined]
        trouble = self.trouble(record)
        if trouble:
            line["exception"] = trouble
        return codec.dumps(line).decode("utf-8", "replace")
