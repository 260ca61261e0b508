"""What several test packages share: a clock to turn by hand, the platform's payloads, and bounded waiting."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent / "fixtures" / "payloads"
CONTROL = {
    "hello",
    "ready",
    "resumed",
    "identify",
    "resume",
    "heartbeat",
    "heartbeat_ack",
    "webhook_callback_validation",
}
PATIENCE = 20.0
"""Seconds a test waits for what must happen; only a broken test ever waits that long."""


def payload(name: str) -> dict[str, Any]:
    """One captured frame as a dict, by file name without `.json`."""
    frame: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return frame


def event_payloads() -> list[str]:
    """The names of all captured event frames (dispatches other than READY and RESUMED)."""
    return sorted(
        path.stem for path in PAYLOADS.glob("*.json") if path.stem not in CONTROL and not path.stem.startswith("_")
    )


def eventually(condition: Callable[[], Any], *, within: float = PATIENCE, what: str = "the condition") -> Any:
    """Waits until `condition()` is true and returns its value; fails after `within` seconds."""
    pause = threading.Event()
    clock_ends = _monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if _monotonic() > clock_ends:
            raise AssertionError(f"{what} did not come true within {within:g} s")
        pause.wait(0.005)


def _monotonic() -> float:
    import time

    return time.monotonic()


class FakeClock:
    """A clock that moves only when told. Thread-safe.

    `wait` returns when the event is set or when `advance` has carried the clock past its end.
    """

    def __init__(self, start: float = 1000.0) -> None:
        self._changed = threading.Condition()
        self._now = start
        self._boot_ahead = 0.0
        self._wall = 1_790_000_000.0

    def now(self) -> float:
        with self._changed:
            return self._now

    def boot(self) -> float:
        with self._changed:
            return self._now + self._boot_ahead

    def wall(self) -> float:
        with self._changed:
            return self._wall + self._now

    def advance(self, seconds: float) -> None:
        """Moves all clocks."""
        with self._changed:
            self._now += seconds
            self._changed.notify_all()

    def suspend(self, seconds: float) -> None:
        """The laptop sleeps: only the boot clock goes on."""
        with self._changed:
            self._boot_ahead += seconds
            self._changed.notify_all()

    def jump_wall(self, seconds: float) -> None:
        """The wall clock is set."""
        with self._changed:
            self._wall += seconds

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        with self._changed:
            end = None if seconds is None else self._now + seconds
            while not event.is_set():
                if end is not None and self._now >= end:
                    return False
                # Real time only paces the look at the event; the outcome depends on the fake clock alone.
                self._changed.wait(0.01)
            return True
