"""Who looks on when threads begin to wait for events: a recording notes it, a replay keeps the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from qqbot_sync.events import RawEvent

__all__ = ["Waiting", "Witness"]


class Waiting(Protocol):
    """One wait, from before its beginning to its end. Implementations are thread-safe."""

    def begun(self) -> None:
        """Events that come from now on are seen."""

    def over(self) -> None:
        """No more are. Called once."""


class Witness(Protocol):
    """Told about every wait. Implementations are thread-safe."""

    def waits(self, event: RawEvent | None) -> Waiting:
        """The calling thread, which runs the handlers of `event` or none, is about to wait. May block."""
