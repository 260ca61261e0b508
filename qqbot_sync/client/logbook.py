"""What diagnostics remember of a client when counters do not say it: since when it runs, and what went wrong last."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qqbot_sync.logs import blank, known_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qqbot_sync.client.state import ShardInfo
    from qqbot_sync.clock import Clock
    from qqbot_sync.intents import Intents

__all__ = ["Fault", "Logbook", "Stay"]

MOST_FAULTS = 10
"""Kinds of errors remembered; the one that is longest ago goes first."""
LONGEST_TEXT = 300
"""Characters kept of what an error said."""


@dataclass(frozen=True)
class Fault:
    """An error, and how often it came."""

    where: str
    """`shard 0`, `client`, or the handler's `module.qualname`."""
    kind: str
    """The class of the error, or how the connection ended (`network`, `close 4009`, `heartbeat`, …)."""
    text: str
    """What it said the last time; without secrets."""
    count: int
    first_at: float
    """Seconds since 1970."""
    last_at: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Stay:
    """A start and, perhaps, its end."""

    began_at: float
    """Seconds of the monotonic clock, as `ended_at`."""
    began_wall: float
    """The same in seconds since 1970."""
    received_before: int
    """Events that had been received in earlier starts."""
    ended_at: float | None = None
    shards: tuple[ShardInfo, ...] = ()
    """As they were at the end."""
    intents: tuple[Intents, Intents] | None = None
    """(asked for, wanted before anything was refused), likewise."""


class Logbook:
    """The memory of one client, over all its starts. Thread-safe; nothing blocks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: dict[tuple[str, str], Fault] = {}
        self._stay: Stay | None = None

    def began(self, received: int) -> None:
        """A start. `received`: events received in the life of the client so far."""
        stay = Stay(self._clock.now(), self._clock.wall(), received)
        with self._lock:
            self._stay = stay

    def ended(self, shards: Sequence[ShardInfo], intents: tuple[Intents, Intents]) -> None:
        """Its end, with the last that is known of its shards."""
        now = self._clock.now()
        with self._lock:
            if self._stay is not None:
                self._stay = replace(self._stay, ended_at=now, shards=tuple(shards), intents=intents)

    def fault(self, where: str, error: BaseException | str, text: str | None = None) -> None:
        """Something went wrong. `error`: with its text, or the name of its kind."""
        kind = error if isinstance(error, str) else type(error).__name__
        said = " ".join(blank(_text_of(error) if text is None else text, known_secrets()).split())
        if len(said) > LONGEST_TEXT:
            said = said[: LONGEST_TEXT - 1] + "…"
        now = self._clock.wall()
        with self._lock:
            old = self._faults.pop((where, kind), None)
            count, first = (old.count + 1, old.first_at) if old is not None else (1, now)
            self._faults[(where, kind)] = Fault(where, kind, said, count, first, now)
            while len(self._faults) > MOST_FAULTS:
                del self._faults[next(iter(self._faults))]

    @property
    def stay(self) -> Stay | None:
        """The present start, else the last; None before the first."""
        with self._lock:
            return self._stay

    def faults(self) -> list[Fault]:
        """The last kinds of errors, the newest first."""
        with self._lock:
            return list(reversed(self._faults.values()))


def _text_of(error: BaseException | str) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001  an exception of the user's may fail at anything, and nobody may notice
        return f"(str() of it raises {type(failure).__name__})"
