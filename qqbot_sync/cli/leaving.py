"""SIGTERM for commands that have something to put away."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import NoReturn

__all__ = ["leaving_on_sigterm"]


@contextlib.contextmanager
def leaving_on_sigterm(status: int) -> Iterator[None]:
    """SIGTERM unwinds the block like an exception, and the process ends with `status`. Not thread-safe.

    Only the first does: a second one, which whoever sent the first may well send, would cut the putting away short, or
    meet an interpreter that has taken its handlers down already. Outside the main thread nothing is changed.
    """

    def leave(_number: int, _frame: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(status)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is leave:
            signal.signal(signal.SIGTERM, before)
