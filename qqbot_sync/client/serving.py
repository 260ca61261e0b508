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

FLUSH_TIMEOUT = 1.0
"""Seconds."""
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
        shut_down: has the client stopped; called once, returns at once.
        failed: the fatal cause, if there was one.
    """
    restore = _install(words)
    is_ours = restore is not _nothing
    ending = signalled = False
    try:
        while True:
            word = _next(words)
            if isinstance(word, Done):
                break
            if isinstance(word, Signalled):
                if signalled and word.number == signal.SIGINT:
                    if not is_ours:
                        raise KeyboardInterrupt
                    _leave(130)
                signalled = True
                log.info("%s: stopping; once more to leave at once", signal.Signals(word.number).name)
            if not ending:
                ending = True
                shut_down()
    finally:
        restore()
    if word.stuck and signalled and is_ours:
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
        return _nothing

    ours = os.getpid()

    def handler(number: int, _frame: FrameType | None) -> None:
        if os.getpid() == ours:
            words.put(Signalled(number))
        else:
            # In a child that was forked meanwhile nobody reads the words: it must end as any other would.
            signal.signal(number, old[number] or signal.SIG_DFL)
            os.kill(os.getpid(), number)

    old: dict[int, Any] = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, previous in old.items():
            with suppress(TypeError):  # a handler that was not installed from Python cannot be put back
                signal.signal(number, previous)

    return restore


def _nothing() -> None:
    """There is nothing to give back."""


def _leave(status: int) -> None:
    """The only exit in the package (docs/adr/0005)."""
    # A stuck handler may hold the lock of a log handler or a stream: the exit waits for none of them.
    flushing = threading.Thread(target=_flush, name="qqbot-flush", daemon=True)
    flushing.start()
    flushing.join(FLUSH_TIMEOUT)
    os._exit(status)


def _flush() -> None:
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
