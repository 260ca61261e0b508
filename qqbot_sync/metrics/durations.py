"""How long handlers ran: counted into buckets, because nobody can keep every duration."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import get_ident

__all__ = ["BOUNDS", "Durations", "HandlerTimes", "Histogram"]

_MANTISSAS = (
    *(1.00, 1.12, 1.25, 1.40, 1.60, 1.80, 2.00, 2.24, 2.50, 2.80),
    *(3.15, 3.55, 4.00, 4.50, 5.00, 5.60, 6.30, 7.10, 8.00, 9.00),
)
"""Twenty steps to the power of ten, rounded so that 1, 2.5 and 5 are among them."""
BOUNDS: tuple[float, ...] = tuple(float(f"{m}e{power}") for power in range(-6, 3) for m in _MANTISSAS) + (1e3,)
"""The upper ends of the buckets, in seconds: 1 µs to 1,000 s; one more bucket holds what is longer."""
_SUM = len(BOUNDS) + 1


@dataclass(frozen=True)
class Durations:
    """How long something took. The percentiles are exact to about 6 %; above 1,000 s they say 1,000."""

    count: int
    total: float
    """Seconds, all together."""
    p50: float
    """Seconds within which half of them ended."""
    p90: float
    p99: float


class Histogram:
    """Durations by bucket. Immutable.

    Args:
        rows: each with a count for every bucket, and the sum of the durations last.
    """

    def __init__(self, rows: Iterable[Sequence[float]]) -> None:
        self._row = [sum(column) for column in zip(*rows, strict=True)] or [0] * (_SUM + 1)
        self._counts = [int(count) for count in self._row[:_SUM]]
        self.count = sum(self._counts)
        """How many."""
        self.total = float(self._row[_SUM])
        """Seconds, all together."""

    @classmethod
    def sum_of(cls, histograms: Iterable[Histogram]) -> Histogram:
        """All of them as one."""
        return cls(histogram._row for histogram in histograms)

    def up_to(self, bound: float) -> int:
        """How many took at most `bound` seconds; `bound` is one of `BOUNDS`."""
        return sum(self._counts[: BOUNDS.index(bound) + 1])

    def percentile(self, share: float) -> float:
        """Seconds within which this share of them ended; 0.0 when there is none.

        Args:
            share: from 0.0 to 1.0.
        """
        rank, passed = share * self.count, 0
        for place, count in enumerate(self._counts):
            if count and passed + count >= rank:
                if place == len(BOUNDS):
                    break
                lower = BOUNDS[place - 1] if place else 0.0
                return lower + (BOUNDS[place] - lower) * max(0.0, rank - passed) / count
            passed += count
        return BOUNDS[-1] if self.count else 0.0

    def durations(self) -> Durations:
        """The figures people ask for."""
        return Durations(self.count, self.total, *(self.percentile(share) for share in (0.5, 0.9, 0.99)))


class HandlerTimes:
    """The durations of each handler. Thread-safe.

    Every thread has rows of its own, so that nobody waits for a lock. A thread that ends leaves its rows to the next
    of the same number, which the system gives out only when the old thread is gone: no row ever has two writers.
    """

    def __init__(self) -> None:
        self._by_thread: dict[int, dict[str, list[float]]] = {}

    def record(self, name: str, seconds: float) -> None:
        """A handler has ended. Called for every event: a quarter of a microsecond."""
        try:
            row = self._by_thread[get_ident()][name]
        except KeyError:
            row = self._by_thread.setdefault(get_ident(), {}).setdefault(name, [0] * (_SUM + 1))
        row[bisect_left(BOUNDS, seconds)] += 1
        row[_SUM] += seconds

    def histograms(self) -> dict[str, Histogram]:
        """The durations so far, by handler."""
        rows: dict[str, list[list[float]]] = {}
        for of_thread in list(self._by_thread.values()):
            for name, row in list(of_thread.items()):
                rows.setdefault(name, []).append(row.copy())
        return {name: Histogram(found) for name, found in sorted(rows.items())}
