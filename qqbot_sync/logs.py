"""Logging where a program has configured none. Importing this package configures nothing."""

from __future__ import annotations

import logging
import sys

__all__ = ["log_to_stderr"]

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def log_to_stderr(level: int = logging.INFO) -> bool:
    """Writes this package's log to stderr, unless a handler is configured already; returns whether it did.

    Thread-safe; a second call does nothing.
    """
    logger = logging.getLogger("qqbot_sync")
    if logger.hasHandlers():
        return False
    handler = logging.StreamHandler(_Safe())
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(level)
    return True


class _Safe:
    """stderr as it is at the moment, on which nothing is too odd to print (a GBK console refuses many characters)."""

    def write(self, text: str) -> None:
        stream = sys.stderr
        if stream is None:
            return
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "replace").decode(encoding))

    def flush(self) -> None:
        if sys.stderr is not None:
            sys.stderr.flush()
