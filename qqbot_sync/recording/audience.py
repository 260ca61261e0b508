"""Who wants to see what a client records or replays: a command that runs a bot and does not have its client."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qqbot_sync.recording.playback import Playback
    from qqbot_sync.recording.recorder import Recorder

__all__ = ["Spectator", "audience", "show"]

Spectator = Callable[["Recorder | Playback"], None]

audience: ContextVar[Spectator | None] = ContextVar("qqbot_sync_audience", default=None)
"""Called with each recorder or playback that is made in this context; None: nobody looks."""


def show(performance: Recorder | Playback) -> None:
    """Tells the spectator, if there is one."""
    spectator = audience.get()
    if spectator is not None:
        spectator(performance)
