"""What is said in a simulator, shown while it is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from qqbot_sync.cli.looking import Looking

if TYPE_CHECKING:
    from qqbot_sync import Simulator

__all__ = ["Transcript"]

LOOK = 0.2
"""Seconds between two looks at the log."""
KINDS = ("said", "answered", "sent")


class Transcript(Looking):
    """Prints every message of a simulator to stderr, for the length of a `with` block. Not thread-safe."""

    def __init__(self, qq: Simulator) -> None:
        super().__init__("qqbot-transcript", LOOK)
        self._qq = qq
        self._seen = 0

    def look(self, *, is_last: bool) -> bool:  # noqa: ARG002  the last look is like the others
        for entry in self._qq.entries(self._seen, KINDS):
            self._seen = entry["number"]
            click.echo(_line(entry), err=True)
        return True


def _line(entry: Mapping[str, Any]) -> str:
    if entry["kind"] == "said":
        return f"[{entry['where']}] {entry['user']}: {entry['text']}"
    return f"[{entry['scene']}] -> {entry['content']}"
