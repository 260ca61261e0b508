"""What `record` and `replay` see of a bot that they run and whose client they do not have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from qqbot_sync.recording import Playback, Recorder, audience

__all__ = ["clock_time", "watching"]


@contextlib.contextmanager
def watching() -> Iterator[list[Recorder | Playback]]:
    """The recorders and playbacks that clients make in the block, in order."""
    seen: list[Recorder | Playback] = []
    token = audience.set(seen.append)
    try:
        yield seen
    finally:
        audience.reset(token)


def clock_time(seconds: float) -> str:
    """`0.4 s`, `12.3 s`, `4:05`, `1:04:05`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
