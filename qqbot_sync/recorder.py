"""The flight recorder: the last frames, state changes and handler calls, kept to be looked at after a crash.

Recording is appending to a ring: what is kept is formatted, and freed of secrets and texts, only when a report is made.
"""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timezone

from qqbot_sync import codec
from qqbot_sync._version import __version__
from qqbot_sync.clock import Clock
from qqbot_sync.logs import blank, known_secrets, redacted

__all__ = ["CALL_GAP", "LONGEST", "Call", "FlightRecorder", "redacted"]

FRAMES, NOTES, CALLS = 200, 500, 500
"""How many of each are kept."""
LONGEST = 4096
"""Bytes of one frame that are kept."""
CALL_GAP = 0.001
"""Seconds: of handler calls that take less, one is kept in so long. 500 calls of a flood would be the history of a
hundredth of a second, and keeping each of them costs more than everything else here."""
Call = tuple[float, float, str, str, "str | None"]


class FlightRecorder:
    """A ring of what happened last. Thread-safe: each entry is one append.

    What comes with every event is appended by whoever has it, without a call: `frames` gives the ring of a shard's
    frames, `calls` is the ring of handler calls (began, ended, handler, event, event id; monotonic seconds), of which
    whoever appends leaves out what `CALL_GAP` says.
    """

    def __init__(self, clock: Clock, *, enabled: bool = True) -> None:
        self._clock = clock
        self._enabled = enabled
        self._frames: dict[int, deque[bytes]] = {}
        self._notes: deque[tuple[float, str]] = deque(maxlen=NOTES)
        self.calls: deque[Call] = deque(maxlen=CALLS if enabled else 0)

    def frames(self, shard_id: int) -> deque[bytes]:
        """The ring of the frames that came to this shard; cut to `LONGEST` bytes each by whoever appends."""
        return self._frames.setdefault(shard_id, deque(maxlen=FRAMES if self._enabled else 0))

    def note(self, text: str) -> None:
        """A state changed. The text holds no secret."""
        if self._enabled:
            self._notes.append((self._clock.now(), text))

    def report(self, facts: Iterable[tuple[str, object]]) -> str:
        """Everything as text, without secrets and without what people wrote.

        Args:
            facts: further headings with their contents.
        """
        now, wall = self._clock.now(), self._clock.wall()

        def at(when: float) -> str:
            return datetime.fromtimestamp(wall - now + when, timezone.utc).strftime("%H:%M:%S.%f")[:-3]

        made = datetime.fromtimestamp(wall, timezone.utc).isoformat(timespec="seconds")
        sections: list[tuple[str, Iterable[str]]] = [
            (
                "qqbot_sync flight recorder",
                (
                    f"made {made} (times are UTC)",
                    f"qqbot_sync {__version__}, Python {platform.python_version()}, {platform.platform()}",
                ),
            ),
            *((title, str(content).splitlines()) for title, content in facts),
            ("state changes", (f"{at(when)} {text}" for when, text in list(self._notes))),
            (
                f"handler calls, all that took {CALL_GAP * 1000:g} ms and more; of others one in each such time",
                (
                    f"{at(began)} {(ended - began) * 1000:9.1f} ms {handler}: {event} {event_id or ''}"
                    for began, ended, handler, event, event_id in list(self.calls)
                ),
            ),
            *(
                (f"frames of shard {shard_id}, oldest first", (_shown(data) for data in list(frames)))
                for shard_id, frames in sorted(self._frames.items())
            ),
            ("threads", _stacks()),
        ]
        text = "\n\n".join(f"== {title} ==\n" + "\n".join(lines) for title, lines in sections) + "\n"
        # Stacks show the user's own lines of code, and people write secrets there.
        return blank(text, known_secrets())


def _shown(data: bytes) -> str:
    try:
        return codec.dumps(redacted(codec.loads(data))).decode("utf-8", "replace")
    except (codec.Undecodable, RecursionError):
        return f"({len(data)} bytes that are no JSON, or the beginning of more)"


def _stacks() -> Iterable[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        yield f"-- {names.get(ident, ident)}"
        yield "".join(traceback.format_stack(frame)).rstrip()
