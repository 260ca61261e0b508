"""Looks at every line this package logs in the whole suite, for the secrets and tokens of simulators."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from qqbot_sync.logs import AREAS
from qqbot_sync.simulator.tokens import Tokens

__all__ = ["SecretWatch"]

SHORTEST = 8
"""Characters: what tests choose as a secret for themselves may be an ordinary word."""

EVERYTHING = logging.DEBUG - 1
"""A level that no test sets."""


class SecretWatch(logging.Handler):
    """Keeps the lines that held a secret. Thread-safe.

    It learns the secrets where a simulator makes them, not from the package's own redaction, which it watches.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: deque[str] = deque(maxlen=64)
        self._found: list[str] = []

    def learn(self, values: Iterable[str]) -> None:
        self._known.extend(value for value in values if len(value) >= SHORTEST and value not in self._known)

    def look(self, text: str, where: str) -> None:
        """Remembers `where` if `text` holds a secret; never the text."""
        if any(value in text for value in list(self._known)):
            self._found.append(where)

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += "".join(traceback.format_exception(record.exc_info[1]))
        self.look(text + (record.stack_info or ""), f"{record.pathname}:{record.lineno} ({record.name})")

    def take(self) -> list[str]:
        """Where secrets were logged since the last call."""
        found, self._found = self._found, []
        return found

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hears everything this package logs, at DEBUG, though nobody else hears more; told of every secret."""
        make, issue = Tokens.__init__, Tokens.issue

        def told_make(tokens: Tokens, clock: Any, app_id: str, secret: str) -> None:
            self.learn([secret])
            make(tokens, clock, app_id, secret)

        def told_issue(tokens: Tokens, body: object) -> dict[str, object]:
            given = issue(tokens, body)
            self.learn([str(given["access_token"])])
            return given

        loggers = [logging.getLogger(f"qqbot_sync.{area}") for area in AREAS]
        below = _Below(self)
        logging.getLogger("qqbot_sync").addHandler(self)
        for logger in loggers:
            logger.addFilter(below)
            logger.setLevel(EVERYTHING)
        try:
            with mock.patch.object(Tokens, "__init__", told_make), mock.patch.object(Tokens, "issue", told_issue):
                yield
        finally:
            logging.getLogger("qqbot_sync").removeHandler(self)
            for logger in loggers:
                logger.removeFilter(below)
                logger.setLevel(logging.NOTSET)


class _Below(logging.Filter):
    """Takes from a logger what nobody would see if its level were not ours, so that tests go on as without it."""

    def __init__(self, watch: SecretWatch) -> None:
        super().__init__()
        self._watch = watch

    def filter(self, record: logging.LogRecord) -> bool:
        is_ours = logging.getLogger(record.name).level == EVERYTHING
        if not is_ours or record.levelno >= logging.getLogger("qqbot_sync").getEffectiveLevel():
            return True
        self._watch.handle(record)
        return False
