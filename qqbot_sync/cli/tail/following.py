"""Events from the client to the view, until somebody has had enough."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from types import FrameType
from typing import NamedTuple

from qqbot_sync.cli.tail.choosing import Choice
from qqbot_sync.cli.tail.rows import row_of
from qqbot_sync.cli.tail.views import View
from qqbot_sync.clock import Clock
from qqbot_sync.codec import Undecodable
from qqbot_sync.context import Context
from qqbot_sync.dispatch import Watch

__all__ = ["Enough", "Tally", "follow"]

LOOK_UP = 0.25
"""Seconds between two looks at whether somebody has had enough."""
_LIFECYCLE = ("READY", "RESUMED")
"""Shown only where they are named: what happens to the connection is told elsewhere."""


class Tally(NamedTuple):
    """What came of it."""

    came: int
    shown: int


class Enough:
    """Whether somebody pressed Ctrl-C (or ended the process). A signal handler only notes it."""

    def __init__(self) -> None:
        self.times = 0
        """It was said."""
        self.is_connecting = True
        """While True the first Ctrl-C interrupts whatever is waiting."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes SIGINT and SIGTERM for the length of the block. A second one is a KeyboardInterrupt, and the last."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            # After the second the end has begun: one press more must not make another failure of it.
            for number, before in old.items() if self.times < 2 else ():
                with suppress(TypeError):  # a handler that was not installed from Python cannot be put back
                    signal.signal(number, before)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.times += 1
        if self.times > 1:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if self.times > 1 or self.is_connecting:
            raise KeyboardInterrupt


def follow(
    watch: Watch,
    choice: Choice,
    view: View,
    *,
    clock: Clock,
    enough: Enough,
    count: int | None = None,
    seconds: float | None = None,
) -> Tally:
    """Shows what the watch sees. Blocks.

    Args:
        count: of events that are shown; None: no limit.
        seconds: None: no limit.

    Raises:
        BotError: the fatal cause that ended the client.
    """
    came = shown = 0
    end = None if seconds is None else clock.now() + seconds
    while not enough.times and (count is None or shown < count):
        left = LOOK_UP if end is None else min(LOOK_UP, end - clock.now())
        if left <= 0:
            break
        try:
            ctx = watch.next(left)
        except TimeoutError:
            continue
        if ctx.name in _LIFECYCLE and not choice.names.patterns:
            continue
        came += 1
        shown += _shown(ctx, choice, view, clock)
    return Tally(came, shown)


def _shown(ctx: Context, choice: Choice, view: View, clock: Clock) -> bool:
    try:
        raw = ctx.raw
    except Undecodable:
        raw = None
    arrived = clock.wall() - (clock.now() - ctx.received_at)
    at = datetime.fromtimestamp(arrived).astimezone()
    row = row_of(ctx.name, raw, ctx.keys, at=at, shard=ctx.shard)
    if not choice.shows(row, ctx.keys):
        return False
    view.show(row, ctx)
    return True
