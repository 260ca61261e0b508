"""What happens to the connection, as dim lines on stderr."""

from __future__ import annotations

import logging
from types import TracebackType

from rich.console import Console
from rich.text import Text

from qqbot_sync.logs import blank, known_secrets

__all__ = ["Notices"]

LOGGER = "qqbot_sync"


class Notices(logging.Handler):
    """Shows this package's log for the length of a `with` block. Thread-safe.

    A fatal cause is left out: it is what the command fails with.

    Args:
        console: of stderr.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._level_before = logging.NOTSET

    def __enter__(self) -> Notices:
        logger = logging.getLogger(LOGGER)
        self._level_before = logger.level
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
        logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger = logging.getLogger(LOGGER)
        logger.removeHandler(self)
        logger.setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.CRITICAL:
            return
        try:
            text = " ".join(blank(record.getMessage(), known_secrets()).split())
            self.say(text, style="dim yellow" if record.levelno >= logging.WARNING else "dim")
        except Exception:  # noqa: BLE001  what every handler does: logging must not break what is logged
            self.handleError(record)

    def say(self, text: str, *, style: str = "dim") -> None:
        """One line."""
        self._console.print(Text(f"── {text}", style=style), soft_wrap=True)
