"""How fast a counter grew of late: from what it was every second."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

__all__ = ["LONGEST_WINDOW", "Rate"]

LONGEST_WINDOW = 900.0
"""Seconds that can be looked back."""
_KEPT = 1000
"""Values kept: one for each second, and some to spare for starts in between."""


class Rate:
    """Values of a counter at known times. Not thread-safe: its owner has the lock."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=_KEPT)

    def sample(self, now: float, count: int) -> None:
        """The counter stands at `count` now."""
        self._samples.append((now, count))

    def over(self, window: float, now: float, count: int) -> float:
        """How much it grew per second in the last `window` seconds, or since the first sample where that is younger."""
        samples = list(self._samples)
        if not samples:
            return 0.0
        begin = max(now - window, samples[0][0])
        seconds = now - begin
        return (count - _at(begin, [*samples, (now, count)])) / seconds if seconds > 0 else 0.0


def _at(when: float, samples: list[tuple[float, int]]) -> float:
    """Where the counter stood; between two samples it grew evenly."""
    place = bisect_right(samples, when, key=lambda sample: sample[0])
    before, count = samples[place - 1]
    after, later = samples[min(place, len(samples) - 1)]
    return count + (later - count) * (when - before) / (after - before) if after > before else float(count)
