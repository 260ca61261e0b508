"""What can go wrong with an HTTP call, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["HttpFault", "HttpFaults"]


@dataclass
class HttpFault:
    """One fault that waits for its calls."""

    kind: Literal["fail", "hang", "lose"]
    times: int
    """How many more calls it meets."""
    path: str | None
    """Only calls whose path starts with it; None means every call."""
    status: int = 500
    code: int | None = None
    seconds: float = 0.0


class HttpFaults:
    """The faults that are set. Not thread-safe."""

    def __init__(self) -> None:
        self._waiting: list[HttpFault] = []
        self.delay = 0.0
        """Seconds every answer waits."""

    def add(self, fault: HttpFault) -> None:
        """Sets one more."""
        self._waiting.append(fault)

    def meet(self, path: str) -> HttpFault | None:
        """The fault that this call meets, which is one less to come."""
        for fault in self._waiting:
            if fault.path is None or path.startswith(fault.path):
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """No faults any more."""
        self._waiting.clear()
        self.delay = 0.0
