"""Which events of a session are done: where a Resume has to begin."""

from __future__ import annotations

from collections import OrderedDict
from heapq import heappop, heappush

__all__ = ["SeqLedger"]


class SeqLedger:
    """The sequence numbers of one session, as they come in and are finished.

    Not thread-safe: it is read and written under the lock of its shard. Every call takes constant time, amortised.

        ledger.accepted(s)      # before the event is offered
        ledger.received(s)      # the offer was not refused: s counts as received
        ledger.finished(s)      # its handlers are done, perhaps before `received`

    An event that nobody will handle (unheard, a duplicate) is only `received`. One that was offered and refused is
    `finished` and never `received`, so that it will be replayed.

    Args:
        highest: the resume point that a stored session goes on from; None for a new session.
    """

    def __init__(self, highest: int | None = None) -> None:
        self._generation = 0
        self._highest: int | None = None
        # In the order of acceptance, which is ascending. An OrderedDict, because finding the first key of a plain
        # dict walks over all that were deleted before it.
        self._open: OrderedDict[int, int] = OrderedDict()
        self._newest = 0
        # What is accepted below `_newest` (a replay that overlaps) waits here, so that `_open` stays ascending.
        self._late: dict[int, int] = {}
        self._late_order: list[int] = []
        self.reset(highest)

    @property
    def generation(self) -> int:
        """Counts the sessions: hand it to `finished` where an event may outlive its session."""
        return self._generation

    @property
    def highest(self) -> int | None:
        """The highest `s` received; None before the first."""
        return self._highest

    @property
    def lowest_unfinished(self) -> int | None:
        """The lowest `s` accepted and not finished; None when there is none."""
        first = next(iter(self._open)) if self._open else None
        late = self._late_order[0] if self._late_order else None
        if first is None or late is None:
            return late if first is None else first
        return min(first, late)

    @property
    def unfinished(self) -> int:
        """How many sequence numbers are accepted and not finished."""
        return len(self._open) + len(self._late)

    @property
    def resume_point_within_process(self) -> int | None:
        """The `s` to resume after while the accepted events live on in this process."""
        return self._highest

    @property
    def resume_point_across_restart(self) -> int | None:
        """The highest `s` such that nothing at or below it is outstanding: what a store may promise."""
        lowest = self.lowest_unfinished
        if lowest is None or self._highest is None:
            return self._highest
        return min(lowest - 1, self._highest)

    def accepted(self, s: int | None) -> None:
        """The event is about to be offered. The same `s` may come again; it is then finished as often as accepted."""
        if s is None:
            return
        if s in self._late:
            self._late[s] += 1
        elif s in self._open:
            self._open[s] += 1
        elif self._open and s < self._newest:
            self._late[s] = 1
            heappush(self._late_order, s)
        else:
            self._open[s] = 1
            self._newest = s

    def received(self, s: int | None) -> None:
        """The event is in our hands: the server need not send it again while this process lives."""
        if s is not None and (self._highest is None or s > self._highest):
            self._highest = s

    def refused(self, s: int | None, before: int | None) -> None:
        """The event with this `s` was accepted and received, and then refused after all: it will be sent again.

        Args:
            before: what `highest` was before it came.
        """
        self.finished(s)
        self._highest = before

    def finished(self, s: int | None, *, generation: int | None = None) -> None:
        """The event is done with. Numbers that are not outstanding are ignored, and so is another session's event.

        Args:
            s: its sequence number.
            generation: what `generation` was when it was accepted; None means this session.
        """
        if s is None or (generation is not None and generation != self._generation):
            return
        waiting = self._open if s in self._open else self._late
        left = waiting.get(s, 0) - 1
        if left > 0:
            waiting[s] = left
            return
        waiting.pop(s, None)
        while self._late_order and self._late_order[0] not in self._late:
            heappop(self._late_order)

    def reset(self, highest: int | None = None) -> None:
        """A new session begins, where `s` starts again at 1; or, with `highest`, a stored one goes on."""
        self._generation += 1
        self._highest = highest
        self._open.clear()
        self._late.clear()
        self._late_order.clear()
        self._newest = 0
