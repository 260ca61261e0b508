"""Messages on both sides: what a person said (an anchor for replies) and what the bot sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from qqbot_sync.clock import Clock
from qqbot_sync.simulator.rooms import Place

__all__ = ["Anchor", "Anchors", "Author", "Message"]


@dataclass(frozen=True)
class Author:
    """Who sent a message: the bot."""

    id: str
    username: str
    bot: bool = True


@dataclass(frozen=True)
class Message:
    """One message that the bot sent. Immutable, thread-safe."""

    id: str
    content: str
    author: Author
    scene: str
    """"channel", "direct", "group" or "c2c"."""
    place: str
    """The id in the URL: channel, virtual guild, group or user."""
    msg_id: str | None
    """The message it answers."""
    event_id: str | None
    """The event it answers."""
    msg_seq: int | None
    """Its number among the replies; None in guilds, where there is none."""
    timestamp: str
    raw: dict[str, Any] = field(repr=False)
    """The body of the request, as it came."""

    def to_dict(self) -> dict[str, Any]:
        """The message as JSON data."""
        return asdict(self)


@dataclass(eq=False, slots=True)
class Anchor:
    """Something the bot can answer: a message or an event."""

    id: str
    event_id: str | None
    event: str
    place: Place
    at: float
    answers: list[Message] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    """Numbers of the replies that were taken."""
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """Called at each answer."""


class Anchors:
    """Everything that can still be answered, by message id and by event id. Not thread-safe."""

    kept = 7200.0
    """Seconds; longer than every reply window, so that "expired" can be told from "unknown"."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_message: dict[str, Anchor] = {}
        self._by_event: dict[str, Anchor] = {}

    def add(self, id: str, event_id: str | None, event: str, place: Place) -> Anchor:
        """Remembers one message or event; the same message pushed again stays what it was."""
        known = self._by_message.get(id) if id else self._by_event.get(event_id or "")
        anchor = known or Anchor(id or event_id or "", event_id, event, place, self._clock.now())
        if id:
            self._by_message.setdefault(id, anchor)
        if event_id:
            self._by_event.setdefault(event_id, anchor)
        self._forget(self._by_message, anchor.at)
        self._forget(self._by_event, anchor.at)
        return anchor

    def message(self, id: str) -> Anchor | None:
        """The message of this id."""
        return self._by_message.get(id)

    def event(self, id: str) -> Anchor | None:
        """The event of this id."""
        return self._by_event.get(id)

    def find(self, id: str) -> Anchor | None:
        """The message, or else the event, of this id."""
        return self._by_message.get(id) or self._by_event.get(id)

    def _forget(self, table: dict[str, Anchor], now: float) -> None:
        for id in list(_first_two(table)):
            if table[id].at < now - self.kept:
                del table[id]


def _first_two(table: dict[str, Anchor]) -> list[str]:
    # Two go for each that comes: the table shrinks to its age limit without ever being walked.
    oldest = iter(table)
    return [id for id, _ in zip(oldest, range(2), strict=False)]
