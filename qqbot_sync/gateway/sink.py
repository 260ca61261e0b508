"""What a shard knows of the world behind it: where its events go, what became of earlier ones, who keeps account."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple, Protocol

from qqbot_sync.events import RawEvent
from qqbot_sync.protocol.ledger import SeqLedger

__all__ = ["Books", "Repeats", "Sink"]


class Sink(Protocol):
    """Where events go."""

    def hears(self, name: str) -> bool:
        """Whether anybody listens to this event."""

    def offer(self, event: RawEvent) -> bool:
        """Takes the event, perhaps after waiting for room; False if it was refused and must come again."""

    def dropped(self, reason: str, detail: str = "") -> None:
        """A frame that could not be used; `reason` is one of a few."""

    def acknowledged(self) -> None:
        """The peer answered a heartbeat."""

    def record(self, shard_id: int) -> Callable[[bytes], None]:
        """What keeps the frames of this shard for the record."""

    def said(self, shard_id: int, what: str) -> None:
        """A frame of this kind went; for the record."""

    def began_session(self, shard: tuple[int, int]) -> None:
        """READY: what the old session might still replay never comes, and `s` starts again at 1."""

    def reserve(self, shard: tuple[int, int], seq: int | None) -> None:
        """The event with this `s` is about to be offered, and may begin at any moment."""

    def finished(self, event: RawEvent, session_id: str | None) -> None:
        """The event is done with."""

    def repeated(self) -> None:
        """An event came that an earlier run has finished: it is not offered."""

    def progressed(self, shard: tuple[int, int], resume_point: int | None) -> None:
        """Nothing at or below this `s` is outstanding."""


class Repeats(NamedTuple):
    """What an earlier run tells about the events of a replay."""

    mark: int = 0
    """Events up to this number may have begun before."""
    finished: frozenset[int | None] = frozenset()
    """Events above the resume point that are done."""


class Books:
    """The accounts of one session, as its events see them. Thread-safe."""

    __slots__ = ("_ledger", "_lock", "_session_id", "_sink", "generation")

    def __init__(self, lock: threading.Lock, ledger: SeqLedger, session_id: str | None, sink: Sink) -> None:
        self._lock = lock
        self._ledger = ledger
        self._session_id = session_id
        self._sink = sink
        self.generation = ledger.generation

    def finished(self, event: RawEvent) -> None:
        """An event of this session is done with."""
        with self._lock:
            self._ledger.finished(event.seq, generation=self.generation)
        self._sink.finished(event, self._session_id)
