"""How long to wait before the next attempt: exponential growth with full jitter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]

# From here on every factor that grows at all has passed any maximum; larger exponents only overflow.
_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between 0 and min(maximum, initial · factor^attempt), evenly spread. Immutable, thread-safe.

    Spreading over the whole range keeps bots that lost the platform together from coming back together.
    """

    initial: float = 1.0
    """Seconds: the longest wait before the first attempt."""
    factor: float = 2.0
    maximum: float = 30.0
    """Seconds: the longest wait of all."""

    def ceiling(self, attempt: int) -> float:
        """The longest wait, in seconds, before an attempt; attempts count from 0."""
        if self.initial <= 0:
            return 0.0
        try:
            grown = self.initial * float(self.factor) ** min(max(attempt, 0), _MANY)
        except OverflowError:
            return self.maximum
        return min(self.maximum, grown)

    def delay(self, attempt: int, dice: Callable[[], float]) -> float:
        """The wait, in seconds, before an attempt.

        Args:
            attempt: failures so far, from 0; no number is too large.
            dice: gives a number from 0 to 1, such as `random.random`.
        """
        return self.ceiling(attempt) * dice()
