"""The heartbeat: one thread per connection, asleep on the connection's alarm."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from qqbot_sync.clock import Clock

__all__ = ["Heartbeat"]

log = logging.getLogger("qqbot_sync.gateway")


class Heartbeat:
    """Calls `look()` whenever time may have brought something, until `ended` is set. One use, one owner (the reader).

    Args:
        look: does what is due and returns the seconds until it wants to be called again.
        ended: the connection's end.
        alarm: set at the end, and when `look` should be called earlier than it said.
        broken: told when `look` raises, which it never should.
    """

    def __init__(
        self,
        look: Callable[[], float],
        *,
        ended: threading.Event,
        alarm: threading.Event,
        clock: Clock,
        name: str,
        broken: Callable[[BaseException], None],
    ) -> None:
        self._look = look
        self._ended = ended
        self._alarm = alarm
        self._clock = clock
        self._broken = broken
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Waits until the thread has ended; `ended` must be set."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._alarm.clear()
                seconds = self._look()
                if not self._ended.is_set():
                    self._clock.wait(self._alarm, seconds)
        except BaseException as error:
            log.critical("heartbeat thread died", exc_info=True)
            self._broken(error)
