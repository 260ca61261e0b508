"""The handler of this package: there is one, however often logging is set up."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from qqbot_sync.logs.formats import keep_for_later
from qqbot_sync.logs.place import stamp
from qqbot_sync.logs.redaction import blank, known_secrets
from qqbot_sync.logs.repeats import Repeats

__all__ = ["NAME", "LogHandler", "SafeStream", "catch_up"]

NAME = "qqbot_sync"
"""The handler's, and the logger's it hangs on."""


class LogHandler(logging.Handler):
    """Writes lines to a stream, on which nothing is too odd to print; collapses repeats. Thread-safe.

    Args:
        now: monotonic seconds; for tests.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.name = NAME
        self._now = now
        self._stream = SafeStream(None)
        self._repeats: Repeats | None = None

    def set_up(self, formatter: logging.Formatter, *, stream: TextIO | None, collapse: float | None) -> None:
        """From now on writes like this; what was held back is written first, like before.

        Args:
            stream: None: stderr, as it is at the moment of each line.
            collapse: seconds in which repeats are held back; None writes each.
        """
        with self._locked():
            self._write_rest()
            self.setFormatter(formatter)
            self._stream = SafeStream(stream)
            self._repeats = Repeats(collapse) if collapse else None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stamp(record)
            is_new = True
            if self._repeats is not None:
                sums, is_new = self._repeats.take(record, self._now())
                self._write(sums)
            if is_new:
                self._write([record])
            else:
                keep_for_later(record)
        except Exception:  # noqa: BLE001  what every handler does: logging must not break what is logged
            self.handleError(record)

    def catch_up(self) -> None:
        """Writes what was held back and has waited long enough."""
        with self._locked():
            if self._repeats is not None:
                self._write_safely(self._repeats.due(self._now()))

    def flush(self) -> None:
        with self._locked():
            self._stream.flush()

    def close(self) -> None:
        """Writes what was held back; called when the interpreter ends."""
        with self._locked():
            self._write_rest()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:
        """Says what went wrong, without the record's arguments: they may hold anything."""
        if not logging.raiseExceptions:
            return
        said = f"日志无法写出 / a log line could not be written ({record.pathname}:{record.lineno})\n"
        try:
            SafeStream(None).write(blank(said + traceback.format_exc(), known_secrets()))
        except (OSError, ValueError):
            # stderr itself is gone: there is nobody left to tell.
            return

    def _locked(self) -> _Locked:
        return _Locked(self)

    def _write_rest(self) -> None:
        if self._repeats is not None:
            self._write_safely(self._repeats.rest())

    def _write_safely(self, records: list[logging.LogRecord]) -> None:
        try:
            self._write(records)
        except Exception:  # noqa: BLE001  as in `emit`
            self.handleError(records[0])

    def _write(self, records: Iterable[logging.LogRecord]) -> None:
        for record in records:
            self._stream.write(self.format(record) + "\n")
            self._stream.flush()


class _Locked:
    """Holds a handler's own lock, which a handler whose lock was never made does without."""

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler

    def __enter__(self) -> None:
        self._handler.acquire()

    def __exit__(self, *_: object) -> None:
        self._handler.release()


class SafeStream:
    """A stream on which nothing is too odd to print (a GBK console refuses many characters); None: stderr."""

    def __init__(self, stream: TextIO | None) -> None:
        self._given = stream

    def write(self, text: str) -> int:
        stream = self._given or sys.stderr
        if stream is None:
            return 0
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "replace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        stream = self._given or sys.stderr
        if stream is not None:
            stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's."""
        return getattr(self._given or sys.stderr, name)


def catch_up() -> None:
    """Has our handler write what it held back long enough; the watchdog of a client calls it. Thread-safe."""
    for handler in list(logging.getLogger(NAME).handlers):
        if isinstance(handler, LogHandler):
            handler.catch_up()
