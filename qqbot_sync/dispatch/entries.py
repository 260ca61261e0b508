"""What the queue holds, who works on it, and what an offer is answered with."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from qqbot_sync.dispatch.lanes import Lane
    from qqbot_sync.dispatch.registration import Registration
    from qqbot_sync.events import RawEvent

__all__ = ["LIFECYCLE", "Entry", "Glimpse", "Offer", "Task", "is_spared"]

LIFECYCLE = frozenset({"READY", "RESUMED"})
"""Never dropped, and accepted beyond `queue_size`: there is one for each connection."""


class Offer(Enum):
    """What became of an event that was offered."""

    ACCEPTED = "accepted"
    """Somebody will handle it; `event.finish()` is called when that is done."""
    UNHEARD = "unheard"
    """Nobody listens; finished."""
    DUPLICATE = "duplicate"
    """It was seen before; finished."""
    DROPPED = "dropped"
    """The queue is full and the policy gave this one up; finished."""
    REFUSED = "refused"
    """The intake is closed. The event was not touched: it does not count as received."""


class Glimpse:
    """An event that only watches want: shown, and forgotten."""

    __slots__ = ("event",)

    def __init__(self, event: RawEvent) -> None:
        self.event = event


Entry = Union["RawEvent", Glimpse]


class Task:
    """One run of a pool thread through the lanes, and what it is doing now.

    The backlog's lock guards `lane`, `begun` and `void`; the rest is written by the task's own thread alone and read by
    anybody who asks what the workers do.
    """

    __slots__ = (
        "begun",
        "count",
        "event",
        "ident",
        "lane",
        "left",
        "owed",
        "registration",
        "sends",
        "since",
        "void",
        "waits",
    )

    def __init__(self) -> None:
        self.ident = 0
        self.lane: Lane | None = None
        self.event: RawEvent | None = None
        self.registration: Registration | None = None
        self.since = 0.0
        self.waits = 0
        self.count = 0
        """Events it has begun and the backlog has not yet counted."""
        self.owed: list[RawEvent] = []
        self.begun = self.void = self.left = False
        self.sends = False
        """Another task is to be handed to the executor before a handler is called."""


def is_spared(entry: Entry) -> bool:
    """Whether no overflow policy may give it up."""
    return not isinstance(entry, Glimpse) and entry.name in LIFECYCLE
