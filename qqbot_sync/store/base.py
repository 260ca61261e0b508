"""What a bot remembers between connections and between processes, and the protocol of what keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

__all__ = ["MAX_AGE", "MOST_KEYS", "Done", "Record", "Remembered", "Store", "is_replayable"]

MAX_AGE = 86_400.0
"""Seconds after which a stored session is not worth resuming."""
MOST_KEYS = 10_000
"""Dedupe keys remembered for each shard, beside those a resume may replay."""


@dataclass(frozen=True)
class Record:
    """One shard's memory."""

    session_id: str | None
    seq: int
    """Resume after this number: nothing at or below it is outstanding."""
    mark: int
    """No event above this number was ever begun; what is replayed at or below it may have been."""
    intents: int
    """What the session was identified with."""
    wanted: int
    """What was asked for before the platform refused anything; other handlers mean another session."""
    saved_at: float
    """Seconds since 1970."""
    user: dict[str, Any] | None = None
    """The bot itself, as READY described it."""


class Done(NamedTuple):
    """An event that is finished."""

    session_id: str | None
    seq: int | None
    family: str | None
    """With `id`, what its copies are recognised by; None for an event that has no id."""
    id: str | None


def is_replayable(done: Done, record: Record) -> bool:
    """Whether a Resume after `record.seq` would bring this event again."""
    return done.session_id == record.session_id and done.seq is not None and done.seq > record.seq


@dataclass(frozen=True)
class Remembered:
    """What `open` finds."""

    record: Record | None
    done: Sequence[Done] = ()
    """Finished events that a resume may replay, and ids of which copies may still come; oldest first."""


class Store(Protocol):
    """Where memory is kept. Implementations are thread-safe; `key` names app, platform and shard.

    Every method may block on a disk, never for long. What they raise is logged and ends nothing – except in `open`,
    which comes out of `start()`.
    """

    def open(self, key: str) -> Remembered:
        """Begins a run of this bot and shard.

        Raises:
            AlreadyRunning: another process has it open.
        """

    def commit(self, key: str, record: Record, done: Sequence[Done]) -> None:
        """Keeps the record in place of the older one, and adds what is done: both or, in a crash, neither."""

    def close(self, key: str) -> None:
        """The run is over; another process may open it. A second call does nothing."""
