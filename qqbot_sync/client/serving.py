"""`run_forever`: serve until a signal, `stop()` or a fatal cause; drain; leave.

A signal handler does one thing: it puts a word into a queue. Everything else happens in threads that may take locks.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NamedTuple

from qqbot_sync.client.running import in_ipython_kernel

__all__ = ["Done", "Signalled", "Wanted", "Words", "serve"]

log = logging.getLogger("qqbot_sync.client")

WINDOWS_SLICE = 0.5
"""Seconds: Windows delivers no signal to a thread inside an unbounded wait."""


class Signalled(NamedTuple):
    """A signal arrived."""

    number: int


class Wanted(NamedTuple):
    """Somebody asked for the end."""


class Done(NamedTuple):
    """The client has stopped. `stuck`: handlers still run."""

    stuck: bool


Words = queue.SimpleQueue[Any]


def serve(words: Words, *, shut_down: Callable[[], None], failed: Callable[[], BaseException | None]) -> None:
    """Waits in the calling thread until the client has stopped.

    Args:
        words: where signals, wishes and the end are announced.
        shut_down: stops the client; called once, on a thread of its own.
        failed: the fatal cause, if there was one.
    """
    restore = _install(words)
    ending = signalled = False
    try:
        while True:
            word = _next(words)
            if isinstance(word, Done):
                break
            if isinstance(word, Signalled):
                if signalled and word.number == signal.SIGINT:
                    _leave(130)
                signalled = True
                log.info("%s: stopping; once more to leave at once", signal.Signals(word.number).name)
            if not ending:
                ending = True
                threading.Thread(target=shut_down, name="qqbot-stop", daemon=True).start()
    finally:
        restore()
    if word.stuck and signalled:
        # The interpreter would wait for these handlers for ever; everything that can be saved is saved.
        _leave(1 if failed() is not None else 0)


def _next(words: Words) -> Any:
    while True:
        try:
            return words.get(timeout=WINDOWS_SLICE) if sys.platform == "win32" else words.get()
        except queue.Empty:
            continue
        except KeyboardInterrupt:
            # Only where the signal is not ours, as in a notebook.
            return Signalled(signal.SIGINT)


def _install(words: Words) -> Callable[[], None]:
    """Takes SIGINT and SIGTERM; returns what gives them back. Touches nothing off the main thread or in a kernel."""
    if threading.current_thread() is not threading.main_thread() or in_ipython_kernel():
        return lambda: None

    def handler(number: int, _frame: FrameType | None) -> None:
        words.put(Signalled(number))

    old = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, previous in old.items():
            with suppress(TypeError):  # a handler that was not installed from Python cannot be put back
                signal.signal(number, previous)

    return restore


def _leave(status: int) -> None:
    """The only exit in the package (docs/adr/0005)."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)
