"""Setting up the log, by the program or in its place."""

from __future__ import annotations

import logging
import os
import threading
from typing import TextIO

from qqbot_sync.logs.formats import JsonFormatter, TextFormatter
from qqbot_sync.logs.handler import NAME, LogHandler
from qqbot_sync.logs.spec import AREAS, Levels, read_spec

__all__ = ["AREAS", "VARIABLE", "log_to_stderr", "setup_logging"]

VARIABLE = "QQ_BOT_LOG"
"""The environment variable with the spec, for where the program gives none."""
COLLAPSE = 10.0
"""Seconds in which repeats are held back."""
_setting_up = threading.Lock()


def setup_logging(
    spec: str | int | None = None,
    *,
    threads: bool = False,
    source: bool = False,
    json: bool = False,
    texts: bool = True,
    collapse: float | None = COLLAPSE,
    stream: TextIO | None = None,
) -> LogHandler:
    """Has this package log to stderr, or to `stream`. A second call changes what the first set up.

        setup_logging("gateway=debug,dispatch=info", threads=True, source=True)
        logging.getLogger("mybot").addHandler(setup_logging("info", json=True))    # your own lines, the same way

    Secrets and tokens appear in no line. The root logger and handlers of others are left alone. Thread-safe.

    Args:
        spec: a level for all (`debug`, `info`, `warning`, `error`, `critical`, `off`), levels for areas (`client`,
            `gateway`, `dispatch`, `http`, `simulator`), or both: `warning,http=debug`; areas not named log at INFO.
            None: the environment variable QQ_BOT_LOG, else `info`.
        threads: shows the thread's name.
        source: shows `file:line`.
        json: one JSON object a line.
        texts: False hides what people wrote: in payloads by key, in other lines where it is in the event being handled.
        collapse: seconds in which a line that says the same as one before it is only counted; None writes each.
        stream: where to.

    Returns:
        the handler; there is one, and a second call returns the same.

    Raises:
        ValueError: an unknown area or level; the message names the nearest.
    """
    levels = _from_environment() if spec is None else read_spec(spec)
    formatter = (
        JsonFormatter(threads=threads, source=source, texts=texts)
        if json
        else TextFormatter(threads=threads, source=source, texts=texts)
    )
    return _set_up(levels, formatter, collapse=collapse, stream=stream)


def log_to_stderr(level: int = logging.INFO) -> bool:
    """Writes this package's log to stderr, unless a handler is configured already; returns whether it did.

    The environment variable QQ_BOT_LOG says what is logged, as in `setup_logging`; else everything from `level`.
    Thread-safe; a second call does nothing.

    Raises:
        ValueError: QQ_BOT_LOG cannot be read.
    """
    logger = logging.getLogger(NAME)
    if logger.hasHandlers():
        return False
    formatter = TextFormatter(fields=False)
    if os.environ.get(VARIABLE, "").strip():
        _set_up(_from_environment(level), formatter, collapse=COLLAPSE, stream=None)
        return True
    # Levels that the program has set stay: it wants something, even though it has no handler for it.
    _set_up(None, formatter, collapse=COLLAPSE, stream=None)
    if logger.level == logging.NOTSET:
        logger.setLevel(level)
    return True


def _from_environment(default: int = logging.INFO) -> Levels:
    try:
        return read_spec(os.environ.get(VARIABLE, ""), default=default)
    except ValueError as error:
        raise ValueError(f"{VARIABLE}: {error}") from error


def _set_up(
    levels: Levels | None, formatter: logging.Formatter, *, collapse: float | None, stream: TextIO | None
) -> LogHandler:
    logger = logging.getLogger(NAME)
    with _setting_up:
        handler = next((one for one in logger.handlers if isinstance(one, LogHandler)), None)
        if handler is None:
            # One of an earlier import of this package, in a notebook that loads it again.
            for old in [one for one in logger.handlers if one.name == NAME]:
                logger.removeHandler(old)
                old.close()
            handler = LogHandler()
        handler.set_up(formatter, stream=stream, collapse=collapse)
        logger.addHandler(handler)
        if levels is not None:
            logger.setLevel(levels.others)
            for area in AREAS:
                logging.getLogger(f"{NAME}.{area}").setLevel(levels.areas.get(area, logging.NOTSET))
    return handler
