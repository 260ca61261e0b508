"""What goes wrong on the way to the bot: events twice, and in another order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Event", "Mischief"]


@dataclass(frozen=True)
class Event:
    """One event on its way to the sessions."""

    name: str
    d: bytes
    """Encoded once for all sessions."""
    event_id: str | None
    message_id: str | None
    bits: int
    """Intents of which a session needs one; 0 goes to all."""
    guild_id: int | None = None
    """None goes to shard 0."""
    unless: int = 0
    """Sessions with one of these intents are passed over."""


class Mischief:
    """Duplicates and reorders what passes through. Not thread-safe."""

    def __init__(self) -> None:
        self._twice = 0
        self._hold = 0
        self._held: list[Event] = []
        self._round = 0

    def duplicate(self, times: int) -> None:
        """The next `times` events come twice, the second time with an `s` of its own."""
        self._twice = times

    def reorder(self, count: int) -> int:
        """The next `count` events are held back and come in reverse order, once the last of them is there.

        Returns:
            the number of this round, for `release`.
        """
        self._hold = count
        self._round += 1
        return self._round

    def arrange(self, event: Event) -> Sequence[Event]:
        """What goes out instead of `event`, in this order."""
        if self._hold:
            self._held.append(event)
            if len(self._held) < self._hold:
                return ()
            return self.release(self._round)
        if self._twice:
            self._twice -= 1
            return (event, event)
        return (event,)

    def release(self, round: int) -> Sequence[Event]:
        """What was held back so far in this round; nothing is held any more. Nothing if the round is over."""
        if round != self._round:
            return ()
        self._round += 1
        held, self._held, self._hold = self._held, [], 0
        return held[::-1]
