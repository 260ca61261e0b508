"""What is said in a simulator, shown while it is said."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from qqbot_sync.clock import SystemClock

if TYPE_CHECKING:
    from qqbot_sync import Simulator

__all__ = ["Transcript"]

LOOK = 0.2
"""Seconds between two looks at the log."""
KINDS = ("said", "answered", "sent")


class Transcript:
    """Prints every message of a simulator to stderr, for the length of a `with` block.

    Not thread-safe; it has one thread, which reads the simulator's log.
    """

    def __init__(self, qq: Simulator) -> None:
        self._qq = qq
        self._over = threading.Event()
        self._seen = 0
        self._thread = threading.Thread(target=self._follow, name="qqbot-transcript", daemon=True)

    def __enter__(self) -> Transcript:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        clock = SystemClock()
        is_over = False
        while not is_over:
            is_over = clock.wait(self._over, LOOK)
            for entry in self._qq.entries(self._seen, KINDS):
                self._seen = entry["number"]
                click.echo(_line(entry), err=True)


def _line(entry: Mapping[str, Any]) -> str:
    if entry["kind"] == "said":
        return f"[{entry['where']}] {entry['user']}: {entry['text']}"
    return f"[{entry['scene']}] -> {entry['content']}"
