"""Loggers that every test leaves as it found them, a process in which nobody configured any, and a clock."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from qqbot_sync.logs import AREAS, LogHandler
from qqbot_sync.logs import setup as logs_setup
from tests.logs.support import MYBOT, OURS, Clock, our_handlers


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Loggers are the process's: every test leaves them as it found them."""
    loggers = [OURS, MYBOT, *(logging.getLogger(f"qqbot_sync.{area}") for area in AREAS)]
    state = [(logger, logger.level, list(logger.handlers), logger.propagate) for logger in loggers]
    yield
    for logger, level, handlers, propagate in state:
        logger.setLevel(level)
        logger.propagate = propagate
        for handler in logger.handlers[:]:
            if handler not in handlers:
                logger.removeHandler(handler)
                handler.close()


@pytest.fixture
def nobody_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a plain script: no handler anywhere, no level set. (Those of pytest and of the suite do not count.)"""
    monkeypatch.setattr(OURS, "hasHandlers", lambda: bool(our_handlers()))
    for logger in (OURS, *(logging.getLogger(f"qqbot_sync.{area}") for area in AREAS)):
        logger.setLevel(logging.NOTSET)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    class Turned(LogHandler):
        def __init__(self) -> None:
            super().__init__(now=clock.now)

    monkeypatch.setattr(logs_setup, "LogHandler", Turned)
    return clock
