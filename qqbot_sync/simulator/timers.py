"""Things that happen later, on one thread."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from qqbot_sync.clock import Clock
from qqbot_sync.simulator.guard import Guard

__all__ = ["Timers"]

_log = logging.getLogger("qqbot_sync.simulator")


class Timers:
    """Calls functions after a while, on the thread `qqbot-sim-timer`. Thread-safe."""

    def __init__(self, clock: Clock, guard: Guard) -> None:
        self._clock = clock
        self._guard = guard
        self._lock = threading.Lock()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Event()
        self._ends = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="qqbot-sim-timer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Forgets what is still to come and joins the thread."""
        with self._lock:
            self._due.clear()
            self._ends = True
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def call(self, after: float, function: Callable[[], None]) -> None:
        """Has `function` called under the guard in `after` seconds."""

        def guarded() -> None:
            with self._guard:
                function()

        self.call_freely(after, guarded)

    def call_freely(self, after: float, function: Callable[[], None]) -> None:
        """Has `function` called without the guard in `after` seconds."""
        with self._lock:
            heapq.heappush(self._due, (self._clock.now() + after, next(self._order), function))
        self._changed.set()

    def _run(self) -> None:
        while not self._ends:
            self._changed.clear()
            function, wait = self._next()
            if function is None:
                self._clock.wait(self._changed, wait)
                continue
            try:
                function()
            except Exception:  # noqa: BLE001  a verb that fails must not end all the later ones
                _log.exception("a scheduled verb failed")

    def _next(self) -> tuple[Callable[[], None] | None, float | None]:
        with self._lock:
            if self._ends or not self._due:
                # The thread may have been told to end between two looks.
                return None, 0.0 if self._ends else None
            wait = self._due[0][0] - self._clock.now()
            if wait > 0:
                return None, wait
            return heapq.heappop(self._due)[2], None
