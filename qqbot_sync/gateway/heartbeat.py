"""The heartbeat: one thread per connection, asleep on the connection's end."""

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
        ended: the connection's end, which is this thread's alarm clock.
        broken: told when `look` raises, which it never should.
    """

    def __init__(
        self,
        look: Callable[[], float],
        *,
        ended: threading.Event,
        clock: Clock,
        name: str,
        broken: Callable[[BaseException], None],
    ) -> None:
        self._look = look
        self._ended = ended
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
            seconds = self._look()
            while not self._clock.wait(self._ended, seconds):
                seconds = self._look()
        except BaseException as error:
            log.critical("heartbeat thread died", exc_info=True)
            self._broken(error)
