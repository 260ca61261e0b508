"""What a person did, as a handle: its id, and the bot's answers to it."""

from __future__ import annotations

import threading

from qqbot_sync.clock import Clock
from qqbot_sync.simulator.guard import Guard
from qqbot_sync.simulator.messages import Anchor, Message

__all__ = ["Said", "wait_for_answers"]


class Said:
    """Something said, pressed, joined or pushed. Thread-safe."""

    __slots__ = ("_anchor", "_clock", "_guard")

    def __init__(self, anchor: Anchor, guard: Guard, clock: Clock) -> None:
        self._anchor = anchor
        self._guard = guard
        self._clock = clock

    @property
    def id(self) -> str:
        """The message's id; of what is no message, the event's id."""
        return self._anchor.id

    @property
    def event_id(self) -> str | None:
        """The `id` of the envelope."""
        return self._anchor.event_id

    def replies(self, timeout: float = 5, count: int = 1) -> list[Message]:
        """The bot's answers, in the order they came.

        Args:
            timeout: seconds to wait at most.
            count: returns as soon as so many are there.

        Returns:
            all that are there by then, which may be more than `count` or fewer.
        """
        return wait_for_answers(self._anchor, self._guard, self._clock, timeout=timeout, count=count)

    def __repr__(self) -> str:
        return f"<Said {self._anchor.event} {self.id}>"


def wait_for_answers(anchor: Anchor, guard: Guard, clock: Clock, *, timeout: float, count: int) -> list[Message]:
    """Waits until `count` answers to `anchor` are there, at most `timeout` seconds; gives all there are. Blocks.

    Raises:
        ValueError: a timeout or a count that is none.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
        raise ValueError(f"timeout must be seconds, not {timeout!r}")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise ValueError(f"count must be a number of replies, not {count!r}")
    enough = threading.Event()

    def look() -> None:
        if len(anchor.answers) >= count:
            enough.set()

    with guard:
        anchor.waiting.append(look)
        guard.waiting.add(enough)
        look()
    clock.wait(enough, timeout)
    with guard:
        anchor.waiting.remove(look)
        guard.waiting.discard(enough)
        return list(anchor.answers)
